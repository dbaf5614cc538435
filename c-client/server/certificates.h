/* SPDX-License-Identifier: Apache-2.0 */
/* Where a service has its certificates: the options of ssl/. */
#ifndef SERVER_CERTIFICATES_H
#define SERVER_CERTIFICATES_H

#include "ssl/tls.h"

struct config;
struct service;

struct certificates {
	const char *programs[4];	/* what options.programs points to */
	struct tls_options options;
};

/* Fill it in; it must not be moved after that.  options.address is NULL. */
void certificates_find(struct certificates *, const struct service *,
    const struct config *);

#endif
