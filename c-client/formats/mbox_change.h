/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A change of a mailbox file that moves messages: which of them stay where,
 * what their headers become, and the records after it.  mbox_rewrite.h moves
 * the octets.
 */
#ifndef FORMATS_MBOX_CHANGE_H
#define FORMATS_MBOX_CHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "c-client/base/buf.h"
#include "c-client/base/span.h"
#include "c-client/formats/mbox_keywords.h"
#include "c-client/formats/mbox_rewrite.h"
#include "c-client/formats/mbox_room.h"

struct digest;
struct fault;
struct mbox;
struct mbox_scribe;

/* What becomes of a message. */
struct mbox_moved {
	uint64_t place;
	uint32_t disk_header;
	bool gone;
	bool made;		/* its header is written anew, and says: */
	uint32_t uid;
	uint16_t flags;
	struct keywords keywords;
};

struct mbox_change {
	struct mbox_plan plan;	/* first */
	struct mbox *m;
	size_t first;		/* the first record that something happens to */
	struct mbox_moved *moved;	/* of the records from there on */
	uint64_t size;		/* of the file as it is planned so far */
	uint64_t gap;		/* octets that went, less those that came */
	size_t base;		/* the record whose header gets X-IMAPbase;
				 * SIZE_MAX: none */
	struct buf internal;	/* internal data that are made; n 0: none */
	uint32_t last;		/* the last UID that the file says; 0: none */
	struct digest *digest;
	struct buf head;
	struct mbox_keywords none;
	struct mbox_scribe *scribe;
};

/* The lock for writing is held, and the box is in step with the file. */
void mbox_change_begin(struct mbox_change *, struct mbox *, size_t first);
void mbox_change_end(struct mbox_change *);

/*
 * Read separator and header of record i as they are on disk, valid until the
 * next call.  They must be those of the record: FAULT_CHANGED if not, and the
 * file is scanned next time.
 */
int mbox_change_look(struct mbox_change *, size_t i, struct span *head,
    struct fault *);

/* What record i's metadata is to say; X-UID where `uid`. */
void mbox_change_said(const struct mbox_change *, size_t i, bool uid,
    struct mbox_said *);

/* Plan, in the order of the file: record i goes; stays as it is; stays with a
 * header that is made anew with room, if there is room for it: `grow` octets
 * more at most (*made tells). */
void mbox_change_remove(struct mbox_change *, size_t i);
void mbox_change_keep(struct mbox_change *, size_t i);
int mbox_change_make(struct mbox_change *, size_t i, uint64_t grow,
    bool *made, struct fault *);
/* The same, with blanks in it so that it is just `more` octets longer. */
int mbox_change_stretch(struct mbox_change *, size_t i, uint64_t more,
    bool *made, struct fault *);

/*
 * Plan, before all records, that the file's internal data are made anew with
 * what the base has to say (c->first is 0); or, behind all that went, that they
 * come into being, where there is room for them.
 */
void mbox_change_internal(struct mbox_change *);
void mbox_change_internal_new(struct mbox_change *, uint32_t last);

/* Carry it out, by the scribe.  Where that fails the file is a mailbox still,
 * but another one than was planned or known. */
int mbox_change_run(struct mbox_change *, struct fault *);

/* The records, and the stamp, after it: one transaction. */
int mbox_change_commit(struct mbox_change *, struct fault *);

#endif
