/* SPDX-License-Identifier: Apache-2.0 */
/* What a harness insists on; a fuzzer takes abort(3) for what it looks for. */
#ifndef TESTS_MUST_H
#define TESTS_MUST_H

#include <stdbool.h>
#include <stdlib.h>

static inline void
must(bool what)
{
	if (!what)
		abort();
}

/* A string that may be printed: no control characters. */
static inline void
must_be_text(const char *text)
{
	for (; *text != '\0'; text++)
		must((unsigned char)*text >= ' ' && *text != 0x7f);
}

#endif
