/* SPDX-License-Identifier: Apache-2.0 */
/* The files of a maildir. */
#include "c-client/formats/maildir_files.h"

#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "c-client/base/bounds.h"
#include "c-client/base/fault.h"
#include "c-client/base/memory.h"
#include "c-client/formats/maildir_name.h"

#include "c-client/base/banned.h"

void
maildir_files_init(struct maildir_files *files)
{
	*files = (struct maildir_files){ 0 };
	buf_init(&files->chars, 0);
}

void
maildir_files_clear(struct maildir_files *files)
{
	free(files->p);
	buf_clear(&files->chars);
	maildir_files_init(files);
}

void
maildir_files_digest(struct span base, uint8_t digest[16])
{
	XXH128_canonical_t c;

	XXH128_canonicalFromHash(&c, XXH3_128bits(base.p, base.n));
	memcpy(digest, c.digest, 16);
}

/* Compared at once where memcmp(3) would be called: the order is the same. */
static uint64_t
key_of(const uint8_t digest[16])
{
	uint64_t key;

	memcpy(&key, digest, sizeof key);
	return be64toh(key);
}

void
maildir_files_rebase(struct maildir_file *f, struct span base)
{
	maildir_files_digest(base, f->digest);
	f->key = key_of(f->digest);
	f->base_n = (uint16_t)base.n;
}

void
maildir_files_add(struct maildir_files *files, struct span name, bool is_new)
{
	struct maildir_name parts;
	struct maildir_file *f;

	maildir_name_parse(name, &parts);
	if (name.n > MAILDIR_NAME_MAX || !maildir_name_is_base(parts.base))
		return;
	if (files->count == files->room) {
		files->room = files->room == 0 ? 256 : files->room * 2;
		files->p = memory_grow_array(files->p, files->room,
		    sizeof *files->p);
	}
	f = &files->p[files->count++];
	*f = (struct maildir_file){ .at = files->chars.n,
	    .name_n = (uint16_t)name.n, .is_new = is_new };
	maildir_files_rebase(f, parts.base);
	buf_addspan(&files->chars, name);
	buf_addc(&files->chars, '\0');
}

static bool
is_regular(int dir, const struct dirent *e)
{
	struct stat st;

	if (e->d_type != DT_UNKNOWN)
		return e->d_type == DT_REG;
	return fstatat(dir, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISREG(st.st_mode);
}

int
maildir_files_read(struct maildir_files *files, int dir, bool is_new,
    struct fault *why)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd == -1 ? NULL : fdopendir(fd);
	const struct dirent *e;
	int status = 0;

	if (d == NULL) {
		fault_errno(why, "read a directory");
		if (fd != -1)
			close(fd);
		return -1;
	}
	while (errno = 0, (e = readdir(d)) != NULL) {
		if (!is_regular(fd, e))
			continue;
		if (files->count == BOUND_MESSAGES) {
			status = fault_set(why, FAULT_LIMIT,
			    "over %u files", BOUND_MESSAGES);
			break;
		}
		maildir_files_add(files, span_of(e->d_name), is_new);
	}
	if (e == NULL && errno != 0)
		status = fault_errno(why, "read a directory");
	closedir(d);
	return status;
}

static int
by_digest(const void *a, const void *b)
{
	const struct maildir_file *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return memcmp(x->digest, y->digest, sizeof x->digest);
}

void
maildir_files_sort(struct maildir_files *files)
{
	if (files->count > 0)
		qsort(files->p, files->count, sizeof *files->p, by_digest);
}

/* The index of the first that is not before this digest. */
static size_t
place_of(const struct maildir_files *files, size_t count,
    const uint8_t digest[16])
{
	size_t low = 0, high = count;
	uint64_t key = key_of(digest);

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (files->p[mid].key < key)
			low = mid + 1;
		else
			high = mid;
	}
	while (low < count && files->p[low].key == key &&
	    memcmp(files->p[low].digest, digest, 16) < 0)
		low++;
	return low;
}

void
maildir_files_insert(struct maildir_files *files, struct span name,
    bool is_new)
{
	size_t count = files->count, at;
	struct maildir_file last;

	maildir_files_add(files, name, is_new);
	if (files->count == count)
		return;
	last = files->p[count];
	at = place_of(files, count, last.digest);
	if (at < count && memcmp(files->p[at].digest, last.digest,
	    sizeof last.digest) == 0) {
		files->count--;
		return;
	}
	memmove(files->p + at + 1, files->p + at,
	    (count - at) * sizeof *files->p);
	files->p[at] = last;
}

struct maildir_file *
maildir_files_find(const struct maildir_files *files,
    const uint8_t digest[16])
{
	size_t at = place_of(files, files->count, digest);

	return at < files->count &&
	    memcmp(files->p[at].digest, digest, 16) == 0 ? &files->p[at] :
	    NULL;
}

const char *
maildir_files_name(const struct maildir_files *files,
    const struct maildir_file *f)
{
	return files->chars.p + f->at;
}

struct span
maildir_files_base(const struct maildir_files *files,
    const struct maildir_file *f)
{
	return (struct span){ files->chars.p + f->at, f->base_n };
}

void
maildir_files_rename(struct maildir_files *files, struct maildir_file *f,
    struct span name, bool is_new)
{
	f->is_new = is_new;
	f->name_n = (uint16_t)name.n;
	f->at = files->chars.n;
	buf_addspan(&files->chars, name);
	buf_addc(&files->chars, '\0');
}
