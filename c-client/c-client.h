/* SPDX-License-Identifier: Apache-2.0 */
/* What programs include: all of the interface that is here. */
#ifndef C_CLIENT_H
#define C_CLIENT_H

#include "mail.h"
#include "rfc822.h"
#include "linkage.h"

#endif
