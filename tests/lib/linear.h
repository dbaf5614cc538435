/* SPDX-License-Identifier: Apache-2.0 */
/* Is a function's work in proportion to its input?  For tests only. */
#ifndef TESTS_LINEAR_H
#define TESTS_LINEAR_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Calls work(n) and work(8 * n), which make and use up an input of that size,
 * and compares the processor time of this process, so that a busy machine
 * does not matter: linear work takes 8 times as long, quadratic work 64 times.
 * True if it is less than 24 times, or next to nothing, in one of five tries.
 */
bool linear(void (*work)(size_t n), size_t n);

#endif
