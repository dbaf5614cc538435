/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates by server name.  They are loaded before a name is known: who
 * talks to the network can't open a file any more.
 */
#include "ssl/tls_names.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "c-client/base/fault.h"
#include "c-client/base/log.h"
#include "c-client/base/memory.h"
#include "ssl/tls.h"
#include "ssl/tls_cert.h"

#include "c-client/base/banned.h"

#define MAX_NAMES	64

struct tls_names {
	size_t n;
	struct {
		char *name;
		SSL_CTX *ctx;
	} of[MAX_NAMES];
};

SSL_CTX *
tls_names_find(const struct tls_names *names, const char *name)
{
	size_t n = strlen(name);

	/* A name may end with the root's dot. */
	if (n > 0 && name[n - 1] == '.')
		n--;
	for (size_t i = 0; names != NULL && i < names->n; i++)
		if (strlen(names->of[i].name) == n &&
		    strncasecmp(names->of[i].name, name, n) == 0)
			return names->of[i].ctx;
	return NULL;
}

bool
tls_names_of_file(const char *program, const char *file,
    char name[static TLS_NAMES_NAME])
{
	size_t n = strlen(program), end = strlen(file);
	unsigned char address[16];

	if (n == 0 || strncmp(file, program, n) != 0 || file[n] != '-' ||
	    end < n + 6 || strcmp(file + end - 4, ".pem") != 0 ||
	    end - n - 5 >= TLS_NAMES_NAME)
		return false;
	memcpy(name, file + n + 1, end - n - 5);
	name[end - n - 5] = '\0';
	return strchr(name, '.') != NULL &&
	    inet_pton(AF_INET, name, address) != 1 &&
	    inet_pton(AF_INET6, name, address) != 1;
}

static void
add(struct tls_names *names, const struct tls_options *o, const char *file,
    const char *name, SSL_CTX *ctx, struct tls_state *state)
{
	char path[TLS_CERT_PATH], key[TLS_CERT_PATH];
	struct fault why;

	snprintf(path, sizeof path, "%s/%s", o->cert_dir, file);
	snprintf(key, sizeof key, "%s/%s", o->key_dir, file);
	if (ctx == NULL || tls_cert_use(ctx, o, path, key, state, &why) == -1) {
		log_line(LOG_ERR, "%s", ctx == NULL ? "OpenSSL can't start" :
		    why.text);
		SSL_CTX_free(ctx);
		return;
	}
	names->of[names->n].name = memory_string(name);
	names->of[names->n++].ctx = ctx;
}

/* Those of one program that no program before it has. */
static void
names_of(struct tls_names *names, const struct tls_options *o,
    const char *program, SSL_CTX *(*make)(void *), void *arg,
    struct tls_state *state)
{
	DIR *d = opendir(o->cert_dir);
	const struct dirent *e;
	char name[TLS_NAMES_NAME];

	while (d != NULL && (e = readdir(d)) != NULL) {
		if (!tls_names_of_file(program, e->d_name, name) ||
		    tls_names_find(names, name) != NULL)
			continue;
		if (names->n == MAX_NAMES) {
			log_line(LOG_WARNING, "certificates in %s: those of "
			    "%d server names are used, and no more",
			    o->cert_dir, MAX_NAMES);
			break;
		}
		add(names, o, e->d_name, name, make(arg), state);
	}
	if (d != NULL)
		closedir(d);
}

struct tls_names *
tls_names_load(const struct tls_options *o, SSL_CTX *(*make)(void *),
    void *arg, struct tls_state *state)
{
	struct tls_names *names = memory_zalloc(sizeof *names);

	for (size_t i = 0; o->programs[i] != NULL; i++)
		names_of(names, o, o->programs[i], make, arg, state);
	if (names->n > 0)
		return names;
	tls_names_free(names);
	return NULL;
}

void
tls_names_free(struct tls_names *names)
{
	if (names == NULL)
		return;
	for (size_t i = 0; i < names->n; i++) {
		free(names->of[i].name);
		SSL_CTX_free(names->of[i].ctx);
	}
	free(names);
}
