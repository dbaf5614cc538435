/* SPDX-License-Identifier: Apache-2.0 */
/* The formats as programs name them.  They may write into these objects, as
 * mail_link() does. */
#include "c-client/api/mail_link.h"

#include <string.h>

#include "c-client/store/driver.h"

#include "c-client/base/banned.h"

#define FLAGS	(DR_LOCAL | DR_MAIL | DR_LOCKING | DR_CRLF)

static char mbox_name[] = "mbox", maildir_name[] = "maildir",
    unix_name[] = "unix", dummy_name[] = "dummy";

DRIVER mboxdriver = { mbox_name, FLAGS, NULL };
DRIVER maildirdriver = { maildir_name, FLAGS, NULL };
DRIVER unixdriver = { unix_name, FLAGS, NULL };
DRIVER dummydriver = { dummy_name, FLAGS, NULL };

static DRIVER *const all[] = { &mboxdriver, &maildirdriver, &unixdriver,
    &dummydriver };

static DRIVER *linked;

DRIVER *
mail_link_of(const struct driver *driver)
{
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		if (strcmp(all[i]->name, driver->name) == 0)
			return all[i];
	return &dummydriver;
}

DRIVER *
mail_link_first(void)
{
	return linked;
}

/* At the end; what is there already stays where it is. */
void
mail_link(DRIVER *driver)
{
	DRIVER **at = &linked;

	while (*at != NULL && *at != driver)
		at = &(*at)->next;
	if (*at == driver)
		return;
	driver->next = NULL;
	*at = driver;
}
