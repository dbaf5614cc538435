/* SPDX-License-Identifier: Apache-2.0 */
/* dovecot-uidlist. */
#include "c-client/formats/maildir_uidlist.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "c-client/base/bounds.h"
#include "c-client/base/fault.h"
#include "c-client/base/file.h"
#include "c-client/base/memory.h"
#include "c-client/base/trip.h"
#include "c-client/formats/maildir_name.h"

#include "c-client/base/banned.h"

void
maildir_uidlist_init(struct maildir_uidlist *list)
{
	*list = (struct maildir_uidlist){ .next = 1 };
	buf_init(&list->text, BOUND_UIDLIST);
}

void
maildir_uidlist_clear(struct maildir_uidlist *list)
{
	free(list->rows);
	buf_clear(&list->text);
	maildir_uidlist_init(list);
}

/* Take the word up to the next blank off `s`. */
static struct span
word_take(struct span *s)
{
	ptrdiff_t blank = span_find_char(*s, ' ');
	struct span word = span_slice(*s, 0, blank == -1 ? s->n :
	    (size_t)blank);

	*s = span_slice(*s, blank == -1 ? s->n : (size_t)blank + 1, s->n);
	return word;
}

/* "3 V123 N4 Gabc...", or "1 123 4".  False if there is no UIDVALIDITY. */
static bool
head_parse(struct maildir_uidlist *list, struct span line)
{
	struct span version = word_take(&line), word;
	uint64_t validity = 0, next = 1;

	if (span_is(version, "1")) {
		list->old = true;
		if (!span_number(word_take(&line), UINT32_MAX, &validity) ||
		    !span_number(word_take(&line), UINT32_MAX, &next))
			return false;
	} else if (!span_is(version, "3"))
		return false;
	list->more = line;
	while (!list->old && (word = word_take(&line)).n > 0) {
		struct span value = span_slice(word, 1, word.n);

		if ((word.p[0] == 'V' && !span_number(value, UINT32_MAX,
		    &validity)) || (word.p[0] == 'N' && !span_number(value,
		    UINT32_MAX, &next)))
			return false;
	}
	if (validity == 0)
		return false;
	list->uidvalidity = (uint32_t)validity;
	list->next = next == 0 ? 1 : (uint32_t)next;
	return true;
}

/* "7 W123 :name", or "7 name" of the old version. */
static bool
row_parse(struct maildir_uidlist *list, struct span line)
{
	struct span number = word_take(&line), more = line;
	struct maildir_uidlist_row *row;
	struct maildir_name name;
	uint64_t uid;
	ptrdiff_t colon = list->old ? 0 : span_find_char(line, ':');

	if (!span_number(number, UINT32_MAX - 1, &uid) || uid == 0 ||
	    colon == -1 || line.n > UINT16_MAX)
		return false;
	if (list->count > 0 && list->rows[list->count - 1].uid >= uid)
		return false;
	more.n = list->old ? 0 : (size_t)colon;
	if (more.n > 0 && more.p[more.n - 1] == ' ')
		more.n--;
	maildir_name_parse(list->old ? line : span_slice(line,
	    (size_t)colon + 1, line.n), &name);
	if (!maildir_name_is_base(name.base))
		return false;
	if (list->count == list->room) {
		list->room = list->room == 0 ? 256 : list->room * 2;
		list->rows = memory_grow_array(list->rows, list->room,
		    sizeof *list->rows);
	}
	row = &list->rows[list->count++];
	row->uid = (uint32_t)uid;
	row->more_n = (uint16_t)more.n;
	row->base_n = (uint16_t)name.base.n;
	row->at = (uint64_t)(more.p - list->text.p);
	row->base_at = (uint64_t)(name.base.p - list->text.p);
	return true;
}

void
maildir_uidlist_parse(struct maildir_uidlist *list)
{
	struct span rest = buf_span(&list->text), line;
	bool first = true;

	list->count = 0;
	list->uidvalidity = 0;
	list->next = 1;
	list->more = (struct span){ "", 0 };
	list->old = list->damaged = false;
	for (; rest.n > 0; first = false) {
		ptrdiff_t lf = span_find_char(rest, '\n');

		/* A line without an end was cut off while it was written. */
		if (lf == -1) {
			list->damaged = true;
			break;
		}
		line = span_slice(rest, 0, (size_t)lf);
		rest = span_slice(rest, (size_t)lf + 1, rest.n);
		if (first && !head_parse(list, line)) {
			list->damaged = true;
			return;
		}
		if (!first && (list->count == BOUND_MESSAGES ||
		    !row_parse(list, line)))
			list->damaged = true;
	}
	if (list->count > 0 && list->next <= list->rows[list->count - 1].uid)
		list->next = list->rows[list->count - 1].uid + 1;
}

