/* SPDX-License-Identifier: Apache-2.0 */
/* The program's part of the interface, for tests of rfc822.h. */
#ifndef TESTS_MM_TOLD_H
#define TESTS_MM_TOLD_H

#include <stddef.h>

/* What mm_log() was told last, "" if nothing since mm_told_reset(). */
extern char mm_told[200];
extern long mm_told_flag;
extern size_t mm_told_count;

void mm_told_reset(void);

#endif
