/* SPDX-License-Identifier: Apache-2.0 */
/* What is no mailbox, or not yet: see dummy.h. */
#include "c-client/formats/dummy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "c-client/base/clock.h"
#include "c-client/base/fault.h"
#include "c-client/base/trip.h"
#include "c-client/store/account.h"
#include "c-client/store/box.h"
#include "c-client/store/place.h"
#include "c-client/store/watch.h"

#include "c-client/base/banned.h"

static bool
is_missing(const struct account *account)
{
	struct stat st;

	return lstat(account->spool, &st) == -1 && errno == ENOENT;
}

static enum driver_kind
dummy_probe(struct account *account, const struct name *name,
    struct fault *why)
{
	struct stat st;

	if (name->inbox)
		return is_missing(account) ? DRIVER_MISSING :
		    DRIVER_NOT_OURS;
	if (place_stat(account, name, &st) == -1 || !S_ISDIR(st.st_mode))
		return DRIVER_NOT_OURS;
	fault_set(why, FAULT_BADNAME, "%s is a directory", name->path);
	return DRIVER_DIRECTORY;
}

static int
dummy_open(struct box *box, struct fault *why)
{
	(void)why;
	box->missing = true;
	box->unsettled = false;
	return 0;
}

static void
dummy_close(struct box *box)
{
	box->missing = false;
}

/* An empty mailbox, with numbers for the messages to come. */
static int
dummy_sync(struct box *box, struct fault *why)
{
	if (!is_missing(box->account))
		return fault_set(why, FAULT_NOTFOUND,
		    "the INBOX is not missing any more");
	if (box->meta.uidvalidity != 0 && box->count == 0 &&
	    box->meta.stamp_size == 0)
		return 0;
	if (box_begin(box, why) == -1)
		return -1;
	if (box->meta.uidvalidity == 0) {
		box->meta.uidvalidity = box_meta_uidvalidity(box->lost,
		    clock_now());
		box->meta.uidnext = box->meta.first_recent = 1;
	}
	box_remove_all(box, false);
	box->meta.stamp_size = 0;
	box_touch_meta(box);
	return box_commit(box, why);
}

static int
dummy_read(struct box *box, const struct record *r, uint64_t off, size_t len,
    struct buf *out, struct fault *why)
{
	(void)off;
	(void)len;
	(void)out;
	return fault_set(why, FAULT_CHANGED, "no message %u: %s is missing",
	    r->uid, box->name.path);
}

/* The first message makes it, in the format that mailboxes have where nothing
 * is said, and which takes it from there. */
static int
dummy_append(struct box *box, struct append_item *items, size_t count,
    struct fault *why)
{
	if (driver_default()->create(box->account, &box->name, why) == -1 &&
	    why->code != FAULT_EXISTS)
		return -1;
	if (box_follow(box, why) == -1)
		return -1;
	if (box->driver == &dummy_driver)
		return fault_set(why, FAULT_NOTFOUND, "%s is gone",
		    box->name.path);
	return box->driver->append(box, items, count, why);
}

/* There are no messages, so all is done. */

static int
dummy_expunge(struct box *box, const uint32_t *uids, size_t count,
    bool deleted_only, struct fault *why)
{
	(void)box;
	(void)uids;
	(void)count;
	(void)deleted_only;
	(void)why;
	return 0;
}

static int
dummy_flush(struct box *box, bool leaving, struct fault *why)
{
	(void)box;
	(void)leaving;
	(void)why;
	return 0;
}

/* --- Directories ---------------------------------------------------------- */

static int
dummy_create(struct account *account, const struct name *name,
    struct fault *why)
{
	if (name->inbox || !name->directory)
		return fault_set(why, FAULT_BADNAME,
		    "%s would be no mailbox", name->path);
	return place_make_dirs(account, name, false) == 0 ? 0 :
	    fault_errno(why, "directory %s", name->path);
}

static int
dummy_remove(struct account *account, const struct name *name,
    struct fault *why)
{
	const char *last;
	int dir, status = 0;

	if (name->inbox)
		return fault_set(why, FAULT_CANNOT,
		    "the INBOX keeps its name");
	dir = place_parent(account, name, &last);
	if (dir == -1)
		return fault_errno(why, "directory of %s", name->path);
	if (TRIP("dummy.rmdir") || unlinkat(dir, last, AT_REMOVEDIR) == -1)
		status = errno == ENOTEMPTY || errno == EEXIST ?
		    fault_set(why, FAULT_CANNOT, "directory %s is not empty",
		    name->path) : fault_errno(why, "rmdir %s", name->path);
	close(dir);
	return status;
}

static int
dummy_rename(struct account *account, const struct name *from,
    const struct name *to, struct fault *why)
{
	const char *old, *new;
	int source, target, status = 0;

	if (from->inbox || to->inbox)
		return from->inbox ? fault_set(why, FAULT_CANNOT,
		    "the INBOX keeps its name") : fault_set(why,
		    FAULT_EXISTS, "the INBOX is there");
	source = place_parent(account, from, &old);
	target = place_parent(account, to, &new);
	if (source == -1 || target == -1 || TRIP("dummy.rename") ||
	    renameat2(source, old, target, new, RENAME_NOREPLACE) == -1)
		status = errno == EINVAL ? fault_set(why, FAULT_CANNOT,
		    "%s is below %s", to->path, from->path) :
		    fault_errno(why, "rename %s", from->path);
	if (source != -1)
		close(source);
	if (target != -1)
		close(target);
	return status;
}

static void
dummy_watch(struct box *box, struct watch *watch)
{
	watch_file(watch, box->account->spool);
}

const struct driver dummy_driver = {
	.name = "dummy",
	.placeholder = true,
	.probe = dummy_probe,
	.open = dummy_open,
	.close = dummy_close,
	.sync = dummy_sync,
	.read = dummy_read,
	.append = dummy_append,
	.expunge = dummy_expunge,
	.flush = dummy_flush,
	.create = dummy_create,
	.remove = dummy_remove,
	.rename = dummy_rename,
	.list = driver_list_none,
	.watch = dummy_watch,
};
