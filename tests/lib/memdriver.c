/* SPDX-License-Identifier: Apache-2.0 */
/* A format for tests of store/. */
#include "tests/lib/memdriver.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "c-client/base/arena.h"
#include "c-client/base/buf.h"
#include "c-client/base/config.h"
#include "c-client/store/account.h"
#include "c-client/store/append.h"
#include "c-client/store/box.h"
#include "c-client/store/driver.h"
#include "c-client/store/place.h"
#include "c-client/store/progress.h"
#include "c-client/store/watch.h"
#include "tests/lib/logged.h"
#include "tests/lib/tree.h"

#include "c-client/base/banned.h"

struct memdriver memdriver;

static bool
is_there(const struct account *a, const struct name *name)
{
	struct stat st;

	return name->inbox || (place_stat(a, name, &st) == 0 &&
	    S_ISREG(st.st_mode));
}

static enum driver_kind
mem_probe(struct account *a, const struct name *name, struct fault *why)
{
	(void)why;
	memdriver.probes++;
	return is_there(a, name) ? DRIVER_MAILBOX : DRIVER_NOT_OURS;
}

static int
mem_open(struct box *box, struct fault *why)
{
	(void)box;
	(void)why;
	return 0;
}

static void
mem_close(struct box *box)
{
	(void)box;
}

static int
mem_sync(struct box *box, struct fault *why)
{
	memdriver.syncs++;
	if (memdriver.sync_fault != FAULT_NONE)
		return fault_set(why, memdriver.sync_fault, "as told");
	if (!is_there(box->account, &box->name))
		return fault_set(why, FAULT_NOTFOUND, "gone");
	if (box->meta.uidvalidity == 0) {
		if (box_begin(box, why) == -1)
			return -1;
		if (box->meta.uidvalidity == 0)
			box->meta.uidvalidity = 1000;
		box_touch_meta(box);
		if (box_commit(box, why) == -1)
			return -1;
	}
	return memdriver.on_sync == NULL ? 0 : memdriver.on_sync(box, why);
}

static int
mem_read(struct box *box, const struct record *r, uint64_t off, size_t len,
    struct buf *out, struct fault *why)
{
	char *to;

	(void)box;
	(void)why;
	if (off >= r->wire_size)
		return 0;
	if (len > r->wire_size - off)
		len = (size_t)(r->wire_size - off);
	if ((to = buf_room(out, len)) == NULL)
		return fault_set(why, FAULT_LIMIT, "no room");
	memset(to, 'a' + (int)(r->wire_size % 26), len);
	out->n += len;
	return 0;
}

static void
deliver(struct box *box, size_t count, uint64_t size)
{
	for (size_t i = 0; i < count; i++) {
		struct record r = { .uid = box->meta.uidnext++,
		    .wire_size = size, .disk_size = size };

		box_add(box, &r);
	}
	box_touch_meta(box);
}

struct box *
memdriver_open(struct account *a, const struct name *name)
{
	struct fault why;
	struct box *box = box_open(a, name, false, &why);

	if (box == NULL || box_sync(box, &why) == -1)
		fail_msg("%s", why.text);
	return box;
}

size_t
memdriver_count(struct account *a, const struct name *name)
{
	struct box *box = memdriver_open(a, name);
	size_t n = box->count;

	box_close(box);
	return n;
}

void
memdriver_deliver(struct box *box, size_t count)
{
	int status = box_begin(box, NULL);

	assert(status == 0);
	deliver(box, count, 100);
	status = box_commit(box, NULL);
	assert(status == 0);
}

void
memdriver_replace(struct box *box)
{
	int status = box_begin(box, NULL);

	assert(status == 0);
	box_remove_all(box, true);
	box->meta.uidvalidity++;
	box->meta.uidnext = 1;
	box_touch_meta(box);
	status = box_commit(box, NULL);
	assert(status == 0);
}

/* What else an appended message has. */
static int
describe(struct box *box, const struct append_item *item, struct fault *why)
{
	struct record *r = &box->records[box->count - 1];

	r->flags = item->flags;
	r->date = item->date;
	r->zone = item->zone;
	for (size_t i = 0; i < item->keyword_count; i++) {
		int bit = box_keyword_add(box, item->keywords[i], why);

		if (bit == -1)
			return -1;
		r->keywords.bits[bit / 64] |= (uint64_t)1 << (bit % 64);
	}
	return 0;
}

static int
mem_append(struct box *box, struct append_item *items, size_t count,
    struct fault *why)
{
	size_t n = 0;

	if (memdriver.append_fails)
		return fault_set(why, FAULT_QUOTA, "as told");
	if (box_sync(box, why) == -1 || box_begin(box, why) == -1)
		return -1;
	for (size_t i = 0; i < count; i++) {
		uint64_t left = sizeof memdriver.appended - 1 - n;
		size_t len = (size_t)(items[i].size < left ? items[i].size :
		    left);

		if (append_read(&items[i], 0, memdriver.appended + n, len,
		    why) == -1) {
			box_rollback(box);
			return -1;
		}
		n += len;
		items[i].uid = box->meta.uidnext;
		deliver(box, 1, items[i].size);
		if (describe(box, &items[i], why) == -1) {
			box_rollback(box);
			return -1;
		}
	}
	append_arrive(items, count);
	memdriver.appended[n] = '\0';
	return box_commit(box, why);
}

