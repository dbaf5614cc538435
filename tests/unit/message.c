/* SPDX-License-Identifier: Apache-2.0 */
/* Reading messages: what is handed out is the message or a fault. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "c-client/base/bounds.h"
#include "c-client/mime/part.h"
#include "c-client/store/message.h"
#include "tests/lib/fakebox.h"

#define ONE	"Subject: one\r\n\r\nbody one\r\n"
#define TWO	"Subject: two\r\nTo: x\r\n\r\nbody two, longer\r\n"

static struct reader *
setup(void)
{
	fake_reset();
	fake_add(5, SPAN(ONE));
	fake_add(9, SPAN(TWO));
	return reader_new(&fake.box);
}

static void
test_open(void **state)
{
	struct reader *r = setup();
	struct fault why = { 0 };
	struct message *m = reader_open(r, 9, &why);
	struct span header;
	struct buf out;

	(void)state;
	assert_non_null(m);
	assert_int_equal(message_size(m), sizeof TWO - 1);
	assert_int_equal(message_header_size(m), 23);
	assert_true(span_eq(message_span(m), SPAN(TWO)));
	assert_int_equal(message_header(m, &header, &why), 0);
	assert_true(span_eq(header, SPAN("Subject: two\r\nTo: x\r\n\r\n")));

	buf_init(&out, 0);
	for (size_t off = 0; off <= sizeof TWO; off++)
		for (size_t len = 0; len <= sizeof TWO; len++) {
			buf_reset(&out);
			assert_int_equal(message_read(m, off, len, &out,
			    &why), 0);
			assert_true(span_eq(buf_span(&out),
			    span_slice(SPAN(TWO), off, len)));
		}
	buf_clear(&out);

	/* The second time nothing is read. */
	assert_int_equal(fake.reads, 1);
	assert_ptr_equal(reader_open(r, 9, &why), m);
	assert_int_equal(fake.reads, 1);
	assert_non_null(reader_open(r, 5, &why));
	assert_int_equal(fake.reads, 2);
	reader_free(r);
}

static void
test_structure(void **state)
{
	struct reader *r = setup();
	struct fault why = { 0 };
	struct message *m = reader_open(r, 5, &why);
	const struct mime_part *root = message_structure(m, &why);

	(void)state;
	assert_non_null(root);
	assert_int_equal(root->body_octets, 10);
	assert_ptr_equal(message_structure(m, &why), root);
	reader_free(r);
}

static void
drop_nine(void)
{
	fake_remove(9);
}

/* The same UID with other octets is not the same message. */
static void
other_nine(void)
{
	fake.records[1].digest[15] = 1;
}

static void
longer_nine(void)
{
	if (fake.syncs == 1) {
		buf_adds(&fake.texts[1], "more\r\n");
		fake.records[1].wire_size += 6;
	}
}

