/* SPDX-License-Identifier: Apache-2.0 */
/* Where a service has its certificates. */
#include "c-client/server/certificates.h"

#include "c-client/base/bounds.h"
#include "c-client/base/config.h"
#include "c-client/base/words.h"
#include "c-client/server/service.h"

#include "c-client/base/banned.h"

void
certificates_find(struct certificates *c, const struct service *service,
    const struct config *config)
{
	*c = (struct certificates){
		.programs = { service->program, config->called,
		    service->certificate, NULL },
		.options = { .cert_dir = config->cert_dir,
		    .key_dir = config->key_dir, .alpn = service->alpn,
		    .policy = config->tls, .state_file = config->tls_state,
		    .record_max = words_has(config->workarounds,
		    "tls-records") ? BOUND_RECORD : 0 },
	};
	c->options.programs = c->programs;
}
