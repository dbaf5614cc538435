/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ENVELOPE and BODY as programs see them say what imapd says, for all mail of
 * tests/data/structure and the corpus; and what is written of them is parsed to
 * the same again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "c-client/base/arena.h"
#include "c-client/base/buf.h"
#include "c-client/base/memory.h"
#include "c-client/mime/envelope.h"
#include "c-client/mime/header.h"
#include "c-client/mime/imapstr.h"
#include "c-client/mime/part.h"
#include "c-client/mime/structure.h"
#include "c-client/rfc822.h"
#include "tests/lib/linear.h"
#include "tests/lib/mail.h"
#include "tests/lib/mboxroom.h"
#include "tests/lib/mm_told.h"

static void
string_add(struct buf *out, const void *s)
{
	imapstr_write(out, s == NULL ? (struct span){ NULL, 0 } : span_of(s));
}

/* Strings with a blank in front, one after the other up to `n`. */
static void
strings_add(struct buf *out, size_t n, const void *const *s)
{
	for (size_t i = 0; i < n; i++) {
		buf_addc(out, ' ');
		string_add(out, s[i]);
	}
}

static void
addresses_add(struct buf *out, const ADDRESS *a)
{
	const char *before = "(";

	if (a == NULL)
		buf_adds(out, " NIL");
	else
		buf_addc(out, ' ');
	for (; a != NULL; a = a->next) {
		buf_adds(out, before);
		buf_addc(out, '(');
		string_add(out, a->personal);
		strings_add(out, 3, (const void *[]){ a->adl, a->mailbox,
		    a->host });
		buf_adds(out, a->next == NULL ? "))" : ")");
		before = "";
	}
}

/* As envelope_write(). */
static void
envelope_add(struct buf *out, const ENVELOPE *e)
{
	buf_addc(out, '(');
	string_add(out, e->date);
	strings_add(out, 1, (const void *[]){ e->subject });
	addresses_add(out, e->from);
	addresses_add(out, e->sender);
	addresses_add(out, e->reply_to);
	addresses_add(out, e->to);
	addresses_add(out, e->cc);
	addresses_add(out, e->bcc);
	strings_add(out, 2, (const void *[]){ e->in_reply_to,
	    e->message_id });
	buf_addc(out, ')');
}

/* A charset of US-ASCII is what a text has without one, and boundaries are the
 * writer's: not looked at if `again`. */
static bool
is_left_out(const PARAMETER *p, bool again)
{
	return again && (strcmp(p->attribute, "BOUNDARY") == 0 ||
	    (strcmp(p->attribute, "CHARSET") == 0 &&
	    (span_is(span_of(p->value), "us-ascii") ||
	    span_is(span_of(p->value), "x-unknown"))));
}

static void
parameters_add(struct buf *out, const PARAMETER *p, bool again)
{
	const char *before = " (";

	for (; p != NULL; p = p->next) {
		if (is_left_out(p, again))
			continue;
		buf_adds(out, before);
		string_add(out, p->attribute);
		strings_add(out, 1, (const void *[]){ p->value });
		before = " ";
	}
	buf_adds(out, before[1] == '(' ? " NIL" : ")");
}

static void
extension_add(struct buf *out, const BODY *b, bool again)
{
	const char *before = " (";

	if (b->disposition.type == NULL)
		buf_adds(out, " NIL");
	else {
		buf_adds(out, " (");
		string_add(out, b->disposition.type);
		parameters_add(out, b->disposition.parameter, again);
		buf_addc(out, ')');
	}
	for (STRINGLIST *l = b->language; l != NULL; l = l->next) {
		buf_adds(out, before);
		string_add(out, l->text.data);
		before = " ";
	}
	buf_adds(out, b->language == NULL ? " NIL" : ")");
	strings_add(out, 1, (const void *[]){ b->location });
}

static const char *
name_of(char *const *names, unsigned code, unsigned other, struct span real,
    struct buf *keep)
{
	if (code != other || real.p == NULL)
		return names[code];
	buf_reset(keep);
	for (size_t i = 0; i < real.n; i++)
		buf_addc(keep, (char)ascii_upper((unsigned char)real.p[i]));
	return buf_string(keep);
}

