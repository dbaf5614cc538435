/* SPDX-License-Identifier: Apache-2.0 */
/* dovecot-uidlist and dovecot-keywords: what they say, and what they can't. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "c-client/base/fault.h"
#include "c-client/base/file.h"
#include "c-client/formats/maildir_keywords.h"
#include "c-client/formats/maildir_uidlist.h"

#include "c-client/base/banned.h"

#define HEAD	"3 V5 N4 G00\n"

/* "uid=base[more] ..." */
static const char *
described(const struct maildir_uidlist *list)
{
	static char out[4096];
	size_t at = 0;

	out[0] = '\0';
	for (size_t i = 0; i < list->count && at < 3800; i++) {
		struct span base = maildir_uidlist_base(list, i);
		struct span more = maildir_uidlist_more(list, i);

		at += (size_t)snprintf(out + at, sizeof out - at,
		    "%s%u=%.*s[%.*s]", i > 0 ? " " : "", list->rows[i].uid,
		    (int)base.n, base.p, (int)more.n, more.p);
	}
	return out;
}

static void
test_parse(void **state)
{
	static const struct {
		const char *text;
		uint32_t uidvalidity, next;
		bool damaged;
		const char *rows;
	} rows[] = {
		{ "", 0, 1, false, "" },
		{ HEAD, 5, 4, false, "" },
		{ "3 V5 N4 G00", 0, 1, true, "" },
		{ "3 V5 N0\n", 5, 1, false, "" },
		{ "3 N4 V5 Xa Gb\n", 5, 4, false, "" },
		{ "3 V0 N4\n", 0, 1, true, "" },
		{ "3 N4\n", 0, 1, true, "" },
		{ "3 V4294967296 N4\n", 0, 1, true, "" },
		{ "3 V5 N4294967296\n", 0, 1, true, "" },
		{ "3 V5 Nx\n", 0, 1, true, "" },
		{ "2 V5 N4\n", 0, 1, true, "" },
		{ "hello\n1 :a\n", 0, 1, true, "" },
		{ "\n", 0, 1, true, "" },
		{ HEAD "1 :a\n2 :b,S=1\n3 :c:2,FS\n", 5, 4, false,
		    "1=a[] 2=b,S=1[] 3=c[]" },
		/* The header's number may be behind. */
		{ HEAD "1 :a\n9 :b\n", 5, 10, false, "1=a[] 9=b[]" },
		{ HEAD "1 W12 :a\n2 W1 Pb :b\n", 5, 4, false,
		    "1=a[W12] 2=b[W1 Pb]" },
		{ HEAD "1 :a\n2 :b", 5, 4, true, "1=a[]" },
		{ HEAD "1 :a\n1 :b\n3 :c\n2 :d\n", 5, 4, true,
		    "1=a[] 3=c[]" },
		{ HEAD "0 :a\n-1 :b\n4294967295 :c\n4294967296 :d\nx :e\n"
		    "2\n2 \n2 :\n2 b\n :f\n\n3 :c\n", 5, 4, true, "3=c[]" },
		{ HEAD "4294967294 :a\n", 5, 4294967295u, false,
		    "4294967294=a[]" },
		{ HEAD "1 :../a\n2 :/etc/passwd\n3 :.a\n", 5, 4, true, "" },
		{ "1 5 4\n1 a\n2 b:2,S\n", 5, 4, false, "1=a[] 2=b[]" },
		{ "1 5\n1 a\n", 0, 1, true, "" },
		{ "1 5 4\n1 a/b\n2\n3 c\n", 5, 4, true, "3=c[]" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct maildir_uidlist list;

		maildir_uidlist_init(&list);
		buf_adds(&list.text, rows[i].text);
		maildir_uidlist_parse(&list);
		if (list.uidvalidity != rows[i].uidvalidity ||
		    list.next != rows[i].next ||
		    list.damaged != rows[i].damaged ||
		    strcmp(described(&list), rows[i].rows) != 0)
			fail_msg("row %zu: V%u N%u %d: %s", i,
			    list.uidvalidity, list.next, list.damaged,
			    described(&list));
		maildir_uidlist_clear(&list);
	}
}

/* Cut anywhere, and with any octet anywhere: UIDs ascend and names are
 * names. */
static void
test_abuse(void **state)
{
	static const char text[] = HEAD "1 W12 :a\n2 :b,S=1\n3 :c:2,FS\n";

	(void)state;
	for (size_t cut = 0; cut < sizeof text; cut++)
		for (int c = 0; c < 256; c += 3) {
			struct maildir_uidlist list;
			uint32_t before = 0;

			maildir_uidlist_init(&list);
			buf_add(&list.text, text, sizeof text - 1);
			if (cut < list.text.n)
				list.text.p[cut] = (char)c;
			list.text.n -= c % 2 == 0 ? 0 : cut / 2;
			maildir_uidlist_parse(&list);
			for (size_t i = 0; i < list.count; i++) {
				struct span base = maildir_uidlist_base(&list,
				    i);

				assert_true(list.rows[i].uid > before);
				before = list.rows[i].uid;
				assert_true(before < list.next);
				assert_true(base.n > 0 && memchr(base.p, '/',
				    base.n) == NULL && base.p[0] != '.');
			}
			maildir_uidlist_clear(&list);
		}
}

/* What is written is read as the same, with what others put in. */
static void
test_write(void **state)
{
	static const char text[] = "3 V5 N4 Gabc Xy\n1 W12 :a\n3 :c\n";
	struct maildir_uidlist list;
	struct buf out;

	(void)state;
	maildir_uidlist_init(&list);
	buf_adds(&list.text, text);
	maildir_uidlist_parse(&list);
	buf_init(&out, 0);
	maildir_uidlist_head(&out, list.uidvalidity, list.next, list.more);
	for (size_t i = 0; i < list.count; i++)
		maildir_uidlist_line(&out, list.rows[i].uid,
		    maildir_uidlist_more(&list, i),
		    maildir_uidlist_base(&list, i));
	assert_string_equal(buf_string(&out), text);
	/* One without a GUID gets one. */
	buf_reset(&out);
	maildir_uidlist_head(&out, 7, 8, (struct span){ "", 0 });
	assert_int_equal(out.n, strlen("3 V7 N8 G\n") + 32);
	buf_clear(&out);
	maildir_uidlist_clear(&list);
}

static void
test_append(void **state)
{
	char dir[] = "/tmp/uidlist.XXXXXX";
	struct maildir_uidlist list;
	struct fault f = { .code = FAULT_NONE };
	struct stat st;
	int fd;

	(void)state;
	assert_non_null(mkdtemp(dir));
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(file_replace(fd, MAILDIR_UIDLIST,
	    SPAN(HEAD "1 :a\n"), &f), 0);
	assert_int_equal(fstatat(fd, MAILDIR_UIDLIST, &st, 0), 0);
	assert_int_equal(maildir_uidlist_append(fd, SPAN("2 :b\n"), &st, &f),
	    0);
	assert_int_equal(maildir_uidlist_append(fd, SPAN("3 :c\n"), &st, &f),
	    0);
	maildir_uidlist_init(&list);
	assert_int_equal(maildir_uidlist_read(&list, fd, &f), 0);
	assert_string_equal(described(&list), "1=a[] 2=b[] 3=c[]");
	/* Another file by now, or one that was cut off in a line. */
	st.st_size--;
	assert_int_equal(maildir_uidlist_append(fd, SPAN("4 :d\n"), &st, &f),
	    -1);
	assert_int_equal(f.code, FAULT_CHANGED);
	assert_int_equal(file_replace(fd, MAILDIR_UIDLIST,
	    SPAN(HEAD "1 :a"), &f), 0);
	assert_int_equal(fstatat(fd, MAILDIR_UIDLIST, &st, 0), 0);
	assert_int_equal(maildir_uidlist_append(fd, SPAN("2 :b\n"), &st, &f),
	    -1);
	/* What is no file is not waited for. */
	assert_int_equal(unlinkat(fd, MAILDIR_UIDLIST, 0), 0);
	assert_int_equal(maildir_uidlist_read(&list, fd, &f), 0);
	assert_int_equal(list.uidvalidity, 0);
	assert_int_equal(list.next, 1);
	assert_int_equal(mkfifoat(fd, MAILDIR_UIDLIST, 0600), 0);
	assert_int_equal(maildir_uidlist_read(&list, fd, &f), -1);
	assert_int_equal(f.code, FAULT_CORRUPT);
	assert_int_equal(unlinkat(fd, MAILDIR_UIDLIST, 0), 0);
	maildir_uidlist_clear(&list);
	close(fd);
	assert_int_equal(rmdir(dir), 0);
}

static void
test_keywords(void **state)
{
	static const struct {
		const char *text;
		uint32_t known;
		const char *first;	/* letter a */
	} rows[] = {
		{ "", 0, NULL },
		{ "0 one\n1 two\n", 3, "one" },
		{ "25 z\n26 no\n", 1u << 25, NULL },
		{ "0 one\n0 again\n1 ONE\n2 three", 5, "one" },
		{ "x\n0\n0 \n0 a b\n-1 c\n 1 d\n0 \\Seen\n0 (\n", 0, NULL },
		{ "0 \x01\n1 ok\n", 2, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct maildir_keywords k;

		maildir_keywords_init(&k);
		maildir_keywords_parse(&k, span_of(rows[i].text));
		if (maildir_keywords_known(&k) != rows[i].known)
			fail_msg("row %zu: %x", i,
			    maildir_keywords_known(&k));
		if (rows[i].first != NULL)
			assert_string_equal(k.names[0], rows[i].first);
		maildir_keywords_clear(&k);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_abuse),
		cmocka_unit_test(test_write),
		cmocka_unit_test(test_append),
		cmocka_unit_test(test_keywords),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
