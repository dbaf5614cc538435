/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines of the dialogue before login. */
#include "c-client/server/prelogin.h"

#include "c-client/base/log.h"
#include "c-client/server/service.h"

#include "c-client/base/banned.h"

void
prelogin_log_disabled(const struct prelogin *p, struct span user)
{
	char name[LOG_FIELD_MAX];

	log_field(user.p, user.n, name);
	log_line(LOG_AUTH | LOG_NOTICE,
	    "Login disabled user=%s auth=%s host=%s", name, name, p->client);
}

void
prelogin_log_bad(const struct prelogin *p, const char *what)
{
	log_line(LOG_INFO, "%s before authentication host=%s", what,
	    p->client);
}
