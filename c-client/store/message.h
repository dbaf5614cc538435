/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading one message as clients see it.  A message up to BOUND_WHOLE is in
 * memory after reader_open() and can't change any more; a longer one is read
 * in pieces, and is gone when another program removes it meanwhile, but for
 * what was pinned.
 */
#ifndef STORE_MESSAGE_H
#define STORE_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "c-client/base/buf.h"

struct box;
struct fault;
struct message;
struct mime_part;

/*
 * Messages are opened one at a time through a reader, which keeps the last
 * one, its parsed structure and its buffers: clients fetch the parts of one
 * message one after the other.
 */
struct reader;
struct reader *reader_new(struct box *);
void reader_free(struct reader *);	/* NULL is allowed */

/*
 * FAULT_EXPUNGED where the message is gone; FAULT_IO and others as they come.
 * The message is the reader's and valid until the next reader_open().
 */
struct message *reader_open(struct reader *, uint32_t uid, struct fault *);

/*
 * Only the header, with its empty line, up to BOUND_MIME_HEADER of it: less
 * is read than for reader_open(), whose message it leaves as it is.  Valid
 * until the next call of any function here.
 */
int reader_header(struct reader *, uint32_t uid, struct span *,
    struct fault *);

/*
 * Add the whole message to `out` without keeping it: exactly `size` octets,
 * at most BOUND_WHOLE.  On -1 nothing is added; FAULT_CHANGED where it is not
 * of that size any more, others as for reader_open().
 */
int reader_copy(struct reader *, uint32_t uid, uint64_t size, struct buf *out,
    struct fault *);

/* Give back the memory that was kept: before waiting for long. */
void reader_forget(struct reader *);

/*
 * Of a long message, copy octets [off, off+len) to an unnamed file, from which
 * message_read() takes them until reader_unpin(), or another message is
 * opened: a client may take its time over them, and others may do with the
 * mailbox what they like.  Where no such file can be had (a full disk) they
 * are read from the mailbox as ever, and that is no fault.  What is pinned
 * already is not copied again.  Faults as of message_read().
 */
int message_pin(struct message *, uint64_t off, uint64_t len,
    struct fault *);
bool message_is_pinned(const struct message *, uint64_t off, uint64_t len);
void reader_unpin(struct reader *);

uint64_t message_size(const struct message *);		/* RFC822.SIZE */
uint64_t message_header_size(const struct message *);

/*
 * Octets [off, off+len), added to `out`; fewer only at the end.  Whole ones
 * can also be had as a span without copying (n is 0 and p NULL for a long
 * one).
 */
int message_read(struct message *, uint64_t off, size_t len,
    struct buf *out, struct fault *);
struct span message_span(const struct message *);

/* The header with its empty line (up to BOUND_MIME_HEADER of it). */
int message_header(struct message *, struct span *, struct fault *);

/* The MIME structure, parsed on first use; valid as long as the message. */
const struct mime_part *message_structure(struct message *, struct fault *);

#endif
