/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Allocation that can't fail: where there is no memory the process ends, in
 * this one place.  Sizes that a peer chose are checked against bounds.h first.
 */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stddef.h>

void *memory_alloc(size_t n)		__attribute__((malloc));
void *memory_zalloc(size_t n)		__attribute__((malloc));
void *memory_grow(void *p, size_t n);	/* realloc */
/* `count` objects of `size`; overflow counts as no memory. */
void *memory_grow_array(void *p, size_t count, size_t size);
char *memory_string(const char *s)	__attribute__((malloc)); /* strdup */
void memory_exhausted(size_t n)		__attribute__((noreturn));

#endif
