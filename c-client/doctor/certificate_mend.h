/* SPDX-License-Identifier: Apache-2.0 */
/* Commands that put a certificate right: what imapd-tls(8) is to be told. */
#ifndef DOCTOR_CERTIFICATE_MEND_H
#define DOCTOR_CERTIFICATE_MEND_H

#include "ssl/tls_exam.h"

struct doctor;
struct report;

/* What all of them are about. */
struct certificate_mend {
	const struct doctor *d;
	struct report *r;
	const char *host;	/* the machine's whole name, or "" */
	const char *authority;	/* the directory of one's own */
};

/* All of these add the command to the finding that was added last. */

/* The same file, and another one or none, put together anew. */
void certificate_mend_install(const struct certificate_mend *,
    const struct tls_exam *, const char *other);

/* A certificate in the place of one that can't be used; for its names, or the
 * machine's.  `host` is to be one of them too, unless it is "". */
void certificate_mend_new(const struct certificate_mend *,
    const struct tls_exam *, const char *host);

/* The same with a new authority, which may sign for all of its names. */
void certificate_mend_authority(const struct certificate_mend *,
    const struct tls_exam *, const char *host);

/* One that is at its end; false where only who made it can renew it. */
bool certificate_mend_renew(const struct certificate_mend *,
    const struct tls_exam *);

/* What was in place before, or where that is no good, a new one. */
void certificate_mend_back(const struct certificate_mend *,
    const struct tls_exam *);

/*
 * Look in the directories of certificates and keys for a file that has what is
 * missing.  Its path, or NULL.
 */
const char *certificate_mend_find(const struct certificate_mend *,
    const struct tls_exam *, enum tls_exam_part);

#endif
