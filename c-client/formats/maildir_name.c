/* SPDX-License-Identifier: Apache-2.0 */
/* Names of the files in a maildir. */
#include "c-client/formats/maildir_name.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "c-client/base/buf.h"
#include "c-client/store/record.h"

#include "c-client/base/banned.h"

/* Room for ":2," and what letters there are. */
#define LETTERS_MAX	(3u + 2u * 26u)

static const struct {
	char letter;
	uint16_t flag;
} letters_of[] = {
	{ 'D', FLAG_DRAFT },
	{ 'F', FLAG_FLAGGED },
	{ 'R', FLAG_ANSWERED },
	{ 'S', FLAG_SEEN },
	{ 'T', FLAG_DELETED },
};
#define LETTERS		(sizeof letters_of / sizeof letters_of[0])

bool
maildir_name_is_base(struct span base)
{
	if (base.n == 0 || base.n > MAILDIR_NAME_MAX - LETTERS_MAX ||
	    base.p[0] == '.')
		return false;
	for (size_t i = 0; i < base.n; i++) {
		unsigned char c = (unsigned char)base.p[i];

		if (c < ' ' || c == 0x7f || c == '/' || c == ':')
			return false;
	}
	return true;
}

/* The number of a field ",X=123" of the base; 0 if it has none. */
static uint64_t
field(struct span base, char letter)
{
	for (size_t i = 0; i + 3 < base.n; i++) {
		struct span value;
		ptrdiff_t comma;
		uint64_t n;

		if (base.p[i] != ',' || base.p[i + 1] != letter ||
		    base.p[i + 2] != '=')
			continue;
		value = span_slice(base, i + 3, base.n);
		comma = span_find_char(value, ',');
		if (comma != -1)
			value.n = (size_t)comma;
		if (span_number(value, INT64_MAX, &n))
			return n;
	}
	return 0;
}

void
maildir_name_parse(struct span name, struct maildir_name *out)
{
	ptrdiff_t colon = span_find_char(name, ':'), comma;
	struct span info = { "", 0 };

	out->base = name;
	if (colon != -1) {
		out->base.n = (size_t)colon;
		info = span_slice(name, (size_t)colon + 1, name.n);
	}
	comma = span_find_char(out->base, ',');
	out->unique = out->base;
	if (comma > 0)
		out->unique.n = (size_t)comma;
	out->letters = (struct span){ "", 0 };
	if (info.n >= 2 && info.p[0] == '2' && info.p[1] == ',') {
		info = span_slice(info, 2, info.n);
		comma = span_find_char(info, ',');
		out->letters = comma == -1 ? info :
		    span_slice(info, 0, (size_t)comma);
	}
}

void
maildir_name_sizes(struct span base, uint64_t *size, uint64_t *wire)
{
	*size = field(base, 'S');
	*wire = field(base, 'W');
}

uint16_t
maildir_name_flags(struct span letters, uint32_t *keywords, bool *passed)
{
	uint16_t flags = 0;

	*keywords = 0;
	*passed = false;
	for (size_t i = 0; i < letters.n; i++) {
		char c = letters.p[i];

		if (c >= 'a' && c <= 'z')
			*keywords |= UINT32_C(1) << (c - 'a');
		*passed = *passed || c == 'P';
		for (size_t k = 0; k < LETTERS; k++)
			if (letters_of[k].letter == c)
				flags |= letters_of[k].flag;
	}
	return flags;
}

void
maildir_name_write(struct buf *out, struct span base, struct span old,
    uint16_t flags, uint32_t keywords, uint32_t known, bool passed)
{
	bool set['z' + 1] = { false };

	for (size_t i = 0; i < old.n; i++) {
		char c = old.p[i];

		if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z' &&
		    (known >> (c - 'a') & 1) == 0))
			set[(int)c] = true;
	}
	for (size_t k = 0; k < LETTERS; k++)
		set[(int)letters_of[k].letter] =
		    (flags & letters_of[k].flag) != 0;
	set['P'] = passed;
	for (int c = 'a'; c <= 'z'; c++)
		set[c] = set[c] || (keywords >> (c - 'a') & 1) != 0;
	buf_addspan(out, base);
	buf_adds(out, ":2,");
	for (int c = 'A'; c <= 'z'; c++)
		if (set[c])
			buf_addc(out, (char)c);
}

void
maildir_name_begin(struct buf *out)
{
	struct timespec now;
	uint64_t random = 0;

	clock_gettime(CLOCK_REALTIME, &now);
	/* Two in one microsecond are told apart by what the kernel draws. */
	if (getentropy(&random, sizeof random) == -1)
		random = (uint64_t)now.tv_nsec;
	buf_addf(out, "%lld.M%06ldP%07ldR%016llxQ", (long long)now.tv_sec,
	    now.tv_nsec / 1000, (long)getpid(), (unsigned long long)random);
}

void
maildir_name_end(struct buf *out, size_t n)
{
	static const char odd[] = "/:,";
	static const char *const written[] = { "\\057", "\\072", "\\054" };
	char host[33] = "";

	if (gethostname(host, sizeof host - 1) == -1 || host[0] == '\0')
		memcpy(host, "localhost", sizeof "localhost");
	buf_addnum(out, n);
	buf_addc(out, '.');
	for (const char *p = host; *p != '\0'; p++) {
		const char *at = strchr(odd, *p);

		if (at != NULL)
			buf_adds(out, written[at - odd]);
		else if ((unsigned char)*p > ' ' && *p != 0x7f)
			buf_addc(out, *p);
	}
}
