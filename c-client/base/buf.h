/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes that grow, up to a stated maximum.  Adding past it adds nothing and
 * sets `full`, so that callers check once at the end.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "c-client/base/span.h"

struct buf {
	char *p;		/* NULL while nothing was added */
	size_t n;		/* octets in use, from p[0] on */
	size_t cap;		/* octets allocated */
	size_t max;		/* never more than this; 0: no limit */
	bool full;		/* something did not fit */
};

void buf_init(struct buf *, size_t max);
void buf_clear(struct buf *);		/* frees; the maximum stays */
void buf_reset(struct buf *);		/* empty and not full; keeps memory */

void buf_add(struct buf *, const void *, size_t);
void buf_adds(struct buf *, const char *);	/* a C string */
void buf_addspan(struct buf *, struct span);
void buf_addc(struct buf *, char);
void buf_addnum(struct buf *, uint64_t);	/* decimal */
void buf_addf(struct buf *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Room for `n` more octets behind p[n], to be written by the caller, who then
 * adds what he wrote to the member n.  NULL (and full) if that is too much.
 */
char *buf_room(struct buf *, size_t n);

void buf_consume(struct buf *, size_t n);	/* drop from the front */
struct span buf_span(const struct buf *);
const char *buf_string(struct buf *);	/* NUL-terminated; NUL not counted */

#endif
