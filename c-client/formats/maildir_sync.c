/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bringing the index and the list of UIDs up to date with the files.
 *
 * The order is what keeps UIDs: directories and files are read; the list is
 * written, durably; then the index.  Killed in between, the next who opens the
 * mailbox finds UIDs in the list that the index doesn't know, and takes them.
 */
#include "c-client/formats/maildir_sync.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "c-client/base/buf.h"
#include "c-client/base/clock.h"
#include "c-client/base/fault.h"
#include "c-client/base/file.h"
#include "c-client/base/memory.h"
#include "c-client/base/trip.h"
#include "c-client/formats/maildir.h"
#include "c-client/formats/maildir_match.h"
#include "c-client/formats/maildir_merge.h"
#include "c-client/formats/maildir_move.h"
#include "c-client/formats/maildir_note.h"
#include "c-client/formats/maildir_place.h"
#include "c-client/formats/maildir_scan.h"
#include "c-client/formats/maildir_stamp.h"
#include "c-client/formats/maildir_tmp.h"
#include "c-client/formats/maildir_uidlist.h"
#include "c-client/store/account.h"
#include "c-client/store/box.h"
#include "c-client/store/transit.h"

#include "c-client/base/banned.h"

/* Files may be renamed while they are looked for; so often it begins again. */
#define TRIES	5

/* The list is written anew when this many lines of it are of messages that
 * are gone: as many as there are messages, and some. */
#define LINES_SPARE	256u

struct sync {
	struct maildir *m;
	struct maildir_merge merge;
	size_t raw_size;	/* the box's stamp, for which all this is */
	uint8_t raw[BOX_STAMP_MAX];
	bool had_stamp;
	struct maildir_stamp before, now;
	bool settle, last;
	bool whole;		/* cur was read, not new alone */
	struct maildir_uidlist list;
	bool list_read;
	struct maildir_files files;
	struct maildir_match match;
	struct maildir_note note;	/* of an append that is whole */
	bool moved;		/* names were changed by us */
	bool left;		/* some are to be, by who may write */
	bool vanished;		/* a file was not what it had been */
	struct fault *why;
};

int
maildir_sync_lock(struct maildir *m, bool file, struct fault *why)
{
	for (int i = 0; i < 8; i++) {
		int dir;

		if (maildir_refresh(m, why) == -1)
			return -1;
		dir = m->dir;
		/* A full disk has no room for the file, but mail is read. */
		if (maildir_lock_take(&m->lock, dir, file && m->writable &&
		    !m->box->unsticky, m->box->account->lock_timeout,
		    why) == -1)
			return -1;
		/* Is it still the directory with this name? */
		if (maildir_refresh(m, why) == 0 && m->dir == dir &&
		    m->lock.dir == dir)
			return 0;
		maildir_lock_drop(&m->lock);
	}
	return fault_set(why, FAULT_INUSE, "%s changes all the time",
	    m->path);
}

int
maildir_sync_stamp(struct maildir *m, uint32_t lines, struct fault *why)
{
	struct maildir_stamp was, now;

	if (!maildir_stamp_load(m->box, &was))
		memset(&was, 0, sizeof was);
	if (maildir_stamp_take(m->dir, &now, why) == -1)
		return -1;
	now.doubtful = 1;
	now.unmoved = was.unmoved;
	now.lines = was.lines + lines;
	/* What others did to these is not known yet. */
	now.new = was.new;
	now.keywords = was.keywords;
	if (lines == 0)
		now.list = was.list;
	maildir_stamp_store(m->box, &now);
	box_touch_meta(m->box);
	return 0;
}

/* Is there nothing to do, or nothing yet? */
static bool
is_done(struct maildir *m, const struct maildir_stamp *now, bool settle)
{
	struct box *box = m->box;
	struct maildir_stamp s;

	if (box->meta.uidvalidity == 0 || m->suspect != 0 ||
	    (box->meta.note_size > 0 && !box->readonly) ||
	    !maildir_stamp_load(box, &s) || !maildir_stamp_holds(&s, now) ||
	    (settle && s.doubtful && maildir_stamp_can_settle(&s)) ||
	    (s.unmoved != 0 && !box->readonly))
		return false;
	box->unsettled = s.doubtful;
	return true;
}

