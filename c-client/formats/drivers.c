/* SPDX-License-Identifier: Apache-2.0 */
/* The formats that this program was built with. */
#include "c-client/formats/dummy.h"
#include "c-client/formats/maildir.h"
#include "c-client/formats/mbox.h"
#include "c-client/formats/mboxinbox.h"
#include "c-client/store/driver.h"

#include "c-client/base/banned.h"

/* EXTRADRIVERS=mbox */
#ifndef WITH_MBOX
#define WITH_MBOX	0
#endif

const struct driver *const drivers[] = {
#if WITH_MBOX
	&mboxinbox_driver,
#endif
	&maildir_driver,
	&mbox_driver,
	&dummy_driver,
	NULL
};
