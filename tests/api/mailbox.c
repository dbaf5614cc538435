/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program as people have written them for libc-client: it knows nothing of
 * this tree but what is installed.  It does what lines of its input say, with
 * up to three streams, and ends each answer with a line "."; what is in texts
 * is shown in hexadecimal.  "threads" is several of them at a time.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mail.h"
#include "rfc822.h"
#include "linkage.h"

#define STREAMS	3

/* Names that the library has inside: they are ours as well. */
int buf_add(int);
int box_open(int);
int box_open(int x) { return x + 1; }
int buf_add(int x) { return box_open(x) + 1; }

static MAILSTREAM *streams[STREAMS];

/* What the thread counts, and does not print. */
struct count {
	unsigned long expunged, searched, logs, own;
};
static _Thread_local struct count *counting;

static int
number_of(MAILSTREAM *stream)
{
	int i;

	for (i = 0; i < STREAMS; i++)
		if (streams[i] == stream)
			return i;
	return -1;
}

void
mm_searched(MAILSTREAM *stream, unsigned long number)
{
	if (counting != NULL) {
		counting->searched++;
		return;
	}
	(void)stream;
	printf("searched %lu\n", number);
}

void
mm_exists(MAILSTREAM *stream, unsigned long number)
{
	if (counting != NULL)
		return;
	(void)stream;
	printf("exists %lu\n", number);
}

void
mm_expunged(MAILSTREAM *stream, unsigned long number)
{
	if (counting != NULL) {
		counting->expunged++;
		return;
	}
	printf("expunged %lu of %lu\n", number, stream->nmsgs + 1);
}

/* It may ask for more while it is told. */
void
mm_flags(MAILSTREAM *stream, unsigned long number)
{
	MESSAGECACHE *elt = mail_elt(stream, number);

	if (counting != NULL)
		return;
	mail_ping(stream);
	printf("flags %lu%s%s\n", number, elt->seen ? " seen" : "",
	    elt->deleted ? " deleted" : "");
}

void
mm_notify(MAILSTREAM *stream, char *string, long errflg)
{
	printf("notify %d %ld %s\n", number_of(stream), errflg, string);
}

static void
listed(const char *what, int delimiter, char *name, long attributes)
{
	printf("%s %c %s%s%s%s%s%s%s\n", what, delimiter, name,
	    attributes & LATT_NOSELECT ? " noselect" : "",
	    attributes & LATT_NOINFERIORS ? " noinferiors" : "",
	    attributes & LATT_HASCHILDREN ? " haschildren" : "",
	    attributes & LATT_HASNOCHILDREN ? " hasnochildren" : "",
	    attributes & LATT_MARKED ? " marked" : "",
	    attributes & LATT_UNMARKED ? " unmarked" : "");
}

void
mm_list(MAILSTREAM *stream, int delimiter, char *name, long attributes)
{
	(void)stream;
	listed("list", delimiter, name, attributes);
}

void
mm_lsub(MAILSTREAM *stream, int delimiter, char *name, long attributes)
{
	(void)stream;
	listed("lsub", delimiter, name, attributes);
}

void
mm_status(MAILSTREAM *stream, char *mailbox, MAILSTATUS *status)
{
	(void)stream;
	printf("status %s %lu %lu %lu %lu %lu\n", mailbox, status->messages,
	    status->recent, status->unseen, status->uidnext,
	    status->uidvalidity);
}

void
mm_log(char *string, long errflg)
{
	/* One that another thread removed can't be read any more. */
	if (counting != NULL) {
		if (strstr(string, "is gone") == NULL)
			counting->logs++;
		return;
	}
	printf("log %ld %s\n", errflg, string);
}

void mm_dlog(char *string) { printf("dlog %s\n", string); }
void mm_critical(MAILSTREAM *stream) { (void)stream; }
void mm_nocritical(MAILSTREAM *stream) { (void)stream; }

void
mm_login(NETMBX *mb, char *user, char *pwd, long trial)
{
	(void)pwd;
	printf("login %s %s %ld\n", mb->host, user, trial);
}

long
mm_diskerror(MAILSTREAM *stream, long errcode, long serious)
{
	(void)stream;
	printf("diskerror %ld %ld\n", errcode, serious);
	return NIL;
}