static void
test_faults(void **state)
{
	static const struct {
		uint32_t uid;
		int changed;
		enum fault_code fault;
		bool cut;
		void (*on_sync)(void);
		enum fault_code expect;
		size_t size;
	} rows[] = {
		{ 9, 0, FAULT_NONE, false, NULL, FAULT_NONE, sizeof TWO - 1 },
		{ 4, 0, FAULT_NONE, false, NULL, FAULT_EXPUNGED, 0 },
		{ 9, 1, FAULT_NONE, false, NULL, FAULT_NONE, sizeof TWO - 1 },
		{ 9, 3, FAULT_NONE, false, NULL, FAULT_NONE, sizeof TWO - 1 },
		{ 9, 4, FAULT_NONE, false, NULL, FAULT_CHANGED, 0 },
		{ 9, 1, FAULT_NONE, false, drop_nine, FAULT_EXPUNGED, 0 },
		{ 9, 1, FAULT_NONE, false, other_nine, FAULT_NONE,
		    sizeof TWO - 1 },
		{ 9, 1, FAULT_NONE, false, longer_nine, FAULT_NONE,
		    sizeof TWO + 5 },
		{ 9, 0, FAULT_IO, false, NULL, FAULT_IO, 0 },
		{ 9, 0, FAULT_INUSE, false, NULL, FAULT_INUSE, 0 },
		{ 9, 0, FAULT_NONE, true, NULL, FAULT_CHANGED, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct reader *r = setup();
		struct fault why = { 0 };
		struct message *m;

		fake.changed = rows[i].changed;
		fake.fault = rows[i].fault;
		fake.cut = rows[i].cut;
		fake.on_sync = rows[i].on_sync;
		m = reader_open(r, rows[i].uid, &why);
		assert_int_equal(m != NULL, rows[i].size != 0);
		if (m != NULL)
			assert_int_equal(message_span(m).n, rows[i].size);
		else
			assert_int_equal(why.code, rows[i].expect);
		reader_free(r);
	}
}

/* What was kept is not given out once the mailbox says something else. */
static void
test_kept(void **state)
{
	struct reader *r = setup();
	struct fault why = { 0 };
	struct span header;

	(void)state;
	assert_non_null(reader_open(r, 9, &why));
	other_nine();
	assert_non_null(reader_open(r, 9, &why));
	assert_int_equal(fake.reads, 2);
	fake_remove(9);
	assert_null(reader_open(r, 9, &why));
	assert_int_equal(why.code, FAULT_EXPUNGED);
	assert_int_equal(reader_header(r, 9, &header, &why), -1);
	reader_forget(r);
	assert_non_null(reader_open(r, 5, &why));
	reader_free(r);
}

static void
test_copy(void **state)
{
	struct reader *r = setup();
	struct fault why = { 0 };
	struct buf out;

	(void)state;
	buf_init(&out, 0);
	buf_adds(&out, "before");
	assert_int_equal(reader_copy(r, 5, sizeof ONE - 1, &out, &why), 0);
	assert_true(span_eq(buf_span(&out), SPAN("before" ONE)));
	assert_int_equal(reader_copy(r, 5, sizeof ONE, &out, &why), -1);
	assert_int_equal(why.code, FAULT_CHANGED);
	assert_int_equal(reader_copy(r, 6, 1, &out, &why), -1);
	assert_int_equal(why.code, FAULT_EXPUNGED);
	fake.fault = FAULT_IO;
	assert_int_equal(reader_copy(r, 5, sizeof ONE - 1, &out, &why), -1);
	assert_int_equal(why.code, FAULT_IO);
	assert_true(span_eq(buf_span(&out), SPAN("before" ONE)));
	buf_clear(&out);
	reader_free(r);
}

static void
test_header(void **state)
{
	struct reader *r = setup();
	struct fault why = { 0 };
	struct span header;

	(void)state;
	assert_int_equal(reader_header(r, 9, &header, &why), 0);
	assert_true(span_eq(header, SPAN("Subject: two\r\nTo: x\r\n\r\n")));
	assert_int_equal(fake.octets, header.n);
	reader_free(r);
}

/* A message over BOUND_WHOLE is not kept; its pieces are its own or none. */
static void
test_long(void **state)
{
	static const size_t sizes[] = { BOUND_WHOLE, BOUND_WHOLE + 1,
	    2 * BOUND_WHOLE };

	(void)state;
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		struct reader *r = setup();
		struct fault why = { 0 };
		const struct mime_part *root;
		struct message *m;
		struct buf text;
		bool whole = sizes[i] <= BOUND_WHOLE;

		buf_init(&text, 0);
		buf_adds(&text, TWO);
		while (text.n < sizes[i])
			buf_addc(&text, (char)('a' + text.n % 26));
		fake_add(12, buf_span(&text));
		m = reader_open(r, 12, &why);
		assert_non_null(m);
		assert_int_equal(message_span(m).p != NULL, whole);
		assert_int_equal(fake.reads, whole ? 1 : 0);
		root = message_structure(m, &why);
		assert_non_null(root);
		assert_int_equal(root->body_octets, sizes[i] - 23);
		buf_reset(&text);
		assert_int_equal(message_read(m, sizes[i] - 3, 9, &text,
		    &why), 0);
		assert_int_equal(text.n, 3);
		/* Now another program replaces it. */
		fake.records[2].digest[15] = 1;
		buf_reset(&text);
		assert_int_equal(message_read(m, 0, 9, &text, &why),
		    whole ? 0 : -1);
		assert_int_equal(text.n, whole ? 9 : 0);
		if (!whole)
			assert_int_equal(why.code, FAULT_EXPUNGED);
		buf_clear(&text);
		reader_free(r);
	}
	fake_reset();
}

/* What is pinned stays what it was, whatever becomes of the message. */
static void
test_pin(void **state)
{
	struct reader *r = setup();
	struct fault why = { 0 };
	struct message *m;
	struct buf text, out;
	uint64_t octets;

	(void)state;
	buf_init(&text, 0);
	buf_init(&out, 0);
	while (text.n < BOUND_WHOLE + 1000000)
		buf_addc(&text, (char)('a' + text.n % 23));
	fake_add(12, buf_span(&text));
	m = reader_open(r, 12, &why);
	assert_non_null(m);
	assert_false(message_is_pinned(m, 0, 1));
	assert_int_equal(message_pin(m, 1000, 3000000, &why), 0);
	octets = fake.octets;
	assert_int_equal(octets, 3000000);
	assert_true(message_is_pinned(m, 1000, 3000000));
	assert_true(message_is_pinned(m, 3000999, 1));
	assert_false(message_is_pinned(m, 999, 2));
	assert_false(message_is_pinned(m, 3000999, 2));
	assert_false(message_is_pinned(m, UINT64_MAX, 2));
	/* It is there already. */
	assert_int_equal(message_pin(m, 2000, 5, &why), 0);
	assert_int_equal(fake.octets, octets);
	fake_remove(12);
	assert_int_equal(message_read(m, 1000, 3000000, &out, &why), 0);
	assert_true(span_eq(buf_span(&out), span_slice(buf_span(&text), 1000,
	    3000000)));
	buf_reset(&out);
	assert_int_equal(message_read(m, 3000990, 10, &out, &why), 0);
	assert_true(span_eq(buf_span(&out), span_slice(buf_span(&text),
	    3000990, 10)));
	assert_int_equal(message_read(m, 0, 10, &out, &why), -1);
	assert_int_equal(why.code, FAULT_EXPUNGED);
	assert_int_equal(message_pin(m, 0, 10, &why), -1);
	assert_int_equal(why.code, FAULT_EXPUNGED);
	reader_unpin(r);
	assert_int_equal(message_read(m, 1000, 10, &out, &why), -1);
	reader_free(r);
	buf_clear(&text);
	buf_clear(&out);
	fake_reset();
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_open),
		cmocka_unit_test(test_structure),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_pin),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
