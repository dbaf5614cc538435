/* SPDX-License-Identifier: Apache-2.0 */
/* Dates as they stand in a MESSAGECACHE. */
#ifndef API_MAIL_DATE_H
#define API_MAIL_DATE_H

#include <stdbool.h>

#include "c-client/mail.h"

struct date;

/* False, with nothing set, for a year that has no room there. */
bool mail_date_set(MESSAGECACHE *, const struct date *);

#endif
