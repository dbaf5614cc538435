/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a front does after login: it moves bytes between the client and the
 * session, which is another process, and looks at none of them.
 */
#ifndef SERVER_PUMP_H
#define SERVER_PUMP_H

struct link;

/*
 * Move bytes both ways until the session has closed its end and all that it
 * said was sent, or the client is gone, or it refuses to read for
 * BOUND_WRITE_SECS.  The client's end of sending reaches the session, which
 * may go on talking.  `session_fd` is made non-blocking and stays open.
 */
void pump_run(struct link *client, int session_fd);

#endif
