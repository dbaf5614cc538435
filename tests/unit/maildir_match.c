/* SPDX-License-Identifier: Apache-2.0 */
/* Which files are which messages: rows of what there was, what the list says
 * and what files there are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "c-client/formats/maildir_files.h"
#include "c-client/formats/maildir_match.h"
#include "c-client/formats/maildir_uidlist.h"

#include "c-client/base/banned.h"

#define MAX	8

struct row {
	const char *what;
	const char *records;	/* "1:base 2:base" */
	uint32_t next;
	const char *list;	/* the same; NULL: was not read */
	const char *files;	/* names */
	const char *want;	/* by record its file or "-"; "|"; arrivals as
				 * uid:file, new ones with uid 0, by name */
	size_t missing;
	bool renamed;
};

static const struct row rows[] = {
	{ "nothing", "", 1, "", "", "|", 0, false },
	{ "all as it was", "1:a 2:b", 3, NULL, "b:2,S a:2,", "a:2, b:2,S|",
	    0, false },
	{ "one gone", "1:a 2:b", 3, NULL, "b:2,S", "- b:2,S|", 1, false },
	{ "one new", "1:a", 2, NULL, "a:2, c", "a:2,| 0:c", 0, false },
	{ "no index", "", 1, "1:a 7:b", "b a", "| 1:a 7:b", 0, false },
	{ "no index, one line's file gone", "", 1, "1:a 7:b", "b",
	    "| 7:b", 1, false },
	{ "no index, one without a line", "", 1, "1:a", "b a", "| 1:a 0:b",
	    0, false },
	{ "another program gave UIDs", "1:a", 2, "1:a 2:b 5:c", "a b c",
	    "a| 2:b 5:c", 0, false },
	{ "a UID of one that is gone does not come back", "3:c", 4,
	    "1:a 3:c", "a c", "c| 0:a", 0, false },
	{ "another field behind the unique name", "1:a,S=1 2:b", 3,
	    "1:a,S=1 2:b", "a,S=1,U=9:2,S b", "a,S=1,U=9:2,S b|", 0, true },
	{ "the same, without the list", "1:a,S=1 2:b", 3, NULL,
	    "a,S=1,U=9:2,S b", "- b| 0:a,S=1,U=9:2,S", 1, false },
	{ "the same, without an index", "", 1, "1:a 2:b", "a,U=1 b,U=2",
	    "| 1:a,U=1 2:b,U=2", 0, true },
	{ "two that could be it are none", "1:a", 2, "1:a", "a,U=1 a,U=2",
	    "-| 0:a,U=1 0:a,U=2", 1, false },
	{ "the list knows the new base already", "1:a", 2, "1:b", "b", "b|",
	    0, false },
	{ "the file that the index knows is there: that counts", "1:a", 2,
	    "1:b", "a b", "a| 0:b", 0, false },
	{ "a list that says nothing", "1:a 2:b", 3, "", "a b", "a b|", 0,
	    false },
	{ "a file that two lines name", "", 1, "1:a 2:a", "a", "| 1:a", 1,
	    false },
};

/* Take "number:text" off; false at the end. */
static bool
item_take(const char **at, uint32_t *number, char text[64])
{
	int used = 0;

	return sscanf(*at, " %u:%63s%n", number, text, &used) == 2 &&
	    (*at += used) != NULL;
}

