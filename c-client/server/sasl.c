/* SPDX-License-Identifier: Apache-2.0 */
/* SASL mechanisms that carry a password: PLAIN and LOGIN. */
#include "c-client/server/sasl.h"

#include <string.h>

#include "c-client/base/base64.h"
#include "c-client/base/bounds.h"
#include "c-client/server/service.h"

#include "c-client/base/banned.h"

struct sasl_mechanism {
	const char *name;
	/* What is sent before response 0, 1 ...; NULL behind the last one. */
	const char *challenges[3];
	/* Takes response `step`, decoded.  False: malformed. */
	bool (*response)(struct credentials *, unsigned step, struct span);
};

/* A NUL would hide what is behind it from all who read a C string. */
static bool
take(char *to, size_t max, struct span s)
{
	if (s.n == 0 || s.n > max || memchr(s.p, '\0', s.n) != NULL)
		return false;
	memcpy(to, s.p, s.n);
	to[s.n] = '\0';
	return true;
}

/*
 * message = [authzid] UTF8NUL authcid UTF8NUL passwd (RFC 4616 2).  Nobody
 * may act for another here, so an authzid has to name the same user.
 */
static bool
plain_response(struct credentials *c, unsigned step, struct span s)
{
	struct span zid, cid, rest;
	ptrdiff_t first, second;

	(void)step;
	if ((first = span_find_char(s, '\0')) == -1)
		return false;
	zid = span_slice(s, 0, (size_t)first);
	rest = span_slice(s, (size_t)first + 1, s.n);
	if ((second = span_find_char(rest, '\0')) == -1)
		return false;
	cid = span_slice(rest, 0, (size_t)second);
	rest = span_slice(rest, (size_t)second + 1, rest.n);
	if (zid.n != 0 && !span_eq(zid, cid))
		return false;
	return take(c->user, BOUND_USER, cid) &&
	    take(c->password, BOUND_PASSWORD, rest);
}

static bool
login_response(struct credentials *c, unsigned step, struct span s)
{
	return step == 0 ? take(c->user, BOUND_USER, s) :
	    take(c->password, BOUND_PASSWORD, s);
}

static const struct sasl_mechanism mechanisms[] = {
	{ "PLAIN", { "" }, plain_response },
	{ "LOGIN", { "Username:", "Password:" }, login_response },
};

#define MECHANISMS	(sizeof mechanisms / sizeof mechanisms[0])

const char *
sasl_name(size_t i)
{
	return i < MECHANISMS ? mechanisms[i].name : NULL;
}

/* Wipes what a failed dialogue left behind. */
static enum sasl_step
give_up(struct sasl *s, enum sasl_step step)
{
	explicit_bzero(s->credentials->password,
	    sizeof s->credentials->password);
	s->credentials->user[0] = '\0';
	s->mechanism = NULL;
	return step;
}

static enum sasl_step
challenge_or_done(struct sasl *s, struct buf *challenge)
{
	const char *text = s->mechanism->challenges[s->step];

	if (text == NULL)
		return SASL_DONE;
	base64_encode(challenge, span_of(text));
	return SASL_CHALLENGE;
}

static enum sasl_step
respond(struct sasl *s, struct span decoded, struct buf *challenge)
{
	if (!s->mechanism->response(s->credentials, s->step, decoded))
		return give_up(s, SASL_BAD);
	s->step++;
	return challenge_or_done(s, challenge);
}

enum sasl_step
sasl_input(struct sasl *s, struct span line, struct buf *challenge)
{
	enum sasl_step step;
	struct buf decoded;

	if (s->mechanism == NULL)
		return SASL_BAD;
	if (line.n == 1 && line.p[0] == '*')
		return give_up(s, SASL_CANCELLED);
	if (line.n > SASL_LINE_MAX)
		return give_up(s, SASL_BAD);
	buf_init(&decoded, SASL_LINE_MAX);
	if (base64_decode_strict(line, &decoded))
		step = respond(s, buf_span(&decoded), challenge);
	else
		step = give_up(s, SASL_BAD);
	if (decoded.p != NULL)
		explicit_bzero(decoded.p, decoded.cap);
	buf_clear(&decoded);
	return step;
}

enum sasl_step
sasl_begin(struct sasl *s, struct span name, const struct span *initial,
    struct credentials *out, struct buf *challenge)
{
	*s = (struct sasl){ .credentials = out };
	for (size_t i = 0; i < MECHANISMS; i++)
		if (span_is(name, mechanisms[i].name))
			s->mechanism = &mechanisms[i];
	if (s->mechanism == NULL)
		return give_up(s, SASL_UNKNOWN);
	out->user[0] = out->password[0] = '\0';
	memset(out->mechanism, 0, sizeof out->mechanism);
	memcpy(out->mechanism, s->mechanism->name,
	    strlen(s->mechanism->name));
	if (initial == NULL)
		return challenge_or_done(s, challenge);
	if (initial->n == 1 && initial->p[0] == '=')
		return respond(s, (struct span){ "", 0 }, challenge);
	/* An empty word is no initial response, and "*" cancels nothing yet. */
	if (initial->n == 0 || initial->p[0] == '*')
		return give_up(s, SASL_BAD);
	return sasl_input(s, *initial, challenge);
}
