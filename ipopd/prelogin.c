/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POP3's AUTHORIZATION state: collects credentials and asks the front to have
 * them checked.  It knows no password, does no I/O, and never sees a mailbox.
 */
#include "ipopd/prelogin.h"

#include <string.h>

#include "c-client/base/memory.h"
#include "c-client/server/prelogin.h"
#include "c-client/server/sasl.h"
#include "c-client/server/service.h"
#include "ipopd/line.h"
#include "ipopd/reply.h"

#include "c-client/base/banned.h"

/* Commands that a client may send before it is logged in, good ones too;
 * beyond, the connection ends.  A client needs about ten. */
#define COMMANDS_MAX	200u

struct dialogue {
	struct line_reader lines;
	struct sasl sasl;
	unsigned commands;
	bool in_sasl;		/* the next line is a response */
	bool have_user;		/* PASS may follow */
};

static void
forget(struct prelogin *p)
{
	struct dialogue *d = p->state;

	explicit_bzero(&p->credentials, sizeof p->credentials);
	d->in_sasl = d->have_user = false;
}

static enum prelogin_want
bad(struct prelogin *p, const char *text)
{
	p->bad++;
	reply_err(&p->out, NULL, "%s", text);
	return PRELOGIN_MORE;
}

/* Where a password may not be sent, say so before the client sends it. */
static enum prelogin_want
no_plaintext(struct prelogin *p, struct span user)
{
	prelogin_log_disabled(p, user);
	return bad(p, p->tls_offer ?
	    "No passwords without encryption: STLS first" :
	    "No passwords without encryption on this server");
}

static enum prelogin_want
cmd_user(struct prelogin *p, const struct line *l)
{
	struct dialogue *d = p->state;

	forget(p);
	if (!p->plaintext)
		return no_plaintext(p, l->args);
	if (l->args.n == 0)
		return bad(p, "USER needs a name");
	if (l->args.n > BOUND_USER)
		return bad(p, "This name is too long");
	memcpy(p->credentials.user, l->args.p, l->args.n);
	p->credentials.user[l->args.n] = '\0';
	d->have_user = true;
	reply_ok(&p->out, "Name accepted, PASS is next");
	return PRELOGIN_MORE;
}

/* RFC 1939 section 7: all behind the one blank is the password. */
static enum prelogin_want
cmd_pass(struct prelogin *p, const struct line *l)
{
	struct dialogue *d = p->state;

	if (!p->plaintext)
		return no_plaintext(p, (struct span){ "", 0 });
	if (!d->have_user)
		return bad(p, "USER comes before PASS");
	d->have_user = false;
	if (l->rest.n == 0 || l->rest.n > BOUND_PASSWORD) {
		forget(p);
		return bad(p, "PASS needs a password");
	}
	memcpy(p->credentials.password, l->rest.p, l->rest.n);
	p->credentials.password[l->rest.n] = '\0';
	p->credentials.mechanism[0] = '\0';
	return PRELOGIN_LOGIN;
}

/* What a step of a SASL dialogue means for ours. */
static enum prelogin_want
sasl_step(struct prelogin *p, enum sasl_step step, struct span challenge)
{
	struct dialogue *d = p->state;

	d->in_sasl = step == SASL_CHALLENGE;
	switch (step) {
	case SASL_CHALLENGE:
		reply_challenge(&p->out, challenge);
		return PRELOGIN_MORE;
	case SASL_DONE:
		return PRELOGIN_LOGIN;
	case SASL_CANCELLED:
		return bad(p, "Authentication cancelled");
	case SASL_UNKNOWN:
		return bad(p, "Unknown authentication mechanism");
	case SASL_BAD:
		break;
	}
	return bad(p, "Malformed authentication response");
}

static enum prelogin_want
cmd_auth(struct prelogin *p, const struct line *l)
{
	struct dialogue *d = p->state;
	struct span initial = l->args, name = line_word(&initial);
	enum prelogin_want want;
	enum sasl_step step;
	struct buf challenge;

	forget(p);
	if (name.n == 0) {
		reply_mechanisms(&p->out, p->plaintext);
		return PRELOGIN_MORE;
	}
	if (!p->plaintext)
		return no_plaintext(p, (struct span){ "", 0 });
	buf_init(&challenge, SASL_LINE_MAX);
	step = sasl_begin(&d->sasl, name, initial.n == 0 ? NULL : &initial,
	    &p->credentials, &challenge);
	want = sasl_step(p, step, buf_span(&challenge));
	buf_clear(&challenge);
	return want;
}

static enum prelogin_want
sasl_line(struct prelogin *p, struct span line)
{
	struct dialogue *d = p->state;
	enum prelogin_want want;
	enum sasl_step step;
	struct buf challenge;

	buf_init(&challenge, SASL_LINE_MAX);
	step = sasl_input(&d->sasl, line, &challenge);
	want = sasl_step(p, step, buf_span(&challenge));
	buf_clear(&challenge);
	return want;
}

