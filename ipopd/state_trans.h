/* SPDX-License-Identifier: Apache-2.0 */
/* POP3's TRANSACTION state (RFC 1939 section 5) as a table of commands. */
#ifndef IPOPD_STATE_TRANS_H
#define IPOPD_STATE_TRANS_H

#include "c-client/base/span.h"

struct session;

/* Run one line, without its end and without NULs: the answer is added to the
 * stream's output.  Sets s->end where it was the last one. */
void state_trans_run(struct session *, struct span line);

#endif
