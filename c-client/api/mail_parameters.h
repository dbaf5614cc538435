/* SPDX-License-Identifier: Apache-2.0 */
/* What programs have set. */
#ifndef API_MAIL_PARAMETERS_H
#define API_MAIL_PARAMETERS_H

#include "c-client/mail.h"

mailgets_t mail_parameters_gets(void);	/* NULL: none */

#endif
