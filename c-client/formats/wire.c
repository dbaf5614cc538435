/* SPDX-License-Identifier: Apache-2.0 */
/* Line ends: counted fast, converted fast. */
#include "c-client/formats/wire.h"

#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "c-client/base/buf.h"

#include "c-client/base/banned.h"

#define PIECE	(16u * 1024)
#define LEAST	64u

static bool
count_plain(const char *p, size_t n, size_t *used, uint64_t *bare)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i] != '\n')
			continue;
		*bare += p[(ptrdiff_t)i - 1] != '\r';
		if (p[i + 1] == 'F') {
			*used += i + 1;
			return true;
		}
	}
	*used += n;
	return false;
}

#ifdef __SSE2__
/*
 * Sixteen octets a step.  Each of the sixteen counters is one octet, so they
 * are added up after 255 steps at the latest.  Returns the octets that were
 * counted: all but the last few, or up to the step that has an "\nF".
 */
static size_t
count_steps(const char *p, size_t n, uint64_t *bare)
{
	const __m128i lf = _mm_set1_epi8('\n'), cr = _mm_set1_epi8('\r');
	const __m128i f = _mm_set1_epi8('F'), zero = _mm_setzero_si128();
	size_t i = 0;
	bool found = false;

	while (!found && n - i >= 16) {
		size_t steps = (n - i) / 16;
		__m128i counts = zero;
		uint64_t halves[2];

		if (steps > 255)
			steps = 255;
		for (; steps > 0; steps--, i += 16) {
			__m128i is_lf = _mm_cmpeq_epi8(lf, _mm_loadu_si128(
			    (const __m128i *)(const void *)(p + i)));
			__m128i is_f = _mm_cmpeq_epi8(f, _mm_loadu_si128(
			    (const __m128i *)(const void *)(p + i + 1)));
			__m128i is_cr = _mm_cmpeq_epi8(cr, _mm_loadu_si128(
			    (const __m128i *)(const void *)(p + i - 1)));

			if (_mm_movemask_epi8(
			    _mm_and_si128(is_lf, is_f)) != 0) {
				found = true;
				break;
			}
			counts = _mm_sub_epi8(counts,
			    _mm_andnot_si128(is_cr, is_lf));
		}
		_mm_storeu_si128((__m128i *)(void *)halves,
		    _mm_sad_epu8(counts, zero));
		*bare += halves[0] + halves[1];
	}
	return i;
}
#endif

bool
wire_count(const char *p, size_t n, size_t *used, uint64_t *bare)
{
	*used = 0;
#ifdef __SSE2__
	*used = count_steps(p, n, bare);
#endif
	return count_plain(p + *used, n - *used, used, bare);
}

/* One octet that is not LF, or a whole run without LF and NUL. */
static void
run_add(struct buf *out, const char *p, size_t n)
{
	while (n > 0) {
		const char *nul = memchr(p, '\0', n);
		size_t k = nul != NULL ? (size_t)(nul - p) : n;

		buf_add(out, p, k);
		if (nul == NULL)
			return;
		buf_addc(out, '\x80');
		p += k + 1;
		n -= k + 1;
	}
}

/* The usual case: no NUL in here, and room for twice as much. */
static char *
fast_copy(char *q, const char *p, size_t n, char before)
{
	const char *end = p + n;

	while (p < end) {
		const char *lf = memchr(p, '\n', (size_t)(end - p));
		size_t k = (size_t)((lf != NULL ? lf : end) - p);

		memcpy(q, p, k);
		q += k;
		if (lf == NULL)
			break;
		if (k > 0)
			before = lf[-1];
		if (before != '\r')
			*q++ = '\r';
		*q++ = '\n';
		before = '\n';
		p = lf + 1;
	}
	return q;
}

/* Whole pieces, as long as they fit. */
static size_t
fast_add(struct buf *out, size_t *room, const char *p, size_t n, char before)
{
	size_t done = 0;

	while (done < n) {
		size_t k = n - done < PIECE ? n - done : PIECE;
		char *q;
		size_t got;

		if (k > *room)
			k = *room;
		if (k < LEAST || (out->max != 0 &&
		    2 * k > out->max - out->n))
			break;
		if (memchr(p + done, '\0', k) != NULL ||
		    (q = buf_room(out, 2 * k)) == NULL)
			break;
		got = (size_t)(fast_copy(q, p + done, k, before) - q);
		/* What was too much: few octets, or there are few in all. */
		for (; got > *room; k--)
			got -= p[done + k - 1] == '\n' && (k > 1 ?
			    p[done + k - 2] : before) != '\r' ? 2 : 1;
		if (k == 0)
			break;
		out->n += got;
		*room -= got;
		done += k;
		before = p[done - 1];
	}
	return done;
}

size_t
wire_add(struct buf *out, size_t room, const char *p, size_t n,
    char before)
{
	size_t done = fast_add(out, &room, p, n, before);

	if (done > 0)
		before = p[done - 1];
	while (done < n && room > 0) {
		size_t left = n - done < room ? n - done : room;
		const char *lf = memchr(p + done, '\n', left);
		size_t k = lf != NULL ? (size_t)(lf - p) - done : left;
		size_t end;

		run_add(out, p + done, k);
		room -= k;
		done += k;
		if (lf == NULL)
			break;
		if (k > 0)
			before = p[done - 1];
		end = before == '\r' ? 1 : 2;
		if (room < end)
			break;
		buf_add(out, &"\r\n"[2 - end], end);
		room -= end;
		before = '\n';
		done++;
	}
	return done;
}
