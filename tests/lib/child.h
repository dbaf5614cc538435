/* SPDX-License-Identifier: Apache-2.0 */
/* What a test does in a process of its own, as it sets limits that stay. */
#ifndef TESTS_CHILD_H
#define TESTS_CHILD_H

/* Runs it in a child, where it ends with _exit(); anything but a status of 0
 * fails the test. */
void child_succeeds(void (*work)(void));

#endif
