/* SPDX-License-Identifier: Apache-2.0 */
/* What rfc822.h writes: addresses, headers, bodies; and that no string makes a
 * field of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "c-client/base/buf.h"
#include "c-client/base/memory.h"
#include "c-client/mime/header.h"
#include "c-client/rfc822.h"
#include "tests/lib/linear.h"
#include "tests/lib/mm_told.h"

/* As programs have it: of just the size that is promised. */
static char *
room_new(void)
{
	char *room = memory_alloc(SENDBUFLEN);

	memset(room, 'x', SENDBUFLEN);
	room[0] = '\0';
	return room;
}

static void
check_address(ADDRESS *a, const char *want)
{
	char *room = room_new(), *end = rfc822_write_address(room, a);

	assert_ptr_equal(end, room + strlen(room));
	assert_string_equal(room, want);
	free(room);
}

static void
test_address(void **state)
{
	static const struct {
		const char *personal, *adl, *mailbox, *host, *want;
	} rows[] = {
		{ "My Name", NULL, "me", "example.com",
		    "My Name <me@example.com>" },
		{ "", "", "me", "example.com", "me@example.com" },
		{ "John Q. Public", NULL, "j", "x",
		    "\"John Q. Public\" <j@x>" },
		{ "A  B", NULL, "j", "x", "\"A  B\" <j@x>" },
		{ " A", NULL, "j", "x", "\" A\" <j@x>" },
		{ "A ", NULL, "j", "x", "\"A \" <j@x>" },
		{ "a\\b\"c", NULL, "j", "x", "\"a\\\\b\\\"c\" <j@x>" },
		{ "\xc3\xa4", NULL, "\xc3\xa4", "\xc3\xa4",
		    "\xc3\xa4 <\xc3\xa4@\xc3\xa4>" },
		{ "=?utf-8?Q?x?=", NULL, "j", "x", "=?utf-8?Q?x?= <j@x>" },
		{ NULL, NULL, "a.b", "c.d", "a.b@c.d" },
		{ NULL, NULL, ".a", "c", "\".a\"@c" },
		{ NULL, NULL, "a.", "c", "\"a.\"@c" },
		{ NULL, NULL, "a..b", "c", "\"a..b\"@c" },
		{ NULL, NULL, "a b", "c", "\"a b\"@c" },
		{ NULL, NULL, "a@b", "c", "\"a@b\"@c" },
		{ NULL, NULL, "", "c", "\"\"@c" },
		{ NULL, NULL, "a", "", "a" },
		{ NULL, NULL, "a", "@", "a" },
		{ "N", NULL, "a", "", "N <a>" },
		{ NULL, NULL, "", "", "<>" },
		{ "N", NULL, "", "", "N <>" },
		{ NULL, NULL, "a", "[192.0.2.1]", "a@[192.0.2.1]" },
		{ NULL, NULL, "a", "[x]y]", "a@\"[x]y]\"" },
		{ NULL, NULL, "a", "b>, c@d", "a@\"b>, c@d\"" },
		{ NULL, "@x,@y", "a", "b", "<@x,@y:a@b>" },
		{ NULL, "@x>, c@d", "a", "b", "a@b" },
		{ "a\r\nTo: b", "@x\r\nTo: b", "a\r\nTo: b", "a\nTo: b",
		    "\"a To: b\" <\"a To: b\"@\"a To: b\">" },
		{ "a\r\n b", NULL, "a", "b", "\"a b\" <a@b>" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		ADDRESS *a = mail_newaddr();

		a->personal = cpystr(rows[i].personal);
		a->adl = cpystr(rows[i].adl);
		a->mailbox = cpystr(rows[i].mailbox);
		a->host = cpystr(rows[i].host);
		check_address(a, rows[i].want);
		mail_free_address(&a);
	}
}

/* Names; ":" begins a group and ";" ends it. */
static ADDRESS *
list_of(const char *const *names, size_t n)
{
	ADDRESS *list = NULL, **last = &list;

	for (size_t i = 0; i < n; i++) {
		*last = mail_newaddr();
		if (names[i][0] != ';')
			(*last)->mailbox = cpystr(names[i]);
		if (names[i][0] != ';' && names[i][0] != ':')
			(*last)->host = cpystr("h");
		last = &(*last)->next;
	}
	return list;
}

static void
test_groups(void **state)
{
	static const struct {
		const char *names[6];
		const char *want;
	} rows[] = {
		{ { "a", "b" }, "a@h, b@h" },
		{ { ":", ";" }, "\":\": ;" },
		{ { "a", ":g", "b", "c", ";", "d" },
		    "a@h, \":g\": b@h, c@h;, d@h" },
		{ { ":g", "a" }, "\":g\": a@h;" },
		{ { ":g", ":h", "a", ";" }, "\":g\": ;, \":h\": a@h;" },
		{ { ";", "a", ";", ";" }, "a@h" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		size_t n = 0;
		ADDRESS *list;

		while (n < 6 && rows[i].names[n] != NULL)
			n++;
		list = list_of(rows[i].names, n);
		check_address(list, rows[i].want);
		mail_free_address(&list);
	}
	check_address(NULL, "");
}

static long
collect(void *to, char *string)
{
	buf_adds(to, string);
	return T;
}

static void
test_buffer(void **state)
{
	static const char *const names[] = { "aa", "b\"b", "cc" };
	ADDRESS *list = list_of(names, 3);
	char room[40];
	struct buf out;

	(void)state;
	/* Without a function it fits or it does not. */
	for (size_t n = 0; n < sizeof room; n++) {
		RFC822BUFFER b = { NULL, NULL, room, room, room + n };

		assert_int_equal(rfc822_output_address_list(&b, list, 0,
		    NULL), n < strlen("aa@h, \"b\\\"b\"@h, cc@h") ? NIL : T);
	}
	for (size_t n = 1; n < sizeof room; n++) {
		RFC822BUFFER b = { collect, &out, room, room, room + n };

		buf_init(&out, 0);
		assert_int_equal(rfc822_output_address_list(&b, list, 0, "c"),
		    T);
		assert_int_equal(rfc822_output_flush(&b), T);
		assert_string_equal(buf_string(&out),
		    "aa@h, \"b\\\"b\"@h, \"cc\"@h");
		buf_clear(&out);
	}
	mail_free_address(&list);
}

static long
refuse(void *calls, char *string)
{
	(void)string;
	return ++*(int *)calls < 3;
}

static void
test_refused(void **state)
{
	char room[4];
	int calls = 0;
	RFC822BUFFER b = { refuse, &calls, room, room, room + 3 };
	ENVELOPE *env = mail_newenvelope();

	(void)state;
	env->subject = cpystr("a subject that takes many calls");
	assert_int_equal(rfc822_output_full(&b, env, NULL, NIL), NIL);
	assert_int_equal(calls, 3);
	mail_free_envelope(&env);
}

/* What does not fit into SENDBUFLEN is not written; one octet less is. */
static void
test_room(void **state)
{
	char *room = room_new(), *end;
	char name[] = "x";
	const char *names[] = { name };
	ADDRESS *a = list_of(names, 1);

	(void)state;
	for (size_t n = SENDBUFLEN - 6; n < SENDBUFLEN; n++) {
		memset(room, 'r', n);
		room[n] = '\0';
		end = rfc822_write_address(room, a);
		assert_ptr_equal(end, room + n + (n + 3 < SENDBUFLEN ? 3 : 0));
		assert_int_equal(*end, '\0');
	}
	mail_free_address(&a);
	free(room);
}

static ENVELOPE *
envelope_new(void)
{
	ENVELOPE *env = mail_newenvelope();
	const char *const me[] = { "me" }, *const you[] = { "you" };

	env->date = (unsigned char *)cpystr("Tue, 2 Jan 2024 10:00:00 +0000");
	env->from = list_of(me, 1);
	env->to = list_of(you, 1);
	env->subject = cpystr("Hello");
	env->message_id = cpystr("<1@h>");
	return env;
}

static void
check_header(ENVELOPE *env, BODY *body, const char *want)
{
	char *room = room_new();

	rfc822_header(room, env, body);
	assert_string_equal(room, want);
	mail_free_envelope(&env);
	mail_free_body(&body);
	free(room);
}

static void
test_envelope(void **state)
{
	ENVELOPE *env = envelope_new();
	const char *const secret[] = { "secret" };

	(void)state;
	check_header(NULL, NULL, "\r\n");
	check_header(env, NULL, "Date: Tue, 2 Jan 2024 10:00:00 +0000\r\n"
	    "From: me@h\r\nSubject: Hello\r\nTo: you@h\r\n"
	    "Message-ID: <1@h>\r\n\r\n");
	env = mail_newenvelope();
	env->bcc = list_of(secret, 1);
	env->return_path = list_of(secret, 1);
	check_header(env, NULL, "To: undisclosed recipients: ;\r\n\r\n");
	env = mail_newenvelope();
	env->subject = cpystr("");
	env->newsgroups = cpystr("a.b");
	env->references = cpystr("<1@x> <2@x>");
	check_header(env, NULL, "Newsgroups: a.b\r\nSubject: \r\n"
	    "References: <1@x> <2@x>\r\n\r\n");
}

static void
test_remail(void **state)
{
	ENVELOPE *env = envelope_new();

	(void)state;
	env->remail = cpystr("From: x@y\r\nno field\r\nTo: a,\n b\r\n\r\n"
	    "Bcc: text");
	fs_give((void **)&env->date);
	check_header(env, mail_newbody(), "From: x@y\r\nTo: a,\r\n b\r\n"
	    "ReSent-From: me@h\r\nReSent-Subject: Hello\r\n"
	    "ReSent-To: you@h\r\nReSent-Message-ID: <1@h>\r\n\r\n");
}

static PARAMETER *
parameter_new(const char *attribute, const char *value, PARAMETER *next)
{
	PARAMETER *p = mail_newbody_parameter();

	p->attribute = cpystr(attribute);
	p->value = cpystr(value);
	p->next = next;
	return p;
}

static void
test_body_header(void **state)
{
	BODY *body = mail_newbody();
	char *room, *at;

	(void)state;
	check_header(NULL, body, "MIME-Version: 1.0\r\n"
	    "Content-Type: TEXT/PLAIN; CHARSET=US-ASCII\r\n\r\n");
	body = mail_newbody();
	body->encoding = ENC8BIT;
	check_header(NULL, body, "MIME-Version: 1.0\r\n"
	    "Content-Type: TEXT/PLAIN; CHARSET=X-UNKNOWN\r\n"
	    "Content-Transfer-Encoding: 8BIT\r\n\r\n");
	body = mail_newbody();
	body->type = TYPEMESSAGE;
	check_header(NULL, body, "MIME-Version: 1.0\r\n"
	    "Content-Type: MESSAGE/RFC822\r\n\r\n");
	/* A type and an encoding that there are not, as PHP makes them. */
	body = mail_newbody();
	body->type = (unsigned short)-1;
	body->encoding = 12;
	check_header(NULL, body, "MIME-Version: 1.0\r\n"
	    "Content-Type: X-UNKNOWN/UNKNOWN\r\n"
	    "Content-Transfer-Encoding: X-UNKNOWN\r\n\r\n");
	body = mail_newbody();
	body->type = TYPEAPPLICATION;
	body->subtype = cpystr("x y\r\nz");
	body->parameter = parameter_new("a", "b", parameter_new("c", "d e",
	    parameter_new("", "x", parameter_new("f\r\n:", "g",
	    parameter_new("h", "", NULL)))));
	body->id = cpystr("<i@h>");
	body->description = cpystr("about\r\nBcc: x");
	body->md5 = cpystr("Q2hlY2s=");
	body->location = cpystr("here");
	body->language = mail_newstringlist();
	body->language->text.data = (unsigned char *)cpystr("en");
	body->language->next = mail_newstringlist();
	body->disposition.type = cpystr("inline");
	body->disposition.parameter = parameter_new("filename",
	    "\"\xc3\xa4\"", NULL);
	room = room_new();
	memcpy(room, "--b\r\n", 6);
	at = room;
	rfc822_write_body_header(&at, body);
	assert_ptr_equal(at, room + strlen(room));
	assert_string_equal(room, "--b\r\n"
	    "Content-Type: APPLICATION/OCTET-STREAM; a=b; c=\"d e\"; "
	    "h=\"\"\r\n"
	    "Content-ID: <i@h>\r\nContent-Description: about Bcc: x\r\n"
	    "Content-MD5: Q2hlY2s=\r\nContent-Language: en, x-unknown\r\n"
	    "Content-Location: here\r\nContent-Disposition: inline; "
	    "filename=\"\\\"\xc3\xa4\\\"\"\r\n");
	mail_free_body(&body);
	free(room);
}

#define TEN	"0123456789"

static void
test_folds(void **state)
{
	static const struct {
		const char *in, *want;
	} rows[] = {
		{ "a\r\n b", "a\r\n b" },
		{ "a\n\tb", "a\r\n\tb" },
		{ "a\r\nb", "a b" },
		{ "a\rb\nc", "a b c" },
		{ "a\r\n\r\nb", "a b" },
		{ "a\r\n \r\nX-Evil: b", "a X-Evil: b" },
		{ "a\r\n \r\n b", "a\r\n  b" },
		{ "\r\nX-Evil: b", "X-Evil: b" },
		{ "a\r\n ", "a" },
		{ " \t a", "a" },
		/* 9 octets of the name, 69 of the value: 78. */
		{ TEN TEN TEN TEN TEN TEN "01234 678", TEN TEN TEN TEN TEN TEN
		    "01234 678" },
		{ TEN TEN TEN TEN TEN TEN "01234 6789", TEN TEN TEN TEN TEN
		    TEN "01234\r\n 6789" },
		{ "a " TEN TEN TEN TEN TEN TEN TEN TEN " b", "a\r\n " TEN TEN
		    TEN TEN TEN TEN TEN TEN "\r\n b" },
		{ TEN TEN TEN TEN TEN TEN TEN TEN " b", TEN TEN TEN TEN TEN
		    TEN TEN TEN "\r\n b" },
		{ TEN TEN TEN TEN TEN TEN "0123456789   b", TEN TEN TEN TEN
		    TEN TEN "0123456789\r\n   b" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		ENVELOPE *env = mail_newenvelope();
		struct buf want;

		buf_init(&want, 0);
		buf_adds(&want, "Subject: ");
		buf_adds(&want, rows[i].want);
		buf_adds(&want, "\r\n\r\n");
		env->subject = cpystr(rows[i].in);
		check_header(env, NULL, buf_string(&want));
		buf_clear(&want);
	}
}

/* Every octet in every string: as many fields as there were, and no line that
 * is empty but the last. */
static void
test_injection(void **state)
{
	static const char *const pieces[] = { "\r", "\n", " ", "X: y", "\"",
	    "\\" };
	char value[40];

	(void)state;
	for (unsigned n = 0; n < 6 * 6 * 6 * 6; n++) {
		ENVELOPE *env = mail_newenvelope();
		BODY *body = mail_newbody();
		char *room = room_new();
		struct header_iter it;
		struct header_field f;
		const char *names[] = { value };
		size_t fields = 0;

		snprintf(value, sizeof value, "a%s%s%s%sb", pieces[n % 6],
		    pieces[n / 6 % 6], pieces[n / 36 % 6],
		    pieces[n / 216 % 6]);
		env->subject = cpystr(value);
		env->from = list_of(names, 1);
		env->from->personal = cpystr(value);
		env->from->adl = cpystr(value);
		fs_give((void **)&env->from->host);
		env->from->host = cpystr(value);
		env->to = list_of(names, 1);
		fs_give((void **)&env->to->host);
		body->description = cpystr(value);
		body->subtype = cpystr(value);
		body->parameter = parameter_new(value, value, NULL);
		rfc822_header(room, env, body);
		header_begin(&it, span_of(room));
		while (header_next(&it, &f)) {
			assert_true(f.name.n > 0);
			fields++;
		}
		assert_int_equal(fields, 6);
		assert_int_equal(header_length(span_of(room)), strlen(room));
		mail_free_envelope(&env);
		mail_free_body(&body);
		free(room);
	}
}

/* A field that is too long is left out, the others are there. */
static void
test_too_long(void **state)
{
	char *text = memory_alloc(SENDBUFLEN + 1), *room = room_new();

	(void)state;
	memset(text, 's', SENDBUFLEN);
	text[SENDBUFLEN] = '\0';
	/* "Subject: ", the text, two line ends and the NUL. */
	for (size_t n = SENDBUFLEN - 9 - 5 - 2; n < SENDBUFLEN; n++) {
		ENVELOPE *env = mail_newenvelope();

		env->subject = cpystr(text + SENDBUFLEN - n);
		rfc822_header(room, env, NULL);
		assert_int_equal(strlen(room), n <= SENDBUFLEN - 9 - 5 ?
		    n + 9 + 4 : 2);
		env->message_id = cpystr("<1@h>");
		rfc822_header(room, env, NULL);
		assert_int_equal(strncmp(room, n <= SENDBUFLEN - 9 - 5 ?
		    "Subject: s" : "Message-ID", 10), 0);
		mail_free_envelope(&env);
	}
	free(text);
	free(room);
}

static BODY *
part_add(BODY *multipart, unsigned short encoding, const char *text)
{
	PART **last = &multipart->nested.part;
	SIZEDTEXT *to;

	while (*last != NULL)
		last = &(*last)->next;
	*last = mail_newbody_part();
	(*last)->body.encoding = encoding;
	to = &(*last)->body.contents.text;
	to->data = (unsigned char *)cpystr(text);
	to->size = strlen(text);
	return &(*last)->body;
}

static BODY *
multipart_new(void)
{
	BODY *body = mail_newbody(), *inner;

	body->type = TYPEMULTIPART;
	body->parameter = parameter_new("boundary", "=-=", NULL);
	part_add(body, ENC8BIT, "\xe9 =");
	part_add(body, ENCBINARY, "bin")->type = TYPEAPPLICATION;
	part_add(body, ENC8BIT, "To: \xe9\r\n\r\n")->type = TYPEMESSAGE;
	inner = part_add(body, ENC7BIT, "");
	inner->type = TYPEMULTIPART;
	inner->parameter = parameter_new("BOUNDARY", "i", NULL);
	part_add(inner, ENCBASE64, "eA==");
	return body;
}

#define BINARY	"Content-Type: APPLICATION/OCTET-STREAM\r\n" \
    "Content-Transfer-Encoding: BASE64\r\n\r\nYmlu\r\n\r\n"
#define REST	"Content-Type: MESSAGE/RFC822\r\n" \
    "Content-Transfer-Encoding: 8BIT\r\n\r\nTo: \xe9\r\n\r\n\r\n--=-=\r\n" \
    "Content-Type: MULTIPART/MIXED; BOUNDARY=i\r\n\r\n--i\r\n" \
    "Content-Type: TEXT/PLAIN; CHARSET=X-UNKNOWN\r\n" \
    "Content-Transfer-Encoding: BASE64\r\n\r\neA==\r\n--i--\r\n\r\n--=-=--\r\n"
#define FIRST	"MIME-Version: 1.0\r\n" \
    "Content-Type: MULTIPART/MIXED; BOUNDARY=\"=-=\"\r\n\r\n--=-=\r\n" \
    "Content-Type: TEXT/PLAIN; CHARSET=X-UNKNOWN\r\n" \
    "Content-Transfer-Encoding: "

static void
test_output(void **state)
{
	static const char *const wants[] = {
		FIRST "QUOTED-PRINTABLE\r\n\r\n=E9 =3D\r\n--=-=\r\n" BINARY
		    "--=-=\r\n" REST,
		FIRST "8BIT\r\n\r\n\xe9 =\r\n--=-=\r\n" BINARY "--=-=\r\n"
		    REST,
	};
	char *tmp = NULL;

	(void)state;
	for (long ok8bit = 0; ok8bit < 2; ok8bit++) {
		BODY *body = multipart_new();
		struct buf out;

		mm_told_reset();
		buf_init(&out, 0);
		assert_int_equal(rfc822_output(tmp, NULL, body, collect, &out,
		    ok8bit), T);
		assert_string_equal(buf_string(&out), wants[ok8bit]);
		assert_int_equal(mm_told_count, !ok8bit);
		assert_int_equal(mm_told_flag, ok8bit ? 0 : PARSE);
		buf_clear(&out);
		mail_free_body(&body);
	}
}

static void
test_boundary(void **state)
{
	static const char *const bad[] = { NULL, "", " ", "a ", "a\r\nb",
	    "a\x7f", TEN TEN TEN TEN TEN TEN TEN "b" };
	char last[80] = "";
	BODY *longest = mail_newbody();

	(void)state;
	longest->type = TYPEMULTIPART;
	longest->parameter = parameter_new("BOUNDARY", TEN TEN TEN TEN TEN TEN
	    TEN, NULL);
	rfc822_encode_body_7bit(NULL, longest);
	assert_string_equal(longest->parameter->value, TEN TEN TEN TEN TEN TEN
	    TEN);
	mail_free_body(&longest);
	for (size_t i = 0; i <= sizeof bad / sizeof bad[0]; i++) {
		BODY *body = mail_newbody();
		const char *value;

		body->type = TYPEMULTIPART;
		body->parameter = parameter_new("x", "y", NULL);
		if (i < sizeof bad / sizeof bad[0])
			body->parameter->next = parameter_new("Boundary",
			    bad[i], NULL);
		rfc822_encode_body_7bit(NULL, body);
		assert_string_equal(body->parameter->next->attribute,
		    "BOUNDARY");
		assert_null(body->parameter->next->next);
		value = body->parameter->next->value;
		assert_int_equal(strncmp(value, "=_", 2), 0);
		assert_int_equal(strlen(value), 34);
		assert_string_not_equal(value, last);
		snprintf(last, sizeof last, "%s", value);
		/* It stays. */
		rfc822_encode_body_8bit(NULL, body);
		assert_string_equal(body->parameter->next->value, last);
		mail_free_body(&body);
	}
}

/* One that is in what it has to end. */
static void
test_boundary_used(void **state)
{
	static const struct {
		const char *text;
		bool used;
	} rows[] = {
		{ "", false },
		{ "-", false },
		{ "--", false },
		{ "--b", true },
		{ "--bc\r\n", true },
		{ "x--b", false },
		{ "x--b\r\n--b\r\n", true },
		{ "x\n--b", true },
		{ "x\r--b", true },
		{ "x\r\n --b", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		for (int deep = 0; deep < 2; deep++) {
			BODY *body = mail_newbody(), *in = body;

			body->type = TYPEMULTIPART;
			body->parameter = parameter_new("BOUNDARY", "b", NULL);
			part_add(body, ENC7BIT, "x");
			if (deep) {
				in = part_add(body, ENC7BIT, "");
				in->type = TYPEMULTIPART;
				in->parameter = parameter_new("BOUNDARY", "a",
				    NULL);
			}
			part_add(in, ENC7BIT, rows[i].text);
			rfc822_encode_body_7bit(NULL, body);
			assert_true(rows[i].used == (strcmp(
			    body->parameter->value, "b") != 0));
			mail_free_body(&body);
		}
}

/* Parts that a program gave no text, as ones that are empty. */
static void
test_no_text(void **state)
{
	BODY *body = mail_newbody();
	struct buf out;

	(void)state;
	body->type = TYPEMULTIPART;
	body->parameter = parameter_new("BOUNDARY", "b", NULL);
	body->nested.part = mail_newbody_part();
	body->nested.part->body.encoding = ENCBINARY;
	buf_init(&out, 0);
	assert_int_equal(rfc822_output(NULL, NULL, body, collect, &out, NIL),
	    T);
	assert_string_equal(buf_string(&out), "MIME-Version: 1.0\r\n"
	    "Content-Type: MULTIPART/MIXED; BOUNDARY=b\r\n\r\n--b\r\n"
	    "Content-Type: TEXT/PLAIN; CHARSET=X-UNKNOWN\r\n"
	    "Content-Transfer-Encoding: BASE64\r\n\r\n\r\n--b--\r\n");
	buf_clear(&out);
	mail_free_body(&body);
}

/* The same in a multipart and in one that is in it. */
static void
test_boundary_twice(void **state)
{
	BODY *body = multipart_new();
	PART *inner = body->nested.part->next->next->next;

	(void)state;
	fs_give((void **)&inner->body.parameter->value);
	inner->body.parameter->value = cpystr("=-=");
	rfc822_encode_body_7bit(NULL, body);
	assert_string_equal(inner->body.parameter->value, "=-=");
	assert_int_equal(strlen(body->parameter->value), 34);
	mail_free_body(&body);
}

static void
header_work(size_t n)
{
	ENVELOPE *env = mail_newenvelope();
	struct buf out;

	buf_init(&out, 0);
	env->subject = memory_alloc(n + 1);
	for (size_t i = 0; i < n; i++)
		env->subject[i] = i < n / 2 ? "a\r\n \r\n"[i % 6] : ' ';
	env->subject[n] = '\0';
	rfc822_output(NULL, env, NULL, collect, &out, NIL);
	buf_clear(&out);
	mail_free_envelope(&env);
}

static void
test_linear(void **state)
{
	(void)state;
	assert_true(linear(header_work, 40000));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_address),
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_buffer),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_envelope),
		cmocka_unit_test(test_remail),
		cmocka_unit_test(test_body_header),
		cmocka_unit_test(test_folds),
		cmocka_unit_test(test_injection),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_output),
		cmocka_unit_test(test_boundary),
		cmocka_unit_test(test_boundary_used),
		cmocka_unit_test(test_boundary_twice),
		cmocka_unit_test(test_no_text),
		cmocka_unit_test(test_linear),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