static int
index_refresh_now(struct sync *s)
{
	struct box *box = s->m->box;

	if (box_begin(box, s->why) == -1)
		return -1;
	box_rollback(box);
	s->had_stamp = maildir_stamp_load(box, &s->before);
	s->raw_size = box->meta.stamp_size;
	memcpy(s->raw, box->meta.stamp, s->raw_size);
	return 0;
}

/*
 * A message whose file has other sizes than the record says.  Where the name
 * was wrong about them they are put right; where the file is another one, it
 * gets another UID.
 */
static int
suspect_settle(struct sync *s)
{
	struct maildir *m = s->m;
	struct box *box = m->box;
	const struct maildir_file *f;
	const struct record *found;
	struct record r, now;
	ptrdiff_t i;

	if (box_need_all(box, s->why) == -1)
		return -1;
	i = box_find(box, m->suspect);
	m->suspect = 0;
	found = i < 0 ? NULL : box_at(box, (size_t)i);
	if (found == NULL)
		return 0;
	r = now = *found;
	if (maildir_list(m, s->why) == -1)
		return -1;
	f = maildir_find(m, &r);
	if (f == NULL)
		return 0;
	if (maildir_scan(maildir_dir_of(m, f), maildir_files_name(&m->files,
	    f), true, &now, s->why) == -1)
		return s->why->code == FAULT_CHANGED ? 0 : -1;
	if (box_begin(box, s->why) == -1)
		return -1;
	i = box_find(box, r.uid);
	if (i < 0) {
		box_rollback(box);
		return 0;
	}
	if (now.disk_size == r.disk_size) {
		now.date = r.date;
		now.zone = r.zone;
		box->records[i] = now;
		box_touch(box, (size_t)i);
	} else {
		box_remove(box, (size_t)i);
		box->meta.stamp_size = 0;
	}
	box_touch_meta(box);
	if (box_commit(box, s->why) == -1)
		return -1;
	return index_refresh_now(s);
}

/* What has to be read? */
static void
need_find(struct sync *s)
{
	struct maildir *m = s->m;
	const struct box *box = m->box;
	bool known = s->had_stamp && box->meta.uidvalidity != 0 &&
	    s->before.dev == s->now.dev;

	s->list_read = !known || !maildir_stamp_mark_is(&s->before.list,
	    &s->now.list) || s->before.lines > 2 * box->count + LINES_SPARE;
	s->whole = s->list_read || s->before.doubtful ||
	    s->before.unmoved != 0 ||
	    !maildir_stamp_mark_is(&s->before.cur, &s->now.cur) ||
	    !maildir_stamp_mark_is(&s->before.keywords, &s->now.keywords);
}

static int
files_read(struct sync *s, struct maildir_files *files)
{
	if (maildir_files_read(files, s->m->new, true, s->why) == -1 ||
	    (s->whole && maildir_files_read(files, s->m->cur, false,
	    s->why) == -1))
		return -1;
	maildir_files_sort(files);
	return 0;
}

static void
match(struct sync *s)
{
	struct box *box = s->m->box;

	maildir_match_clear(&s->match);
	s->match.records = box->records;
	s->match.count = s->merge.fresh || !s->whole ? 0 : box->count;
	s->match.next = s->merge.fresh ? 1 : box->meta.uidnext;
	s->match.list = s->list_read && !s->merge.renumber ? &s->list : NULL;
	s->match.files = &s->files;
	maildir_match(&s->match);
}

/*
 * readdir(3) may pass over a file that is renamed meanwhile.  What is in
 * either of two listings is there; the later name is the one to use.
 */
static int
files_read_again(struct sync *s)
{
	struct maildir_files again;

	maildir_files_init(&again);
	if (files_read(s, &again) == -1) {
		maildir_files_clear(&again);
		return -1;
	}
	for (size_t i = 0; i < s->files.count; i++)
		maildir_files_insert(&again, span_of(maildir_files_name(
		    &s->files, &s->files.p[i])), s->files.p[i].is_new);
	maildir_files_clear(&s->files);
	s->files = again;
	return 0;
}