static const char *
result(const struct maildir_match *m)
{
	static char out[1000];
	size_t at = 0;
	char name[100];

	out[0] = '\0';
	for (size_t i = 0; i < m->count; i++)
		at += (size_t)snprintf(out + at, sizeof out - at, "%s%s",
		    i > 0 ? " " : "", m->file_of[i] == MAILDIR_NO_FILE ? "-" :
		    maildir_files_name(m->files,
		    &m->files->p[m->file_of[i]]));
	at += (size_t)snprintf(out + at, sizeof out - at, "|");
	/* New ones have no order yet: by name. */
	for (size_t i = 0; i < m->arrival_count; i++) {
		size_t best = i;

		for (size_t k = i; m->arrivals[i].uid == 0 &&
		    k < m->arrival_count; k++)
			if (strcmp(maildir_files_name(m->files,
			    &m->files->p[m->arrivals[k].file]),
			    maildir_files_name(m->files,
			    &m->files->p[m->arrivals[best].file])) < 0)
				best = k;
		struct maildir_arrival was = m->arrivals[i];
		m->arrivals[i] = m->arrivals[best];
		m->arrivals[best] = was;
		snprintf(name, sizeof name, " %u:%s", m->arrivals[i].uid,
		    maildir_files_name(m->files,
		    &m->files->p[m->arrivals[i].file]));
		at += (size_t)snprintf(out + at, sizeof out - at, "%s", name);
	}
	return out;
}

static void
check(const struct row *row)
{
	struct record records[MAX] = { { .uid = 0 } };
	struct maildir_files files;
	struct maildir_uidlist list;
	struct maildir_match m = { .records = records, .next = row->next,
	    .files = &files };
	const char *at = row->records;
	char text[64];
	uint32_t uid;
	int used;

	while (item_take(&at, &uid, text)) {
		records[m.count].uid = uid;
		maildir_files_digest(span_of(text),
		    records[m.count++].digest);
	}
	maildir_uidlist_init(&list);
	maildir_uidlist_head(&list.text, 5, 1, (struct span){ "", 0 });
	for (at = row->list; at != NULL && item_take(&at, &uid, text);)
		maildir_uidlist_line(&list.text, uid, (struct span){ "", 0 },
		    span_of(text));
	maildir_uidlist_parse(&list);
	m.list = row->list == NULL ? NULL : &list;
	maildir_files_init(&files);
	for (at = row->files; sscanf(at, " %63s%n", text, &used) == 1;
	    at += used)
		maildir_files_add(&files, span_of(text), false);
	maildir_files_sort(&files);
	maildir_match(&m);
	if (strcmp(result(&m), row->want) != 0 || m.missing !=
	    row->missing || m.renamed != row->renamed)
		fail_msg("%s: %s, missing %zu, renamed %d", row->what,
		    result(&m), m.missing, m.renamed);
	maildir_match_clear(&m);
	maildir_files_clear(&files);
	maildir_uidlist_clear(&list);
}

static void
test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		check(&rows[i]);
}

/* Names are found wherever they were put. */
static void
test_files(void **state)
{
	struct maildir_files files;
	uint8_t digest[16];
	char name[32];

	(void)state;
	maildir_files_init(&files);
	for (int i = 0; i < 500; i++) {
		snprintf(name, sizeof name, "%d.x:2,S", i);
		maildir_files_add(&files, span_of(name), i % 2 == 0);
	}
	maildir_files_add(&files, SPAN(".hidden"), false);
	maildir_files_add(&files, SPAN("a/b"), false);
	assert_int_equal(files.count, 500);
	maildir_files_sort(&files);
	for (int i = 500; i < 1000; i++) {
		snprintf(name, sizeof name, "%d.x", i);
		maildir_files_insert(&files, span_of(name), false);
		maildir_files_insert(&files, span_of(name), false);
	}
	assert_int_equal(files.count, 1000);
	for (int i = 0; i < 1000; i++) {
		struct maildir_file *f;

		snprintf(name, sizeof name, "%d.x", i);
		maildir_files_digest(span_of(name), digest);
		f = maildir_files_find(&files, digest);
		assert_non_null(f);
		assert_true(span_is(maildir_files_base(&files, f), name));
		assert_int_equal(f->is_new, i < 500 && i % 2 == 0);
	}
	maildir_files_digest(SPAN("1000.x"), digest);
	assert_null(maildir_files_find(&files, digest));
	maildir_files_clear(&files);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_files),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
