/* SPDX-License-Identifier: Apache-2.0 */
/* What each command before login does: a row of the table and a function. */
#include "imapd/prelogin_verb.h"

#include <string.h>

#include "c-client/base/bounds.h"
#include "c-client/base/log.h"
#include "c-client/server/prelogin.h"
#include "imapd/args.h"
#include "imapd/command.h"
#include "imapd/id.h"

#include "c-client/base/banned.h"

struct dialogue *
prelogin_dialogue(struct prelogin *p)
{
	return p->state;
}

void
prelogin_answer(struct prelogin *p, const char *status, const char *text)
{
	buf_adds(&p->out, prelogin_dialogue(p)->tag);
	buf_addc(&p->out, ' ');
	buf_adds(&p->out, status);
	buf_addc(&p->out, ' ');
	buf_adds(&p->out, text);
	buf_adds(&p->out, "\r\n");
}

enum prelogin_want
prelogin_bad(struct prelogin *p, const char *text)
{
	p->bad++;
	prelogin_answer(p, "BAD", text);
	return PRELOGIN_MORE;
}

static enum prelogin_want
ok(struct prelogin *p, const char *text)
{
	prelogin_answer(p, "OK", text);
	return PRELOGIN_MORE;
}

void
prelogin_capabilities(struct prelogin *p)
{
	struct command_facts facts = {
		.starttls = p->tls_offer && !p->tls,
		.plaintext = p->plaintext,
	};

	command_capabilities(&p->out, &facts);
}

static enum prelogin_want
run_capability(struct prelogin *p, struct args *a)
{
	if (!args_end(a))
		return prelogin_bad(p, a->error);
	buf_adds(&p->out, "* CAPABILITY ");
	prelogin_capabilities(p);
	buf_adds(&p->out, "\r\n");
	return ok(p, "CAPABILITY completed");
}

static enum prelogin_want
run_noop(struct prelogin *p, struct args *a)
{
	if (!args_end(a))
		return prelogin_bad(p, a->error);
	return ok(p, "NOOP completed");
}

static enum prelogin_want
run_logout(struct prelogin *p, struct args *a)
{
	if (!args_end(a))
		return prelogin_bad(p, a->error);
	buf_adds(&p->out,
	    "* BYE IMAP4rev1 server terminating connection\r\n");
	ok(p, "LOGOUT completed");
	log_line(LOG_INFO, "Logout user=??? host=%s", p->client);
	return PRELOGIN_CLOSE;
}

static enum prelogin_want
run_starttls(struct prelogin *p, struct args *a)
{
	if (!args_end(a))
		return prelogin_bad(p, a->error);
	if (p->tls)
		return prelogin_bad(p, "TLS is active already");
	if (!p->tls_offer) {
		prelogin_answer(p, "NO",
		    "[UNAVAILABLE] There is no certificate");
		return PRELOGIN_MORE;
	}
	ok(p, "Begin TLS negotiation now");
	return PRELOGIN_STARTTLS;
}

static enum prelogin_want
run_id(struct prelogin *p, struct args *a)
{
	struct buf said;
	bool good;

	buf_init(&said, 2000);
	if ((good = id_parse(a, &said)))
		log_line(LOG_DEBUG, "ID user=??? host=%s %s", p->client,
		    buf_string(&said));
	buf_clear(&said);
	if (!good)
		return prelogin_bad(p, a->error);
	id_write(&p->out);
	buf_adds(&p->out, "\r\n");
	return ok(p, "ID completed");
}

/* The credentials are complete. */
static enum prelogin_want
log_in(struct prelogin *p)
{
	memcpy(p->credentials.tag, prelogin_dialogue(p)->tag, sizeof
	    p->credentials.tag);
	return PRELOGIN_LOGIN;
}

static enum prelogin_want
run_login(struct prelogin *p, struct args *a)
{
	struct credentials *c = &p->credentials;
	struct span user, password;

	if (!args_space(a) || !args_astring(a, &user) || !args_space(a) ||
	    !args_astring(a, &password) || !args_end(a))
		return prelogin_bad(p, a->error);
	memset(c, 0, sizeof *c);
	if (user.n == 0 || user.n > BOUND_USER ||
	    password.n > BOUND_PASSWORD) {
		p->bad++;
		prelogin_answer(p, "NO",
		    "[AUTHENTICATIONFAILED] Invalid login credentials");
		return PRELOGIN_MORE;
	}
	memcpy(c->user, user.p, user.n);
	memcpy(c->password, password.p, password.n);
	return log_in(p);
}

enum prelogin_want
prelogin_sasl_next(struct prelogin *p, enum sasl_step step,
    struct buf *challenge)
{
	struct dialogue *d = prelogin_dialogue(p);

	d->in_sasl = false;
	switch (step) {
	case SASL_CHALLENGE:
		d->in_sasl = true;
		/* The blank has to be there even if nothing follows it. */
		buf_adds(&p->out, "+ ");
		buf_addspan(&p->out, buf_span(challenge));
		buf_adds(&p->out, "\r\n");
		return PRELOGIN_MORE;
	case SASL_DONE:
		return log_in(p);
	case SASL_CANCELLED:
		return prelogin_bad(p, "Cancelled");
	case SASL_UNKNOWN:
		p->bad++;
		prelogin_answer(p, "NO", "[CANNOT] Unknown mechanism");
		return PRELOGIN_MORE;
	case SASL_BAD:
		break;
	}
	return prelogin_bad(p, "Malformed authentication response");
}

static enum prelogin_want
run_authenticate(struct prelogin *p, struct args *a)
{
	struct dialogue *d = prelogin_dialogue(p);
	struct span mechanism, initial, *given = NULL;
	enum prelogin_want want;
	enum sasl_step step;
	struct buf challenge;

	if (!args_space(a) || !args_atom(a, &mechanism))
		return prelogin_bad(p, a->error);
	if (!args_is_end(a)) {
		if (!args_space(a) || !args_word(a, &initial) || !args_end(a))
			return prelogin_bad(p, a->error);
		given = &initial;
	}
	buf_init(&challenge, 0);
	step = sasl_begin(&d->sasl, mechanism, given, &p->credentials,
	    &challenge);
	want = prelogin_sasl_next(p, step, &challenge);
	buf_clear(&challenge);
	return want;
}

static const struct verb verbs[] = {
	{ .name = "AUTHENTICATE", .password = true, .run = run_authenticate },
	{ .name = "CAPABILITY", .run = run_capability },
	{ .name = "ID", .literals = true, .run = run_id },
	{ .name = "LOGIN", .literals = true, .password = true,
	  .run = run_login },
	{ .name = "LOGOUT", .run = run_logout },
	{ .name = "NOOP", .run = run_noop },
	{ .name = "STARTTLS", .run = run_starttls },
};

const struct verb *
prelogin_verb_find(struct span name)
{
	for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
		if (span_is(name, verbs[i].name))
			return &verbs[i];
	return NULL;
}