/*
 * As structure_write().  `p` is the same part: it has the names that BODY has
 * not, and places are compared with it, which are from `base` on; or NULL, and
 * what the writer may choose is not looked at.
 */
static void
body_add(struct buf *out, const BODY *b, const struct mime_part *p,
    uint64_t base)
{
	bool again = p == NULL;
	const struct mime_part *c = again ? NULL : p->child;
	struct buf name;

	if (!again) {
		assert_int_equal(b->contents.offset, p->body_off - base);
		assert_int_equal(b->contents.text.size, p->body_octets);
		assert_null(b->contents.text.data);
	}
	buf_init(&name, 0);
	buf_addc(out, '(');
	if (b->type == TYPEMULTIPART) {
		for (PART *part = b->nested.part; part != NULL;
		    part = part->next) {
			if (!again) {
				assert_int_equal(part->body.mime.offset,
				    c->header_off - base);
				assert_int_equal(part->body.mime.text.size,
				    c->header_octets);
			}
			body_add(out, &part->body, c, base);
			c = again ? NULL : c->next;
		}
		strings_add(out, 1, (const void *[]){ b->subtype });
		parameters_add(out, b->parameter, again);
		extension_add(out, b, again);
		buf_addc(out, ')');
		buf_clear(&name);
		return;
	}
	string_add(out, name_of(body_types, b->type, TYPEOTHER,
	    again ? (struct span){ NULL, 0 } : p->type, &name));
	strings_add(out, 1, (const void *[]){ b->subtype });
	parameters_add(out, b->parameter, again);
	strings_add(out, 3, (const void *[]){ b->id, b->description,
	    name_of(body_encodings, b->encoding, ENCOTHER,
	    again ? (struct span){ NULL, 0 } : p->encoding, &name) });
	buf_addf(out, " %lu", b->size.bytes);
	if (b->type == TYPEMESSAGE && b->nested.msg != NULL) {
		const MESSAGE *m = b->nested.msg;

		if (!again) {
			assert_int_equal(m->full.offset, b->contents.offset);
			assert_int_equal(m->full.text.size, b->size.bytes);
			assert_int_equal(m->header.offset, m->full.offset);
			assert_int_equal(m->header.text.size,
			    c->header_octets);
			assert_int_equal(m->text.offset, c->body_off - base);
			assert_int_equal(m->text.text.size, c->body_octets);
			assert_int_equal(m->body->mime.text.size, 0);
		}
		buf_addc(out, ' ');
		envelope_add(out, m->env);
		buf_addc(out, ' ');
		body_add(out, m->body, c, base);
	}
	if (b->type == TYPETEXT || (b->type == TYPEMESSAGE &&
	    b->nested.msg != NULL))
		buf_addf(out, " %lu", b->size.lines);
	strings_add(out, 1, (const void *[]){ b->md5 });
	extension_add(out, b, again);
	buf_addc(out, ')');
	buf_clear(&name);
}

/* Copied, so that reading behind the end is found out. */
static char *
copy_of(struct span s)
{
	char *copy = memory_alloc(s.n);

	if (s.n > 0)
		memcpy(copy, s.p, s.n);
	return copy;
}

static void
parse(struct span message, size_t header, ENVELOPE **env, BODY **body)
{
	struct span rest = span_slice(message, header, message.n);
	char *h = copy_of(span_slice(message, 0, header)), *t = copy_of(rest);
	STRING text;

	INIT(&text, mail_string, t, rest.n);
	rfc822_parse_msg(env, body, h, header, &text, NIL, NIL);
	assert_int_equal(GETPOS(&text), 0);
	free(h);
	free(t);
}

/* What imapd says and what the interface says; *root's arena is `a`. */
static void
check_parsed(struct span message, const struct mime_part *root,
    const ENVELOPE *env, const BODY *body)
{
	struct buf want, got;

	buf_init(&want, 0);
	buf_init(&got, 0);
	envelope_write(&want, root->header);
	envelope_add(&got, env);
	structure_write(&want, root, true);
	body_add(&got, body, root, root->body_off);
	assert_true(root->body_off + root->body_octets == message.n);
	assert_string_equal(buf_string(&got), buf_string(&want));
	buf_clear(&want);
	buf_clear(&got);
}

static long
collect(void *to, char *string)
{
	buf_adds(to, string);
	return T;
}

