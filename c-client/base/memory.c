/* SPDX-License-Identifier: Apache-2.0 */
/* Allocation that can't fail. */
#include "c-client/base/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "c-client/base/log.h"

#include "c-client/base/banned.h"

void
memory_exhausted(size_t n)
{
	log_line(LOG_ERR, "out of memory (%zu octets wanted)", n);
	_exit(71);		/* EX_OSERR */
}

void *
memory_alloc(size_t n)
{
	void *p = malloc(n == 0 ? 1 : n);

	if (p == NULL)
		memory_exhausted(n);
	return p;
}

void *
memory_zalloc(size_t n)
{
	void *p = calloc(1, n == 0 ? 1 : n);

	if (p == NULL)
		memory_exhausted(n);
	return p;
}

void *
memory_grow(void *old, size_t n)
{
	void *p = realloc(old, n == 0 ? 1 : n);

	if (p == NULL)
		memory_exhausted(n);
	return p;
}

void *
memory_grow_array(void *old, size_t count, size_t size)
{
	if (size != 0 && count > SIZE_MAX / size)
		memory_exhausted(SIZE_MAX);
	return memory_grow(old, count * size);
}

char *
memory_string(const char *s)
{
	size_t n = strlen(s) + 1;

	return memcpy(memory_alloc(n), s, n);
}
