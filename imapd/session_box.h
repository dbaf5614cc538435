/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Untagged data of the selected mailbox.  session_box.c also has those
 * functions of session.h that concern it.
 */
#ifndef IMAPD_SESSION_BOX_H
#define IMAPD_SESSION_BOX_H

#include <stdbool.h>
#include <stdint.h>

struct session;

/* "* FLAGS (...)" and "* OK [PERMANENTFLAGS (...)]" (RFC 3501 7.2.6, 7.1). */
void session_flags(struct session *);
void session_permanent(struct session *);

/* "* n FETCH ([UID u ]FLAGS (...))" of a message number; nothing if the
 * message is gone.  False where the connection is gone. */
bool session_tell_flags(struct session *, uint32_t number);

#endif
