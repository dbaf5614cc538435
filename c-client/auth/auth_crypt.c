/* SPDX-License-Identifier: Apache-2.0 */
/* Hashed passwords, over libcrypt. */
#include "c-client/auth/auth_crypt.h"

#include <crypt.h>
#include <stdlib.h>
#include <string.h>

#include "c-client/base/memory.h"

#include "c-client/base/banned.h"

/* The shortest hash that is one: 13 octets of the oldest method. */
#define SHORTEST	13

/* How long this takes tells the lengths, and nothing of what they hold. */
static bool
same(const char *a, const char *b)
{
	size_t n = strlen(a);
	unsigned char different = 0;

	if (strlen(b) != n)
		return false;
	for (size_t i = 0; i < n; i++)
		different |= (unsigned char)(a[i] ^ b[i]);
	return different == 0;
}

static bool
usable(const char *hash)
{
	return hash != NULL && strlen(hash) >= SHORTEST && hash[0] != '!' &&
	    hash[0] != '*';
}

bool
auth_crypt_matches(const char *password, const char *hash)
{
	struct crypt_data *data = memory_zalloc(sizeof *data);
	char salt[CRYPT_GENSALT_OUTPUT_SIZE] = "$6$notauser";
	bool good = usable(hash), yes;
	const char *made;

	/* No user, no hash: do the same work, so that time doesn't tell. */
	if (!good) {
		crypt_gensalt_rn(NULL, 0, NULL, 0, salt, sizeof salt);
		hash = salt;
	}
	made = crypt_r(password, hash, data);
	yes = made != NULL && made[0] != '*' && same(made, hash) && good;
	explicit_bzero(data, sizeof *data);
	free(data);
	return yes;
}