static bool
same(const char *a, const char *b)
{
	return strcmp(a == NULL ? "" : a, b == NULL ? "" : b) == 0;
}

/* All that is kept in writing; a route may be left out. */
static void
check_list(const ADDRESS *was, bool fold)
{
	char room[8];
	ADDRESS *list = NULL, *is;
	struct buf out;
	RFC822BUFFER b = { collect, &out, room, room, room + sizeof room - 1 };

	buf_init(&out, 0);
	assert_int_equal(rfc822_output_address_list(&b, (ADDRESS *)was,
	    fold ? 4 : 0, NULL), T);
	assert_int_equal(rfc822_output_flush(&b), T);
	rfc822_parse_adrlist(&list, (char *)buf_string(&out), NIL);
	for (is = list; was != NULL; was = was->next, is = is->next) {
		assert_non_null(is);
		assert_true(same(was->personal, is->personal));
		if (was->mailbox != NULL && *was->mailbox == '\0' &&
		    was->host != NULL)
			assert_string_equal(is->host, ERRHOST);
		else {
			assert_true(same(was->mailbox, is->mailbox));
			assert_true(same(was->host, is->host));
		}
		assert_true((was->host == NULL) == (is->host == NULL));
		assert_true(is->adl == NULL || same(was->adl, is->adl));
	}
	assert_null(is);
	mail_free_address(&list);
	buf_clear(&out);
}

/* The contents of all leaves, as a program sets them that sends a message. */
static void
contents_set(BODY *body, struct span text)
{
	struct span own = span_slice(text, body->contents.offset,
	    body->contents.text.size);
	char *copy;

	if (body->type == TYPEMULTIPART) {
		for (PART *p = body->nested.part; p != NULL; p = p->next)
			contents_set(&p->body, text);
		return;
	}
	copy = fs_get(own.n + 1);
	if (own.n > 0)
		memcpy(copy, own.p, own.n);
	body->contents.text.data = (unsigned char *)copy;
	/* What is binary already would be coded. */
	if (body->encoding == ENCBINARY)
		body->encoding = ENC8BIT;
}

/* Written and parsed again: the same structure, and the same fields but Sender
 * and Reply-To, which were made up where they lacked. */
static void
check_again(struct span message, size_t header, ENVELOPE *env, BODY *body)
{
	char room[100];
	struct buf out, was, is;
	RFC822BUFFER b = { collect, &out, room, room, room + sizeof room - 1 };
	ENVELOPE *env_again;
	BODY *body_again;

	buf_init(&out, 0);
	buf_init(&was, 0);
	buf_init(&is, 0);
	contents_set(body, span_slice(message, header, message.n));
	body_add(&was, body, NULL, 0);
	assert_int_equal(rfc822_output_full(&b, env, body, T), T);
	parse(buf_span(&out), header_length(buf_span(&out)), &env_again,
	    &body_again);
	body_add(&is, body_again, NULL, 0);
	assert_string_equal(buf_string(&is), buf_string(&was));
	assert_true(same(env->subject, env_again->subject));
	assert_true(same(env->message_id, env_again->message_id));
	assert_true(same(env->references, env_again->references));
	assert_null(env_again->bcc);
	mail_free_envelope(&env_again);
	mail_free_body(&body_again);
	buf_clear(&out);
	buf_clear(&was);
	buf_clear(&is);
}

static void
check_message(struct span message)
{
	struct arena *a = arena_new(0);
	const struct mime_part *root = mime_parse(a, message);
	size_t header = (size_t)root->header_octets;
	ENVELOPE *env;
	BODY *body;

	mm_told_reset();
	parse(message, header, &env, &body);
	assert_int_equal(mm_told_count, 0);
	check_parsed(message, root, env, body);
	for (int fold = 0; fold < 2; fold++) {
		check_list(env->from, fold);
		check_list(env->to, fold);
		check_list(env->cc, fold);
		check_list(env->return_path, fold);
	}
	/* NUL can't be written. */
	if (message.n == 0 || memchr(message.p, '\0', message.n) == NULL)
		check_again(message, header, env, body);
	mail_free_envelope(&env);
	mail_free_body(&body);
	assert_null(body);
	arena_free(a);
}

