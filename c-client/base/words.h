/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of words that switch things on and off: "all", "none", NAME, -NAME
 * with blanks or commas between them, from left to right.
 */
#ifndef BASE_WORDS_H
#define BASE_WORDS_H

#include <stdbool.h>

#include "c-client/base/span.h"

/* Take the next word from `left`; an empty one at its end. */
struct span words_next(struct span *left);

/* What one word makes of `name`, which was on or off so far. */
bool words_apply(struct span word, const char *name, bool so_far);

/* Is `name` on behind all words?  At first everything is. */
bool words_has(const char *words, const char *name);

#endif
