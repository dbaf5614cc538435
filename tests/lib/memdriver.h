/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A format for tests of store/: mailboxes are files of the mail root whose
 * contents nobody looks at; what other programs do to them the test says.  A
 * message is one letter, again and again, which follows from its size.
 * A test that uses it has MEMDRIVER_TABLE at file scope, and so of the library's
 * formats only the placeholder.
 */
#ifndef TESTS_MEMDRIVER_H
#define TESTS_MEMDRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "c-client/base/fault.h"
#include "c-client/formats/dummy.h"
#include "c-client/store/driver.h"

#define MEMDRIVER_TABLE \
	const struct driver *const drivers[] = { &memdriver_driver, \
	    &dummy_driver, NULL };

struct account;
struct arena;
struct box;
struct name;

extern const struct driver memdriver_driver;

extern struct memdriver {
	/* What another program did, called by each sync(); may be NULL. */
	int (*on_sync)(struct box *, struct fault *);
	enum fault_code sync_fault;	/* sync() fails with this */
	int syncs;
	char appended[256];	/* the last append()'s octets, cut */
	bool append_fails;
	enum fault_code expunge_fault;	/* expunge() fails with this, */
	size_t expunge_part;		/* when it has removed so many; */
	int expunge_faults;		/* so many times; 0: always */
	enum fault_code flush_fault;	/* flush() fails with this */
	int flushes, leaves;	/* calls of flush(), and those with `leaving` */
	uint64_t done, total;	/* what flush() tells; of 0, nothing */
	bool flush_writes_nothing;	/* what it is to write stays wanted */
	int probes;		/* calls of probe() */
	struct arena *keep;	/* lives as long as the account */
} memdriver;

/* A temporary directory with home/, home/mail/, spool/ and an account on it;
 * the config's defaults, lock_timeout 2. */
struct account *memdriver_account(void);
/* Remove it all, and forget `memdriver`. */
void memdriver_clear(struct account *);

/* The same for cmocka's tables, before and after each test: *state is the
 * address of the test's own pointer to the account.  Nothing that is logged is
 * seen; see logged.h. */
int memdriver_setup(void **state);
int memdriver_teardown(void **state);
#define MEMDRIVER_TEST(f, account) \
	cmocka_unit_test_prestate_setup_teardown(f, memdriver_setup, \
	    memdriver_teardown, &(account))

/* A mailbox as it is now; a fault fails the test. */
struct box *memdriver_open(struct account *, const struct name *);
size_t memdriver_count(struct account *, const struct name *);

/* Add messages to an open box as another program's delivery would. */
void memdriver_deliver(struct box *, size_t count);
/* Take all away, as one that puts another mailbox in its place. */
void memdriver_replace(struct box *);

#endif
