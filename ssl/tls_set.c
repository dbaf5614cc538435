/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates by local address, all of them loaded before one is needed. */
#include "ssl/tls_set.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "c-client/base/fault.h"
#include "c-client/base/log.h"
#include "c-client/base/memory.h"
#include "ssl/tls.h"

#include "c-client/base/banned.h"

#define MAX_ADDRESSES	64

struct tls_set {
	struct tls_config *others;	/* NULL: there is none for them */
	size_t n;
	struct {
		char address[INET6_ADDRSTRLEN];
		struct tls_config *config;
	} of[MAX_ADDRESSES];
};

struct tls_config *
tls_set_find(const struct tls_set *set, const char *address)
{
	if (set == NULL)
		return NULL;
	for (size_t i = 0; i < set->n; i++)
		if (strcmp(set->of[i].address, address) == 0)
			return set->of[i].config;
	return set->others;
}

bool
tls_set_serves_all(const struct tls_set *set)
{
	return set != NULL && set->others != NULL;
}

/* The ADDRESS of PROGRAM-ADDRESS.pem, written as it is looked for. */
static bool
address_of(const char *program, const char *file,
    char address[static INET6_ADDRSTRLEN])
{
	size_t n = strlen(program), end = strlen(file);
	char again[INET6_ADDRSTRLEN];
	unsigned char octets[16];
	int family;

	if (n == 0 || strncmp(file, program, n) != 0 || file[n] != '-' ||
	    end < n + 6 || strcmp(file + end - 4, ".pem") != 0 ||
	    end - n - 5 >= INET6_ADDRSTRLEN)
		return false;
	memcpy(address, file + n + 1, end - n - 5);
	address[end - n - 5] = '\0';
	family = strchr(address, ':') == NULL ? AF_INET : AF_INET6;
	return inet_pton(family, address, octets) == 1 &&
	    inet_ntop(family, octets, again, sizeof again) != NULL &&
	    strcmp(address, again) == 0;
}

/* One that is broken has a row all the same: it is not covered up by that of
 * the others. */
static void
add(struct tls_set *set, const struct tls_options *o, const char *address)
{
	struct tls_options mine = *o;
	struct fault why;

	for (size_t i = 0; i < set->n; i++)
		if (strcmp(set->of[i].address, address) == 0)
			return;
	if (set->n == MAX_ADDRESSES) {
		log_line(LOG_WARNING, "certificates in %s: those of %d "
		    "addresses are used, and no more", o->cert_dir,
		    MAX_ADDRESSES);
		return;
	}
	memcpy(set->of[set->n].address, address, strlen(address) + 1);
	mine.address = set->of[set->n].address;
	set->of[set->n].config = tls_config_load(&mine, &why);
	if (set->of[set->n].config == NULL)
		log_line(LOG_ERR, "%s", why.text);
	set->n++;
}

static void
add_all(struct tls_set *set, const struct tls_options *o)
{
	char address[INET6_ADDRSTRLEN];
	const struct dirent *e;
	DIR *d = opendir(o->cert_dir);

	while (d != NULL && (e = readdir(d)) != NULL)
		for (size_t i = 0; o->programs[i] != NULL; i++)
			if (address_of(o->programs[i], e->d_name, address)) {
				add(set, o, address);
				break;
			}
	if (d != NULL)
		closedir(d);
}

struct tls_set *
tls_set_load(const struct tls_options *o, struct fault *why)
{
	struct tls_set *set = memory_zalloc(sizeof *set);
	struct tls_options others = *o;
	bool any;

	others.address = NULL;
	set->others = tls_config_load(&others, why);
	add_all(set, o);
	any = set->others != NULL;
	for (size_t i = 0; i < set->n; i++)
		any = any || set->of[i].config != NULL;
	if (any)
		return set;
	tls_set_free(set);
	return NULL;
}

void
tls_set_free(struct tls_set *set)
{
	if (set == NULL)
		return;
	tls_config_free(set->others);
	for (size_t i = 0; i < set->n; i++)
		tls_config_free(set->of[i].config);
	free(set);
}
