/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Search criteria as a program was given them, and dates: what comes out is
 * within what went in, and a date that was written is read the same.
 */
#include <stdint.h>
#include <string.h>

#include "c-client/mail.h"
#include "tests/fuzz/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static unsigned complaints;

void
mm_log(char *string, long errflg)
{
	must(errflg == ERROR && strlen(string) < MAILTMPLEN);
	complaints++;
}

void
mm_notify(MAILSTREAM *stream, char *string, long errflg)
{
	(void)stream;
	(void)string;
	(void)errflg;
}

void
mm_fatal(char *string)
{
	(void)string;
	abort();
}

static void
must_fit(const STRINGLIST *list, size_t n)
{
	for (; list != NULL; list = list->next) {
		must(list->text.size <= n);
		must(list->text.data[list->text.size] == '\0');
	}
}

static void
dates(char *text)
{
	MESSAGECACHE is, again;
	char written[64];

	memset(&is, 0, sizeof is);
	if (!mail_parse_date(&is, (unsigned char *)text))
		return;
	again = is;
	must(mail_parse_date(&again, (unsigned char *)mail_date(written,
	    &is)));
	must(memcmp(&is, &again, sizeof is) == 0);
	must(strlen(mail_cdate(written, &is)) < sizeof written);
	must(mail_longdate(&is) == mail_longdate(&again));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *text = fs_get(n + 1);
	SEARCHPGM *p;

	memcpy(text, data, n);
	text[n] = '\0';
	dates(text);
	complaints = 0;
	p = mail_criteria(text);
	/* One or the other. */
	must((p == NULL) == (complaints > 0));
	must(memcmp(text, data, n) == 0);
	if (p != NULL) {
		must_fit(p->from, n);
		must_fit(p->text, n);
		must_fit(p->keyword, n);
		for (const SEARCHHEADER *h = p->header; h != NULL; h = h->next)
			must(h->line.size + h->text.size <= n);
		must((p->since >> 5 & 15) <= 12);
		mail_free_searchpgm(&p);
		must(p == NULL);
	}
	fs_give((void **)&text);
	return 0;
}