static int
mem_expunge(struct box *box, const uint32_t *uids, size_t count,
    bool deleted_only, struct fault *why)
{
	enum fault_code fault = memdriver.expunge_fault;

	if (memdriver.expunge_faults > 0 && --memdriver.expunge_faults == 0)
		memdriver.expunge_fault = FAULT_NONE;
	if (fault != FAULT_NONE && memdriver.expunge_part < count)
		count = memdriver.expunge_part;
	if (box_sync(box, why) == -1 || box_begin(box, why) == -1)
		return -1;
	for (size_t i = 0; i < count; i++) {
		ptrdiff_t at = box_find(box, uids[i]);

		if (at >= 0 && (!deleted_only ||
		    (box->records[at].flags & FLAG_DELETED) != 0))
			box_remove(box, (size_t)at);
	}
	if (box_commit(box, why) == -1)
		return -1;
	return fault == FAULT_NONE ? 0 : fault_set(why, fault, "as told");
}

static int
mem_flush(struct box *box, bool leaving, struct fault *why)
{
	memdriver.flushes++;
	memdriver.leaves += leaving;
	if (box->progress != NULL && memdriver.total != 0)
		box->progress->tell(box->progress, memdriver.done,
		    memdriver.total);
	if (memdriver.flush_fault != FAULT_NONE)
		return fault_set(why, memdriver.flush_fault, "as told");
	if (memdriver.flush_writes_nothing)
		return 0;
	if (box_begin(box, why) == -1)
		return -1;
	for (size_t i = 0; i < box->count; i++) {
		struct record *r = &box->records[i];

		if (r->uid == r->uid_seen && r->flags == r->flags_seen)
			continue;
		r->uid_seen = r->uid;
		r->flags_seen = r->flags;
		r->keywords_seen = r->keywords;
		box_touch(box, i);
	}
	return box_commit(box, why);
}

static int
mem_create(struct account *a, const struct name *name, struct fault *why)
{
	int fd = place_open(a, name, O_WRONLY | O_CREAT | O_EXCL, 0600);

	if (fd == -1)
		return fault_errno(why, "create %s", name->path);
	close(fd);
	return 0;
}

static int
mem_remove(struct account *a, const struct name *name, struct fault *why)
{
	const char *last;
	int dir = place_parent(a, name, &last);
	int status = dir == -1 ? -1 : unlinkat(dir, last, 0);

	if (status == -1)
		fault_errno(why, "remove %s", name->path);
	if (dir != -1)
		close(dir);
	return status;
}

static int
mem_rename(struct account *a, const struct name *from, const struct name *to,
    struct fault *why)
{
	const char *old, *new;
	int source = place_parent(a, from, &old);
	int target = place_parent(a, to, &new);
	int status = source == -1 || target == -1 ? -1 :
	    renameat(source, old, target, new);

	if (status == -1)
		fault_errno(why, "rename %s", from->path);
	close(source);
	close(target);
	return status;
}

static void
mem_watch(struct box *box, struct watch *w)
{
	struct buf path;

	buf_init(&path, 0);
	if (box->name.inbox)
		buf_adds(&path, box->account->spool);
	else
		place_path(box->account, &box->name, &path);
	watch_file(w, buf_string(&path));
	buf_clear(&path);
}

const struct driver memdriver_driver = {
	.name = "mem",
	.probe = mem_probe,
	.open = mem_open,
	.close = mem_close,
	.sync = mem_sync,
	.read = mem_read,
	.append = mem_append,
	.expunge = mem_expunge,
	.flush = mem_flush,
	.create = mem_create,
	.remove = mem_remove,
	.rename = mem_rename,
	.list = driver_list_none,
	.watch = mem_watch,
};

static const char *
below(const char *dir, const char *name)
{
	char path[4096];

	snprintf(path, sizeof path, "%s/%s", dir, name);
	return arena_string(memdriver.keep, path, strlen(path));
}

struct account *
memdriver_account(void)
{
	char base[] = "/tmp/imap-test-XXXXXX";
	struct arena *keep = memdriver.keep = arena_new(0);
	struct account *a = arena_alloc(keep, sizeof *a);
	struct config config;
	const char *home;
	int status;

	if (mkdtemp(base) == NULL)
		abort();
	config_defaults(&config);
	config.lock_timeout = 2;
	config.mail_spool = below(base, "spool");
	home = below(base, "home");
	if (mkdir(config.mail_spool, 0700) == -1 || mkdir(home, 0700) == -1 ||
	    mkdir(below(home, "mail"), 0700) == -1)
		abort();
	status = account_open(a, keep, &config, "user", home, false, NULL);
	assert(status == 0);
	return a;
}

void
memdriver_clear(struct account *a)
{
	char base[4096];

	snprintf(base, sizeof base, "%s", a->home);
	*strrchr(base, '/') = '\0';
	account_close(a);
	if (strncmp(base, "/tmp/imap-test-", 15) == 0)
		tree_remove(base);
	arena_free(memdriver.keep);
	memset(&memdriver, 0, sizeof memdriver);
}

int
memdriver_setup(void **state)
{
	struct account **account = *state;

	logged_start();
	*account = memdriver_account();
	return 0;
}

int
memdriver_teardown(void **state)
{
	struct account **account = *state;

	memdriver_clear(*account);
	logged_free();
	return 0;
}
