/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies made fit for a transport (RFC 2045 6, RFC 2046 5.1.1). */
#include "c-client/api/rfc822_private.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "c-client/base/bounds.h"
#include "c-client/base/clock.h"

#include "c-client/base/banned.h"

/* RFC 2046 5.1.1. */
#define BOUNDARY_OCTETS	70u

/* Can it stand in a delimiter line?  No control octets, no blank at the end,
 * not too long; other octets that the RFC doesn't like do no harm. */
static bool
is_boundary(const char *s)
{
	size_t n;

	for (n = 0; s != NULL && s[n] != '\0' && n <= BOUNDARY_OCTETS; n++)
		if ((unsigned char)s[n] < ' ' || s[n] == 0x7f)
			return false;
	return n > 0 && n <= BOUNDARY_OCTETS && s[n - 1] != ' ';
}

/* One that nobody has used: "=_" can't be in a coded body (RFC 2045 6.7). */
static char *
boundary_new(void)
{
	uint64_t random[2];
	char text[40];

	if (getrandom(random, sizeof random, 0) != sizeof random) {
		random[0] = (uint64_t)clock_now();
		random[1] = (uint64_t)getpid();
	}
	snprintf(text, sizeof text, "=_%016llx%016llx",
	    (unsigned long long)random[0], (unsigned long long)random[1]);
	return cpystr(text);
}

/* Does a line begin with `delimiter`? */
static bool
has_line(const SIZEDTEXT *text, const char *delimiter)
{
	size_t n = strlen(delimiter);
	const char *p, *at;

	if (text->data == NULL)
		return false;
	p = at = (const char *)text->data;
	while ((at = memmem(at, text->size - (size_t)(at - p), delimiter,
	    n)) != NULL) {
		if (at == p || at[-1] == '\n' || at[-1] == '\r')
			return true;
		at++;
	}
	return false;
}

/* Is its own boundary this one, or does it begin with it? */
static bool
has_boundary(const BODY *multipart, const char *boundary)
{
	const PARAMETER *own = rfc822_parameter(multipart->parameter,
	    "BOUNDARY");

	return own != NULL && own->value != NULL &&
	    strncmp(own->value, boundary, strlen(boundary)) == 0;
}

/* Is there such a line in what a multipart has inside (RFC 2046 5.1.1)? */
static bool
is_used(const PART *p, const char *delimiter, size_t depth)
{
	for (; p != NULL; p = p->next) {
		const BODY *b = &p->body;
		bool leaf = b->type != TYPEMULTIPART ||
		    depth >= BOUND_MIME_DEPTH;

		if (leaf ? has_line(&b->contents.text, delimiter) :
		    has_boundary(b, delimiter + 2) ||
		    is_used(b->nested.part, delimiter, depth + 1))
			return true;
	}
	return false;
}

/* For a multipart whose parts are encoded already.  Programs look for it with
 * strcmp(): the name is in upper case. */
static void
boundary_make(BODY *body, size_t depth)
{
	PARAMETER *p = rfc822_parameter(body->parameter, "BOUNDARY");
	PARAMETER **last = &body->parameter;
	char delimiter[2 + BOUNDARY_OCTETS + 1];

	if (p == NULL) {
		while (*last != NULL)
			last = &(*last)->next;
		*last = p = mail_newbody_parameter();
	}
	fs_give((void **)&p->attribute);
	p->attribute = cpystr("BOUNDARY");
	if (is_boundary(p->value)) {
		snprintf(delimiter, sizeof delimiter, "--%s", p->value);
		if (!is_used(body->nested.part, delimiter, depth + 1))
			return;
	}
	fs_give((void **)&p->value);
	p->value = boundary_new();
}

static void
text_replace(BODY *body, unsigned char *(*code)(SIZEDTEXT *, unsigned long *))
{
	SIZEDTEXT *text = &body->contents.text;
	unsigned char *coded;
	unsigned long n;

	if (text->data == NULL)
		return;
	coded = code(text, &n);
	fs_give((void **)&text->data);
	text->data = coded;
	text->size = n;
}

static unsigned char *
quoted_printable(SIZEDTEXT *text, unsigned long *n)
{
	return rfc822_8bit(text->data, text->size, n);
}

static unsigned char *
base64(SIZEDTEXT *text, unsigned long *n)
{
	return rfc822_binary(text->data, text->size, n);
}

static void
complain(const char *what)
{
	char text[80];

	snprintf(text, sizeof text, "%s included message is sent as it is",
	    what);
	mm_log(text, PARSE);
}

static void
encode(BODY *body, bool ok8bit, size_t depth)
{
	bool quote = body->encoding == ENC8BIT && !ok8bit;

	if (body->type == TYPEMULTIPART && depth < BOUND_MIME_DEPTH) {
		for (PART *p = body->nested.part; p != NULL; p = p->next)
			encode(&p->body, ok8bit, depth + 1);
		boundary_make(body, depth);
	} else if (body->type == TYPEMESSAGE) {
		if (quote)
			complain("8-bit");
		if (body->encoding == ENCBINARY)
			complain("Binary");
	} else if (quote) {
		text_replace(body, quoted_printable);
		body->encoding = ENCQUOTEDPRINTABLE;
	} else if (body->encoding == ENCBINARY) {
		text_replace(body, base64);
		body->encoding = ENCBASE64;
	}
}

void
rfc822_encode_body_7bit(ENVELOPE *env, BODY *body)
{
	(void)env;
	encode(body, false, 0);
}

void
rfc822_encode_body_8bit(ENVELOPE *env, BODY *body)
{
	(void)env;
	encode(body, true, 0);
}
