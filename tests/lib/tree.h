/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_TREE_H
#define TESTS_TREE_H

/* Remove a directory and all that is below it; links are not followed.  As
 * nftw(3): 0 if it is gone. */
int tree_remove(const char *dir);

#endif
