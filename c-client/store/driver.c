/* SPDX-License-Identifier: Apache-2.0 */
/* Choosing a format for a mailbox; what a format is says driver.h. */
#include "c-client/store/driver.h"

#include <stdlib.h>
#include <string.h>

#include "c-client/base/fault.h"
#include "c-client/base/memory.h"
#include "c-client/store/account.h"

#include "c-client/base/banned.h"

const struct driver *
driver_of(struct account *account, const struct name *name,
    enum driver_kind *kind, struct fault *why)
{
	struct fault first = { .code = FAULT_NONE };

	for (size_t i = 0; drivers[i] != NULL; i++) {
		struct fault f = { .code = FAULT_NONE };
		enum driver_kind found = drivers[i]->probe(account, name, &f);

		if (kind != NULL)
			*kind = found;
		if (found == DRIVER_PART) {
			first = f;
			break;
		}
		if (found != DRIVER_NOT_OURS)
			return drivers[i];
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

static const struct driver *
driver_named(const char *format)
{
	for (size_t i = 0; drivers[i] != NULL; i++)
		if (strcmp(drivers[i]->name, format) == 0 &&
		    !drivers[i]->placeholder)
			return drivers[i];
	return NULL;
}

/* What it is to be below, if that is a mailbox too. */
static const struct driver *
driver_above(struct account *account, const struct name *name)
{
	char *path = memory_string(name->path), *slash = strrchr(path, '/');
	struct name above = { .path = path };
	const struct driver *driver = NULL;
	enum driver_kind kind = DRIVER_NOT_OURS;

	if (slash != NULL) {
		*slash = '\0';
		driver = driver_of(account, &above, &kind, NULL);
	}
	free(path);
	return kind == DRIVER_MAILBOX ? driver : NULL;
}

const struct driver *
driver_for_new(struct account *account, const struct name *name,
    struct fault *why)
{
	struct name inbox = { .path = "INBOX", .inbox = true };
	const struct driver *driver = NULL, *above;
	enum driver_kind kind;
	const char *rest;

	if (name->format != NULL &&
	    (driver = driver_named(name->format)) == NULL) {
		fault_set(why, FAULT_BADNAME, "no format %s", name->format);
		return NULL;
	}
	/* In a mailbox that is a directory there is room for its own kind
	 * only. */
	above = driver_above(account, name);
	if (above != NULL && driver != NULL && above != driver) {
		fault_set(why, FAULT_BADNAME, "%s is below a %s mailbox",
		    name->path, above->name);
		return NULL;
	}
	if (driver == NULL)
		driver = above;
	/* Among others' it is the one that all can use. */
	if (driver == NULL && name_space(name->path, &rest) != NAME_OWN)
		driver = driver_default();
	if (driver == NULL && account->format != NULL)
		driver = driver_named(account->format);
	if (driver == NULL) {
		driver = driver_of(account, &inbox, &kind, NULL);
		if (driver == NULL || kind != DRIVER_MAILBOX)
			driver = driver_default();
	}
	return driver;
}

void
driver_list_none(struct account *account, struct driver_names *names)
{
	(void)account;
	(void)names;
}

static const struct driver *
last_of(bool placeholder)
{
	const struct driver *last = NULL;

	for (size_t i = 0; drivers[i] != NULL; i++)
		if (drivers[i]->placeholder == placeholder)
			last = drivers[i];
	return last;
}

const struct driver *
driver_default(void)
{
	return last_of(false);
}

const struct driver *
driver_placeholder(void)
{
	return last_of(true);
}
