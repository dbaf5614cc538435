/* SPDX-License-Identifier: Apache-2.0 */
/* A place for tests of mailbox files. */
#include "tests/lib/mboxroom.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "c-client/base/file.h"
#include "c-client/base/memory.h"
#include "c-client/formats/mbox_separator.h"
#include "c-client/store/append.h"
#include "c-client/store/box.h"
#include "tests/lib/tree.h"

#include "c-client/base/banned.h"

const struct name mboxroom_inbox = { .path = "INBOX", .inbox = true };

struct name
mboxroom_name(const char *path)
{
	return (struct name){ .path = path };
}

int
mboxroom_setup(struct mboxroom *r, void **state)
{
	char spool[96];

	setenv("TZ", "UTC", 1);
	tzset();
	*state = r;
	memset(r, 0, sizeof *r);
	snprintf(r->dir, sizeof r->dir, "/tmp/mboxroom.XXXXXX");
	assert_non_null(mkdtemp(r->dir));
	snprintf(r->root, sizeof r->root, "%s/mail", r->dir);
	snprintf(r->index, sizeof r->index, "%s/index", r->dir);
	snprintf(spool, sizeof spool, "%s/spool", r->dir);
	snprintf(r->spool, sizeof r->spool, "%s/spool/tester", r->dir);
	assert_int_equal(mkdir(r->root, 0700), 0);
	assert_int_equal(mkdir(r->index, 0700), 0);
	assert_int_equal(mkdir(spool, 0700), 0);
	r->account = (struct account){ .user = "tester", .home = r->dir,
	    .root = r->root, .spool = r->spool, .spool_writable = true,
	    .index_dir = r->index, .lock_timeout = 30, .dot_lock = true,
	    .pop_fd = -1 };
	r->account.root_fd = open(r->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_int_not_equal(r->account.root_fd, -1);
	return 0;
}

int
mboxroom_teardown(void **state)
{
	struct mboxroom *r = *state;

	close(r->account.root_fd);
	assert_int_equal(tree_remove(r->dir), 0);
	return 0;
}

void
mboxroom_forget_index(struct mboxroom *r)
{
	assert_int_equal(tree_remove(r->index), 0);
	assert_int_equal(mkdir(r->index, 0700), 0);
}

enum driver_kind
mboxroom_probe(struct mboxroom *r, const struct driver *driver,
    const char *path, enum fault_code *code)
{
	struct fault f = { .code = FAULT_NONE };
	struct name name = mboxroom_name(path);
	enum driver_kind kind = driver->probe(&r->account, &name, &f);

	if (code != NULL)
		*code = f.code;
	return kind;
}

static void
file_put(const char *path, int flags, struct span s)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0600);

	assert_int_not_equal(fd, -1);
	assert_int_equal(file_write_full(fd, s.p, s.n), (ssize_t)s.n);
	close(fd);
}

/* Where the clock of the file system ticks slowly a second change may have the
 * time of the first one; what is tested here is what follows a change that can
 * be seen. */
void
mboxroom_write(const char *path, struct span s)
{
	struct stat before, after;
	bool was_there = stat(path, &before) == 0;

	for (;;) {
		file_put(path, O_TRUNC, s);
		assert_int_equal(stat(path, &after), 0);
		if (!was_there || memcmp(&before.st_ctim, &after.st_ctim,
		    sizeof before.st_ctim) != 0)
			return;
		nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
	}
}

void
mboxroom_add(const char *path, struct span s)
{
	file_put(path, O_APPEND, s);
}

struct buf
mboxroom_read(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct buf b;
	struct stat st;

	buf_init(&b, 0);
	assert_int_not_equal(fd, -1);
	assert_int_equal(fstat(fd, &st), 0);
	assert_non_null(buf_room(&b, (size_t)st.st_size + 1));
	assert_int_equal(file_read_full(fd, b.p, (size_t)st.st_size),
	    st.st_size);
	b.n = (size_t)st.st_size;
	close(fd);
	return b;
}

struct box *
mboxroom_open(struct mboxroom *r, const struct name *name)
{
	struct fault f = { .code = FAULT_NONE };
	struct box *box = box_open(&r->account, name, false, &f);

	if (box == NULL)
		fail_msg("open %s: %s", name->path, f.text);
	mboxroom_sync(box);
	return box;
}

void
mboxroom_sync(struct box *box)
{
	struct fault f = { .code = FAULT_NONE };

	if (box_sync(box, &f) == -1)
		fail_msg("sync: %d %s", f.code, f.text);
}

struct buf
mboxroom_message(struct box *box, size_t i)
{
	struct fault f = { .code = FAULT_NONE };
	struct buf b;

	buf_init(&b, 0);
	assert_true(i < box->count);
	if (box->driver->read(box, &box->records[i], 0, SIZE_MAX, &b,
	    &f) == -1)
		fail_msg("read %zu: %d %s", i, f.code, f.text);
	assert_int_equal(b.n, box->records[i].wire_size);
	return b;
}

int
mboxroom_append(struct mboxroom *r, const struct name *name, struct box *box,
    const struct mboxroom_item *items, size_t count, struct fault *why)
{
	struct append *a = append_new(&r->account, name, box, why);
	int status = 0;

	if (a == NULL)
		return -1;
	for (size_t i = 0; i < count && status == 0; i++) {
		struct span keyword = span_of(items[i].keyword != NULL ?
		    items[i].keyword : "");

		status = append_message(a, items[i].flags, &keyword,
		    items[i].keyword != NULL, true, items[i].date,
		    items[i].zone, why);
		if (status == 0)
			status = items[i].whole ?
			    append_whole(a, items[i].text, why) :
			    append_data(a, items[i].text, why);
	}
	if (status == 0)
		status = append_commit(a, why);
	append_free(a);
	return status;
}

