/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes of a mailbox file as clients see them: line ends are CRLF, a NUL is
 * 0x80 (RFC 3501 has no way to send it).  A CRLF that is in the file stays
 * one; a bare CR is an octet like others.
 */
#ifndef FORMATS_WIRE_H
#define FORMATS_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

/*
 * Count in p[0] to p[n-1] the LFs without a CR before them, up to and with
 * the first LF that has an 'F' behind it; p[-1] and p[n] are looked at.
 * *used is how many octets were counted.  True: such an F is at p[*used].
 */
bool wire_count(const char *p, size_t n, size_t *used, uint64_t *bare);

/*
 * Add to `out` at most `room` wire octets of the `n` octets at p; `before` is
 * the octet in front of them.  Returns how many octets of p were used up; less
 * than n only where the next one's wire form does not fit into what is left
 * of `room`.
 */
size_t wire_add(struct buf *out, size_t room, const char *p, size_t n,
    char before);

#endif
