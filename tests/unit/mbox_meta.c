/* SPDX-License-Identifier: Apache-2.0 */
/* Metadata headers: what they say, hiding them, merging flags. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "c-client/base/buf.h"
#include "c-client/formats/mbox_keywords.h"
#include "c-client/formats/mbox_match.h"
#include "c-client/formats/mbox_merge.h"
#include "c-client/formats/mbox_meta.h"
#include "c-client/formats/mbox_scan.h"
#include "c-client/store/box.h"
#include "tests/lib/linear.h"

#include "c-client/base/banned.h"

static struct digest *digest;

static void
test_fields(void **state)
{
	static const struct {
		const char *header;
		uint16_t flags;
		uint32_t uid;
		const char *keywords;
		bool base;
		uint32_t uidvalidity, last;
		bool internal;
	} rows[] = {
		{ "", 0, 0, "", false, 0, 0, false },
		{ "\n", 0, 0, "", false, 0, 0, false },
		{ "Status: RO\n", FLAG_SEEN | FLAG_OLD, 0, "", false, 0, 0,
		    false },
		{ "STATUS:O\r\nX-status: DFAT\r\n", FLAG_OLD | FLAG_DELETED |
		    FLAG_FLAGGED | FLAG_ANSWERED | FLAG_DRAFT, 0, "", false,
		    0, 0, false },
		{ "Status: O\nStatus: R\n", FLAG_SEEN, 0, "", false, 0, 0,
		    false },
		{ "X-Status: D\nX-Status: \n", 0, 0, "", false, 0, 0, false },
		{ "Status: rdfat\n", 0, 0, "", false, 0, 0, false },
		{ "X-UID: 17\n", 0, 17, "", false, 0, 0, false },
		{ "X-UID:    \t4294967295   \n", 0, UINT32_MAX, "", false, 0,
		    0, false },
		{ "X-UID: 4294967296\n", 0, 0, "", false, 0, 0, false },
		{ "X-UID: 1 2\n", 0, 0, "", false, 0, 0, false },
		{ "X-UID: -1\n", 0, 0, "", false, 0, 0, false },
		{ "X-UID:           \n", 0, 0, "", false, 0, 0, false },
		{ "X-UID\n", 0, 0, "", false, 0, 0, false },
		{ "X-Keywords: a $b   \n", 0, 0, "a $b", false, 0, 0, false },
		{ "X-IMAPbase: 1795445150 0000000007 A B\n", 0, 0, "", true,
		    1795445150, 7, false },
		{ "X-IMAP: 12 3\n", 0, 0, "", true, 12, 3, false },
		{ "X-IMAPbase: 12\n", 0, 0, "", false, 0, 0, false },
		{ "X-IMAPbase: x 3\n", 0, 0, "", false, 0, 0, false },
		{ "X-IMAPbase: 99999999999 3\n", 0, 0, "", false, 0, 0,
		    false },
		{ "From: Mail System Internal Data <m@h>\nX-IMAP: 1 2\n", 0,
		    0, "", true, 1, 2, true },
		{ "From: Mail System Internal Data <m@h>\n", 0, 0, "", false,
		    0, 0, false },
		{ "From: a@b\nX-IMAP: 1 2\n", 0, 0, "", true, 1, 2, false },
		{ "Subject: x\n Status: RO\n", 0, 0, "", false, 0, 0, false },
		{ "Status : RO\n", 0, 0, "", false, 0, 0, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct mbox_meta m;

		mbox_meta_parse(span_of(rows[i].header), digest, &m);
		if (m.flags != rows[i].flags || m.uid != rows[i].uid ||
		    !span_is(m.keywords, rows[i].keywords) ||
		    m.base != rows[i].base ||
		    m.uidvalidity != rows[i].uidvalidity ||
		    m.last != rows[i].last ||
		    m.internal != rows[i].internal)
			fail_msg("row %zu: %s", i, rows[i].header);
	}
}

/* What is hidden, and that sizes are those of what is shown; at each cut. */
static void
test_hidden(void **state)
{
	static const char header[] =
	    "Subject: x\r\nStatus: RO\n folded\n\tagain\nX-Status: A\n"
	    "Received: by\n a\r\n b\nX-Keywords: k\nX-UID: 5\nFrom: a\0b\n"
	    "X-IMAPbase: 1 2\nContent-Length: 7\nX-IMAP: 1 2\nX-UID2: 7\n"
	    "Statuses: 1\nX-\nLines: 3\n\n";
	static const char wire[] =
	    "Subject: x\r\nReceived: by\r\n a\r\n b\r\nFrom: a\x80" "b\r\n"
	    "Content-Length: 7\r\nX-UID2: 7\r\nStatuses: 1\r\nX-\r\n"
	    "Lines: 3\r\n\r\n";
	struct mbox_meta m;
	struct buf b;

	(void)state;
	buf_init(&b, 0);
	mbox_meta_wire((struct span){ header, sizeof header - 1 }, &b);
	assert_int_equal(b.n, sizeof wire - 1);
	assert_memory_equal(b.p, wire, b.n);
	for (size_t n = 0; n < sizeof header; n++) {
		struct span cut = { header, n };

		buf_reset(&b);
		mbox_meta_wire(cut, &b);
		mbox_meta_parse(cut, digest, &m);
		assert_int_equal(m.wire_size, b.n);
	}
	buf_clear(&b);
}

