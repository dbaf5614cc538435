/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A login over the loopback interface, through the real ports, as a client
 * does it.  Without --login it is that of a user who can't exist, and must be
 * refused: one such login and not one a port, since programs that watch the
 * log count them.
 */
#include "c-client/doctor/check.h"

#include <string.h>

#include "c-client/base/base64.h"
#include "c-client/base/config.h"
#include "c-client/base/fault.h"
#include "c-client/doctor/doctor.h"
#include "c-client/doctor/probe.h"
#include "c-client/doctor/report.h"
#include "c-client/server/service.h"
#include "ssl/tls.h"

#include "c-client/base/banned.h"

/* Seconds that a whole talk may take, besides what a refused login costs. */
#define TALK_SECS	60u

/* Lines of one answer; a server that says more is none of ours. */
#define LINES_MAX	1000u

/* A command: the answer ends with a line that begins with `end`, or with
 * `bad`, which POP3 has where an answer of several lines was expected; all is
 * well where it begins with `good`. */
struct step {
	const char *send, *end, *bad, *good;
};

static const struct language {
	const char *alpn;
	const char *greeting;	/* begins like this */
	const char *offer;	/* stands in the answer to `ask` */
	struct step ask, starttls, login, look, leave;
	const char *no;		/* how a refusal of `login` begins */
} languages[] = {
	{ "imap", "* OK", "STARTTLS",
	    { "c CAPABILITY", "c ", "* BYE", "c OK" },
	    { "t STARTTLS", "t ", "* BYE", "t OK" },
	    { "l AUTHENTICATE PLAIN", "l ", "* BYE", "l OK" },
	    { "e EXAMINE INBOX", "e ", "* BYE", "e OK" },
	    { "o LOGOUT", "o ", "o ", "o OK" },
	    "l NO" },
	{ "pop3", "+OK", "STLS",
	    { "CAPA", ".", "-ERR", "." },
	    { "STLS", "+OK", "-ERR", "+OK" },
	    { "AUTH PLAIN", "+OK", "-ERR", "+OK" },
	    { "STAT", "+OK", "-ERR", "+OK" },
	    { "QUIT", "+OK", "-ERR", "+OK" },
	    "-ERR" },
};

struct talk {
	const struct doctor *d;
	struct report *r;
	const struct language *language;
	uint16_t port;
	struct probe probe;
	bool offered;		/* TLS, in the answer to `ask` */
	bool in;		/* somebody was logged in, or refused */
};

static bool
begins(const char *line, const char *with)
{
	return strncmp(line, with, strlen(with)) == 0;
}

/* Send a line and read its answer.  0 if its last line begins with `good`;
 * the line is in *why else. */
static int
take(struct talk *t, const struct step *s, const char *line,
    const char *good, struct fault *why)
{
	const char *said = NULL;
	unsigned lines = 0;

	if (probe_send(&t->probe, line, why) == -1)
		return -1;
	do {
		if ((said = probe_line(&t->probe, why)) == NULL)
			return -1;
		if (strstr(said, t->language->offer) != NULL)
			t->offered = true;
		if (++lines == LINES_MAX)
			return fault_set(why, FAULT_LIMIT, "an endless "
			    "answer");
	} while (!begins(said, s->end) && !begins(said, s->bad));
	return begins(said, good) ? 0 : fault_set(why, FAULT_PERM,
	    "it says \"%.120s\"", said);
}

static int
take_well(struct talk *t, const struct step *s, struct fault *why)
{
	return take(t, s, s->send, s->good, why);
}

static int
greet(struct talk *t, struct fault *why)
{
	const char *said = probe_line(&t->probe, why);

	if (said == NULL)
		return -1;
	return begins(said, t->language->greeting) ? 0 : fault_set(why,
	    FAULT_PERM, "it greets with \"%.120s\"", said);
}

/* Credentials in base64 (RFC 4616); the command's line. */
static void
plain_line(const struct talk *t, const char *name, const char *password,
    struct buf *line)
{
	struct buf plain;

	buf_init(&plain, 0);
	buf_addc(&plain, '\0');
	buf_adds(&plain, name);
	buf_addc(&plain, '\0');
	buf_adds(&plain, password);
	buf_addf(line, "%s ", t->language->login.send);
	base64_encode(line, buf_span(&plain));
	explicit_bzero(plain.p, plain.cap);
	buf_clear(&plain);
}