void
mm_fatal(char *string)
{
	printf("fatal %s\n", string);
}

/* --- In IMAP's form, so that it can be compared with what imapd says ------ */

static void
put_string(const char *s)
{
	if (s == NULL) {
		printf("NIL");
		return;
	}
	putchar('"');
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			putchar('\\');
		putchar(*s);
	}
	putchar('"');
}

static void
put_addresses(ADDRESS *a)
{
	if (a == NIL) {
		printf("NIL");
		return;
	}
	putchar('(');
	for (; a != NIL; a = a->next) {
		putchar('(');
		put_string(a->personal);
		putchar(' ');
		put_string(a->adl);
		putchar(' ');
		put_string(a->mailbox);
		putchar(' ');
		put_string(a->host != NIL && strcmp(a->host, BADHOST) == 0 ?
		    "" : a->host);
		putchar(')');
	}
	putchar(')');
}

static void
put_envelope(ENVELOPE *env)
{
	ADDRESS *lists[6];
	int i;

	lists[0] = env->from;
	lists[1] = env->sender;
	lists[2] = env->reply_to;
	lists[3] = env->to;
	lists[4] = env->cc;
	lists[5] = env->bcc;
	putchar('(');
	put_string((char *)env->date);
	putchar(' ');
	put_string(env->subject);
	for (i = 0; i < 6; i++) {
		putchar(' ');
		put_addresses(lists[i]);
	}
	putchar(' ');
	put_string(env->in_reply_to);
	putchar(' ');
	put_string(env->message_id);
	putchar(')');
}

static void
put_parameters(PARAMETER *p)
{
	const char *before = "(";

	for (; p != NIL; p = p->next) {
		printf("%s", before);
		put_string(p->attribute);
		putchar(' ');
		put_string(p->value);
		before = " ";
	}
	printf(before[0] == '(' ? "NIL" : ")");
}

static void
put_extension(BODY *body)
{
	STRINGLIST *l;

	putchar(' ');
	if (body->disposition.type == NIL)
		printf("NIL");
	else {
		putchar('(');
		put_string(body->disposition.type);
		putchar(' ');
		put_parameters(body->disposition.parameter);
		putchar(')');
	}
	printf(body->language == NIL ? " NIL" : " (");
	for (l = body->language; l != NIL; l = l->next) {
		put_string((char *)l->text.data);
		printf(l->next == NIL ? ")" : " ");
	}
	putchar(' ');
	put_string(body->location);
}

static void
put_body(BODY *body)
{
	PART *part;

	putchar('(');
	if (body->type == TYPEMULTIPART) {
		for (part = body->nested.part; part != NIL; part = part->next)
			put_body(&part->body);
		putchar(' ');
		put_string(body->subtype);
		putchar(' ');
		put_parameters(body->parameter);
		put_extension(body);
		putchar(')');
		return;
	}
	put_string(body_types[body->type]);
	putchar(' ');
	put_string(body->subtype);
	putchar(' ');
	put_parameters(body->parameter);
	putchar(' ');
	put_string(body->id);
	putchar(' ');
	put_string(body->description);
	putchar(' ');
	put_string(body_encodings[body->encoding]);
	printf(" %lu", body->size.bytes);
	if (body->type == TYPEMESSAGE && strcmp(body->subtype, "RFC822") == 0) {
		putchar(' ');
		put_envelope(body->nested.msg->env);
		putchar(' ');
		put_body(body->nested.msg->body);
	}
	if (body->type == TYPETEXT || body->type == TYPEMESSAGE)
		printf(" %lu", body->size.lines);
	putchar(' ');
	put_string(body->md5);
	put_extension(body);
	putchar(')');
}

static void
put_text(const char *text, unsigned long len)
{
	unsigned long i;

	printf("text %lu %d ", len, text[len] == '\0');
	for (i = 0; i < len; i++)
		printf("%02x", (unsigned char)text[i]);
	putchar('\n');
}

