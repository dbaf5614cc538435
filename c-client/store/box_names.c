/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CREATE, DELETE, RENAME: what is the same for all formats, which is
 * directories, indexes, and what INBOX may not be.
 */
#include "c-client/store/box.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "c-client/base/fault.h"
#include "c-client/base/log.h"
#include "c-client/base/trip.h"
#include "c-client/store/account.h"
#include "c-client/store/box_private.h"
#include "c-client/store/driver.h"
#include "c-client/store/index.h"
#include "c-client/store/place.h"

#include "c-client/base/banned.h"

/* FAULT_EXISTS where there is anything of this name; but a mailbox may be made
 * of a directory, if its format is one that is a directory. */
static int
must_be_free(struct account *account, const struct name *name,
    bool mailbox, struct fault *why)
{
	struct stat st;
	enum driver_kind kind;

	if (name->inbox)
		return fault_set(why, FAULT_EXISTS, "INBOX exists");
	driver_of(account, name, &kind, NULL);
	if (kind == DRIVER_MAILBOX || (place_stat(account, name, &st) == 0 &&
	    !(mailbox && S_ISDIR(st.st_mode))))
		return fault_set(why, FAULT_EXISTS, "%s exists", name->path);
	return kind == DRIVER_PART ? fault_set(why, FAULT_BADNAME,
	    "%s is a part of a mailbox", name->path) : 0;
}

/* The directories that the name's last level is to be in. */
static int
make_parents(struct account *account, const struct name *name,
    struct fault *why)
{
	if (place_make_dirs(account, name, true) == 0)
		return 0;
	if (errno == ENOTDIR)
		return fault_set(why, FAULT_CANNOT, "a level of %s is a "
		    "mailbox, and can't have others below", name->path);
	return fault_errno(why, "directories of %s", name->path);
}

/* Whether the levels above are directories only the format knows: it is tried
 * without making any first. */
static bool
is_parent_missing(const struct fault *why)
{
	return why->code == FAULT_NOTFOUND || why->code == FAULT_BADNAME;
}

int
box_create(struct account *account, const struct name *name,
    struct fault *why)
{
	const struct driver *driver;
	int status;

	if (must_be_free(account, name, !name->directory, why) == -1)
		return -1;
	if (name->directory && driver_placeholder() != NULL)
		return driver_placeholder()->create(account, name, why);
	/* An index of that name belongs to a mailbox that is gone: its UIDs
	 * must not come back with other messages. */
	if ((driver = driver_for_new(account, name, why)) == NULL ||
	    index_remove(account->index_dir, name->path,
	    account->lock_timeout, why) == -1)
		return -1;
	status = driver->create(account, name, why);
	if (status == -1 && is_parent_missing(why) &&
	    make_parents(account, name, why) == 0)
		status = driver->create(account, name, why);
	return status;
}

int
box_delete(struct account *account, const struct name *name,
    struct fault *why)
{
	const struct driver *driver;
	enum driver_kind kind;
	struct fault index;

	if (name->inbox)
		return fault_set(why, FAULT_CANNOT, "INBOX stays");
	driver = driver_of(account, name, &kind, why);
	if (driver == NULL || driver->remove(account, name, why) == -1)
		return -1;
	if (kind != DRIVER_MAILBOX)
		return 0;
	TRIP_KILL("box_names.deleted");
	/* The mailbox is gone whatever becomes of its index, which box_create()
	 * looks for again. */
	if (index_remove(account->index_dir, name->path,
	    account->lock_timeout, &index) == -1)
		log_line(LOG_WARNING, "index of a deleted mailbox: %s",
		    index.text);
	return 0;
}

/* By its format, which must be one that can be there. */
static int
rename_mailbox(struct account *account, const struct driver *driver,
    const struct name *from, const struct name *to, struct fault *why)
{
	struct name new = *to;
	int status;

	new.format = driver->name;
	if (driver_for_new(account, &new, why) == NULL ||
	    index_remove(account->index_dir, to->path,
	    account->lock_timeout, why) == -1)
		return -1;
	status = driver->rename(account, from, to, why);
	if (status == -1 && is_parent_missing(why) &&
	    make_parents(account, to, why) == 0)
		status = driver->rename(account, from, to, why);
	return status;
}

/* The mailbox's own index, and those of what is below it. */
static int
move_indexes(struct account *account, bool mailbox, const struct name *from,
    const struct name *to, struct fault *why)
{
	if (mailbox && index_move(account->index_dir, from->path,
	    to->path, account->lock_timeout, why) == -1)
		return -1;
	return index_move_below(account->index_dir, from->path, to->path,
	    account->lock_timeout, why);
}

int
box_rename(struct account *account, const struct name *from,
    const struct name *to, struct fault *why)
{
	const struct driver *driver;
	enum driver_kind kind;
	struct fault index;
	int status;

	if (from->inbox)
		return box_rename_inbox(account, to, why);
	if (must_be_free(account, to, false, why) == -1 ||
	    (driver = driver_of(account, from, &kind, why)) == NULL)
		return -1;
	if (kind == DRIVER_MAILBOX)
		status = rename_mailbox(account, driver, from, to, why);
	else
		status = make_parents(account, to, why) == -1 ? -1 :
		    driver->rename(account, from, to, why);
	if (status == -1)
		return -1;
	TRIP_KILL("box_names.renamed");
	if (move_indexes(account, kind == DRIVER_MAILBOX, from, to, &index) ==
	    -1)
		log_line(LOG_WARNING, "index of a renamed mailbox: %s",
		    index.text);
	return 0;
}
