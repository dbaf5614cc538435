/* SPDX-License-Identifier: Apache-2.0 */
/* The formats that this program was built with. */
#include "c-client/formats/maildir.h"
#include "c-client/formats/mbox.h"
#include "c-client/store/driver.h"

#include "c-client/base/banned.h"

const struct driver *const drivers[] = {
	&maildir_driver,
	&mbox_driver,
	NULL
};
