/* SPDX-License-Identifier: Apache-2.0 */
/* Sending a message, or its top (RFC 1939 section 5 RETR, section 7 TOP). */
#ifndef IPOPD_RETR_H
#define IPOPD_RETR_H

#include <stddef.h>
#include <stdint.h>

struct session;

#define RETR_WHOLE	UINT64_MAX

/*
 * Answer with message `number` (1 to s->count): its header, the empty line,
 * and `lines` lines of its body; RETR_WHOLE is all of it.  Returns 0; -1 when
 * an -ERR was written instead, or the connection had to be broken off because
 * the message went away when a part of it was sent already.
 */
int retr_send(struct session *, size_t number, uint64_t lines);

#endif
