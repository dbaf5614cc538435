/* SPDX-License-Identifier: Apache-2.0 */
/* A maildir's tmp. */
#include "c-client/formats/maildir_tmp.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "c-client/formats/maildir.h"
#include "c-client/store/box.h"

#include "c-client/base/banned.h"

#define OLD_SECS	(36 * 3600)

static bool
is_old(const struct stat *st, time_t now)
{
	/* What has another name is about to be copied (maildir_link.h), and
	 * as old as the message. */
	return S_ISREG(st->st_mode) && st->st_nlink == 1 &&
	    st->st_mtim.tv_sec < now - OLD_SECS &&
	    st->st_atim.tv_sec < now - OLD_SECS;
}

void
maildir_tmp_clean(struct maildir *m)
{
	int fd = m->box->readonly || m->tmp == -1 ? -1 : openat(m->tmp, ".",
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd == -1 ? NULL : fdopendir(fd);
	time_t now = time(NULL);
	const struct dirent *e;
	struct stat st;

	if (d == NULL) {
		if (fd != -1)
			close(fd);
		return;
	}
	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.' && fstatat(fd, e->d_name, &st,
		    AT_SYMLINK_NOFOLLOW) == 0 && is_old(&st, now))
			unlinkat(fd, e->d_name, 0);
	closedir(d);
}
