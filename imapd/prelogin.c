/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IMAP before login: what comes is cut into commands and SASL responses.
 * Everything here is written for a stranger: no command costs more than a few
 * kilobytes, and three bad ones are the end.
 */
#include "imapd/prelogin.h"

#include <stdlib.h>
#include <string.h>

#include "c-client/base/arena.h"
#include "c-client/base/bounds.h"
#include "c-client/base/memory.h"
#include "c-client/server/prelogin.h"
#include "c-client/server/sasl.h"
#include "imapd/args.h"
#include "imapd/command.h"
#include "imapd/prelogin_verb.h"
#include "imapd/wire.h"

#include "c-client/base/banned.h"

/* A parsed command takes no more than its text. */
#define ARENA_MAX	(2 * BOUND_TEXT_PRELOGIN)

/*
 * Tag and name; the arguments stay in `a`.  NULL, with what is wrong in
 * *error, if it is no command for now.
 */
static const struct verb *
parse_head(struct prelogin *p, struct args *a, const char **error)
{
	struct dialogue *d = prelogin_dialogue(p);
	struct span text = wire_text(&d->wire), tag, name;
	const struct verb *v;

	memcpy(d->tag, "*", 2);
	args_init(a, d->arena, text);
	*error = "Null command";
	if (text.n == 0) {
		prelogin_log_bad(p, "Null command");
		return NULL;
	}
	if (!args_tag(a, &tag)) {
		*error = a->error;
		return NULL;
	}
	memcpy(d->tag, tag.p, tag.n);
	d->tag[tag.n] = '\0';
	*error = "Missing command";
	if (args_is_end(a)) {
		prelogin_log_bad(p, "Missing command");
		return NULL;
	}
	*error = "Bad command";
	if (!args_space(a) || !args_atom(a, &name))
		return NULL;
	if ((v = prelogin_verb_find(name)) != NULL)
		return v;
	*error = command_find(name, false) != NULL || span_is(name, "UID") ?
	    "Log in first" : "Unknown command";
	return NULL;
}

/* A password where none may be sent: refused, and seen by those who watch
 * the log.  The name is taken from the command if it is there already. */
static void
refuse_password(struct prelogin *p, const struct verb *v, struct args *a)
{
	struct span user = { "", 0 };

	if (v->literals && args_space(a) && !args_astring(a, &user))
		user.n = 0;
	prelogin_log_disabled(p, user);
	prelogin_answer(p, "NO", "[PRIVACYREQUIRED] No passwords without TLS");
}

static bool
is_refused(const struct prelogin *p, const struct verb *v)
{
	return v->password && !p->plaintext;
}

/* Something that speaks another protocol by mistake, or on purpose. */
static bool
is_http(struct span text)
{
	return span_find_nocase(span_slice(text, text.n < 9 ? 0 : text.n - 9,
	    9), SPAN(" HTTP/")) != -1;
}

static void
close_with(struct prelogin *p, const char *line)
{
	buf_adds(&p->out, line);
}

static enum prelogin_want
run_command(struct prelogin *p)
{
	struct dialogue *d = prelogin_dialogue(p);
	const struct verb *v;
	struct args a;
	const char *error;

	v = parse_head(p, &a, &error);
	if (v == NULL && is_http(wire_text(&d->wire))) {
		close_with(p, "* BYE This is an IMAP server\r\n");
		return PRELOGIN_CLOSE;
	}
	if (v == NULL)
		return prelogin_bad(p, error);
	if (is_refused(p, v)) {
		refuse_password(p, v, &a);
		return PRELOGIN_MORE;
	}
	return v->run(p, &a);
}

/* Behind it, what is left of the command is skipped. */
static enum prelogin_want
run_skipped(struct prelogin *p)
{
	struct dialogue *d = prelogin_dialogue(p);
	const struct verb *v;
	struct args a;
	const char *error;

	v = parse_head(p, &a, &error);
	if (d->wire.lost) {
		close_with(p, "* BYE [TOOBIG] Literal too large\r\n");
		return PRELOGIN_CLOSE;
	}
	if (v == NULL)
		return prelogin_bad(p, error);
	if (is_refused(p, v)) {
		refuse_password(p, v, &a);
		return PRELOGIN_MORE;
	}
	return prelogin_bad(p, d->wire.over ? "Literal too large" :
	    "No literal is expected here");
}

/* A literal is continued only where it can be of use. */
static void
take_literal(struct prelogin *p)
{
	struct dialogue *d = prelogin_dialogue(p);
	const struct verb *v;
	struct args a;
	const char *error;

	v = parse_head(p, &a, &error);
	if (v == NULL || !v->literals || is_refused(p, v))
		wire_refuse(&d->wire);
	else if (wire_keep(&d->wire) && d->wire.sync)
		buf_adds(&p->out, "+ Ready for the literal\r\n");
}