static int
files_find(struct sync *s)
{
	if (files_read(s, &s->files) == -1)
		return -1;
	/* What is found is compared with all that is known. */
	if (s->whole && box_need_all(s->m->box, s->why) == -1)
		return -1;
	maildir_move_doubles(s->m, &s->files, &s->moved, &s->left);
	match(s);
	/* Where the list needs a look: a base that got other fields is only
	 * known again by it. */
	if (s->match.missing > 0 && !s->list_read) {
		s->list_read = true;
		if (maildir_uidlist_read(&s->list, s->m->dir, s->why) == -1)
			return -1;
	}
	if (s->match.missing > 0) {
		if (files_read_again(s) == -1)
			return -1;
		maildir_move_doubles(s->m, &s->files, &s->moved, &s->left);
		match(s);
	}
	return 0;
}

/* The index is new, or another list than the one it was made from is there:
 * the list decides. */
static int
list_read(struct sync *s)
{
	const struct box_meta *meta = &s->m->box->meta;

	if (s->list_read && maildir_uidlist_read(&s->list, s->m->dir,
	    s->why) == -1) {
		if (s->why->code != FAULT_CORRUPT)
			return -1;
		s->list.damaged = true;
	}
	s->merge.fresh = meta->uidvalidity == 0 ||
	    (s->list.uidvalidity != 0 &&
	    s->list.uidvalidity != meta->uidvalidity);
	return 0;
}

/* Records for what has come. */
static int
arrivals_scan(struct sync *s)
{
	struct maildir *m = s->m;
	struct maildir_match *match = &s->match;
	size_t kept = 0;

	for (size_t i = 0; i < match->arrival_count; i++) {
		const struct maildir_file *f =
		    &s->files.p[match->arrivals[i].file];
		struct record *r = &match->arrivals[i].record;

		memcpy(r->digest, f->digest, sizeof r->digest);
		if (maildir_scan(maildir_dir_of(m, f), maildir_files_name(
		    &s->files, f), false, r, s->why) == -1) {
			if (s->why->code != FAULT_CHANGED &&
			    s->why->code != FAULT_PERM)
				return -1;
			/* Renamed or removed since: all again, but not for
			 * ever. */
			if (s->why->code == FAULT_CHANGED && !s->last)
				return -1;
			s->vanished = true;
			continue;
		}
		match->arrivals[kept++] = match->arrivals[i];
	}
	match->arrival_count = kept;
	return 0;
}

static void
list_text(struct sync *s, struct buf *out)
{
	const struct box *box = s->m->box;
	const struct maildir_match *match = &s->match;
	size_t row = 0;

	maildir_uidlist_head(out, s->merge.uidvalidity, s->merge.next,
	    s->merge.renumber ? (struct span){ "", 0 } : s->list.more);
	for (size_t i = 0; i < match->count + match->arrival_count; i++) {
		bool old = i < match->count;
		uint32_t uid = old ? box->records[i].uid :
		    match->arrivals[i - match->count].record.uid;
		size_t file = old ? match->file_of[i] :
		    match->arrivals[i - match->count].file;
		struct span more = { "", 0 };

		if (file == MAILDIR_NO_FILE)
			continue;
		while (row < s->list.count && s->list.rows[row].uid < uid)
			row++;
		if (row < s->list.count && s->list.rows[row].uid == uid &&
		    !s->merge.renumber)
			more = maildir_uidlist_more(&s->list, row);
		maildir_uidlist_line(out, uid, more, maildir_files_base(
		    &s->files, &s->files.p[file]));
		s->now.lines++;
	}
}

/* Everything anew, in one step. */
static int
list_replace(struct sync *s)
{
	struct buf text;
	int status;

	buf_init(&text, 0);
	s->now.lines = 0;
	list_text(s, &text);
	status = file_replace(s->m->dir, MAILDIR_UIDLIST, buf_span(&text),
	    s->why);
	if (status == 0 && maildir_place_give_mode(s->m->dir,
	    MAILDIR_UIDLIST, false) == -1)
		status = fault_errno(s->why, "list of %s", s->m->path);
	buf_clear(&text);
	return status;
}

