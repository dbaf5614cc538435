/* SPDX-License-Identifier: Apache-2.0 */
/* ipop3d: the POP3 server.  What it is to server/, and nothing else. */
#include "c-client/server/service.h"
#include "c-client/server/start.h"
#include "ipopd/prelogin.h"
#include "ipopd/session.h"

#include "c-client/base/banned.h"

static const struct service pop = {
	.program = "ipop3d",
	.certificate = "imapd",
	.log_name = "pop3",
	.pam_name = "pop",
	.port_name = "pop3",
	.tls_port_name = "pop3s",
	.port = 110,
	.tls_port = 995,
	.alpn = "pop3",
	.usage = "usage: ipop3d [--config FILE] "
	    "[--listen ADDRESS:PORT[,tls|,plain]] "
	    "[--tls | --no-tls]",
	.busy = "-ERR [SYS/TEMP] The server is busy; try again later\r\n",
	.crowded = "-ERR [SYS/TEMP] Too many connections, try later\r\n",
	.idle_secs = 600,
	.logs_login = true,
	.prelogin = &prelogin_pop,
	.session = session_main,
};

int
main(int argc, char **argv)
{
	return start_main(&pop, argc, argv);
}
