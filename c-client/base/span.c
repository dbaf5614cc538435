/* SPDX-License-Identifier: Apache-2.0 */
/* Spans: comparing and cutting bytes that are somebody else's. */
#include "c-client/base/span.h"

#include <string.h>

#include "c-client/base/banned.h"

bool
ascii_is_digit(int c)
{
	return c >= '0' && c <= '9';
}

int
ascii_lower(int c)
{
	return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

int
ascii_upper(int c)
{
	return c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c;
}

bool
ascii_is_alnum(int c)
{
	return ascii_is_digit(c) ||
	    (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z');
}

size_t
ascii_lower_run(char *to, const char *from, size_t n)
{
	const uint64_t high = 0x8080808080808080u, ones = high >> 7;
	size_t i = 0;

	for (; n - i >= 8; i += 8) {
		uint64_t word, from_a, behind_z;

		memcpy(&word, from + i, 8);
		if ((word & high) != 0)
			break;
		/* Bit 7 of each octet: is it at least 'A', beyond 'Z'? */
		from_a = word + ones * (0x80 - 'A');
		behind_z = word + ones * (0x80 - 'Z' - 1);
		word |= (from_a & ~behind_z & high) >> 2;
		memcpy(to + i, &word, 8);
	}
	for (; i < n && (unsigned char)from[i] < 0x80; i++)
		to[i] = (char)ascii_lower((unsigned char)from[i]);
	return i;
}

struct span
span_of(const char *s)
{
	return (struct span){ s, strlen(s) };
}

bool
span_eq(struct span a, struct span b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static bool
same_nocase(const char *a, const char *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (ascii_lower((unsigned char)a[i]) !=
		    ascii_lower((unsigned char)b[i]))
			return false;
	return true;
}

bool
span_eq_nocase(struct span a, struct span b)
{
	return a.n == b.n && same_nocase(a.p, b.p, a.n);
}

bool
span_is(struct span a, const char *s)
{
	return span_eq_nocase(a, span_of(s));
}

bool
span_starts_nocase(struct span a, const char *prefix)
{
	size_t n = strlen(prefix);

	return a.n >= n && same_nocase(a.p, prefix, n);
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct span
span_trim(struct span s)
{
	while (s.n > 0 && is_blank(s.p[0])) {
		s.p++;
		s.n--;
	}
	while (s.n > 0 && is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

struct span
span_slice(struct span s, size_t off, size_t n)
{
	if (off >= s.n)
		return (struct span){ s.n == 0 ? s.p : s.p + s.n, 0 };
	s.p += off;
	s.n -= off;
	if (n < s.n)
		s.n = n;
	return s;
}

bool
span_number(struct span s, uint64_t max, uint64_t *out)
{
	uint64_t value = 0;

	if (s.n == 0)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		unsigned digit = (unsigned)(unsigned char)s.p[i] - '0';

		if (digit > 9 || value > (UINT64_MAX - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	if (value > max)
		return false;
	*out = value;
	return true;
}

ptrdiff_t
span_find_char(struct span s, char c)
{
	const char *at = s.n == 0 ? NULL : memchr(s.p, c, s.n);

	return at == NULL ? -1 : at - s.p;
}

ptrdiff_t
span_find_nocase(struct span hay, struct span needle)
{
	if (needle.n > hay.n)
		return -1;
	for (size_t i = 0; i <= hay.n - needle.n; i++)
		if (same_nocase(hay.p + i, needle.p, needle.n))
			return (ptrdiff_t)i;
	return -1;
}
