/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A place of its own for a test of mailbox files: spool, mail root and index
 * below a new directory in /tmp, an account over them, and a plain, slow way
 * to take a mailbox apart, to compare with.
 */
#ifndef TESTS_MBOXROOM_H
#define TESTS_MBOXROOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "c-client/base/buf.h"
#include "c-client/base/fault.h"
#include "c-client/base/span.h"
#include "c-client/store/account.h"
#include "c-client/store/driver.h"
#include "c-client/store/name.h"

struct box;

struct mboxroom {
	char dir[64];
	char spool[96], root[96], index[96];
	struct account account;
};

/* For cmocka, before and after the tests or each of them: a room, and the time
 * is UTC; *state becomes the room.  It goes with all that is in it. */
int mboxroom_setup(struct mboxroom *, void **state);
int mboxroom_teardown(void **state);
void mboxroom_forget_index(struct mboxroom *);

extern const struct name mboxroom_inbox;
struct name mboxroom_name(const char *path);

/* What a driver says of a mailbox; `code`, if not NULL, is the fault's. */
enum driver_kind mboxroom_probe(struct mboxroom *, const struct driver *,
    const char *path, enum fault_code *code);

/* Make or replace a file in place (the same inode), add to it, read it. */
void mboxroom_write(const char *path, struct span);
void mboxroom_add(const char *path, struct span);
struct buf mboxroom_read(const char *path);

/* Open and sync; a fault is a failed test. */
struct box *mboxroom_open(struct mboxroom *, const struct name *);
void mboxroom_sync(struct box *);
/* A whole message; a fault, or another size than the record's, fails. */
struct buf mboxroom_message(struct box *, size_t i);

/* Add messages through the driver: text as a client sends it. */
struct mboxroom_item {
	struct span text;
	uint16_t flags;
	const char *keyword;	/* or NULL */
	int64_t date;
	int16_t zone;
	bool whole;		/* collected in one go (append_whole()) */
};
int mboxroom_append(struct mboxroom *, const struct name *, struct box *,
    const struct mboxroom_item *, size_t count, struct fault *);

/* One message as the plain way sees it. */
struct plain_message {
	size_t place, end;	/* in the file */
	size_t separator, header;
	struct buf wire;
	size_t wire_header;
};
struct plain {
	struct plain_message *messages;
	size_t count;
	bool internal;
};
struct plain plain_split(struct span file);
void plain_free(struct plain *);

/* Files from pieces that matter, put together at random; the same of one
 * seed. */
void plain_generate(unsigned seed, int runs, void (*check)(struct span file));

/*
 * Leave a test whose mail isn't beside the checkout.  tests/lib/check.sh counts
 * the line; cmocka's own skip() says "not ok" in TAP, which is a failure.
 */
#define mboxroom_no_corpus() do {					\
	printf("# SKIP %s: no corpus beside the checkout\n", __func__);\
	return;								\
} while (0)

#endif