static int
list_append(struct sync *s)
{
	const struct maildir_match *match = &s->match;
	struct stat st;
	struct buf lines;
	int status;

	if (fstatat(s->m->dir, MAILDIR_UIDLIST, &st, AT_SYMLINK_NOFOLLOW) ==
	    -1)
		return fault_set(s->why, FAULT_CHANGED, "the list is gone");
	buf_init(&lines, 0);
	for (size_t i = 0; i < match->arrival_count; i++) {
		if (match->arrivals[i].uid != 0)
			continue;
		maildir_uidlist_line(&lines, match->arrivals[i].record.uid,
		    (struct span){ "", 0 }, maildir_files_base(&s->files,
		    &s->files.p[match->arrivals[i].file]));
		s->now.lines++;
	}
	status = lines.n == 0 ? 0 : maildir_uidlist_append(s->m->dir,
	    buf_span(&lines), &st, s->why);
	buf_clear(&lines);
	return status;
}

/* Does the list say all that it should? */
static bool
list_is_bad(const struct sync *s)
{
	const struct maildir_uidlist *list = &s->list;

	return s->list_read && (list->damaged || list->old ||
	    list->uidvalidity != s->merge.uidvalidity ||
	    s->merge.renumber || s->match.renamed ||
	    list->count > 2 * (s->match.count + s->match.arrival_count) +
	    LINES_SPARE || list->count < s->match.count);
}

/*
 * UIDs are written down.  Where that can't be, the index has to do; where that
 * isn't durable either the box is read-only, and the client was told.
 */
static int
list_write(struct sync *s)
{
	struct maildir *m = s->m;
	bool news = s->match.arrival_count > 0;
	int status;

	s->now.lines = s->list_read ? (uint32_t)s->list.count :
	    s->before.lines;
	if (!m->lock.has_file || !(news || s->list_read))
		return 0;
	status = list_is_bad(s) ? list_replace(s) : list_append(s);
	if (status == -1 && m->box->unsticky)
		return 0;
	return status;
}

/* The stamp for what was found: of the time before the directories were read,
 * but for what we changed ourselves. */
static int
stamp_finish(struct sync *s)
{
	struct maildir_stamp after;

	if (maildir_stamp_take(s->m->dir, &after, s->why) == -1)
		return -1;
	s->now.list = after.list;
	if (s->moved) {
		s->now.cur = after.cur;
		s->now.new = after.new;
	}
	s->now.doubtful = s->moved || !maildir_stamp_can_settle(&s->now) ||
	    (!s->whole && s->before.doubtful);
	/* What vanished is looked for at once. */
	if (s->vanished)
		memset(&s->now.cur, 0, sizeof s->now.cur);
	s->now.unmoved = s->left;
	for (size_t i = 0; i < s->files.count && s->now.unmoved == 0; i++)
		s->now.unmoved = s->files.p[i].is_new;
	return 0;
}

/* The names are kept for reading. */
static void
files_keep(struct sync *s)
{
	struct maildir *m = s->m;

	if (s->whole) {
		maildir_files_clear(&m->files);
		m->files = s->files;
		maildir_files_init(&s->files);
		m->listed = true;
		return;
	}
	for (size_t i = 0; m->listed && i < s->files.count; i++)
		maildir_files_insert(&m->files, span_of(maildir_files_name(
		    &s->files, &s->files.p[i])), s->files.p[i].is_new);
}

/* An append that turned out to be whole may be a part of a move. */
static void
arrival_note(const struct sync *s)
{
	const struct maildir_match *match = &s->match;
	uint32_t first = 0, last = 0;
	size_t n = 0;

	if (s->note.count == 0 || s->note.transit == 0)
		return;
	for (size_t i = 0; i < match->arrival_count; i++) {
		const struct maildir_arrival *a = &match->arrivals[i];

		if (strncmp(maildir_files_name(&s->files,
		    &s->files.p[a->file]), s->note.begin,
		    strlen(s->note.begin)) != 0)
			continue;
		last = a->record.uid;
		first = n++ == 0 ? last : first;
	}
	if (n == s->note.count && last - first == n - 1)
		transit_arrive(s->m->box, s->note.transit, first, n);
}

