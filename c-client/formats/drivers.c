/* SPDX-License-Identifier: Apache-2.0 */
/* The formats that there are. */
#include "c-client/formats/dummy.h"
#include "c-client/formats/maildir.h"
#include "c-client/formats/mbox.h"
#include "c-client/formats/mboxinbox.h"
#include "c-client/store/driver.h"

#include "c-client/base/banned.h"

const struct driver *const drivers[] = {
	&mboxinbox_driver,
	&maildir_driver,
	&mbox_driver,
	&dummy_driver,
	NULL
};
