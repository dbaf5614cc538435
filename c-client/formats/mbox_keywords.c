/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of keywords while a mailbox is scanned.  Found by a hash with a random
 * seed: a header of nothing but names must not take longer than others.
 */
#include "c-client/formats/mbox_keywords.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "c-client/base/memory.h"

#include "c-client/base/banned.h"

#define SLOTS	(sizeof ((struct mbox_keywords *)NULL)->slots)

void
mbox_keywords_init(struct mbox_keywords *k)
{
	memset(k, 0, sizeof *k);
	/* Without a seed it works as well, only slower for an enemy's mail. */
	if (getrandom(&k->seed, sizeof k->seed, GRND_NONBLOCK) !=
	    sizeof k->seed)
		k->seed = 0;
}

void
mbox_keywords_clear(struct mbox_keywords *k)
{
	for (size_t i = 0; i < k->count; i++)
		free(k->names[i]);
	k->count = 0;
	memset(k->slots, 0, sizeof k->slots);
}

/* Where a name is or would be in the table of slots. */
static size_t
slot_of(const struct mbox_keywords *k, struct span name)
{
	char lower[BOUND_KEYWORD];
	size_t at;

	for (size_t i = 0; i < name.n; i++)
		lower[i] = (char)ascii_lower((unsigned char)name.p[i]);
	at = XXH3_64bits_withSeed(lower, name.n, k->seed) % SLOTS;
	while (k->slots[at] != 0 && !span_is(name,
	    k->names[k->slots[at] - 1]))
		at = (at + 1) % SLOTS;
	return at;
}

int
mbox_keywords_add(struct mbox_keywords *k, struct span name)
{
	size_t at;
	char *copy;

	if (name.n == 0 || name.n > BOUND_KEYWORD ||
	    memchr(name.p, '\0', name.n) != NULL)
		return -1;
	at = slot_of(k, name);
	if (k->slots[at] != 0)
		return k->slots[at] - 1;
	if (k->count == BOUND_KEYWORDS)
		return -1;
	copy = memory_alloc(name.n + 1);
	memcpy(copy, name.p, name.n);
	copy[name.n] = '\0';
	k->names[k->count++] = copy;
	k->slots[at] = (uint8_t)k->count;
	return (int)k->count - 1;
}

/* Take the next word off `s`. */
static struct span
word_take(struct span *s)
{
	size_t at = 0, end;

	while (at < s->n && (s->p[at] == ' ' || s->p[at] == '\t'))
		at++;
	for (end = at; end < s->n && s->p[end] != ' ' && s->p[end] != '\t';
	    end++)
		;
	struct span word = span_slice(*s, at, end - at);
	*s = span_slice(*s, end, s->n);
	return word;
}

void
mbox_keywords_add_all(struct mbox_keywords *k, struct span names)
{
	struct span name;

	while (k->count < BOUND_KEYWORDS && (name = word_take(&names)).n > 0)
		mbox_keywords_add(k, name);
}

struct keywords
mbox_keywords_bits(const struct mbox_keywords *k, struct span value)
{
	struct keywords bits = { { 0 } };
	struct span name;

	if (k->count == 0)
		return bits;
	while ((name = word_take(&value)).n > 0) {
		size_t at;
		unsigned bit;

		if (name.n > BOUND_KEYWORD)
			continue;
		at = slot_of(k, name);
		if (k->slots[at] == 0)
			continue;
		bit = k->slots[at] - 1u;
		bits.bits[bit / 64] |= UINT64_C(1) << bit % 64;
	}
	return bits;
}
