/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/mm_told.h"

#include <stdio.h>
#include <stdlib.h>

#include "c-client/mail.h"

char mm_told[200];
long mm_told_flag;
size_t mm_told_count;

void
mm_told_reset(void)
{
	mm_told[0] = '\0';
	mm_told_flag = 0;
	mm_told_count = 0;
}

void
mm_log(char *string, long errflg)
{
	snprintf(mm_told, sizeof mm_told, "%s", string);
	mm_told_flag = errflg;
	mm_told_count++;
}

void
mm_fatal(char *string)
{
	fprintf(stderr, "%s\n", string);
	abort();
}
