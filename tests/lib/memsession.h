/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole sessions of a server over mailboxes in memory (memdriver.h): what the
 * client says is there from the start, and then he is gone.
 */
#ifndef TESTS_MEMSESSION_H
#define TESTS_MEMSESSION_H

#include <stdbool.h>
#include <stddef.h>

#include "c-client/base/buf.h"
#include "c-client/base/config.h"

struct account;
struct box;
struct name;
struct service;

struct memsession {
	struct account *account;
	struct config config;
	struct buf heard;	/* what the last session's client heard */
};

/* A memdriver_account(), and its INBOX with so many messages; what is logged is
 * kept (logged.h). */
void memsession_make(struct memsession *, size_t count);
void memsession_remove(struct memsession *);

/* A session of `service` in which the client says all this and goes away, if
 * it has not ended by then; `tag` is the login's.  Returns what he hears, and
 * what was logged before is forgotten. */
const char *memsession_run(struct memsession *, const struct service *,
    const char *tag, const char *text);

/* A mailbox as it is now; box_close() is the caller's. */
struct box *memsession_open(struct memsession *, const struct name *,
    bool readonly);

/* `want` is somewhere in what was said. */
void assert_said(const char *said, const char *want);

#endif
