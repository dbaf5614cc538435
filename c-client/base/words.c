/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of words that switch things on and off. */
#include "c-client/base/words.h"

#include <string.h>

#include "c-client/base/banned.h"

#define BETWEEN	" ,\t"

struct span
words_next(struct span *left)
{
	size_t n = 0;
	struct span word;

	while (left->n != 0 && strchr(BETWEEN, left->p[0]) != NULL)
		*left = span_slice(*left, 1, left->n);
	while (n < left->n && strchr(BETWEEN, left->p[n]) == NULL)
		n++;
	word = span_slice(*left, 0, n);
	*left = span_slice(*left, n, left->n);
	return word;
}

bool
words_apply(struct span word, const char *name, bool so_far)
{
	bool on = word.n == 0 || word.p[0] != '-';

	if (!on)
		word = span_slice(word, 1, word.n);
	if (span_is(word, "none"))
		return !on;
	return span_is(word, "all") || span_is(word, name) ? on : so_far;
}

bool
words_has(const char *words, const char *name)
{
	struct span left = span_of(words), word;
	bool on = true;

	while ((word = words_next(&left)).n != 0)
		on = words_apply(word, name, on);
	return on;
}
