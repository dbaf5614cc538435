/* SPDX-License-Identifier: Apache-2.0 */
/* UIDs as runs: what an array of them says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "c-client/store/uidruns.h"

#define MOST	400

static unsigned seed = 3;

static unsigned
chance(unsigned below)
{
	return (unsigned)rand_r(&seed) % below;
}

static void
check(const struct uidruns *u, const uint32_t *uids, size_t count)
{
	size_t at = 0, left;

	assert_int_equal(u->count, count);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(uidruns_at(u, i, &left), uids[i]);
		assert_in_range(left, 1, count - i);
		assert_int_equal(uids[i + left - 1] - uids[i], left - 1);
		if (i + left < count)
			assert_true(uids[i + left] > uids[i] + left);
		assert_int_equal(uidruns_find(u, uids[i]), i);
		assert_true(uidruns_has(u, uids[i]));
	}
	for (uint32_t uid = 0; uid < 3 * MOST; uid++) {
		while (at < count && uids[at] < uid)
			at++;
		assert_int_equal(uidruns_find(u, uid), at);
		assert_int_equal(uidruns_has(u, uid), at < count &&
		    uids[at] == uid);
	}
	assert_int_equal(uidruns_find(u, UINT32_MAX), count);
}

static void
test_array(void **state)
{
	(void)state;
	for (unsigned gap = 1; gap < 40; gap += 3) {
		struct uidruns u = { .count = 0 }, tail;
		uint32_t uids[MOST], uid = 1;
		size_t count = 0, cut;

		check(&u, uids, 0);
		while (count < MOST) {
			size_t n = chance(gap) + 1;

			uid += chance(2);
			n = n < MOST - count ? n : MOST - count;
			uidruns_add(&u, uid, n);
			for (size_t i = 0; i < n; i++)
				uids[count++] = uid++;
			uidruns_add(&u, uid, 0);
		}
		check(&u, uids, count);
		cut = chance(MOST + 1);
		uidruns_split(&u, cut, &tail);
		check(&u, uids, cut);
		check(&tail, uids + cut, count - cut);
		uidruns_clear(&tail);
		/* It goes on behind the cut. */
		for (size_t i = cut; i < count; i++)
			uidruns_add(&u, uids[i], 1);
		check(&u, uids, count);
		uidruns_clear(&u);
	}
}

/* At the end of what UIDs there are. */
static void
test_ends(void **state)
{
	struct uidruns u = { .count = 0 };
	size_t left;

	(void)state;
	uidruns_add(&u, 1, UINT32_MAX);
	assert_int_equal(uidruns_at(&u, 0, &left), 1);
	assert_int_equal(left, UINT32_MAX);
	assert_int_equal(uidruns_at(&u, UINT32_MAX - 1u, &left), UINT32_MAX);
	assert_int_equal(left, 1);
	assert_int_equal(uidruns_find(&u, UINT32_MAX), UINT32_MAX - 1u);
	assert_int_equal(uidruns_find(&u, 0), 0);
	uidruns_clear(&u);
	uidruns_add(&u, 5, 1);
	uidruns_add(&u, UINT32_MAX, 1);
	assert_int_equal(uidruns_find(&u, 6), 1);
	assert_true(uidruns_has(&u, UINT32_MAX));
	assert_false(uidruns_has(&u, UINT32_MAX - 1));
	uidruns_clear(&u);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_array),
		cmocka_unit_test(test_ends),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