static enum prelogin_want
cmd_capa(struct prelogin *p, const struct line *l)
{
	struct reply_capa have = {
		.stls = p->tls_offer && !p->tls,
		.plaintext = p->plaintext,
	};

	(void)l;
	reply_capa(&p->out, &have);
	return PRELOGIN_MORE;
}

static enum prelogin_want
cmd_stls(struct prelogin *p, const struct line *l)
{
	(void)l;
	if (p->tls)
		return bad(p, "TLS is there already");
	if (!p->tls_offer)
		return bad(p, "STLS is not possible: no certificate");
	reply_ok(&p->out, "Begin TLS negotiation now");
	return PRELOGIN_STARTTLS;
}

static enum prelogin_want
cmd_quit(struct prelogin *p, const struct line *l)
{
	(void)l;
	reply_ok(&p->out, "Sayonara");
	return PRELOGIN_CLOSE;
}

/* What clients try and may go on without is refused without being counted. */
static enum prelogin_want
cmd_not_here(struct prelogin *p, const struct line *l)
{
	(void)l;
	reply_err(&p->out, NULL, "This server doesn't have this command");
	return PRELOGIN_MORE;
}

static const struct {
	const char *verb;
	enum prelogin_want (*run)(struct prelogin *, const struct line *);
} commands[] = {
	{ "USER", cmd_user },
	{ "PASS", cmd_pass },
	{ "AUTH", cmd_auth },
	{ "CAPA", cmd_capa },
	{ "STLS", cmd_stls },
	{ "QUIT", cmd_quit },
	{ "APOP", cmd_not_here },
	{ "UTF8", cmd_not_here },
	{ "LANG", cmd_not_here },
};

static enum prelogin_want
command(struct prelogin *p, struct span text)
{
	struct line l;

	line_split(text, &l);
	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
		if (span_is(l.verb, commands[i].verb))
			return commands[i].run(p, &l);
	if (l.verb.n == 0)
		prelogin_log_bad(p, "Null command");
	return bad(p, "Unknown command before login");
}

static void
pop_greet(struct prelogin *p)
{
	p->state = memory_zalloc(sizeof(struct dialogue));
	reply_ok(&p->out, "POP3 server ready");
}

static enum prelogin_want
line_done(struct prelogin *p, enum line_event event, struct span line)
{
	struct dialogue *d = p->state;

	if (event == LINE_TOOBIG) {
		prelogin_log_bad(p, "Line too long");
		bad(p, "Line too long");
		return PRELOGIN_CLOSE;
	}
	if (++d->commands > COMMANDS_MAX) {
		bad(p, "Too many commands before login");
		return PRELOGIN_CLOSE;
	}
	if (event == LINE_BAD) {
		forget(p);
		return bad(p, "NUL in a line");
	}
	return d->in_sasl ? sasl_line(p, line) : command(p, line);
}

static enum prelogin_want
pop_input(struct prelogin *p)
{
	struct dialogue *d = p->state;
	enum prelogin_want want = PRELOGIN_MORE;
	size_t done = 0;

	while (want == PRELOGIN_MORE && p->bad < BOUND_BAD_COMMANDS) {
		struct span line;
		size_t used;
		enum line_event event = line_next(&d->lines,
		    span_slice(buf_span(&p->in), done, p->in.n), &used, &line);

		done += used;
		if (event == LINE_MORE)
			break;
		want = line_done(p, event, line);
		if (p->out.full)
			want = PRELOGIN_CLOSE;
	}
	buf_consume(&p->in, done);
	return want;
}

static void
pop_secured(struct prelogin *p)
{
	struct dialogue *d = p->state;

	forget(p);
	d->lines = (struct line_reader){ 0 };
}

static void
pop_refused(struct prelogin *p, enum prelogin_verdict verdict)
{
	forget(p);
	if (verdict == PRELOGIN_TEMPORARY)
		reply_err(&p->out, "SYS/TEMP",
		    "Logging in is not possible now; try again later");
	else
		reply_err(&p->out, "AUTH", "Bad login");
}

/*
 * RFC 1939 section 3: a connection that was idle is closed without a word,
 * and one that was closed for its errors has had its answer.
 */
static void
pop_bye(struct prelogin *p, enum prelogin_end why)
{
	forget(p);
	if (why == PRELOGIN_END_UNAVAILABLE)
		reply_err(&p->out, "SYS/TEMP",
		    "The server is out of order; try again later");
}

const struct prelogin_ops prelogin_pop = {
	.greet = pop_greet,
	.input = pop_input,
	.secured = pop_secured,
	.refused = pop_refused,
	.bye = pop_bye,
};
