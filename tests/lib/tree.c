/* SPDX-License-Identifier: Apache-2.0 */
/* A test's directory, at its end. */
#include "tests/lib/tree.h"

#include <ftw.h>
#include <stdio.h>

#include "c-client/base/banned.h"

static int
remove_entry(const char *path, const struct stat *st, int flag,
    struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

int
tree_remove(const char *dir)
{
	return nftw(dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}
