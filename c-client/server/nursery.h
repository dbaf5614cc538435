/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The nursery: holds certificates, keys and ticket keys for a process that
 * accepts connections and must not know them, and makes the fronts.  It reads
 * nothing from the network.
 */
#ifndef SERVER_NURSERY_H
#define SERVER_NURSERY_H

#include <sched.h>
#include <signal.h>

struct config;
struct service;

/* How a front is made: it is a child of the nursery's parent, who reaps it
 * and outlives nurseries. */
#define NURSERY_CLONE	((unsigned long)CLONE_PARENT | SIGCHLD)

/*
 * Be a nursery, in a process of its own: load what there is, go behind the
 * walls, report REPORT_READY over `control` (errand.h), and make fronts until
 * it is closed.  Never returns.
 */
void nursery_run(const struct service *, const struct config *, int control)
    __attribute__((noreturn));

#endif