static void
put_elt(MAILSTREAM *stream, unsigned long number)
{
	MESSAGECACHE *elt = mail_elt(stream, number);
	unsigned long bits;
	char date[MAILTMPLEN];

	if (elt == NIL)
		return;
	printf("elt %lu uid %lu size %lu date \"%s\" %lu flags", elt->msgno,
	    mail_uid(stream, number), elt->rfc822_size, mail_date(date, elt),
	    mail_longdate(elt));
	printf("%s%s%s%s%s%s", elt->answered ? " \\Answered" : "",
	    elt->flagged ? " \\Flagged" : "", elt->deleted ? " \\Deleted" :
	    "", elt->seen ? " \\Seen" : "", elt->draft ? " \\Draft" : "",
	    elt->recent ? " \\Recent" : "");
	for (bits = elt->user_flags; bits != 0;)
		printf(" %s", stream->user_flags[find_rightmost_bit(&bits)]);
	printf(" %s\n", mail_cdate(date, elt));
}

static void
put_overview(MAILSTREAM *stream, unsigned long uid, OVERVIEW *ov,
    unsigned long msgno)
{
	(void)stream;
	printf("overview %lu %lu %lu %s %s\n", msgno, uid,
	    ov->optional.octets, ov->subject, ov->from->mailbox);
}

/* What SET_GETS gives texts to: the first five octets. */
static char *
five(readfn_t read, void *from, unsigned long size, GETS_DATA *md)
{
	static char got[6];

	memset(got, 0, sizeof got);
	(*read)(from, size < 5 ? size : 5, got);
	printf("gets %lu %s of %lu\n", size, got, md->msgno);
	return got;
}

/* --- What can be said --------------------------------------------------- */

static long
do_append(MAILSTREAM *stream, char *mailbox, char *flags, char *date)
{
	static char message[1 << 20];
	unsigned long n = 0;
	char octet[3] = "";
	STRING st;

	/* The message is the next line, in hexadecimal. */
	while (n < sizeof message && fgets(octet, sizeof octet, stdin) !=
	    NULL && octet[0] != '\n')
		message[n++] = (char)strtol(octet, NULL, 16);
	INIT(&st, mail_string, (void *)message, n);
	return mail_append_full(stream, mailbox, flags[0] == '\0' ? NIL :
	    flags, date[0] == '\0' ? NIL : date, &st);
}

static void
read_message(MAILSTREAM *stream, char *verb, unsigned long n, char *section)
{
	STRINGLIST *lines = NIL;
	BODY *body;
	ENVELOPE *env;
	unsigned long len = 12345;
	char *text;

	if (strcmp(verb, "structure") == 0) {
		env = mail_fetch_structure(stream, n, &body, NIL);
		if (env == NIL)
			return;
		put_envelope(env);
		putchar('\n');
		put_body(body);
		putchar('\n');
		return;
	}
	if (strcmp(verb, "part") == 0) {
		body = mail_body(stream, n, (unsigned char *)section);
		if (body == NIL)
			printf("no part\n");
		else {
			put_body(body);
			putchar('\n');
		}
		return;
	}
	if (strcmp(verb, "lines") == 0 || strcmp(verb, "otherlines") == 0) {
		lines = mail_newstringlist();
		cpytxt(&lines->text, section, strlen(section));
		text = mail_fetch_header(stream, n, NIL, lines, &len,
		    verb[0] == 'o' ? FT_NOT : NIL);
	} else if (strcmp(verb, "header") == 0)
		text = mail_fetch_header(stream, n, section, NIL, &len, NIL);
	else if (strcmp(verb, "text") == 0)
		text = mail_fetch_text(stream, n, section, &len, NIL);
	else if (strcmp(verb, "peek") == 0)
		text = mail_fetch_text(stream, n, section, &len, FT_PEEK);
	else if (strcmp(verb, "uidtext") == 0)
		text = mail_fetch_text(stream, n, section, &len,
		    FT_PEEK | FT_UID);
	else if (strcmp(verb, "message") == 0)
		text = mail_fetch_message(stream, n, &len, FT_PEEK);
	else if (strcmp(verb, "mime") == 0)
		text = mail_fetch_mime(stream, n, section, &len, NIL);
	else
		text = mail_fetch_body(stream, n, section, &len, FT_PEEK);
	/* What five() hands out is its own. */
	put_text(text, mail_parameters(NIL, GET_GETS, NIL) != NIL ?
	    strlen(text) : len);
	mail_free_stringlist(&lines);
}

