/* SPDX-License-Identifier: Apache-2.0 */
/* dovecot-keywords. */
#include "c-client/formats/maildir_keywords.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "c-client/base/bounds.h"
#include "c-client/base/buf.h"
#include "c-client/base/fault.h"
#include "c-client/base/file.h"
#include "c-client/base/memory.h"
#include "c-client/base/trip.h"
#include "c-client/formats/maildir_place.h"
#include "c-client/store/box.h"
#include "c-client/store/index.h"

#include "c-client/base/banned.h"

#define LOCK		MAILDIR_KEYWORDS ".lock"

/* A lock of this age, seconds, is left over: the file is written at once. */
#define LOCK_STALE	120

void
maildir_keywords_init(struct maildir_keywords *k)
{
	*k = (struct maildir_keywords){ 0 };
}

void
maildir_keywords_clear(struct maildir_keywords *k)
{
	for (size_t i = 0; i < MAILDIR_LETTERS; i++)
		free(k->names[i]);
	maildir_keywords_init(k);
}

static int
letter_of(const struct maildir_keywords *k, struct span name)
{
	for (size_t i = 0; i < MAILDIR_LETTERS; i++)
		if (k->names[i] != NULL && span_is(name, k->names[i]))
			return (int)i;
	return -1;
}

static void
name_set(struct maildir_keywords *k, size_t letter, struct span name)
{
	k->names[letter] = memory_alloc(name.n + 1);
	memcpy(k->names[letter], name.p, name.n);
	k->names[letter][name.n] = '\0';
}

void
maildir_keywords_parse(struct maildir_keywords *k, struct span text)
{
	while (text.n > 0) {
		ptrdiff_t lf = span_find_char(text, '\n'), blank;
		struct span line = span_slice(text, 0, lf == -1 ? text.n :
		    (size_t)lf), name;
		uint64_t letter;

		text = span_slice(text, lf == -1 ? text.n : (size_t)lf + 1,
		    text.n);
		blank = span_find_char(line, ' ');
		if (blank == -1)
			continue;
		name = span_slice(line, (size_t)blank + 1, line.n);
		line.n = (size_t)blank;
		if (span_number(line, MAILDIR_LETTERS - 1, &letter) &&
		    k->names[letter] == NULL &&
		    index_keyword_is_valid(name) && letter_of(k, name) == -1)
			name_set(k, (size_t)letter, name);
	}
}

int
maildir_keywords_read(struct maildir_keywords *k, int dir, struct fault *why)
{
	struct fault f = { .code = FAULT_NONE };
	struct buf text;
	int status;

	maildir_keywords_clear(k);
	if (fstatat(dir, MAILDIR_KEYWORDS, &k->st, AT_SYMLINK_NOFOLLOW) == -1)
		k->st = (struct stat){ 0 };
	buf_init(&text, 0);
	status = file_read_small(dir, MAILDIR_KEYWORDS, BOUND_KEYWORDLIST,
	    &text, &f);
	if (status == 0)
		maildir_keywords_parse(k, buf_span(&text));
	buf_clear(&text);
	if (status == -1 && f.code == FAULT_IO) {
		*why = f;
		return -1;
	}
	return 0;
}

uint32_t
maildir_keywords_known(const struct maildir_keywords *k)
{
	uint32_t known = 0;

	for (size_t i = 0; i < MAILDIR_LETTERS; i++)
		if (k->names[i] != NULL)
			known |= UINT32_C(1) << i;
	return known;
}

static void
bit_set(struct keywords *bits, int bit)
{
	if (bit >= 0)
		bits->bits[bit / 64] |= UINT64_C(1) << bit % 64;
}

static bool
bit_is_set(const struct keywords *bits, int bit)
{
	return bit >= 0 && (bits->bits[bit / 64] >> bit % 64 & 1) != 0;
}

struct keywords
maildir_keywords_bits(struct box *box, const struct maildir_keywords *k,
    uint32_t letters, bool passed)
{
	struct fault ignored = { .code = FAULT_NONE };
	struct keywords bits = { { 0 } };

	for (size_t i = 0; i < MAILDIR_LETTERS; i++)
		if ((letters >> i & 1) != 0 && k->names[i] != NULL)
			bit_set(&bits, box_keyword_add(box,
			    span_of(k->names[i]), &ignored));
	if (passed)
		bit_set(&bits, box_keyword_add(box, SPAN(MAILDIR_PASSED),
		    &ignored));
	return bits;
}

uint32_t
maildir_keywords_letters(const struct box *box,
    const struct maildir_keywords *k, const struct keywords *bits,
    bool *passed, bool *missing)
{
	uint32_t letters = 0;

	*missing = false;
	*passed = bit_is_set(bits, box_keyword(box, SPAN(MAILDIR_PASSED)));
	for (size_t i = 0; i < box->meta.keyword_count; i++) {
		int letter;

		if (!bit_is_set(bits, (int)i))
			continue;
		letter = letter_of(k, span_of(box->meta.keywords[i]));
		if (letter == -1)
			*missing = true;
		else
			letters |= UINT32_C(1) << letter;
	}
	return letters;
}

bool
maildir_keywords_add(struct box *box, struct maildir_keywords *k,
    const struct keywords *bits)
{
	bool added = false;
	size_t letter = 0;

	for (size_t i = 0; i < box->meta.keyword_count; i++) {
		struct span name = span_of(box->meta.keywords[i]);

		if (!bit_is_set(bits, (int)i) || letter_of(k, name) != -1)
			continue;
		while (letter < MAILDIR_LETTERS && k->names[letter] != NULL)
			letter++;
		if (letter == MAILDIR_LETTERS)
			break;
		name_set(k, letter, name);
		added = true;
	}
	return added;
}

/* The lock is the new file. */
static int
lock_open(int dir, struct fault *why)
{
	for (int i = 0; i < 2; i++) {
		int fd = TRIP("maildir_keywords.create") ? -1 :
		    openat(dir, LOCK, O_WRONLY | O_CREAT | O_EXCL |
		    O_NOFOLLOW | O_CLOEXEC, 0600);
		struct stat st;

		if (fd != -1)
			return fd;
		if (errno != EEXIST)
			return fault_errno(why, "make " LOCK);
		if (fstatat(dir, LOCK, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    st.st_ctim.tv_sec > time(NULL) - LOCK_STALE)
			break;
		unlinkat(dir, LOCK, 0);
	}
	return fault_set(why, FAULT_INUSE, LOCK " is there");
}

int
maildir_keywords_write(struct maildir_keywords *k, int dir,
    struct fault *why)
{
	struct buf text;
	int fd = lock_open(dir, why), status = -1;

	if (fd == -1)
		return -1;
	buf_init(&text, 0);
	for (size_t i = 0; i < MAILDIR_LETTERS; i++)
		if (k->names[i] != NULL)
			buf_addf(&text, "%zu %s\n", i, k->names[i]);
	if (maildir_place_give_mode(dir, LOCK, false) == -1 ||
	    file_write_full(fd, text.p, text.n) == -1 ||
	    TRIP("maildir_keywords.sync") || fsync(fd) == -1 ||
	    TRIP("maildir_keywords.rename") ||
	    renameat(dir, LOCK, dir, MAILDIR_KEYWORDS) == -1) {
		fault_errno(why, "write " MAILDIR_KEYWORDS);
		unlinkat(dir, LOCK, 0);
	} else if (file_sync_directory(dir) == -1 ||
	    fstat(fd, &k->st) == -1)
		fault_errno(why, "write " MAILDIR_KEYWORDS);
	else
		status = 0;
	close(fd);
	buf_clear(&text);
	return status;
}
