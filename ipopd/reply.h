/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the POP3 server says.  No other file writes a response line, so that
 * each has its CRLF, its status and at most one response code (RFC 2449 8).
 */
#ifndef IPOPD_REPLY_H
#define IPOPD_REPLY_H

#include <stdbool.h>
#include <stdint.h>

#include "c-client/base/buf.h"
#include "c-client/base/span.h"

struct fault;

/* "+OK text" (printf form). */
void reply_ok(struct buf *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* "-ERR text", or "-ERR [code] text" where `code` is not NULL. */
void reply_err(struct buf *, const char *code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * "-ERR [code] text" as the fault's code asks for.  The fault's own text is
 * for the log and is not sent.
 */
void reply_fault(struct buf *, const struct fault *);

/* "+ challenge" (RFC 5034 4). */
void reply_challenge(struct buf *, struct span challenge);

/* A line inside a multi-line answer, and the "." behind the last one.  Lines
 * that could begin with a "." are not for this. */
void reply_line(struct buf *, struct span);
void reply_end(struct buf *);

/* "number value" and "number uidvalidity-uid": lines of LIST and UIDL. */
void reply_size(struct buf *, size_t number, uint64_t octets);
void reply_uid(struct buf *, size_t number, uint32_t uidvalidity,
    uint32_t uid);

/* What may differ in CAPA's answer. */
struct reply_capa {
	bool stls;		/* STLS can be given now */
	bool plaintext;		/* USER and AUTH are, or were, possible */
	bool transaction;	/* after login */
};

/* The whole answer to CAPA (RFC 2449 5). */
void reply_capa(struct buf *, const struct reply_capa *);

/* The mechanisms, one a line, ended: the answer to a bare AUTH. */
void reply_mechanisms(struct buf *, bool plaintext);

#endif
