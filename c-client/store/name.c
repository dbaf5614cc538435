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

/* By enum name_space; what is behind "~" up to the next "/" is a user. */
static const char *const prefixes[] = {
	[NAME_SHARED] = "#shared/",
	[NAME_PUBLIC] = "#public/",
	[NAME_USER] = "~",
	[NAME_OUTSIDE] = "/",
	[NAME_NOWHERE] = NULL,
};

bool
name_is_rooted(struct span text)
{
	return text.n > 0 && text.p[0] != '\0' &&
	    strchr("#{/~", text.p[0]) != NULL;
}

enum name_space
name_space(const char *path, const char **rest)
{
	struct span text = span_of(path);
	const char *slash = strchr(path, '/');

	*rest = path;
	if (!name_is_rooted(text))
		return NAME_OWN;
	for (int i = NAME_SHARED; i < NAME_NOWHERE; i++) {
		size_t n = strlen(prefixes[i]);

		if (text.n < n || memcmp(path, prefixes[i], n) != 0)
			continue;
		if (i == NAME_USER && (slash == NULL || slash == path + 1))
			return NAME_NOWHERE;
		*rest = i == NAME_USER ? slash + 1 : path + n;
		return (enum name_space)i;
	}
	return NAME_NOWHERE;
}

bool
name_space_is_served(const struct account *account, enum name_space space)
{
	switch (space) {
	case NAME_OWN:
		return true;
	case NAME_SHARED:
		return account->shared_dir != NULL;
	case NAME_PUBLIC:
		return account->public_dir != NULL;
	case NAME_USER:
		return account->other_users;
	case NAME_OUTSIDE:
		return account->outside;
	case NAME_NOWHERE:
		break;
	}
	return false;
}

const char *
name_space_prefix(enum name_space space)
{
	return prefixes[space];
}

struct span
name_drop_legacy(const struct account *account, struct span wire)
{
	static const char *const legacy[] = { "~/mail/", "mail/" };

	if (!account->root_is_mail)
		return wire;
	for (size_t i = 0; i < sizeof legacy / sizeof legacy[0]; i++) {
		size_t n = strlen(legacy[i]);

		if (wire.n > n && memcmp(wire.p, legacy[i], n) == 0)
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

/*
 * Another name of a mailbox of the user's own, who has one index for it: his
 * own root or INBOX by an absolute name, or himself as another user.
 */
static const char *
own_path(const struct account *account, const char *path)
{
	size_t n = account->root == NULL ? 0 : strlen(account->root);
	const char *rest;

	switch (name_space(path, &rest)) {
	case NAME_USER:
		n = (size_t)(rest - path) - 2;
		return span_eq((struct span){ path + 1, n },
		    span_of(account->user)) ? rest : path;
	case NAME_OUTSIDE:
		if (account->spool != NULL &&
		    strcmp(path, account->spool) == 0)
			return "INBOX";
		return n > 0 && strncmp(path, account->root, n) == 0 &&
		    path[n] == '/' ? path + n + 1 : path;
	default:
		return path;
	}
}

/* Check all levels of a path without a delimiter at its end. */
static int
check_levels(const char *path, bool has_inbox, struct fault *why)
{
	struct span rest = span_of(path);

	for (;;) {
		ptrdiff_t slash = span_find_char(rest, '/');
		struct span level = span_slice(rest, 0,
		    slash == -1 ? rest.n : (size_t)slash);

		/* INBOX is a file of the spool: nothing is below it. */
		if (!level_is_good(level) || (slash != -1 && has_inbox &&
		    level.p == path && span_is(level, "INBOX")))
			return fault_set(why, FAULT_BADNAME,
			    "a level of the name %s may not be used", path);
		if (slash == -1)
			return 0;
		rest = span_slice(rest, (size_t)slash + 1, rest.n);
	}
}

static int
check_path(const char *path, struct fault *why)
{
	size_t n = strlen(path);
	const char *rest;
	enum name_space space = name_space(path, &rest);

	if (n == 0 || n > BOUND_MAILBOX_NAME)
		return fault_set(why, FAULT_BADNAME, "a name of %zu octets",
		    n);
	if (has_controls(span_of(path)))
		return fault_set(why, FAULT_BADNAME,
		    "control characters in a name");
	/* Another user's INBOX is in the spool and his alone. */
	if (space == NAME_USER && (path[1] == '.' ||
	    span_is(span_of(rest), "INBOX")))
		return fault_set(why, FAULT_BADNAME,
		    "INBOX of another user, or no user's name");
	return check_levels(rest, space == NAME_OWN || space == NAME_USER,
	    why);
}

/* As the index has it, in *path.  What is served is asked of the name as it was
 * given, too. */
static int
take_path(const struct account *account, const char *given,
    const char **path, struct fault *why)
{
	const char *rest;

	*path = given;
	if (!name_space_is_served(account, name_space(given, &rest)))
		return fault_set(why, FAULT_BADNAME,
		    "not a name of a mailbox here");
	*path = own_path(account, given);
	if (*path != given && name_is_rooted(span_of(*path)))
		return fault_set(why, FAULT_BADNAME,
		    "a namespace inside of another");
	return check_path(*path, why);
}

int
name_parse(const struct account *account, struct span wire,
    struct arena *arena, struct name *name, struct fault *why)
{
	struct buf utf8;
	char *normal = NULL;
	struct span given = wire;
	const char *path;
	int r = -1;

	wire = name_drop_legacy(account, wire);
	if (wire.n == 0 || (wire.n < given.n && name_is_rooted(wire)))
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
	normal = normal_form(buf_span(&utf8));
	if (normal == NULL) {
		fault_set(why, FAULT_BADNAME, "a name without normal form");
		goto out;
	}
	if (take_path(account, normal, &path, why) == -1)
		goto out;
	name->inbox = span_is(span_of(path), "INBOX");
	name->path = name->inbox ? "INBOX" :
	    arena_string(arena, path, strlen(path));
	if (name->path == NULL)
		fault_set(why, FAULT_LIMIT, "no room for a name");
	else
		r = 0;
out:
	free(normal);
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

bool
name_is_visible_first(const char *level)
{
	return !name_is_rooted(span_of(level)) &&
	    !span_is(span_of(level), "INBOX") && name_is_visible(level);
}
