/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mailbox names: as clients write them (modified UTF-7, RFC 3501 5.1.3), and
 * as the store has them (UTF-8 in NFC, relative to the mail root).  Names that
 * begin like a namespace (RFC 2342) mean mailboxes of others; no path of the
 * user's own begins so.
 */
#ifndef STORE_NAME_H
#define STORE_NAME_H

#include <stdbool.h>
#include <stddef.h>

#include "c-client/base/span.h"

struct account;
struct arena;
struct buf;
struct fault;

struct name {
	const char *path;	/* "INBOX", or relative to the root: "a/b"; of
				 * others: "#shared/a", "#public/a", "~joe/a",
				 * "/a" */
	bool inbox;
	bool directory;		/* the client's name ended in "/" */
	const char *format;	/* from "#driver.FORMAT/", NULL: not said */
};

/* Whose mailbox a path means, by how it begins. */
enum name_space {
	NAME_OWN,
	NAME_SHARED,		/* #shared/ */
	NAME_PUBLIC,		/* #public/ */
	NAME_USER,		/* ~user/ */
	NAME_OUTSIDE,		/* /, an absolute name */
	NAME_NOWHERE		/* none that is known */
};
/* *rest is what is behind that beginning. */
enum name_space name_space(const char *path, const char **rest);

/* Does it begin as names of others do, served or not? */
bool name_is_rooted(struct span);

/* Does the configuration have these, for this user? */
bool name_space_is_served(const struct account *, enum name_space);

/* The beginnings by themselves, NULL of NAME_OWN and NAME_NOWHERE: "#shared/",
 * "~" and so on. */
const char *name_space_prefix(enum name_space);

/*
 * From the wire.  INBOX in any case is the INBOX.  A legacy prefix is
 * dropped, and so is what makes a name of the user's own mailbox one of
 * another namespace.  Refused with FAULT_BADNAME: empty names, namespaces that
 * are not served, "{...", levels that are empty, "." or "..", or begin with a
 * dot, control characters, NUL, bad UTF-7 or UTF-8, levels over 255 octets,
 * names over BOUND_MAILBOX_NAME, the suffixes of locks and our own files.
 * The result lives as long as `arena`.  name_parse_new() is for mailboxes that
 * are to be made: their format may be told, "#driver.maildir/a" (the old
 * toolkit's way).
 */
int name_parse_new(const struct account *, struct span wire, struct arena *,
    struct name *, struct fault *);
int name_parse(const struct account *, struct span wire, struct arena *,
    struct name *, struct fault *);

/* The name (or pattern) without a leading "mail/" or "~/mail/" of old
 * accounts, where that is the mail root (decisions.md 13). */
struct span name_drop_legacy(const struct account *, struct span wire);

/* The wire's form of a store name, appended: modified UTF-7, not quoted. */
void name_write(struct buf *, const char *path);

/* May a file of this name (one level) be shown as a mailbox or directory?
 * Not: dot files, *.lock, redo files and what else is ours.  As the first one
 * in a user's root neither what begins like a namespace, nor INBOX,
 * which is somewhere else. */
bool name_is_visible(const char *level);
bool name_is_visible_first(const char *level);

#endif
