/* SPDX-License-Identifier: Apache-2.0 */
/* Internet addresses as text. */
#include "c-client/base/netaddr.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "c-client/base/banned.h"

static bool
ask(int fd, struct netaddr *a,
    int (*call)(int, struct sockaddr *, socklen_t *))
{
	memset(a, 0, sizeof *a);
	a->n = sizeof a->u;
	return call(fd, &a->u.any, &a->n) == 0;
}

bool
netaddr_local(int fd, struct netaddr *a)
{
	return ask(fd, a, getsockname);
}

bool
netaddr_peer(int fd, struct netaddr *a)
{
	return ask(fd, a, getpeername);
}

bool
netaddr_is_internet(const struct netaddr *a)
{
	return a->u.any.sa_family == AF_INET || a->u.any.sa_family == AF_INET6;
}

const char *
netaddr_text(const struct netaddr *a, char out[NETADDR_TEXT])
{
	const void *octets = &a->u.v4.sin_addr;
	int family = a->u.any.sa_family;

	if (family == AF_INET6) {
		octets = &a->u.v6.sin6_addr;
		if (IN6_IS_ADDR_V4MAPPED(&a->u.v6.sin6_addr)) {
			family = AF_INET;
			octets = a->u.v6.sin6_addr.s6_addr + 12;
		}
	}
	if (!netaddr_is_internet(a) ||
	    inet_ntop(family, octets, out, NETADDR_TEXT) == NULL)
		snprintf(out, NETADDR_TEXT, "unknown");
	return out;
}

uint16_t
netaddr_port(const struct netaddr *a)
{
	if (a->u.any.sa_family == AF_INET)
		return ntohs(a->u.v4.sin_port);
	return a->u.any.sa_family == AF_INET6 ? ntohs(a->u.v6.sin6_port) : 0;
}

bool
netaddr_parse(struct span text, struct netaddr *out)
{
	char host[NETADDR_TEXT];
	uint64_t port;
	size_t colon = text.n;
	struct span name;
	bool six = text.n != 0 && text.p[0] == '[';

	while (colon > 0 && text.p[colon - 1] != ':')
		colon--;
	if (colon == 0 || !span_number(span_slice(text, colon, text.n),
	    UINT16_MAX, &port))
		return false;
	name = span_slice(text, 0, colon - 1);
	if (six && (name.n < 3 || name.p[name.n - 1] != ']'))
		return false;
	if (six)
		name = span_slice(name, 1, name.n - 2);
	if (name.n == 0 || name.n >= sizeof host)
		return false;
	memcpy(host, name.p, name.n);
	host[name.n] = '\0';
	memset(out, 0, sizeof *out);
	if (six) {
		out->n = sizeof out->u.v6;
		out->u.v6.sin6_family = AF_INET6;
		out->u.v6.sin6_port = htons((uint16_t)port);
		return inet_pton(AF_INET6, host, &out->u.v6.sin6_addr) == 1;
	}
	out->n = sizeof out->u.v4;
	out->u.v4.sin_family = AF_INET;
	out->u.v4.sin_port = htons((uint16_t)port);
	return strcmp(host, "*") == 0 ||
	    inet_pton(AF_INET, host, &out->u.v4.sin_addr) == 1;
}
