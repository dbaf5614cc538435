/* SPDX-License-Identifier: Apache-2.0 */
/* The IMAP server: what it is to server/, which does the rest. */
#include "c-client/base/config.h"
#include "c-client/server/service.h"
#include "c-client/server/start.h"
#include "imapd/prelogin.h"
#include "imapd/session.h"
#include "imapd/workarounds.h"

#include "c-client/base/banned.h"

static void
configure(const struct config *c)
{
	workarounds_set(c->workarounds);
}

static const struct service imap = {
	.program = "imapd",
	.certificate = "imapd",
	.log_name = "imap",
	.pam_name = "imap",
	.port_name = "imap",
	.tls_port_name = "imaps",
	.port = 143,
	.tls_port = 993,
	.alpn = "imap",
	.usage = "usage: imapd [--config FILE] [--tls] "
	    "[--listen ADDRESS:PORT[,tls|,plain]] ...",
	.busy = "* BYE [UNAVAILABLE] Service not available\r\n",
	.crowded = "* BYE [UNAVAILABLE] Too many connections, try later\r\n",
	.idle_secs = 30 * 60,		/* RFC 3501 5.4: at least that */
	.configure = configure,
	.prelogin = &prelogin_ops_imap,
	.session = session_main,
};

int
main(int argc, char **argv)
{
	return start_main(&imap, argc, argv);
}