static size_t checked;

static int
check_file(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	struct buf message;

	(void)st;
	(void)ftw;
	if (kind != FTW_F)
		return 0;
	buf_init(&message, 0);
	assert_true(mail_read(path, true, &message));
	check_message(buf_span(&message));
	buf_clear(&message);
	checked++;
	return 0;
}

static void
test_by_hand(void **state)
{
	(void)state;
	checked = 0;
	assert_int_equal(nftw("tests/data/structure", check_file, 8, 0), 0);
	assert_true(checked >= 80);
}

static void
test_corpus(void **state)
{
	(void)state;
	if (access("../shared/corpus", R_OK) == -1)
		mboxroom_no_corpus();
	checked = 0;
	assert_int_equal(nftw("../shared/corpus/messages", check_file, 8, 0),
	    0);
	assert_int_equal(nftw("../shared/corpus/lists", check_file, 8, 0), 0);
	assert_true(checked > 300);
}

#define ROW(s)	{ s, sizeof(s) - 1 }

/* Octets that no file of those has. */
static void
test_hostile(void **state)
{
	static const struct span rows[] = {
		ROW(""),
		ROW("\n"),
		ROW("\r\n"),
		ROW("\r"),
		ROW("x"),
		ROW("Subject"),
		ROW("Subject:"),
		ROW("Subject: a\r\n"),
		ROW("Subject: a\0b\rc\r\n\r\nx\0y"),
		ROW("From: a\0@b, \"\0\" <\0@\0>\r\n\r\n"),
		ROW("From: <>\r\nReply-To: ;\r\nTo: :;\r\n\r\n"),
		ROW("From: @b, a@, @ <x@y>, <@c:>, <@c:d@e>\r\n\r\n"),
		ROW("To: a b@\"c d\"e, \"\"@x, x@[a b], x@[, y@.z.\r\n\r\n"),
		ROW("Content-Type: multipart/mixed\r\n\r\nx"),
		ROW("Content-Type: multipart/mixed; boundary=\"b \"\r\n\r\n"
		    "--b\r\n\r\n1\r\n--b--\r\n"),
		ROW("Content-Type: message/rfc822\r\n\r\n"),
		ROW("Content-Type: message/global\r\n\r\nTo: x\r\n\r\ny"),
		ROW("Content-Type: text/plain; a=\"\r\n b\"; c=\"\\\"\"; "
		    "d*=''%00\r\n\r\n"),
		ROW("Content-Disposition: \"\"; a=b\r\n\r\n"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		for (size_t n = 0; n <= rows[i].n; n++)
			check_message(span_slice(rows[i], 0, n));
}

/* A header with its empty line or without, and text of its own. */
static void
test_header_ends(void **state)
{
	static const char *const headers[] = {
		"", "\n", "\r\n", "To: a@b", "To: a@b\n", "To: a@b\n\n",
		"To: a@b\r\n", "To: a@b\r\n\r\n", "To: a@b\r\n\n",
		"To: a@b\r\n\r\nNot: read\r\n\r\n",
	};
	char text[] = "..a\r\n\r\nb\r\n";

	(void)state;
	for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
		size_t n = strlen(headers[i]);
		char *h = copy_of((struct span){ headers[i], n });
		char host[] = "here";
		ENVELOPE *env;
		BODY *body;
		STRING s;

		INIT(&s, mail_string, text, strlen(text));
		SETPOS(&s, 2);
		rfc822_parse_msg(&env, &body, h, n, &s, host, NIL);
		assert_int_equal(body->type, TYPETEXT);
		assert_string_equal(body->subtype, "PLAIN");
		assert_int_equal(body->contents.offset, 0);
		assert_int_equal(body->size.bytes, strlen(text) - 2);
		assert_int_equal(body->size.lines, 3);
		assert_int_equal(GETPOS(&s), 2);
		assert_true(n < 5 || strcmp(env->to->host, "b") == 0);
		mail_free_envelope(&env);
		mail_free_body(&body);
		rfc822_parse_msg(&env, &body, h, n, NULL, host, NIL);
		assert_int_equal(body->size.bytes, 0);
		mail_free_envelope(&env);
		mail_free_body(&body);
		rfc822_parse_msg(&env, NULL, h, n, NULL, host, NIL);
		mail_free_envelope(&env);
		free(h);
	}
}

static void
test_nothing(void **state)
{
	ENVELOPE *env;
	BODY *body;

	(void)state;
	rfc822_parse_msg(&env, &body, NULL, 0, NULL, NULL, NIL);
	assert_null(env->from);
	assert_int_equal(body->size.bytes, 0);
	mail_free_envelope(&env);
	mail_free_body(&body);
}

/* A message that comes in pieces of three octets. */
static void
pieces_setpos(STRING *s, unsigned long at)
{
	s->offset = at - at % 3;
	s->chunk = (char *)s->data + s->offset;
	s->chunksize = s->size - s->offset < 3 ? s->size - s->offset : 3;
	s->curpos = (char *)s->data + at;
	s->cursize = s->chunksize - at % 3;
}

static void
pieces_init(STRING *s, void *data, unsigned long size)
{
	s->data = data;
	s->size = size;
	pieces_setpos(s, 0);
}

static void
test_pieces(void **state)
{
	STRINGDRIVER pieces = { pieces_init, NULL, pieces_setpos };
	char header[] = "Content-Type: multipart/mixed; boundary=b\r\n\r\n";
	char text[] = "--b\r\n\r\none\r\n--b\r\n\r\nthree\r\n--b--";
	ENVELOPE *env;
	BODY *body;
	STRING s;

	(void)state;
	INIT(&s, pieces, text, strlen(text));
	rfc822_parse_msg(&env, &body, header, strlen(header), &s, NIL, NIL);
	assert_int_equal(body->nested.part->body.size.bytes, 3);
	assert_int_equal(body->nested.part->next->body.size.bytes, 5);
	assert_memory_equal(text + body->nested.part->next->body.contents
	    .offset, "three", 5);
	assert_null(body->nested.part->next->next);
	mail_free_envelope(&env);
	mail_free_body(&body);
}

/* Fields beyond IMAP's ten, and a host for addresses without one. */
static void
test_fields(void **state)
{
	char header[] = "Return-Path: <r@p>\r\nNewsgroups: a.b\r\n"
	    "Followup-To: poster\r\nReferences: <1@x>\r\n <2@x>\r\n"
	    "From: me\r\nTo: G: you, <>;\r\nResent-To: no\r\n"
	    "Subject: =?utf-8?Q?x?=\r\n\r\n";
	char host[] = "here.example";
	ENVELOPE *env;

	(void)state;
	rfc822_parse_msg(&env, NULL, header, strlen(header), NULL, host, NIL);
	assert_string_equal(env->return_path->mailbox, "r");
	assert_string_equal(env->newsgroups, "a.b");
	assert_string_equal(env->followup_to, "poster");
	assert_string_equal(env->references, "<1@x> <2@x>");
	assert_string_equal(env->subject, "=?utf-8?Q?x?=");
	assert_string_equal(env->from->host, host);
	assert_string_equal(env->sender->host, host);
	assert_ptr_not_equal(env->sender, env->from);
	assert_string_equal(env->to->mailbox, "G");
	assert_null(env->to->host);
	assert_string_equal(env->to->next->host, host);
	assert_string_equal(env->to->next->next->mailbox, "");
	assert_string_equal(env->to->next->next->host, "");
	assert_null(env->to->next->next->next->mailbox);
	assert_null(env->date);
	assert_null(env->remail);
	mail_free_envelope(&env);
}

/* "personal<adl:mailbox@host>", "{name", "}", as tests/unit/addr.c. */
static void
list_add(struct buf *out, const ADDRESS *a)
{
	for (; a != NULL; a = a->next) {
		if (a->mailbox == NULL)
			buf_adds(out, "}");
		else if (a->host == NULL)
			buf_addf(out, "{%s", a->mailbox);
		else
			buf_addf(out, "%s<%s%s%s@%s>", a->personal == NULL ?
			    "" : a->personal, a->adl == NULL ? "" : a->adl,
			    a->adl == NULL ? "" : ":", a->mailbox, a->host);
	}
}

#define INVALID	"<INVALID_ADDRESS@.SYNTAX-ERROR.>"

static void
test_adrlist(void **state)
{
	static const struct {
		const char *in, *want;
		size_t told;
	} rows[] = {
		{ "", "", 0 },
		{ "   ", "", 0 },
		{ " , ,(x)", "", 0 },
		{ "joe", "<joe@h>", 0 },
		{ "joe@example.com", "<joe@example.com>", 0 },
		{ "Joe<joe@example.com>", "Joe<joe@example.com>", 0 },
		{ "\"ian,eiloart\"<ian@example.ac.uk>,\r\n <@a:b@c>, foo@#",
		    "ian,eiloart<ian@example.ac.uk><@a:b@c><foo@#>", 0 },
		{ "undisclosed-recipients:;", "{undisclosed-recipients}", 0 },
		{ "G: a@b, c; d", "{G<a@b><c@h>}<d@h>", 0 },
		{ "G: a@b", "{G<a@b>}", 0 },
		{ ";", INVALID, 1 },
		{ "<>", INVALID, 1 },
		{ "@b", INVALID, 1 },
		{ "a@b, <>, \"x\" <@c>", "<a@b>" INVALID "x" INVALID, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char *copy = cpystr(rows[i].in), host[] = "h";
		ADDRESS *list = NULL;
		struct buf out;

		buf_init(&out, 0);
		mm_told_reset();
		rfc822_parse_adrlist(&list, copy, host);
		list_add(&out, list);
		assert_string_equal(buf_string(&out), rows[i].want);
		assert_string_equal(copy, rows[i].in);
		assert_int_equal(mm_told_count, rows[i].told);
		assert_int_equal(mm_told_flag, rows[i].told ? PARSE : 0);
		/* More is put behind what is there. */
		rfc822_parse_adrlist(&list, copy, host);
		buf_adds(&out, rows[i].want);
		buf_consume(&out, out.n / 2);
		list_add(&out, list);
		assert_int_equal(out.n, 3 * strlen(rows[i].want));
		buf_clear(&out);
		mail_free_address(&list);
		fs_give((void **)&copy);
	}
}

static void
test_told(void **state)
{
	char text[400], host[] = "h";
	ADDRESS *list = NULL;

	(void)state;
	memset(text, ';', sizeof text - 1);
	text[1] = '\n';
	text[sizeof text - 1] = '\0';
	mm_told_reset();
	rfc822_parse_adrlist(&list, text, host);
	assert_int_equal(strncmp(mm_told, "Invalid mailbox list: ; ;;", 26), 0);
	assert_true(strlen(mm_told) < 120);
	mail_free_address(&list);
}

static void
addresses_work(size_t n)
{
	char *text = memory_alloc(3 * n + 1), host[] = "h";
	ADDRESS *list = NULL;
	struct buf out;
	char room[64];
	RFC822BUFFER b = { collect, &out, room, room, room + sizeof room - 1 };

	for (size_t i = 0; i < n; i++)
		memcpy(text + 3 * i, i % 3 == 0 ? "a, " : "\\\"(", 3);
	text[3 * n] = '\0';
	rfc822_parse_adrlist(&list, text, host);
	buf_init(&out, 0);
	assert_int_equal(rfc822_output_address_list(&b, list, 1, NULL), T);
	buf_clear(&out);
	mail_free_address(&list);
	free(text);
}

/* Parts in parts, and many beside each other. */
static void
parts_work(size_t n)
{
	struct buf m;
	ENVELOPE *env;
	BODY *body;

	buf_init(&m, 0);
	for (size_t i = 0; i < 120; i++)
		buf_addf(&m, "Content-Type: multipart/mixed; boundary=b%zu\r\n"
		    "\r\n--b%zu\r\n", i, i);
	for (size_t i = 0; i < n; i++)
		buf_adds(&m, "\r\n--b9\r\nTo: a, b\r\n\r\n");
	parse(buf_span(&m), header_length(buf_span(&m)), &env, &body);
	mail_free_envelope(&env);
	mail_free_body(&body);
	buf_clear(&m);
}

static void
test_linear(void **state)
{
	(void)state;
	assert_true(linear(addresses_work, 4000));
	assert_true(linear(parts_work, 1000));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_by_hand),
		cmocka_unit_test(test_corpus),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_header_ends),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_adrlist),
		cmocka_unit_test(test_told),
		cmocka_unit_test(test_linear),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
