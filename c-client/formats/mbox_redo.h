/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The redo file of a rewrite (docs/ARCHITECTURE, decision 3).  At any moment
 * of a rewrite a mailbox file is a part that is right, a gap of octets that
 * mean nothing, and another part that is right.  The redo file says where the
 * gap is, and holds the piece that is written next where writing it destroys
 * what it is made from.  Who opens the mailbox after a crash writes that piece
 * and closes the gap.
 */
#ifndef FORMATS_MBOX_REDO_H
#define FORMATS_MBOX_REDO_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "c-client/base/span.h"

struct fault;
struct mbox;

/* The longest piece; with fault points short ones, so that small mailboxes
 * take many. */
#ifdef TRIPS
#define MBOX_REDO_PIECE		(8u * 1024)
#else
#define MBOX_REDO_PIECE		(16u * 1024 * 1024)
#endif

/* A gap with nothing behind it is known by so many octets at its beginning:
 * they must not be written as long as that is so. */
#define MBOX_REDO_MARK		4096u

struct mbox_gap {
	uint64_t from, to;	/* offsets in the file; from <= to */
};

struct mbox_redo {
	int fd;			/* -1: none */
	int dir;		/* that it is in */
	char *name;		/* one level */
	int box;		/* the mailbox file */
	uint64_t dev, ino;	/* of that */
};

/*
 * Make one for the locked mailbox, with room for a piece of so many octets
 * (at most MBOX_REDO_PIECE), durable with its name: beside the mailbox, or in
 * ~/.imapredo where no file can be made there.  FAULT_QUOTA, FAULT_PERM,
 * FAULT_IO: there is none, and redo->fd is -1.
 */
int mbox_redo_open(struct mbox *, uint64_t piece, struct mbox_redo *,
    struct fault *);

/*
 * Write down, durably: the gap is `before`; when `piece` (may be empty: what
 * is written destroys nothing) stands at `target` it is `after`.
 */
int mbox_redo_note(struct mbox_redo *, struct mbox_gap before,
    struct mbox_gap after, uint64_t target, struct span piece,
    struct fault *);

/*
 * Write down, durably: [at, at+n), a part of the gap `before`, is about to be
 * cut out of the file by its file system (FALLOC_FL_COLLAPSE_RANGE).
 */
int mbox_redo_note_cut(struct mbox_redo *, struct mbox_gap before,
    uint64_t at, uint64_t n, struct fault *);

/* The rewrite is done, and durable: remove the file. */
void mbox_redo_remove(struct mbox_redo *);
/* Close it and let it be: whoever opens the mailbox next needs it. */
void mbox_redo_close(struct mbox_redo *);

/* Is there one for this mailbox?  Costs a stat(2) or two. */
bool mbox_redo_is_there(const struct mbox *);

/*
 * The lock for writing is held: finish or undo what a rewrite that was cut
 * short has left, so that the file is a mailbox again in which all messages
 * are, some of them perhaps expunged already.  Where the file is not what the
 * redo file was made for, the piece becomes a mailbox Recovered-DATE (or -2 and
 * so on behind that, where there is one), which is logged.  0, also where there
 * is none; -1 with FAULT_IO or FAULT_QUOTA, and the redo file stays.
 */
int mbox_redo_recover(struct mbox *, struct fault *);

#endif
