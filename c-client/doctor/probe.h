/* SPDX-License-Identifier: Apache-2.0 */
/* A client of the server on this machine: lines over TCP and TLS, with an end
 * to its patience. */
#ifndef DOCTOR_PROBE_H
#define DOCTOR_PROBE_H

#include <stdint.h>

#include "c-client/base/buf.h"

struct fault;
struct tls;

struct probe {
	int fd;
	struct tls *tls;	/* NULL in clear */
	struct buf in;		/* received, from p[taken] on not yet read */
	size_t taken;
	int64_t deadline;	/* of all that it does (clock_msecs()) */
};

/* Connect to 127.0.0.1.  `secs` is for all that follows.  0, or -1 with a
 * fault: FAULT_NOTFOUND where nobody listens.  probe_close() in any case. */
int probe_open(struct probe *, uint16_t port, uint32_t secs, struct fault *);
void probe_close(struct probe *);

/* Begin TLS.  What was received before is dropped. */
int probe_secure(struct probe *, const char *alpn, struct fault *);

/* Send a line, which has no end yet. */
int probe_send(struct probe *, const char *line, struct fault *);

/* The next line, without its end; "" where it is too long, valid until the
 * next call.  NULL with a fault: FAULT_CLOSED, FAULT_TIMEOUT. */
const char *probe_line(struct probe *, struct fault *);

#endif