static int
log_in(struct talk *t, const char *name, const char *password,
    const char *good, struct fault *why)
{
	struct buf line;
	int rc;

	buf_init(&line, 0);
	plain_line(t, name, password, &line);
	rc = take(t, &t->language->login, buf_string(&line), good, why);
	explicit_bzero(line.p, line.cap);
	buf_clear(&line);
	t->in = true;
	return rc;
}

/* The certificate as other programs of this machine see it: a client has its
 * own store, so this is no more than a note. */
static void
note_chain(struct talk *t)
{
	struct fault why;

	if (tls_client_verify(t->probe.tls, &why) == 0)
		report_ok(t->r, "port %u: %s; the chain leads to an authority "
		    "that this machine trusts", t->port,
		    tls_describe(t->probe.tls));
	else
		report_ok(t->r, "port %u: %s; for a client without our "
		    "authority: %s", t->port, tls_describe(t->probe.tls),
		    why.text);
}

static int
try_user(struct talk *t, struct fault *why)
{
	const struct doctor *d = t->d;

	if (d->login == NULL) {
		if (log_in(t, DOCTOR_NOBODY, "not a password",
		    t->language->no, why) == -1)
			return -1;
		report_ok(t->r, "port %u: %s, who can't exist, is refused; "
		    "the log has it as a failed login from 127.0.0.1",
		    t->port, DOCTOR_NOBODY);
		return 0;
	}
	if (d->password == NULL || d->user == NULL)
		return 0;
	/* A second refusal may be the one that locks an account. */
	if (report_has_failed(t->r, "account")) {
		report_unknown(t->r, "port %u: %s is not tried before what "
		    "FAILED above is mended", t->port, d->login);
		return 0;
	}
	if (log_in(t, d->login, d->password, t->language->login.good,
	    why) == -1 || take_well(t, &t->language->look, why) == -1)
		return -1;
	report_ok(t->r, "port %u: %s logs in, and INBOX can be opened",
	    t->port, d->login);
	return 0;
}

/* All that is said over one connection. */
static int
converse(struct talk *t, bool tls, bool login, struct fault *why)
{
	const struct language *l = t->language;

	if (tls && probe_secure(&t->probe, l->alpn, why) == -1)
		return -1;
	if (greet(t, why) == -1 || take_well(t, &l->ask, why) == -1)
		return -1;
	if (!tls && t->offered) {
		if (take_well(t, &l->starttls, why) == -1 ||
		    probe_secure(&t->probe, l->alpn, why) == -1 ||
		    take_well(t, &l->ask, why) == -1)
			return -1;
	}
	if (t->probe.tls != NULL)
		note_chain(t);
	else
		report_warning(t->r, "port %u does not offer TLS", t->port);
	if (login && (t->probe.tls != NULL ||
	    t->d->config->plaintext == CONFIG_PLAINTEXT_ALWAYS) &&
	    try_user(t, why) == -1)
		return -1;
	return take_well(t, &l->leave, why);
}

/* Where something else is wrong this was to be expected. */
static void
fail(struct talk *t, const struct fault *why)
{
	if (t->r->count[REPORT_FAILED] != 0)
		report_unknown(t->r, "port %u: %s; what FAILED above is to be "
		    "mended first", t->port, why->text);
	else
		report_failed(t->r, "port %u: %s", t->port, why->text);
}

/* True if somebody listened. */
static bool
try_port(struct talk *t, bool tls)
{
	const struct service *s = t->d->service;
	struct fault why = { .code = FAULT_NONE };
	bool open;

	t->port = tls ? s->tls_port : s->port;
	t->offered = false;
	open = probe_open(&t->probe, t->port, TALK_SECS +
	    t->d->config->fail_delay, &why) == 0;
	if ((open && converse(t, tls, !t->in, &why) == -1) ||
	    (!open && why.code != FAULT_NOTFOUND))
		fail(t, &why);
	else if (!open)
		report_ok(t->r, "port %u: nobody listens", t->port);
	probe_close(&t->probe);
	return open;
}

void
check_login(const struct doctor *d, struct report *r)
{
	struct talk t = { .d = d, .r = r };
	const struct fault none = { .text = "nobody listens" };
	bool listened;

	for (size_t i = 0; i < sizeof languages / sizeof languages[0]; i++)
		if (strcmp(languages[i].alpn, d->service->alpn) == 0)
			t.language = &languages[i];
	if (t.language == NULL)
		return;
	listened = try_port(&t, true);
	if (!try_port(&t, false) && !listened)
		fail(&t, &none);
}