static enum prelogin_want
too_long(struct prelogin *p)
{
	prelogin_log_bad(p, "Line too long");
	close_with(p, "* BYE [TOOBIG] Line too long\r\n");
	return PRELOGIN_CLOSE;
}

/* One line of a SASL dialogue.  False if it is not complete. */
static bool
take_response(struct prelogin *p, enum prelogin_want *want)
{
	struct dialogue *d = prelogin_dialogue(p);
	struct span line = buf_span(&p->in);
	ptrdiff_t lf = span_find_char(line, '\n');
	struct buf challenge;

	if (lf == -1) {
		*want = line.n > SASL_LINE_MAX + 1 ? too_long(p) :
		    PRELOGIN_MORE;
		return *want != PRELOGIN_MORE;
	}
	line.n = (size_t)lf;
	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	buf_init(&challenge, 0);
	*want = prelogin_sasl_next(p, sasl_input(&d->sasl, line, &challenge),
	    &challenge);
	buf_clear(&challenge);
	explicit_bzero(p->in.p, (size_t)lf);
	buf_consume(&p->in, (size_t)lf + 1);
	return true;
}

/* What the text held may have been a password. */
static void
forget_command(struct dialogue *d)
{
	arena_reset(d->arena);
	if (d->wire.text.p != NULL)
		explicit_bzero(d->wire.text.p, d->wire.text.n);
}

/* Consume one command.  False if it is not complete. */
static bool
take_command(struct prelogin *p, enum prelogin_want *want)
{
	struct dialogue *d = prelogin_dialogue(p);
	size_t used;
	enum wire_event e = wire_feed(&d->wire, buf_span(&p->in), &used);

	if (used > 0)
		explicit_bzero(p->in.p, used);
	buf_consume(&p->in, used);
	*want = PRELOGIN_MORE;
	/* A line that is over the limit is not waited for to end. */
	if (d->wire.over && d->wire.long_line) {
		*want = too_long(p);
		return true;
	}
	switch (e) {
	case WIRE_MORE:
		return false;
	case WIRE_LITERAL:
		take_literal(p);
		break;
	case WIRE_PIECE:
		break;
	case WIRE_COMMAND:
		*want = run_command(p);
		forget_command(d);
		break;
	case WIRE_SKIPPED:
		*want = run_skipped(p);
		forget_command(d);
		break;
	}
	return true;
}

static enum prelogin_want
imap_input(struct prelogin *p)
{
	enum prelogin_want want = PRELOGIN_MORE;

	while (want == PRELOGIN_MORE && p->bad < BOUND_BAD_COMMANDS) {
		if (prelogin_dialogue(p)->in_sasl) {
			if (!take_response(p, &want))
				break;
		} else if (!take_command(p, &want))
			break;
	}
	return want;
}

static void
imap_greet(struct prelogin *p)
{
	struct dialogue *d = memory_zalloc(sizeof *d);

	wire_init(&d->wire, &wire_prelogin);
	d->arena = arena_new(ARENA_MAX);
	memcpy(d->tag, "*", 2);
	p->state = d;
	buf_adds(&p->out, "* OK [CAPABILITY ");
	prelogin_capabilities(p);
	buf_adds(&p->out, "] IMAP4rev1 server ready\r\n");
}

static void
imap_secured(struct prelogin *p)
{
	struct dialogue *d = prelogin_dialogue(p);

	wire_clear(&d->wire);
	wire_init(&d->wire, &wire_prelogin);
	arena_reset(d->arena);
	d->in_sasl = false;
	memset(&p->credentials, 0, sizeof p->credentials);
}

static void
imap_refused(struct prelogin *p, enum prelogin_verdict verdict)
{
	prelogin_answer(p, "NO", verdict == PRELOGIN_DENIED ?
	    "[AUTHENTICATIONFAILED] Invalid login credentials" :
	    "[UNAVAILABLE] Logging in is not possible now");
}

static void
imap_bye(struct prelogin *p, enum prelogin_end why)
{
	static const char *const lines[] = {
		[PRELOGIN_END_TIMEOUT] = "* BYE Autologout\r\n",
		[PRELOGIN_END_TRIES] = "* BYE Too many failures\r\n",
		[PRELOGIN_END_UNAVAILABLE] =
		    "* BYE [UNAVAILABLE] Service not available\r\n",
	};

	close_with(p, lines[why]);
}

void
prelogin_imap_free(struct prelogin *p)
{
	struct dialogue *d = prelogin_dialogue(p);

	wire_clear(&d->wire);
	arena_free(d->arena);
	free(d);
	p->state = NULL;
	buf_clear(&p->in);
	buf_clear(&p->out);
}

const struct prelogin_ops prelogin_ops_imap = {
	.greet = imap_greet,
	.input = imap_input,
	.secured = imap_secured,
	.refused = imap_refused,
	.bye = imap_bye,
};
