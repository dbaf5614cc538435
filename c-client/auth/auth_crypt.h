/* SPDX-License-Identifier: Apache-2.0 */
/* Passwords against crypt(3) hashes, in constant time.  For auth/ only. */
#ifndef AUTH_AUTH_CRYPT_H
#define AUTH_AUTH_CRYPT_H

#include <stdbool.h>

/*
 * Does `password` belong to `hash`?  `hash` may be NULL or locked ("!", "*",
 * empty): the answer is then no, and it takes as long as a hash of this
 * machine's preferred method.
 */
bool auth_crypt_matches(const char *password, const char *hash);

#endif
