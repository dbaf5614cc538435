/* SPDX-License-Identifier: Apache-2.0 */
/* The formats as programs name them. */
#ifndef API_MAIL_LINK_H
#define API_MAIL_LINK_H

#include "c-client/mail.h"

struct driver;

DRIVER *mail_link_of(const struct driver *);
DRIVER *mail_link_first(void);

#endif
