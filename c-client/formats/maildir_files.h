/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of a maildir's cur and new as readdir(3) told of them, to be found
 * by their base names.  A listing is old as soon as it is made: any program
 * may rename any file at any time, and readdir(3) may miss one meanwhile.
 */
#ifndef FORMATS_MAILDIR_FILES_H
#define FORMATS_MAILDIR_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "c-client/base/buf.h"
#include "c-client/base/span.h"
#include "c-client/store/record.h"

struct fault;

struct maildir_file {
	uint64_t key;		/* the first octets of the digest */
	uint8_t digest[16];	/* of the base, as in a record */
	uint64_t at;		/* of the name in `chars`, NUL-terminated */
	uint16_t name_n, base_n;
	bool is_new;		/* in new, else in cur */
	bool was_new;		/* it was moved from there just now */
	bool taken;		/* for who works through them */
};

struct maildir_files {
	struct maildir_file *p;	/* by digest, once sorted */
	size_t count, room;
	struct buf chars;
};

void maildir_files_init(struct maildir_files *);
void maildir_files_clear(struct maildir_files *);

/* The digest of a base. */
void maildir_files_digest(struct span base, uint8_t digest[16]);

/*
 * Add the messages' files of this directory: regular ones that have a name as
 * a message may have; links, FIFOs and what else there is are passed over.
 * FAULT_LIMIT over BOUND_MESSAGES, FAULT_IO.
 */
int maildir_files_read(struct maildir_files *, int dir, bool is_new,
    struct fault *);

/* Add one name. */
void maildir_files_add(struct maildir_files *, struct span name, bool is_new);

/* Order them, so that they can be found; or add one name to them where it
 * belongs, if its base is not there. */
void maildir_files_sort(struct maildir_files *);
void maildir_files_insert(struct maildir_files *, struct span name,
    bool is_new);

/* The first with this digest, NULL if there is none. */
struct maildir_file *maildir_files_find(const struct maildir_files *,
    const uint8_t digest[16]);

const char *maildir_files_name(const struct maildir_files *,
    const struct maildir_file *);
struct span maildir_files_base(const struct maildir_files *,
    const struct maildir_file *);

/* Its base is another one: order them again. */
void maildir_files_rebase(struct maildir_file *, struct span base);

/* Give the file another name of the same base (it was renamed). */
void maildir_files_rename(struct maildir_files *, struct maildir_file *,
    struct span name, bool is_new);

#endif
