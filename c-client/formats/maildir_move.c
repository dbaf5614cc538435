/* SPDX-License-Identifier: Apache-2.0 */
/* Names that a session gives to files it found. */
#include "c-client/formats/maildir_move.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "c-client/base/buf.h"
#include "c-client/base/trip.h"
#include "c-client/formats/maildir.h"
#include "c-client/formats/maildir_name.h"
#include "c-client/store/box.h"

#include "c-client/base/banned.h"

/* Never over a file that is there. */
static int
rename_new(int from_dir, const char *from, int to_dir, const char *to)
{
	struct stat st;

	if (!TRIP("maildir_move.rename") &&
	    renameat2(from_dir, from, to_dir, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	if (fstatat(to_dir, to, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		errno = EEXIST;
		return -1;
	}
	return renameat(from_dir, from, to_dir, to);
}

static struct maildir_name
name_of(const struct maildir_files *files, const struct maildir_file *f)
{
	struct maildir_name parts;

	maildir_name_parse((struct span){ maildir_files_name(files, f),
	    f->name_n }, &parts);
	return parts;
}

void
maildir_move_new(struct maildir *m, struct maildir_files *files, bool *moved)
{
	struct buf to;

	buf_init(&to, 0);
	for (size_t i = 0; i < files->count; i++) {
		struct maildir_file *f = &files->p[i];
		struct maildir_name parts;

		if (!f->is_new)
			continue;
		parts = name_of(files, f);
		buf_reset(&to);
		buf_addspan(&to, parts.base);
		buf_adds(&to, ":2,");
		buf_addspan(&to, parts.letters);
		if (to.n > MAILDIR_NAME_MAX || rename_new(m->new,
		    maildir_files_name(files, f), m->cur, buf_string(&to)) ==
		    -1)
			continue;
		maildir_files_rename(files, f, buf_span(&to), false);
		f->was_new = true;
		*moved = true;
	}
	buf_clear(&to);
}

/* Another base for the file, with its letters. */
static bool
base_change(struct maildir *m, struct maildir_files *files,
    struct maildir_file *f)
{
	struct maildir_name parts = name_of(files, f);
	int dir = maildir_dir_of(m, f);
	struct buf to;
	bool done;

	buf_init(&to, 0);
	maildir_name_begin(&to);
	maildir_name_end(&to, 0);
	maildir_files_rebase(f, buf_span(&to));
	buf_adds(&to, ":2,");
	buf_addspan(&to, parts.letters);
	done = to.n <= MAILDIR_NAME_MAX && rename_new(dir,
	    maildir_files_name(files, f), dir, buf_string(&to)) == 0;
	if (done)
		maildir_files_rename(files, f, buf_span(&to), f->is_new);
	buf_clear(&to);
	return done;
}

/* Is `f` to stay beside `kept`, which has the same base? */
static bool
double_settle(struct maildir *m, struct maildir_files *files,
    struct maildir_file *kept, struct maildir_file *f, bool *moved,
    bool *left)
{
	const char *name = maildir_files_name(files, f);
	bool may = !m->box->readonly && m->writable;
	struct stat a, b;

	if (fstatat(maildir_dir_of(m, f), name, &b, AT_SYMLINK_NOFOLLOW) ==
	    -1)
		return false;
	if (fstatat(maildir_dir_of(m, kept), maildir_files_name(files, kept),
	    &a, AT_SYMLINK_NOFOLLOW) == -1) {
		struct maildir_file was = *kept;

		*kept = *f;
		*f = was;
		return false;
	}
	if (strcmp(name, maildir_files_name(files, kept)) == 0 &&
	    f->is_new == kept->is_new)
		return false;
	*left = *left || !may;
	if (!may)
		return false;
	*moved = true;
	if (a.st_dev == b.st_dev && a.st_ino == b.st_ino) {
		TRIP_KILL("maildir_move.unlink");
		unlinkat(maildir_dir_of(m, f), name, 0);
		return false;
	}
	return base_change(m, files, f);
}

void
maildir_move_doubles(struct maildir *m, struct maildir_files *files,
    bool *moved, bool *left)
{
	size_t kept = 0;
	bool again = false;

	for (size_t i = 0; i < files->count; i++) {
		if (kept > 0 && memcmp(files->p[kept - 1].digest,
		    files->p[i].digest, 16) == 0) {
			if (!double_settle(m, files, &files->p[kept - 1],
			    &files->p[i], moved, left))
				continue;
			again = true;
		}
		files->p[kept++] = files->p[i];
	}
	files->count = kept;
	if (again)
		maildir_files_sort(files);
}
