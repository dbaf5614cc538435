/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fingerprints of messages: the first 16 octets of SHA-256 (FIPS 180-4).  A
 * sender can't make two messages that share one, so that a message keeps its
 * UID by it.
 */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#define DIGEST_SIZE	16

/* Made once and used for many messages; not shared between threads. */
struct digest;
struct digest *digest_new(void);
void digest_free(struct digest *);	/* NULL is allowed */

/* One fingerprint: begin, add any number of times, end. */
void digest_begin(struct digest *);
void digest_add(struct digest *, const void *, size_t);
void digest_end(struct digest *, uint8_t out[DIGEST_SIZE]);

/* The name and version of the library that computes them. */
const char *digest_library(void);

#endif
