/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dovecot-keywords: which keyword each of the letters a to z in a maildir's
 * file names stands for.  Lines "0 name" to "25 name"; a letter that was
 * given keeps its name.
 */
#ifndef FORMATS_MAILDIR_KEYWORDS_H
#define FORMATS_MAILDIR_KEYWORDS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "c-client/base/span.h"
#include "c-client/store/record.h"

struct box;
struct buf;
struct fault;

#define MAILDIR_KEYWORDS	"dovecot-keywords"
#define MAILDIR_LETTERS		26u

/* mbsync's letter P, and what it stands for. */
#define MAILDIR_PASSED		"$Forwarded"

struct maildir_keywords {
	char *names[MAILDIR_LETTERS];	/* by letter, NULL where it is free */
	struct stat st;			/* of the file; st_ino 0: none */
};

void maildir_keywords_init(struct maildir_keywords *);
void maildir_keywords_clear(struct maildir_keywords *);

/* Take a file's text apart: bad lines, and names given twice, are passed
 * over. */
void maildir_keywords_parse(struct maildir_keywords *, struct span text);

/* Read the file of this directory; none, or one that is none, is empty. */
int maildir_keywords_read(struct maildir_keywords *, int dir, struct fault *);

/* The letters that have names, as bits. */
uint32_t maildir_keywords_known(const struct maildir_keywords *);

/*
 * Letters to the box's bits: names that the box doesn't have are made, inside
 * a transaction.  Bits to letters: `passed` where $Forwarded is set; keywords
 * without a letter are left out, and *missing tells whether there are any.
 */
struct keywords maildir_keywords_bits(struct box *,
    const struct maildir_keywords *, uint32_t letters, bool passed);
uint32_t maildir_keywords_letters(const struct box *,
    const struct maildir_keywords *, const struct keywords *, bool *passed,
    bool *missing);

/* Give letters to these keywords of the box, as long as there are any; true if
 * a name is new, and the file is to be written. */
bool maildir_keywords_add(struct box *, struct maildir_keywords *,
    const struct keywords *);

/* Replace the file, as Dovecot does: by dovecot-keywords.lock.  FAULT_INUSE
 * where that is there. */
int maildir_keywords_write(struct maildir_keywords *, int dir,
    struct fault *);

#endif
