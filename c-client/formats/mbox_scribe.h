/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scribe: a child that rewrites a mailbox file.  It has the locks too, so
 * that a session which is killed meanwhile does not stop it half way.  A
 * program that has threads rewrites by itself: it can't be copied safely.
 */
#ifndef FORMATS_MBOX_SCRIBE_H
#define FORMATS_MBOX_SCRIBE_H

#include <stdint.h>

struct fault;
struct mbox;

/* In the child: tell how far it is, in octets. */
struct mbox_scribe;
void mbox_scribe_tell(struct mbox_scribe *, uint64_t done, uint64_t total);

/*
 * Run `work(arg)` in a child, the locks for writing being held, and wait for
 * it; box->progress hears of it.  What the child changes in memory is lost.
 * Returns what work() returned, with its fault; -1 with FAULT_IO where the
 * child was killed.
 */
int mbox_scribe_run(struct mbox *, int (*work)(void *arg,
    struct mbox_scribe *, struct fault *), void *arg, struct fault *);

#endif