/* The line at `at`, with its LF. */
static struct span
line_at(struct span file, size_t at)
{
	const char *lf = memchr(file.p + at, '\n', file.n - at);

	return span_slice(file, at, lf == NULL ? file.n - at :
	    (size_t)(lf - file.p) + 1 - at);
}

static bool
is_empty(struct span line)
{
	return span_eq(line, SPAN("\n")) || span_eq(line, SPAN("\r\n"));
}

static bool
is_hidden(struct span line)
{
	static const char *const names[] = { "Status:", "X-Status:",
	    "X-Keywords:", "X-UID:", "X-IMAP:", "X-IMAPbase:" };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (span_starts_nocase(line, names[i]))
			return true;
	return false;
}

static void
wire_line(struct buf *out, struct span line)
{
	for (size_t i = 0; i < line.n; i++) {
		if (line.p[i] == '\n' && (i == 0 || line.p[i - 1] != '\r'))
			buf_addc(out, '\r');
		buf_addc(out, line.p[i] == '\0' ? '\x80' : line.p[i]);
	}
}

/* From one separator to the next, line by line. */
static void
message_convert(struct span file, struct plain_message *m)
{
	size_t at = m->place + m->separator;
	bool hidden = false, in_header = true;
	struct span line;

	buf_init(&m->wire, 0);
	for (; at < m->end && in_header; at += line.n) {
		line = line_at(span_slice(file, 0, m->end), at);
		if (line.p[0] != ' ' && line.p[0] != '\t')
			hidden = is_hidden(line);
		in_header = !is_empty(line);
		if (!hidden)
			wire_line(&m->wire, line);
	}
	m->header = at - m->place - m->separator;
	m->wire_header = m->wire.n;
	for (; at < m->end; at += line.n) {
		line = line_at(span_slice(file, 0, m->end), at);
		/* The empty line before the next separator is its own. */
		if (at + line.n == m->end && is_empty(line))
			break;
		wire_line(&m->wire, line);
	}
}

struct plain
plain_split(struct span file)
{
	struct plain p = { NULL, 0, false };
	bool after_empty = true;
	size_t room = 0;
	ptrdiff_t first = mbox_separator_first(span_slice(file, 0, 4096));

	assert_true(first >= 0);
	for (size_t at = (size_t)first; at < file.n; ) {
		struct span line = line_at(file, at);
		struct mbox_separator sep;

		if (mbox_separator_parse(line, after_empty, &sep)) {
			if (p.count > 0)
				p.messages[p.count - 1].end = at;
			if (p.count == room) {
				room = room * 2 + 8;
				p.messages = memory_grow_array(p.messages,
				    room, sizeof *p.messages);
			}
			p.messages[p.count++] = (struct plain_message){
			    .place = at, .end = file.n,
			    .separator = line.n };
		}
		after_empty = is_empty(line);
		at += line.n;
	}
	for (size_t i = 0; i < p.count; i++)
		message_convert(file, &p.messages[i]);
	if (p.count > 0) {
		struct plain_message *m = &p.messages[0];
		struct span head = span_slice(file, m->place + m->separator,
		    m->header);

		p.internal = span_find_nocase(head,
		    SPAN("\nFrom: Mail System Internal Data")) != -1 &&
		    span_find_nocase(head, SPAN("\nX-IMAP:")) != -1;
	}
	if (p.internal) {
		buf_clear(&p.messages[0].wire);
		memmove(p.messages, p.messages + 1,
		    --p.count * sizeof *p.messages);
	}
	return p;
}

void
plain_free(struct plain *p)
{
	for (size_t i = 0; i < p->count; i++)
		buf_clear(&p->messages[i].wire);
	free(p->messages);
	p->messages = NULL;
	p->count = 0;
}

void
plain_generate(unsigned seed, int runs, void (*check)(struct span))
{
	static const struct span pieces[] = {
		{ "\n", 1 }, { "\r\n", 2 }, { "\r", 1 }, { "\0", 1 },
		{ "From ", 5 }, { "F", 1 }, { "x", 1 }, { "\xE9\xFF", 2 },
		{ "From a Mon Jan  1 00:00:00 2024\n", 32 },
		{ "From b Mon Jan  1 00:00:00 2024\r\n", 33 },
		{ "\n\nFrom -\n", 9 }, { "From one\n", 9 },
		{ "Status: RO\n", 11 }, { "X-Status: D\r\n", 13 },
		{ "X-UID: 7\n\tfold\n", 15 }, { "Subject: x\n", 11 },
		{ "status: r\n", 10 }, { "\n\n", 2 }, { " ", 1 },
	};
	struct buf b;

	for (int run = 0; run < runs; run++) {
		size_t n = (size_t)(rand_r(&seed) % 60);

		buf_init(&b, 0);
		buf_adds(&b, "From a Mon Jan  1 00:00:00 2024\n");
		for (size_t i = 0; i < n; i++)
			buf_addspan(&b, pieces[(size_t)rand_r(&seed) %
			    (sizeof pieces / sizeof pieces[0])]);
		check(buf_span(&b));
		buf_clear(&b);
	}
}
