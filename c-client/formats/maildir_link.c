/* SPDX-License-Identifier: Apache-2.0 */
/* Second names for messages. */
#include "c-client/formats/maildir_link.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "c-client/base/buf.h"
#include "c-client/base/fault.h"
#include "c-client/base/trip.h"
#include "c-client/formats/maildir.h"
#include "c-client/formats/maildir_name.h"
#include "c-client/store/box.h"

#include "c-client/base/banned.h"

/* Has the file the rights that one has which is made in this directory?  Where
 * nobody else comes in, those of others are nothing. */
static bool
has_rights(const struct stat *st, const struct stat *dir)
{
	if (st->st_uid != geteuid())
		return false;
	if ((dir->st_mode & 077) == 0)
		return (st->st_mode & 0600) == 0600;
	return (st->st_mode & 07777) == (dir->st_mode & 0666) && st->st_gid ==
	    (dir->st_mode & S_ISGID ? dir->st_gid : getegid());
}

/* Is it the file of this record, and as one that is made in this tmp? */
static bool
is_as_written(int tmp, const char *name, const struct record *r)
{
	struct stat st, dir;

	return fstatat(tmp, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    fstat(tmp, &dir) == 0 && S_ISREG(st.st_mode) &&
	    (uint64_t)st.st_size == r->disk_size &&
	    st.st_mtim.tv_sec == r->date && has_rights(&st, &dir);
}

bool
maildir_link(struct box *from, const struct record *r, struct box *to,
    struct buf *name)
{
	struct maildir *source = from->state;
	const struct maildir *target = to->state;
	const struct maildir_file *f;
	struct fault ignored;

	if (source->dir == -1 || target->tmp == -1 || (!source->listed &&
	    maildir_list(source, &ignored) == -1))
		return false;
	if ((f = maildir_find(source, r)) == NULL)
		return false;
	maildir_name_begin(name);
	maildir_name_end(name, 0);
	if (TRIP("maildir_link.link") || linkat(maildir_dir_of(source, f),
	    maildir_files_name(&source->files, f), target->tmp,
	    buf_string(name), 0) == -1)
		return false;
	if (is_as_written(target->tmp, buf_string(name), r))
		return true;
	unlinkat(target->tmp, buf_string(name), 0);
	return false;
}

void
maildir_unlink(struct box *box, const char *name)
{
	const struct maildir *m = box->state;

	unlinkat(m->tmp, name, 0);
}
