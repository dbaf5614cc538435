/* SPDX-License-Identifier: Apache-2.0 */
/* SASL dialogues: what a client sends, and what comes of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "c-client/base/base64.h"
#include "c-client/base/buf.h"
#include "c-client/server/sasl.h"
#include "c-client/server/service.h"

static void
encode(struct buf *out, const char *octets, size_t n)
{
	buf_reset(out);
	base64_encode(out, (struct span){ octets, n });
}

/* PLAIN messages before base64; a NUL is written as "|". */
static void
test_plain(void **state)
{
	static const struct {
		const char *message;
		enum sasl_step step;
		const char *user, *password;
	} rows[] = {
		{ "|joe|secret", SASL_DONE, "joe", "secret" },
		{ "joe|joe|secret", SASL_DONE, "joe", "secret" },
		{ "|j\xc3\xb6|p w\\\"", SASL_DONE, "j\xc3\xb6", "p w\\\"" },
		{ "root|joe|secret", SASL_BAD, "", "" },
		{ "jo|joe|secret", SASL_BAD, "", "" },
		{ "|joe|", SASL_BAD, "", "" },
		{ "||secret", SASL_BAD, "", "" },
		{ "||", SASL_BAD, "", "" },
		{ "|", SASL_BAD, "", "" },
		{ "", SASL_BAD, "", "" },
		{ "joe|secret", SASL_BAD, "", "" },
		{ "|joe|sec|ret", SASL_BAD, "", "" },
		{ "|joe|secret|", SASL_BAD, "", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		for (int initial = 0; initial < 2; initial++) {
			struct credentials c;
			struct buf line, challenge;
			char octets[64];
			size_t n = strlen(rows[i].message);
			struct sasl s;
			struct span text;
			enum sasl_step step;

			for (size_t j = 0; j < n; j++)
				octets[j] = rows[i].message[j] == '|' ? '\0' :
				    rows[i].message[j];
			buf_init(&line, 0);
			buf_init(&challenge, 0);
			encode(&line, octets, n);
			text = n == 0 && initial ? SPAN("=") :
			    buf_span(&line);
			step = sasl_begin(&s, SPAN("plain"),
			    initial ? &text : NULL, &c, &challenge);
			if (!initial) {
				assert_int_equal(step, SASL_CHALLENGE);
				assert_int_equal(challenge.n, 0);
				step = sasl_input(&s, text, &challenge);
			}
			assert_int_equal(step, rows[i].step);
			assert_string_equal(c.user, rows[i].user);
			assert_string_equal(c.password, rows[i].password);
			assert_string_equal(c.mechanism, "PLAIN");
			assert_int_equal(challenge.n, 0);
			buf_clear(&line);
			buf_clear(&challenge);
		}
}

/* Users and passwords at their limits. */
static void
test_limits(void **state)
{
	static const struct {
		size_t user, password;
		enum sasl_step step;
	} rows[] = {
		{ 1, 1, SASL_DONE },
		{ BOUND_USER, BOUND_PASSWORD, SASL_DONE },
		{ BOUND_USER + 1, 1, SASL_BAD },
		{ 1, BOUND_PASSWORD + 1, SASL_BAD },
		{ 1, 3 * SASL_LINE_MAX, SASL_BAD },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct credentials c;
		struct buf message, line, challenge;
		struct span text;
		struct sasl s;

		buf_init(&message, 0);
		buf_init(&line, 0);
		buf_init(&challenge, 0);
		buf_addc(&message, '\0');
		for (size_t j = 0; j < rows[i].user; j++)
			buf_addc(&message, 'u');
		buf_addc(&message, '\0');
		for (size_t j = 0; j < rows[i].password; j++)
			buf_addc(&message, 'p');
		encode(&line, message.p, message.n);
		text = buf_span(&line);
		assert_int_equal(sasl_begin(&s, SPAN("PLAIN"), &text, &c,
		    &challenge), rows[i].step);
		assert_int_equal(strlen(c.user),
		    rows[i].step == SASL_DONE ? rows[i].user : 0);
		buf_clear(&message);
		buf_clear(&line);
		buf_clear(&challenge);
	}
}

/* Lines of a client, separated by blanks; "-" first: no initial response. */
static void
test_dialogues(void **state)
{
	static const struct {
		const char *mechanism, *lines;
		enum sasl_step step;
		const char *user, *password;
	} rows[] = {
		{ "LOGIN", "- am9l c2VjcmV0", SASL_DONE, "joe", "secret" },
		{ "login", "am9l c2VjcmV0", SASL_DONE, "joe", "secret" },
		{ "LOGIN", "-", SASL_CHALLENGE, "", "" },
		{ "LOGIN", "- am9l", SASL_CHALLENGE, "joe", "" },
		{ "LOGIN", "- *", SASL_CANCELLED, "", "" },
		{ "LOGIN", "- am9l *", SASL_CANCELLED, "", "" },
		{ "LOGIN", "=", SASL_BAD, "", "" },
		{ "LOGIN", "- =", SASL_BAD, "", "" },
		{ "LOGIN", "- AAAA", SASL_BAD, "", "" },
		{ "LOGIN", "- am9l AGFi", SASL_BAD, "", "" },
		{ "LOGIN", "- !!!!", SASL_BAD, "", "" },
		{ "PLAIN", "*", SASL_BAD, "", "" },
		{ "PLAIN", "- *", SASL_CANCELLED, "", "" },
		{ "PLAIN", "- **", SASL_BAD, "", "" },
		{ "PLAIN", "- * AGpvZQBzZWNyZXQ=", SASL_BAD, "", "" },
		{ "CRAM-MD5", "-", SASL_UNKNOWN, "", "" },
		{ "PLAINX", "-", SASL_UNKNOWN, "", "" },
		{ "PLAI", "-", SASL_UNKNOWN, "", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct span left = span_of(rows[i].lines), line = left;
		struct credentials c = { .user = "" };
		enum sasl_step step = SASL_CHALLENGE;
		struct buf challenge;
		struct sasl s;

		buf_init(&challenge, 0);
		for (unsigned turn = 0; left.n != 0; turn++) {
			ptrdiff_t blank = span_find_char(left, ' ');
			size_t n = blank == -1 ? left.n : (size_t)blank;

			line = span_slice(left, 0, n);
			left = span_slice(left, n + 1, left.n);
			step = turn == 0 ? sasl_begin(&s,
			    span_of(rows[i].mechanism),
			    span_is(line, "-") ? NULL : &line, &c,
			    &challenge) : sasl_input(&s, line, &challenge);
		}
		assert_int_equal(step, rows[i].step);
		assert_string_equal(c.user, rows[i].user);
		assert_string_equal(c.password, rows[i].password);
		buf_clear(&challenge);
	}
}

static void
test_challenges(void **state)
{
	struct credentials c;
	struct buf out;
	struct sasl s;

	(void)state;
	buf_init(&out, 0);
	sasl_begin(&s, SPAN("LOGIN"), NULL, &c, &out);
	assert_string_equal(buf_string(&out), "VXNlcm5hbWU6");
	buf_reset(&out);
	sasl_input(&s, SPAN("am9l"), &out);
	assert_string_equal(buf_string(&out), "UGFzc3dvcmQ6");
	buf_clear(&out);
	assert_string_equal(sasl_name(0), "PLAIN");
	assert_string_equal(sasl_name(1), "LOGIN");
	assert_null(sasl_name(2));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_dialogues),
		cmocka_unit_test(test_challenges),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