static void
show_marked(MAILSTREAM *stream, long ok)
{
	unsigned long i;

	printf("ok %ld", ok);
	for (i = 1; i <= stream->nmsgs; i++)
		if (mail_elt(stream, i)->sequence)
			printf(" %lu", i);
	putchar('\n');
}

/* "a or b", which mail_criteria() has no words for. */
static SEARCHPGM *
either(char *a, char *b)
{
	SEARCHPGM *pgm = mail_newsearchpgm();

	pgm->or = mail_newsearchor();
	mail_free_searchpgm(&pgm->or->first);
	mail_free_searchpgm(&pgm->or->second);
	pgm->or->first = mail_criteria(a);
	pgm->or->second = mail_criteria(b);
	pgm->not = mail_newsearchpgmlist();
	pgm->not->pgm->msgno = mail_newsearchset();
	pgm->not->pgm->msgno->first = 2;
	return pgm;
}

/* --- Threads -------------------------------------------------------------- */

#define THREADS	4
#define ROUNDS	12

/* Each with a stream of its own on the same mailbox: it adds messages, sets
 * flags, looks for them, reads them, and removes some. */
static void *
work(void *arg)
{
	char letter[] = "From: a@example.org\r\nSubject: x\r\n\r\nbody\r\n";
	char mailbox[] = "work", all[] = "*", flags[] = "\\Flagged kw";
	char first[] = "1", deleted[] = "\\Deleted", criteria[] = "TEXT body";
	MAILSTREAM *s;
	BODY *body;
	STRING st;
	int i;

	counting = arg;
	s = mail_open(NIL, mailbox, NIL);
	for (i = 0; s != NIL && i < ROUNDS; i++) {
		INIT(&st, mail_string, (void *)letter, strlen(letter));
		counting->own += (unsigned long)mail_append(s, mailbox, &st);
		mail_ping(s);
		mail_setflag(s, all, flags);
		mail_fetchstructure(s, s->nmsgs, &body);
		mail_fetchtext(s, s->nmsgs);
		mail_search(s, criteria);
		if (i % 4 == 3) {
			mail_setflag(s, first, deleted);
			mail_expunge(s);
		}
	}
	mail_close(s);
	return NULL;
}

static int forks;

static void
forked(void)
{
	forks++;
}

static void
threads(void)
{
	struct count counts[THREADS];
	pthread_t thread[THREADS];
	int i;

	printf("forks before %d\n", forks > 0);
	forks = 0;

	memset(counts, 0, sizeof counts);
	for (i = 0; i < THREADS; i++)
		pthread_create(&thread[i], NULL, work, &counts[i]);
	for (i = 0; i < THREADS; i++) {
		pthread_join(thread[i], NULL);
		printf("thread %lu added %d %d logs %lu\n", counts[i].own,
		    counts[i].expunged > 0, counts[i].searched > 0,
		    counts[i].logs);
	}
	printf("forks %d\n", forks);
}

