/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The "mbox" format, built with EXTRADRIVERS=mbox: where a file ~/mbox exists,
 * it is the INBOX, and mail that has come to the spool is moved into it each
 * time the mailbox is looked at.  All else is as in the "unix" format.
 */
#ifndef FORMATS_MBOXINBOX_H
#define FORMATS_MBOXINBOX_H

#include <stdbool.h>

#include "c-client/formats/mbox.h"
#include "c-client/formats/mbox_lock.h"
#include "c-client/store/account.h"

struct mboxinbox {
	struct mbox m;		/* ~/mbox; first, since mbox_*.c know that */
	struct account account;	/* the box's as mbox_*.c see it: ~/mbox is
				 * where they take the spool's file to be */
	struct account *real;
	struct mbox_lock lock;	/* of the spool's file */
	bool hasty;		/* its lock could not be had: not waited for
				 * again until it can be */
	bool logged;		/* why mail stays in the spool */
};

extern const struct driver mboxinbox_driver;

#endif
