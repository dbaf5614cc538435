/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The "dummy" format: what is no mailbox, or not yet.  An INBOX that is not
 * there is an empty mailbox, which the first message makes a real one; a
 * directory of the mail root holds the names of others.
 */
#ifndef FORMATS_DUMMY_H
#define FORMATS_DUMMY_H

#include "c-client/store/driver.h"

extern const struct driver dummy_driver;

#endif
