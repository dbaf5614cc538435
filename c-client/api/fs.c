/* SPDX-License-Identifier: Apache-2.0 */
/* Memory and strings, as programs get and give them. */
#include <stdlib.h>
#include <string.h>

#include "c-client/mail.h"

#include "c-client/base/banned.h"

static void
no_memory(void)
{
	char text[] = "Out of memory";

	mm_fatal(text);
	abort();
}

void *
fs_get(size_t size)
{
	void *p = malloc(size > 0 ? size : 1);

	if (p == NULL)
		no_memory();
	return p;
}

void
fs_resize(void **block, size_t size)
{
	void *p = realloc(*block, size > 0 ? size : 1);

	if (p == NULL)
		no_memory();
	*block = p;
}

void
fs_give(void **block)
{
	free(*block);
	*block = NULL;
}

char *
cpystr(const char *string)
{
	size_t n;
	char *copy;

	if (string == NULL)
		return NULL;
	n = strlen(string) + 1;
	copy = fs_get(n);
	memcpy(copy, string, n);
	return copy;
}

char *
cpytxt(SIZEDTEXT *dst, char *text, unsigned long size)
{
	char *copy = fs_get(size + 1);

	if (size > 0)
		memcpy(copy, text, size);
	copy[size] = '\0';
	free(dst->data);
	dst->data = (unsigned char *)copy;
	dst->size = size;
	return copy;
}

unsigned long
find_rightmost_bit(unsigned long *value)
{
	unsigned long bit = 0;

	if (*value == 0)
		return 0xffffffff;
	while (!(*value & 1ul << bit))
		bit++;
	*value &= ~(1ul << bit);
	return bit;
}