static void
run(int i, char *verb, char *a, char *b, char *c)
{
	MAILSTREAM *s = streams[i];
	char line[MAILTMPLEN];
	DRIVER *driver;
	long ok = -1;

	if (strcmp(verb, "open") == 0) {
		/* While it opens it is no stream of ours yet. */
		s = streams[i] = mail_open(s, a, atol(b));
		if (s != NIL)
			printf("open %s %s %lu %lu %lu %lu%s%s\n", s->mailbox,
			    s->dtb->name, s->nmsgs, s->recent,
			    s->uid_validity, s->uid_last,
			    s->rdonly ? " rdonly" : "",
			    s->kwd_create ? " kwd" : "");
	} else if (strcmp(verb, "close") == 0)
		s = streams[i] = mail_close_full(s, atol(a));
	else if (strcmp(verb, "ping") == 0)
		ok = mail_ping(s);
	else if (strcmp(verb, "check") == 0)
		mail_check(s);
	else if (strcmp(verb, "expunge") == 0)
		ok = mail_expunge_full(s, a[0] ? a : NIL, atol(b));
	else if (strcmp(verb, "gc") == 0)
		mail_gc(s, GC_ELT | GC_ENV | GC_TEXTS);
	else if (strcmp(verb, "elt") == 0)
		put_elt(s, strtoul(a, NULL, 10));
	else if (strcmp(verb, "msgno") == 0)
		printf("msgno %lu\n", mail_msgno(s, strtoul(a, NULL, 10)));
	else if (strcmp(verb, "sequence") == 0)
		show_marked(s, mail_sequence(s, (unsigned char *)a));
	else if (strcmp(verb, "uidsequence") == 0)
		show_marked(s, mail_uid_sequence(s, (unsigned char *)a));
	else if (strcmp(verb, "overview") == 0)
		mail_fetch_overview_sequence(s, a, put_overview);
	else if (strcmp(verb, "from") == 0) {
		mail_fetchfrom(line, s, strtoul(a, NULL, 10), 12);
		printf("[%s]", line);
		mail_fetchsubject(line, s, strtoul(a, NULL, 10), 9);
		printf("[%s]\n", line);
	} else if (strcmp(verb, "setflag") == 0)
		mail_setflag_full(s, a, b, atol(c));
	else if (strcmp(verb, "clearflag") == 0)
		mail_clearflag_full(s, a, b, atol(c));
	else if (strcmp(verb, "copy") == 0)
		ok = mail_copy_full(s, a, b, atol(c));
	else if (strcmp(verb, "append") == 0)
		ok = do_append(s, a, b, c);
	else if (strcmp(verb, "search") == 0)
		ok = mail_search_full(s, NIL, mail_criteria(a),
		    SE_FREE | atol(b));
	else if (strcmp(verb, "either") == 0)
		ok = mail_search_full(s, NIL, either(a, b), SE_FREE);
	else if (strcmp(verb, "list") == 0)
		mail_list(s, a, b);
	else if (strcmp(verb, "lsub") == 0)
		mail_lsub(s, a, b);
	else if (strcmp(verb, "status") == 0)
		ok = mail_status(s, a, SA_MESSAGES | SA_RECENT | SA_UNSEEN |
		    SA_UIDNEXT | SA_UIDVALIDITY);
	else if (strcmp(verb, "create") == 0)
		ok = mail_create(s, a);
	else if (strcmp(verb, "delete") == 0)
		ok = mail_delete(s, a);
	else if (strcmp(verb, "rename") == 0)
		ok = mail_rename(s, a, b);
	else if (strcmp(verb, "subscribe") == 0)
		ok = mail_subscribe(s, a);
	else if (strcmp(verb, "unsubscribe") == 0)
		ok = mail_unsubscribe(s, a);
	else if (strcmp(verb, "valid") == 0) {
		driver = mail_valid(s, a, b[0] ? b : NIL);
		printf("valid %s\n", driver == NIL ? "NIL" : driver->name);
	} else if (strcmp(verb, "gets") == 0) {
		mailgets_t f = a[0] ? five : NIL;

		mail_parameters(NIL, SET_GETS, (void *)f);
	} else if (strcmp(verb, "threads") == 0)
		threads();
	else if (strcmp(verb, "parameters") == 0) {
		for (driver = mail_parameters(NIL, GET_DRIVERS, NIL);
		    driver != NIL; driver = driver->next)
			printf("%s ", driver->name);
		printf("%s ", (char *)mail_parameters(s, GET_USERNAME, NIL));
		printf("%s ", (char *)mail_parameters(s, GET_HOMEDIR, NIL));
		printf("%d\n", mail_parameters(s, 999, NIL) == NIL);
	} else
		read_message(s, verb, strtoul(a, NULL, 10), b);
	if (ok != -1)
		printf("ok %ld\n", ok);
}

int
main(void)
{
	char line[4 * MAILTMPLEN], *word[5], none[] = "";
	int i;

#include "linkage.c"
	if (buf_add(1) != 3)
		return 1;
	pthread_atfork(NULL, forked, NULL);
	/* Words have a tab between them. */
	while (fgets(line, sizeof line, stdin) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		word[0] = line;
		/* none has no tab in it either. */
		for (i = 1; i < 5; i++) {
			word[i] = strchr(word[i - 1], '\t');
			if (word[i] != NULL)
				*word[i]++ = '\0';
			else
				word[i] = none;
		}
		run(atoi(word[0]), word[1], word[2], word[3], word[4]);
		printf(".\n");
		fflush(stdout);
	}
	for (i = 0; i < STREAMS; i++)
		mail_close(streams[i]);
	return 0;
}
