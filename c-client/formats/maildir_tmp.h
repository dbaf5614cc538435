/* SPDX-License-Identifier: Apache-2.0 */
/* A maildir's tmp: what deliveries that never ended left there. */
#ifndef FORMATS_MAILDIR_TMP_H
#define FORMATS_MAILDIR_TMP_H

struct maildir;

/* Remove files that nobody has touched for 36 hours, as the convention of
 * maildirs says.  A box that can't be written: nothing. */
void maildir_tmp_clean(struct maildir *);

#endif
