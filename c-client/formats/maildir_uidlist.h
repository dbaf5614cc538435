/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dovecot-uidlist: the file in which a maildir keeps UIDVALIDITY and UIDs, as
 * Dovecot reads and writes it (versions 1 and 3).  What it says is hostile
 * until checked; nothing but syntax and order is checked here.
 */
#ifndef FORMATS_MAILDIR_UIDLIST_H
#define FORMATS_MAILDIR_UIDLIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "c-client/base/buf.h"
#include "c-client/base/span.h"

struct fault;

#define MAILDIR_UIDLIST		"dovecot-uidlist"

struct maildir_uidlist_row {
	uint32_t uid;
	uint16_t more_n;	/* fields that we don't know, between the UID
				 * and the colon */
	uint16_t base_n;
	uint64_t at;		/* where these begin in `text`: more, base */
	uint64_t base_at;
};

struct maildir_uidlist {
	uint32_t uidvalidity;	/* 0: no list, or one without a header that
				 * can be believed */
	uint32_t next;		/* above all UIDs in it, and what it says */
	struct span more;	/* of the header: fields but V and N */
	struct maildir_uidlist_row *rows;	/* UIDs ascend */
	size_t count, room;
	bool damaged;		/* lines were passed over: write it anew */
	bool old;		/* version 1 */
	struct buf text;
	struct stat st;		/* of the file; st_ino 0: there is none */
};

void maildir_uidlist_init(struct maildir_uidlist *);
void maildir_uidlist_clear(struct maildir_uidlist *);

/* Read the one in this directory; that there is none is no fault. */
int maildir_uidlist_read(struct maildir_uidlist *, int dir, struct fault *);
/* Take list->text apart. */
void maildir_uidlist_parse(struct maildir_uidlist *);

struct span maildir_uidlist_base(const struct maildir_uidlist *, size_t i);
struct span maildir_uidlist_more(const struct maildir_uidlist *, size_t i);

/* The text of a list, to be put together in `out`: head, and lines. */
void maildir_uidlist_head(struct buf *out, uint32_t uidvalidity,
    uint32_t next, struct span more);
void maildir_uidlist_line(struct buf *out, uint32_t uid, struct span more,
    struct span base);

/*
 * Add lines behind the end of the list, which must be the file of this status
 * still and end in a whole line: FAULT_CHANGED where it isn't.  Durable on
 * return; *st is the status then.
 */
int maildir_uidlist_append(int dir, struct span lines, struct stat *st,
    struct fault *);

#endif