int
maildir_uidlist_read(struct maildir_uidlist *list, int dir, struct fault *why)
{
	int fd = openat(dir, MAILDIR_UIDLIST, O_RDONLY | O_NOFOLLOW |
	    O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	ssize_t got;
	char *p;

	maildir_uidlist_clear(list);
	if (fd == -1 && errno == ENOENT)
		return 0;
	if (fd == -1)
		return fault_errno(why, "open " MAILDIR_UIDLIST);
	if (fstat(fd, &list->st) == -1 || !S_ISREG(list->st.st_mode)) {
		close(fd);
		return fault_set(why, FAULT_CORRUPT,
		    MAILDIR_UIDLIST " is no regular file");
	}
	p = (uint64_t)list->st.st_size > BOUND_UIDLIST ? NULL :
	    buf_room(&list->text, (size_t)list->st.st_size);
	if (p == NULL) {
		close(fd);
		return fault_set(why, FAULT_LIMIT, MAILDIR_UIDLIST
		    " has over %u octets", BOUND_UIDLIST);
	}
	got = file_pread_full(fd, p, (size_t)list->st.st_size, 0);
	close(fd);
	if (got == -1)
		return fault_errno(why, "read " MAILDIR_UIDLIST);
	list->text.n = (size_t)got;
	maildir_uidlist_parse(list);
	return 0;
}

struct span
maildir_uidlist_base(const struct maildir_uidlist *list, size_t i)
{
	const struct maildir_uidlist_row *row = &list->rows[i];

	return (struct span){ list->text.p + row->base_at, row->base_n };
}

struct span
maildir_uidlist_more(const struct maildir_uidlist *list, size_t i)
{
	const struct maildir_uidlist_row *row = &list->rows[i];

	return (struct span){ list->text.p + row->at, row->more_n };
}

/* 32 hexadecimal digits by which Dovecot knows a mailbox again. */
static void
guid_add(struct buf *out)
{
	unsigned char random[16] = { 0 };

	if (getentropy(random, sizeof random) == -1)
		memset(random, 0, sizeof random);
	for (size_t i = 0; i < sizeof random; i++)
		buf_addf(out, "%02x", random[i]);
}

void
maildir_uidlist_head(struct buf *out, uint32_t uidvalidity, uint32_t next,
    struct span more)
{
	struct span word;
	bool guid = false;

	buf_addf(out, "3 V%" PRIu32 " N%" PRIu32, uidvalidity, next);
	while ((word = word_take(&more)).n > 0) {
		if (word.p[0] == 'V' || word.p[0] == 'N')
			continue;
		guid = guid || word.p[0] == 'G';
		buf_addc(out, ' ');
		buf_addspan(out, word);
	}
	if (!guid) {
		buf_adds(out, " G");
		guid_add(out);
	}
	buf_addc(out, '\n');
}

void
maildir_uidlist_line(struct buf *out, uint32_t uid, struct span more,
    struct span base)
{
	buf_addnum(out, uid);
	buf_addc(out, ' ');
	if (more.n > 0) {
		buf_addspan(out, more);
		buf_addc(out, ' ');
	}
	buf_addc(out, ':');
	buf_addspan(out, base);
	buf_addc(out, '\n');
}

/* Is it the file that was read, and does it end in a whole line? */
static bool
is_same(int fd, const struct stat *was)
{
	struct stat st;
	char last;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    st.st_ino == was->st_ino && st.st_size == was->st_size &&
	    memcmp(&st.st_ctim, &was->st_ctim, sizeof st.st_ctim) == 0 &&
	    st.st_size > 0 && file_pread_full(fd, &last, 1,
	    st.st_size - 1) == 1 && last == '\n';
}

int
maildir_uidlist_append(int dir, struct span lines, struct stat *st,
    struct fault *why)
{
	int fd = openat(dir, MAILDIR_UIDLIST, O_RDWR | O_APPEND | O_NOFOLLOW |
	    O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	int status = -1;

	if (fd == -1)
		return fault_errno(why, "open " MAILDIR_UIDLIST);
	if (!is_same(fd, st))
		fault_set(why, FAULT_CHANGED, MAILDIR_UIDLIST
		    " was changed");
	else if (file_write_full(fd, lines.p, lines.n) == -1 ||
	    TRIP("maildir_uidlist.sync") || fdatasync(fd) == -1 ||
	    fstat(fd, st) == -1)
		fault_errno(why, "write " MAILDIR_UIDLIST);
	else
		status = 0;
	close(fd);
	return status;
}
