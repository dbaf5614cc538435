/* SPDX-License-Identifier: Apache-2.0 */
/* The cache of parsed texts: what it gives out is what parsing would give. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "c-client/mime/envelope.h"
#include "c-client/store/message.h"
#include "c-client/store/parsed.h"
#include "tests/lib/fakebox.h"
#include "tests/lib/fakeindex.h"

#define MESSAGES	20

static struct reader *reader;

static void
setup(void)
{
	fake_reset();
	fakeindex_reset();
	fake.box.index = FAKEINDEX;
	for (uint32_t i = 1; i <= MESSAGES; i++) {
		struct buf text;

		buf_init(&text, 0);
		buf_addf(&text, "Subject: message %u\r\n\r\n%0*u\r\n", i,
		    (int)i, 0u);
		fake_add(i * 3, buf_span(&text));
		buf_clear(&text);
	}
	reader = reader_new(&fake.box);
}

static void
teardown(struct parsed *p)
{
	parsed_free(p);
	reader_free(reader);
}

static void
check(struct parsed *p, uint32_t uid)
{
	struct fault why = { 0 };
	struct buf out;
	char subject[40], size[40];

	buf_init(&out, 0);
	snprintf(subject, sizeof subject, "(NIL \"message %u\" ", uid / 3);
	snprintf(size, sizeof size, "\"7BIT\" %u 1", uid / 3 + 2);
	assert_int_equal(parsed_get(p, uid, PARSED_ENVELOPE, &out, &why), 0);
	assert_non_null(strstr(buf_string(&out), subject));
	buf_reset(&out);
	assert_int_equal(parsed_get(p, uid, PARSED_BODY, &out, &why), 0);
	assert_non_null(strstr(buf_string(&out), size));
	assert_null(strstr(buf_string(&out), "1 NIL"));
	buf_reset(&out);
	assert_int_equal(parsed_get(p, uid, PARSED_BODYSTRUCTURE, &out,
	    &why), 0);
	assert_non_null(strstr(buf_string(&out), size));
	assert_non_null(strstr(buf_string(&out), "1 NIL"));
	buf_clear(&out);
}

static void
test_orders(void **state)
{
	static const struct {
		unsigned first, step;
	} orders[] = { { 0, 1 }, { 0, MESSAGES - 1 }, { 5, 7 }, { 9, 0 } };

	(void)state;
	for (size_t o = 0; o < sizeof orders / sizeof orders[0]; o++) {
		struct parsed *p;

		setup();
		p = parsed_new(&fake.box, reader);
		for (int flush = 0; flush < 2; flush++)
			for (unsigned round = 0; round < 2; round++) {
				unsigned at = orders[o].first;

				for (unsigned i = 0; i < MESSAGES; i++) {
					check(p, 3 * (at + 1));
					at = (at + orders[o].step) % MESSAGES;
				}
				if (flush != 0)
					parsed_flush(p);
			}
		teardown(p);
	}
}

/* From the index no mail is read. */
static void
test_index(void **state)
{
	struct parsed *p;

	(void)state;
	setup();
	p = parsed_new(&fake.box, reader);
	for (uint32_t i = 1; i <= MESSAGES; i++)
		check(p, 3 * i);
	parsed_flush(p);
	assert_int_equal(fakeindex.count, 3 * MESSAGES);
	assert_int_equal(fakeindex.puts, 3);
	parsed_flush(p);
	assert_int_equal(fakeindex.puts, 3);
	teardown(p);

	reader = reader_new(&fake.box);
	p = parsed_new(&fake.box, reader);
	fake.reads = fakeindex.gets = 0;
	for (uint32_t i = 1; i <= MESSAGES; i++)
		check(p, 3 * i);
	assert_int_equal(fake.reads, 0);
	assert_int_equal(fakeindex.gets, 3 * MESSAGES / FAKEINDEX_CHUNK);
	teardown(p);
}

static void
test_uidvalidity(void **state)
{
	struct parsed *p;

	(void)state;
	setup();
	p = parsed_new(&fake.box, reader);
	check(p, 3);
	check(p, 6);
	parsed_flush(p);
	check(p, 6);
	check(p, 9);
	/* Others with the same UIDs: what was kept means nothing. */
	fakeindex_reset();
	fake_reset();
	fake.box.index = FAKEINDEX;
	fake.box.meta.uidvalidity = 8;
	fake_add(3, SPAN("Subject: message 1\r\n\r\n0\r\n"));
	fake.records[0].digest[15] = 9;
	fake_add(6, SPAN("Subject: message 2\r\n\r\n00\r\n"));
	fake.records[1].digest[15] = 9;
	check(p, 6);
	check(p, 3);
	assert_int_not_equal(fake.reads, 0);
	teardown(p);
}

static void
test_faults(void **state)
{
	struct fault why = { 0 };
	struct parsed *p;
	struct buf out;

	(void)state;
	setup();
	p = parsed_new(&fake.box, reader);
	buf_init(&out, 0);
	buf_adds(&out, "before");
	assert_int_equal(parsed_get(p, 4, PARSED_BODY, &out, &why), -1);
	assert_int_equal(why.code, FAULT_EXPUNGED);
	fake.fault = FAULT_IO;
	assert_int_equal(parsed_get(p, 6, PARSED_ENVELOPE, &out, &why), -1);
	assert_int_equal(why.code, FAULT_IO);
	assert_true(span_eq(buf_span(&out), SPAN("before")));
	fake.fault = FAULT_NONE;
	/* A full disk costs speed only. */
	fakeindex.fail = true;
	check(p, 6);
	parsed_flush(p);
	check(p, 6);
	fake.box.index = NULL;
	check(p, 9);
	check(p, 6);
	buf_clear(&out);
	teardown(p);
	fake_reset();
	fakeindex_reset();
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_orders),
		cmocka_unit_test(test_index),
		cmocka_unit_test(test_uidvalidity),
		cmocka_unit_test(test_faults),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
