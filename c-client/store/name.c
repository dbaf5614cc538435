/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mailbox names.  What leaves this file as a struct name is safe to be used
 * as a path below the mail root; it never looks at the disk.
 */
#include "c-client/store/name.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "c-client/base/arena.h"
#include "c-client/base/bounds.h"
#include "c-client/base/buf.h"
#include "c-client/base/fault.h"
#include "c-client/mime/charset.h"
#include "c-client/mime/utf7.h"
#include "c-client/store/account.h"

#include "c-client/base/banned.h"

/* Ends of names that lock files and mail programs' helpers have. */
static const char *const private_suffixes[] = { ".lock" };

static bool
has_private_suffix(struct span level)
{
	for (size_t i = 0; i < sizeof private_suffixes /
	    sizeof private_suffixes[0]; i++) {
		struct span suffix = span_of(private_suffixes[i]);

		if (level.n >= suffix.n && span_eq_nocase(span_slice(level,
		    level.n - suffix.n, suffix.n), suffix))
			return true;
	}
	return false;
}

/* Is one level fit to be made, opened or shown?  "." and ".." begin with a
 * dot. */
static bool
level_is_good(struct span level)
{
	return level.n > 0 && level.n <= NAME_MAX && level.p[0] != '.' &&
	    !has_private_suffix(level);
}

/* Control characters: those of ASCII, and U+0080 to U+009F. */
static bool
has_controls(struct span text)
{
	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];

		if (c < ' ' || c == 0x7f || (c == 0xc2 && i + 1 < text.n &&
		    (unsigned char)text.p[i + 1] < 0xa0))
			return true;
	}
	return false;
}

/* RFC 3501 5.1.2 namespaces, remote names, other users: not served. */
static bool
is_foreign(struct span wire)
{
	return wire.n > 0 && strchr("#{/~", wire.p[0]) != NULL &&
	    wire.p[0] != '\0';
}

struct span
name_drop_legacy(const struct account *account, struct span wire)
{
	static const char *const prefixes[] = { "~/mail/", "mail/" };

	if (!account->root_is_mail)
		return wire;
	for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
		size_t n = strlen(prefixes[i]);

		if (wire.n > n && memcmp(wire.p, prefixes[i], n) == 0)
			return span_slice(wire, n, wire.n);
	}
	return wire;
}

/* Normal form C (RFC 5198 2); NULL where utf8proc finds fault with it. */
static char *
normal_form(struct span text)
{
	utf8proc_uint8_t *out = NULL;
	utf8proc_ssize_t n;

	n = utf8proc_map((const utf8proc_uint8_t *)text.p,
	    (utf8proc_ssize_t)text.n, &out,
	    UTF8PROC_STABLE | UTF8PROC_COMPOSE);
	if (n < 0)
		return NULL;
	return (char *)out;
}

/* Check all levels of a path without a delimiter at its end. */
static int
check_path(const char *path, struct fault *why)
{
	struct span rest = span_of(path);

	if (rest.n == 0 || rest.n > BOUND_MAILBOX_NAME)
		return fault_set(why, FAULT_BADNAME, "a name of %zu octets",
		    rest.n);
	if (has_controls(rest))
		return fault_set(why, FAULT_BADNAME,
		    "control characters in a name");
	for (;;) {
		ptrdiff_t slash = span_find_char(rest, '/');
		struct span level = span_slice(rest, 0,
		    slash == -1 ? rest.n : (size_t)slash);

		/* INBOX is a file of the spool: nothing is below it. */
		if (!level_is_good(level) || (slash != -1 &&
		    level.p == path && span_is(level, "INBOX")))
			return fault_set(why, FAULT_BADNAME,
			    "a level of the name %s may not be used", path);
		if (slash == -1)
			return 0;
		rest = span_slice(rest, (size_t)slash + 1, rest.n);
	}
}

int
name_parse(const struct account *account, struct span wire,
    struct arena *arena, struct name *name, struct fault *why)
{
	struct buf utf8;
	char *path = NULL;
	int r = -1;

	wire = name_drop_legacy(account, wire);
	if (wire.n == 0 || is_foreign(wire))
		return fault_set(why, FAULT_BADNAME,
		    "not a name of a mailbox here");
	/* Modified UTF-7 takes at most 8/3 of the octets of UTF-8, so that
	 * what is longer can't become a good name. */
	if (wire.n > (size_t)BOUND_MAILBOX_NAME * 4)
		return fault_set(why, FAULT_BADNAME, "a name of %zu octets",
		    wire.n);
	buf_init(&utf8, 0);
	name->format = NULL;
	name->directory = wire.p[wire.n - 1] == '/';
	if (name->directory)
		wire.n--;
	if (!utf7_decode(wire, &utf8) || memchr(buf_string(&utf8), '\0',
	    utf8.n) != NULL) {
		fault_set(why, FAULT_BADNAME, "no modified UTF-7");
		goto out;
	}
	path = normal_form(buf_span(&utf8));
	if (path == NULL) {
		fault_set(why, FAULT_BADNAME, "a name without normal form");
		goto out;
	}
	if (check_path(path, why) == -1)
		goto out;
	name->inbox = span_is(span_of(path), "INBOX");
	name->path = name->inbox ? "INBOX" :
	    arena_string(arena, path, strlen(path));
	if (name->path == NULL)
		fault_set(why, FAULT_LIMIT, "no room for a name");
	else
		r = 0;
out:
	free(path);
	buf_clear(&utf8);
	return r;
}

/* "#driver.FORMAT/" off the front; the FORMAT, or NULL if it is not there. */
static const char *
take_format(struct span *wire, struct arena *arena)
{
	static const char prefix[] = "#driver.";
	size_t n = sizeof prefix - 1;
	ptrdiff_t slash;
	const char *format;

	if (!span_starts_nocase(*wire, prefix))
		return NULL;
	*wire = span_slice(*wire, n, wire->n);
	slash = span_find_char(*wire, '/');
	if (slash == -1)
		slash = (ptrdiff_t)wire->n;
	format = arena_string(arena, wire->p, (size_t)slash);
	*wire = span_slice(*wire, (size_t)slash + 1, wire->n);
	return format;
}

int
name_parse_new(const struct account *account, struct span wire,
    struct arena *arena, struct name *name, struct fault *why)
{
	const char *format = take_format(&wire, arena);

	if (name_parse(account, wire, arena, name, why) == -1)
		return -1;
	name->format = format;
	return 0;
}

void
name_write(struct buf *out, const char *path)
{
	utf7_encode(span_of(path), out);
}

bool
name_is_visible(const char *level)
{
	struct span text = span_of(level);
	char *normal;
	bool same;

	if (!level_is_good(text) || has_controls(text))
		return false;
	for (size_t i = 0; i < text.n; i++)
		if ((unsigned char)text.p[i] >= 0x80)
			goto wide;
	return true;
wide:
	/* What name_parse() would not give back can't be opened either. */
	if (!charset_is_utf8(text))
		return false;
	normal = normal_form(text);
	same = normal != NULL && strcmp(normal, level) == 0;
	free(normal);
	return same;
}
