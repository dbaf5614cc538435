/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole sessions of a server over mailboxes in memory (memdriver.h): what the
 * client says is there from the start, and then he is gone.
 */
#ifndef TESTS_MEMSESSION_H
#define TESTS_MEMSESSION_H

#include <stddef.h>

#include "c-client/base/buf.h"
#include "c-client/base/config.h"

struct account;
struct service;

struct memsession {
	/* The test says these. */
	const struct service *service;
	const char *tag;	/* of the login */
	size_t count;		/* of messages that INBOX has at first */

	struct account *account;
	struct config config;
	struct buf heard;	/* what the last session's client heard */
};

/* For cmocka's tables: *state is the address of the struct.  What is logged is
 * kept (logged.h). */
int memsession_setup(void **state);
int memsession_teardown(void **state);

/* A session in which the client says all this and goes away, if it has not
 * ended by then.  Returns what he hears; what was logged before is forgotten.
 */
const char *memsession_run(struct memsession *, const char *text);

/* `want` is somewhere in what was said. */
void assert_said(const char *said, const char *want);

#endif
