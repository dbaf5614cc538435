/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Internet addresses as text.  Numbers only: no name server is ever asked.
 */
#ifndef BASE_NETADDR_H
#define BASE_NETADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "c-client/base/span.h"

struct netaddr {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
		struct sockaddr_storage room;
	} u;
	socklen_t n;
};

/* "ffff:...:255.255.255.255%" and an interface name fit. */
#define NETADDR_TEXT	(INET6_ADDRSTRLEN + 20)

/* The addresses of a connected socket; false for one that has none. */
bool netaddr_local(int fd, struct netaddr *);
bool netaddr_peer(int fd, struct netaddr *);

/* IPv4 or IPv6. */
bool netaddr_is_internet(const struct netaddr *);

/* As inet_ntop() prints it; IPv4-mapped as IPv4 (decisions.md 7).  Returns
 * `out`, which is "unknown" for another family. */
const char *netaddr_text(const struct netaddr *, char out[NETADDR_TEXT]);

/* The port in host order, 0 for another family. */
uint16_t netaddr_port(const struct netaddr *);

/*
 * Read "192.0.2.1:993" or "[::1]:993"; "*:993" is every IPv4 address, and
 * "[::]:993" every one.  False if it is neither.
 */
bool netaddr_parse(struct span text, struct netaddr *out);

#endif
