/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of TCP ports, from /etc/services and nowhere else: getservbyport(3)
 * may ask the network.
 */
#ifndef SERVER_PORT_H
#define SERVER_PORT_H

#include <stdbool.h>
#include <stdint.h>

/* Does /etc/services call TCP port `port` by this name (or alias)? */
bool port_is_called(uint16_t port, const char *name);

/* The same for another file; false if it can't be read. */
bool port_is_called_in(const char *file, uint16_t port, const char *name);

/*
 * Who listens on TCP port `port` (any address), as far as this process may
 * find out: "NAME (pid N)" into `out`, or "" and false.
 */
#define PORT_HOLDER	64
bool port_holder(uint16_t port, char out[PORT_HOLDER]);

#endif