/* Everything that was found out goes into the index in one step. */
static int
sync_commit(struct sync *s)
{
	struct box *box = s->m->box;

	/* What is in the list and in names would be found again. */
	if (stamp_finish(s) == -1 || (s->m->lock.has_file ?
	    box_begin_soft(box, s->why) : box_begin(box, s->why)) == -1)
		return -1;
	if (s->raw_size != box->meta.stamp_size ||
	    memcmp(s->raw, box->meta.stamp, s->raw_size) != 0) {
		box_rollback(box);
		return fault_set(s->why, FAULT_CHANGED,
		    "the index was changed");
	}
	maildir_merge(s->m, &s->merge, &s->match);
	maildir_stamp_store(box, &s->now);
	arrival_note(s);
	box->meta.note_size = 0;
	box_touch_meta(box);
	return box_commit(box, s->why);
}

static int
work(struct sync *s)
{
	struct maildir *m = s->m;

	if (maildir_keywords_read(&m->keywords, m->dir, s->why) == -1 ||
	    list_read(s) == -1)
		return -1;
	if (m->box->meta.note_size > 0 && m->lock.has_file) {
		s->whole = true;
		if (maildir_note_settle(m, &s->note, s->why) == -1)
			return -1;
	}
	if (files_find(s) == -1)
		return -1;
	if (!m->box->readonly && m->writable)
		maildir_move_new(m, &s->files, &s->moved);
	if (arrivals_scan(s) == -1)
		return -1;
	if (!maildir_merge_number(m, &s->merge, &s->match, s->list_read ?
	    s->list.next : 1, s->list.uidvalidity)) {
		/* The numbers are used up: all of them anew. */
		s->merge.fresh = s->merge.renumber = s->whole = true;
		s->list_read = true;
		maildir_files_clear(&s->files);
		if (files_find(s) == -1 || arrivals_scan(s) == -1)
			return -1;
		maildir_merge_number(m, &s->merge, &s->match, 1,
		    s->list.uidvalidity);
	}
	if (list_write(s) == -1)
		return -1;
	TRIP_KILL("maildir_sync.listed");
	if (sync_commit(s) == -1)
		return -1;
	files_keep(s);
	return 0;
}

static int
sync_once(struct maildir *m, bool settle, bool last, struct fault *why)
{
	struct sync s = { .m = m, .settle = settle, .last = last,
	    .why = why };
	int status = -1;

	s.merge.files = &s.files;
	maildir_files_init(&s.files);
	maildir_uidlist_init(&s.list);
	if (index_refresh_now(&s) == 0 && (m->suspect == 0 ||
	    suspect_settle(&s) == 0) &&
	    maildir_stamp_take(m->dir, &s.now, why) == 0) {
		if (is_done(m, &s.now, settle))
			status = 0;
		else {
			need_find(&s);
			status = work(&s);
		}
	}
	maildir_match_clear(&s.match);
	maildir_files_clear(&s.files);
	maildir_uidlist_clear(&s.list);
	return status;
}

int
maildir_sync_locked(struct maildir *m, bool settle, struct fault *why)
{
	for (int i = 1; i < TRIES; i++) {
		if (sync_once(m, settle, false, why) == 0)
			return 0;
		if (why->code != FAULT_CHANGED)
			return -1;
		m->listed = false;
		clock_pause();
	}
	return sync_once(m, settle, true, why);
}

int
maildir_sync(struct box *box, struct fault *why)
{
	struct maildir *m = box->state;
	struct maildir_stamp now;
	int status;

	if (maildir_refresh(m, why) == -1 ||
	    maildir_stamp_take(m->dir, &now, why) == -1)
		return -1;
	if (is_done(m, &now, true))
		return 0;
	if (maildir_sync_lock(m, true, why) == -1)
		return -1;
	maildir_tmp_clean(m);
	status = maildir_sync_locked(m, true, why);
	maildir_lock_drop(&m->lock);
	return status;
}
