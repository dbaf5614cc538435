/* SPDX-License-Identifier: Apache-2.0 */
/* What the code under test logs: kept for the test, and shown to nobody. */
#ifndef TESTS_LOGGED_H
#define TESTS_LOGGED_H

/* From now on lines are kept, and those of before are forgotten. */
void logged_start(void);
/* The lines, each with LF. */
const char *logged_text(void);
void logged_free(void);

#endif
