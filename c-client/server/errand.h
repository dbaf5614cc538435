/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the process that accepts connections asks of the nursery, with the
 * descriptors that it takes, and what is reported back: one datagram each over
 * a SOCK_SEQPACKET pair.  Both sides decode as if the other were hostile.
 */
#ifndef SERVER_ERRAND_H
#define SERVER_ERRAND_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "c-client/base/netaddr.h"
#include "c-client/base/span.h"
#include "ssl/tls.h"

enum errand_kind {
	ERRAND_SERVE = 1,	/* a front for this connection */
	ERRAND_TURN_AWAY	/* one that says that there is no room */
};

struct errand {
	enum errand_kind kind;
	uint32_t id;		/* comes back in the report */
	bool tls;		/* from the first byte */
	bool refused;		/* nobody can log in */
	char host[NETADDR_TEXT];	/* the client's address */
	char local[NETADDR_TEXT];	/* ours */
	/* Whoever receives it owns them.  -1, but for the client, in an
	 * ERRAND_TURN_AWAY. */
	int client, monitor, session;
};

enum report_kind {
	REPORT_READY = 1,	/* nursery: certificates are loaded, as far as
				 * they can be */
	REPORT_TAKEN,		/* front: it has the descriptors */
	REPORT_FAILED		/* nursery: there could be no front */
};

struct report {
	enum report_kind kind;
	uint32_t id;		/* TAKEN, FAILED: of the errand */
	pid_t pid;		/* TAKEN */
	int error;		/* FAILED: errno */
	bool tls;		/* READY: TLS works */
	struct tls_files files;	/* READY: what was loaded, what not */
};

/* The octets of one as they are sent; what they read as. */
#define ERRAND_OCTETS	(12u + 2 * NETADDR_TEXT)
#define REPORT_OCTETS	(24u + 8 * TLS_FILES)
void errand_encode(const struct errand *, char out[static ERRAND_OCTETS]);
int errand_decode(struct span, struct errand *);
void report_encode(const struct report *, char out[static REPORT_OCTETS]);
int report_decode(struct span, struct report *);

/* Neither waits: 0, or -1 with errno (EAGAIN: later). */
int errand_send(int fd, const struct errand *);
int report_send(int fd, const struct report *);

/*
 * Wait for an errand.  1; 0 when the other side has closed; -1 on errors and
 * on what is no errand: cut, with too few or too many descriptors, or with
 * fields out of range.  No descriptor of a refused one stays open.
 */
int errand_receive(int fd, struct errand *);

/* The report that is there: 1; 0 when all who could send one have closed;
 * -1 with errno, EAGAIN where there is none, EPROTO where it is none. */
int report_receive(int fd, struct report *);

#endif
