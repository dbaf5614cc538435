/* SPDX-License-Identifier: Apache-2.0 */
/* Choosing a format for a mailbox; what a format is says driver.h. */
#include "c-client/store/driver.h"

#include "c-client/base/fault.h"

#include "c-client/base/banned.h"

const struct driver *
driver_of(struct account *account, const struct name *name,
    enum driver_kind *kind, struct fault *why)
{
	struct fault first = { .code = FAULT_NONE };

	for (size_t i = 0; drivers[i] != NULL; i++) {
		struct fault f = { .code = FAULT_NONE };
		enum driver_kind found = drivers[i]->probe(account, name, &f);

		if (found != DRIVER_NOT_OURS) {
			if (kind != NULL)
				*kind = found;
			return drivers[i];
		}
		/* "Not there" says less than what another format saw. */
		if (f.code != FAULT_NONE && (first.code == FAULT_NONE ||
		    first.code == FAULT_NOTFOUND))
			first = f;
	}
	if (first.code == FAULT_NONE)
		fault_set(&first, FAULT_NOTFOUND, "no mailbox %s",
		    name->path);
	if (why != NULL)
		*why = first;
	return NULL;
}

const struct driver *
driver_default(void)
{
	size_t last = 0;

	while (drivers[last + 1] != NULL)
		last++;
	return drivers[last];
}