static void
test_digest(void **state)
{
	/* Each row's two headers belong to the same message, or not. */
	static const struct {
		const char *a, *b;
		bool same;
	} rows[] = {
		{ "Subject: x\n\n", "Subject: x\n\n", true },
		{ "Subject: x\n\n", "Subject: y\n\n", false },
		{ "Subject: x\n\n", "Subject: x\nStatus: RO\n\n", true },
		{ "Subject: x\nA: b\n\n", "Subject: x\nX-UID: 1\n\tf\nA: b\n"
		    "X-Status: \nX-Keywords: a\nX-IMAP: 1 2\n"
		    "X-IMAPbase: 1 2\nContent-Length: 5\nLines: 1\n\n", true },
		{ "Subject: x\n\n", "Subject: x\n", true },
		{ "Subject: x\n\n", "Subject: x\nX: Status: RO\n\n", false },
		{ "A: b\nC: d\n\n", "C: d\nA: b\n\n", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct mbox_meta a, b;

		mbox_meta_parse(span_of(rows[i].a), digest, &a);
		mbox_meta_parse(span_of(rows[i].b), digest, &b);
		if ((memcmp(a.digest, b.digest, sizeof a.digest) == 0) !=
		    rows[i].same)
			fail_msg("row %zu", i);
	}
}

static void
test_keywords(void **state)
{
	static struct mbox_keywords k;
	struct keywords bits;
	char name[BOUND_KEYWORD + 2];

	(void)state;
	mbox_keywords_init(&k);
	mbox_keywords_add_all(&k, SPAN("  $Forwarded Work\tNonJunk WORK "));
	assert_int_equal(k.count, 3);
	bits = mbox_keywords_bits(&k, SPAN("nonjunk  unknown $forwarded"));
	assert_int_equal(bits.bits[0], 5);
	assert_int_equal(bits.bits[1], 0);
	assert_int_equal(mbox_keywords_add(&k, SPAN("work")), 1);
	assert_int_equal(mbox_keywords_add(&k, SPAN("")), -1);
	memset(name, 'x', sizeof name);
	assert_int_equal(mbox_keywords_add(&k, (struct span){ name,
	    BOUND_KEYWORD }), 3);
	assert_int_equal(mbox_keywords_add(&k, (struct span){ name,
	    BOUND_KEYWORD + 1 }), -1);
	bits = mbox_keywords_bits(&k, (struct span){ name,
	    BOUND_KEYWORD + 1 });
	assert_int_equal(bits.bits[0], 0);
	for (int i = 4; i < (int)BOUND_KEYWORDS + 3; i++) {
		struct buf b;

		buf_init(&b, 0);
		buf_addf(&b, "k%d", i);
		assert_int_equal(mbox_keywords_add(&k, buf_span(&b)),
		    i < (int)BOUND_KEYWORDS ? i : -1);
		buf_clear(&b);
	}
	bits = mbox_keywords_bits(&k, SPAN("k127 k128"));
	assert_int_equal(bits.bits[1], UINT64_C(1) << 63);
	mbox_keywords_clear(&k);
}

static void
test_merge(void **state)
{
	/* wanted, seen, in the file now: what is wanted then */
	static const struct {
		uint16_t wanted, seen, now, after;
	} rows[] = {
		{ 0, 0, 0, 0 },
		{ FLAG_SEEN, 0, 0, FLAG_SEEN },
		{ 0, 0, FLAG_SEEN, FLAG_SEEN },
		{ FLAG_SEEN, FLAG_SEEN, 0, 0 },
		{ FLAG_FLAGGED, FLAG_SEEN, FLAG_SEEN | FLAG_ANSWERED,
		    FLAG_FLAGGED | FLAG_ANSWERED },
		{ FLAG_DELETED, FLAG_DELETED | FLAG_SEEN, FLAG_DELETED,
		    FLAG_DELETED },
		{ FLAG_SEEN, 0, FLAG_SEEN, FLAG_SEEN },
		{ 0, FLAG_SEEN, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct record r = { .flags = rows[i].wanted,
		    .flags_seen = rows[i].seen };
		struct keywords now = { { rows[i].now, rows[i].now } };
		bool seen;

		r.keywords.bits[0] = r.keywords.bits[1] = rows[i].wanted;
		r.keywords_seen.bits[0] = r.keywords_seen.bits[1] =
		    rows[i].seen;
		assert_int_equal(record_merge_flags(&r, rows[i].now, &now,
		    &seen), rows[i].after != rows[i].wanted);
		assert_int_equal(seen, rows[i].now != rows[i].seen);
		assert_int_equal(r.flags, rows[i].after);
		assert_int_equal(r.flags_seen, rows[i].now);
		for (int k = 0; k < 2; k++) {
			assert_int_equal(r.keywords.bits[k], rows[i].after);
			assert_int_equal(r.keywords_seen.bits[k],
			    rows[i].now);
		}
	}
}

static void
test_uidvalidity(void **state)
{
	(void)state;
	assert_int_equal(box_meta_uidvalidity(0, 1800000000), 1800000000);
	assert_int_equal(box_meta_uidvalidity(1800000000, 1800000000),
	    1800000001);
	assert_int_equal(box_meta_uidvalidity(1900000000, 1800000000),
	    1900000001);
	assert_int_equal(box_meta_uidvalidity(0, 0), 1);
	assert_int_equal(box_meta_uidvalidity(0, -5), 1);
}

/* One letter a digest; records in capitals have an X-UID that the message
 * says too. */
static void
test_match(void **state)
{
	static const struct {
		const char *old, *now;
		int uids[6];		/* X-UID of `now` */
		ptrdiff_t of[6];
	} rows[] = {
		{ "abc", "abc", { 0 }, { 0, 1, 2 } },
		{ "abc", "cab", { 0 }, { 2, 0, 1 } },
		{ "abc", "axc", { 0 }, { 0, -1, 2 } },
		{ "aaa", "aa", { 0 }, { 0, 1 } },
		{ "aa", "aaa", { 0 }, { 0, 1, -1 } },
		{ "aaa", "aa", { 2, 3 }, { 1, 2 } },
		{ "aaa", "aaa", { 3, 0, 0 }, { 2, 0, 1 } },
		{ "abc", "abc", { 3, 2, 1 }, { 0, 1, 2 } },
		{ "ab", "ab", { 2, 2 }, { 0, 1 } },
		{ "aa", "aa", { 2, 2 }, { 1, 0 } },
		{ "", "a", { 1 }, { -1 } },
		{ "a", "", { 0 }, { 0 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct record old[6] = { { .uid = 0 } };
		struct mbox_message now[6] = { { .uid = 0 } };
		ptrdiff_t of[6] = { 0 };
		size_t n_old = strlen(rows[i].old);
		size_t n_now = strlen(rows[i].now);

		for (size_t k = 0; k < n_old; k++) {
			old[k].digest[0] = (uint8_t)rows[i].old[k];
			old[k].uid = (uint32_t)k + 1;
		}
		for (size_t k = 0; k < n_now; k++) {
			now[k].r.digest[0] = (uint8_t)rows[i].now[k];
			now[k].uid = (uint32_t)rows[i].uids[k];
		}
		mbox_match(old, n_old, now, n_now, true, of);
		for (size_t k = 0; k < n_now; k++)
			if (of[k] != rows[i].of[k])
				fail_msg("row %zu, %zu", i, k);
	}
}

/* A header of nothing but names, or of lines, takes no longer than others. */
static void
names_work(size_t n)
{
	static struct mbox_keywords k;
	struct buf b;

	mbox_keywords_init(&k);
	buf_init(&b, 0);
	for (int i = 0; i < 128; i++) {
		buf_reset(&b);
		buf_addf(&b, "k%d", i);
		mbox_keywords_add(&k, buf_span(&b));
	}
	buf_reset(&b);
	while (b.n < n)
		buf_addf(&b, "x%zu ", b.n);
	mbox_keywords_bits(&k, buf_span(&b));
	buf_clear(&b);
	mbox_keywords_clear(&k);
}

static void
lines_work(size_t n)
{
	struct mbox_meta m;
	struct buf b;

	buf_init(&b, 0);
	while (b.n < n)
		buf_adds(&b, "Status: R\n X\nS\n\r\nX-UID: 1\n");
	mbox_meta_parse(buf_span(&b), digest, &m);
	buf_clear(&b);
}

static void
equal_work(size_t n)
{
	struct record *old = calloc(n, sizeof *old);
	struct mbox_message *now = calloc(n, sizeof *now);
	ptrdiff_t *of = calloc(n, sizeof *of);

	mbox_match(old, n, now, n, true, of);
	assert_int_equal(of[n - 1], n - 1);
	free(old);
	free(now);
	free(of);
}

static void
test_linear(void **state)
{
	(void)state;
	assert_true(linear(names_work, 200000));
	assert_true(linear(lines_work, 500000));
	assert_true(linear(equal_work, 20000));
}

static int
setup(void **state)
{
	(void)state;
	digest = digest_new();
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	digest_free(digest);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_hidden),
		cmocka_unit_test(test_digest),
		cmocka_unit_test(test_keywords),
		cmocka_unit_test(test_merge),
		cmocka_unit_test(test_uidvalidity),
		cmocka_unit_test(test_match),
		cmocka_unit_test(test_linear),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, teardown);
}
