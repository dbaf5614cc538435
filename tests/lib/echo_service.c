/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A protocol of a few words, for tests: what works with it shows that server/
 * knows neither IMAP nor POP3.  Lines end in CRLF or LF.
 *
 *	before login	LOGIN USER PASSWORD, AUTH MECHANISM [BASE64], STARTTLS,
 *			STATE, ATTACK KIND (what a front that was taken over
 *			would try), QUIT
 *	in the session	ECHO WORDS, FILL OCTETS (of "x"), WHO, ABORT,
 *			SLEEP SECONDS, EXIT STATUS, QUIT
 */
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "c-client/base/config.h"
#include "c-client/base/log.h"
#include "c-client/base/memory.h"
#include "c-client/base/span.h"
#include "c-client/server/prelogin.h"
#include "c-client/server/privsep.h"
#include "c-client/server/sasl.h"
#include "c-client/server/service.h"
#include "c-client/server/start.h"
#include "c-client/server/stream.h"

#include "c-client/base/banned.h"

struct state {
	struct sasl sasl;
	bool in_sasl;
};

/* Take one line without its end from `in` into *line (in `room`). */
static bool
take_line(struct buf *in, struct buf *room, struct span *line)
{
	ptrdiff_t end = span_find_char(buf_span(in), '\n');

	if (end == -1)
		return false;
	buf_reset(room);
	buf_add(room, in->p, (size_t)end);
	buf_consume(in, (size_t)end + 1);
	*line = span_trim(buf_span(room));
	return true;
}

static struct span
word(struct span *left)
{
	ptrdiff_t blank = span_find_char(*left, ' ');
	size_t n = blank == -1 ? left->n : (size_t)blank;
	struct span found = span_slice(*left, 0, n);

	*left = span_slice(*left, n + 1, left->n);
	return found;
}

static void
greet(struct prelogin *p)
{
	p->state = memory_zalloc(sizeof(struct state));
	buf_addf(&p->out, "HELLO %s%s\r\n", p->tls ? "tls" : "clear",
	    p->tls_offer ? " starttls" : "");
}

static enum prelogin_want
sasl_result(struct prelogin *p, enum sasl_step step, struct buf *challenge)
{
	struct state *s = p->state;

	s->in_sasl = step == SASL_CHALLENGE;
	if (s->in_sasl) {
		buf_adds(&p->out, "+ ");
		buf_addspan(&p->out, buf_span(challenge));
		buf_adds(&p->out, "\r\n");
	} else if (step != SASL_DONE) {
		p->bad += step == SASL_BAD;
		buf_adds(&p->out, step == SASL_CANCELLED ? "CANCELLED\r\n" :
		    "BAD\r\n");
	}
	return step == SASL_DONE ? PRELOGIN_LOGIN : PRELOGIN_MORE;
}

static enum prelogin_want
do_auth(struct prelogin *p, struct span arguments)
{
	struct state *s = p->state;
	struct span name = word(&arguments);
	struct buf challenge;
	enum prelogin_want want;

	buf_init(&challenge, 0);
	want = sasl_result(p, sasl_begin(&s->sasl, name,
	    arguments.n == 0 ? NULL : &arguments, &p->credentials,
	    &challenge), &challenge);
	buf_clear(&challenge);
	return want;
}

static enum prelogin_want
do_login(struct prelogin *p, struct span arguments)
{
	struct span user = word(&arguments);

	if (!p->plaintext) {
		prelogin_log_disabled(p, user);
		buf_adds(&p->out, "NO privacy\r\n");
		return PRELOGIN_MORE;
	}
	memset(&p->credentials, 0, sizeof p->credentials);
	if (user.n > BOUND_USER || arguments.n > BOUND_PASSWORD) {
		p->bad++;
		buf_adds(&p->out, "BAD\r\n");
		return PRELOGIN_MORE;
	}
	memcpy(p->credentials.user, user.p, user.n);
	memcpy(p->credentials.password, arguments.p, arguments.n);
	memcpy(p->credentials.tag, "t1", 3);
	return PRELOGIN_LOGIN;
}

/* What a front that somebody took over would try.  The filter has to end it
 * (in sanitizer builds: to refuse), and the monitor not to believe it. */
static long
attack_open(struct prelogin *p)
{
	(void)p;
	return open("/etc/passwd", O_RDONLY);
}

static long
attack_exec(struct prelogin *p)
{
	char *const none[] = { NULL };

	(void)p;
	return execve("/bin/true", none, none);
}

static long
attack_connect(struct prelogin *p)
{
	(void)p;
	return socket(AF_INET, SOCK_STREAM, 0);
}

static long
attack_kill(struct prelogin *p)
{
	(void)p;
	return kill(getppid(), SIGTERM);
}

static long
attack_signal(struct prelogin *p)
{
	(void)p;
	return kill(1, 0);
}

static long
attack_fork(struct prelogin *p)
{
	(void)p;
	return fork();
}

static long
attack_ptrace(struct prelogin *p)
{
	(void)p;
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static long
attack_run_memory(struct prelogin *p)
{
	(void)p;
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0;
}

static long
attack_setuid(struct prelogin *p)
{
	(void)p;
	return setuid(0);
}

static long
attack_send_to(struct prelogin *p)
{
	static const struct sockaddr_in a = { .sin_family = AF_INET };

	(void)p;
	return sendto(3, "x", 1, 0, (const struct sockaddr *)&a, sizeof a);
}

/* A line that would have somebody else locked out. */
static long
attack_forge(struct prelogin *p)
{
	(void)p;
	log_line(LOG_NOTICE, "Login failed user=a auth=a host=[192.0.2.9]");
	return -1;
}

static long
attack_forge_disabled(struct prelogin *p)
{
	log_line(LOG_NOTICE, "Login disabled user=a auth=a "
	    "host=[192.0.2.9] host=%s", p->client);
	return -1;
}

/* Messages that aren't due: the session without a login, a verdict. */
static long
attack_hand_over(struct prelogin *p)
{
	struct privsep_message m = { .type = PRIVSEP_HANDOVER };

	(void)p;
	return privsep_send(3, &m) == -1 ? -1 : -2;
}

static long
attack_verdict(struct prelogin *p)
{
	struct privsep_message m = { .type = PRIVSEP_VERDICT };

	(void)p;
	return privsep_send(3, &m) == -1 ? -1 : -2;
}

static long
attack_crash(struct prelogin *p)
{
	(void)p;
	abort();
}

static const struct attack {
	const char *name;
	long (*run)(struct prelogin *);
} attacks[] = {
	{ "open", attack_open },
	{ "exec", attack_exec },
	{ "connect", attack_connect },
	{ "kill", attack_kill },
	{ "signal", attack_signal },
	{ "fork", attack_fork },
	{ "ptrace", attack_ptrace },
	{ "run-memory", attack_run_memory },
	{ "setuid", attack_setuid },
	{ "send-to", attack_send_to },
	{ "forge", attack_forge },
	{ "forge-disabled", attack_forge_disabled },
	{ "hand-over", attack_hand_over },
	{ "verdict", attack_verdict },
	{ "crash", attack_crash },
};

static enum prelogin_want
do_attack(struct prelogin *p, struct span name)
{
	for (size_t i = 0; i < sizeof attacks / sizeof attacks[0]; i++)
		if (span_is(name, attacks[i].name))
			buf_adds(&p->out, attacks[i].run(p) < 0 ?
			    "FOILED\r\n" : "SUCCEEDED\r\n");
	return PRELOGIN_MORE;
}

static enum prelogin_want
do_line(struct prelogin *p, struct span line)
{
	struct span verb = word(&line);

	if (span_is(verb, "LOGIN"))
		return do_login(p, line);
	if (span_is(verb, "AUTH") && p->plaintext)
		return do_auth(p, line);
	if (span_is(verb, "STARTTLS") && p->tls_offer && !p->tls) {
		buf_adds(&p->out, "GO\r\n");
		return PRELOGIN_STARTTLS;
	}
	if (span_is(verb, "QUIT")) {
		buf_adds(&p->out, "BYE\r\n");
		return PRELOGIN_CLOSE;
	}
	if (span_is(verb, "STATE")) {
		buf_addf(&p->out, "STATE tls=%d offer=%d plaintext=%d\r\n",
		    p->tls, p->tls_offer, p->plaintext);
		return PRELOGIN_MORE;
	}
	if (span_is(verb, "ATTACK"))
		return do_attack(p, line);
	prelogin_log_bad(p, "Unknown word");
	p->bad++;
	buf_adds(&p->out, "BAD\r\n");
	return PRELOGIN_MORE;
}

static enum prelogin_want
input(struct prelogin *p)
{
	struct state *s = p->state;
	enum prelogin_want want = PRELOGIN_MORE;
	struct buf room, challenge;
	struct span line;

	buf_init(&room, 0);
	buf_init(&challenge, 0);
	while (want == PRELOGIN_MORE && p->bad < BOUND_BAD_COMMANDS &&
	    take_line(&p->in, &room, &line)) {
		if (!s->in_sasl) {
			want = do_line(p, line);
			continue;
		}
		buf_reset(&challenge);
		want = sasl_result(p, sasl_input(&s->sasl, line, &challenge),
		    &challenge);
	}
	buf_clear(&room);
	buf_clear(&challenge);
	return want;
}

static void
secured(struct prelogin *p)
{
	(void)p;
}

static void
refused(struct prelogin *p, enum prelogin_verdict verdict)
{
	buf_adds(&p->out, verdict == PRELOGIN_DENIED ? "NO denied\r\n" :
	    "NO later\r\n");
}

static void
bye(struct prelogin *p, enum prelogin_end why)
{
	static const char *const words[] = { "BYE timeout\r\n",
	    "BYE tries\r\n", "BYE unavailable\r\n" };

	buf_adds(&p->out, words[why]);
}

static void
say_who(const struct session_start *start)
{
	char here[1024] = "?";

	if (getcwd(here, sizeof here) == NULL)
		here[0] = '\0';
	buf_addf(&start->stream->out, "WHO user=%s home=%s client=%s tag=%s "
	    "mech=%s tls=%d preauth=%d inbox=%s writable=%d cwd=%s HOME=%s "
	    "uid=%lu umask=%03o\r\n", start->user, start->home,
	    start->client, start->tag, start->mechanism, start->tls,
	    start->preauth, start->inbox_made == NULL ? "-" :
	    start->inbox_made, start->spool_writable, here,
	    getenv("HOME") == NULL ? "-" : getenv("HOME"),
	    (unsigned long)getuid(), (unsigned)umask(077));
}

static void
fill(struct stream *s, uint64_t octets)
{
	char piece[8192];

	memset(piece, 'x', sizeof piece);
	while (octets != 0 && s->error == 0) {
		size_t n = octets < sizeof piece ? (size_t)octets :
		    sizeof piece;

		buf_add(&s->out, piece, n);
		octets -= n;
		if (s->out.n >= STREAM_FLUSH)
			stream_flush(s);
	}
	buf_adds(&s->out, "\r\n");
}

/* False when the session is to end, with its status. */
static bool
session_line(const struct session_start *start, struct span line,
    int *status)
{
	struct stream *s = start->stream;
	struct span verb = word(&line);
	uint64_t number = 0;

	span_number(line, UINT32_MAX, &number);
	if (span_is(verb, "WHO"))
		say_who(start);
	else if (span_is(verb, "FILL"))
		fill(s, number);
	else if (span_is(verb, "SLEEP"))
		stream_wait(s, -1, (int)number * 1000);
	else if (span_is(verb, "ABORT"))
		stream_abort(s);
	else if (span_is(verb, "EXIT") || span_is(verb, "QUIT")) {
		*status = (int)number;
		buf_adds(&s->out, "BYE session\r\n");
		return false;
	} else {
		buf_adds(&s->out, "ECHO ");
		buf_addspan(&s->out, line);
		buf_adds(&s->out, "\r\n");
	}
	return true;
}

static int
session(const struct session_start *start)
{
	struct stream *s = start->stream;
	struct buf room;
	struct span line;
	bool going = true;
	int status = 0;
	const char *end = "Logout";

	buf_init(&room, 0);
	buf_addf(&s->out, "OK %s\r\n", start->user);
	while (going) {
		while (going && take_line(&s->in, &room, &line))
			going = session_line(start, line, &status);
		if (!going)
			break;
		switch (stream_wait(s, -1, -1)) {
		case STREAM_EOF:
			end = "Hangup";
			going = false;
			break;
		case STREAM_SIGNAL:
			end = "Killed (terminated)";
			buf_adds(&s->out, "BYE signal\r\n");
			going = false;
			break;
		default:
			break;
		}
	}
	buf_clear(&room);
	log_line(LOG_INFO, "%s user=%s host=%s", end, start->user,
	    start->client);
	return status;
}

static const struct prelogin_ops ops = {
	.greet = greet,
	.input = input,
	.secured = secured,
	.refused = refused,
	.bye = bye,
};

static const struct service service = {
	.program = "echod",
	.certificate = "imapd",
	.log_name = "echo",
	.pam_name = "echotest",
	.port_name = "echotest",
	.tls_port_name = "echotests",
	.port = 10007,
	.tls_port = 10008,
	.alpn = "echo",
	.usage = "usage: echod [--listen ADDRESS:PORT[,tls|,plain]]",
	.busy = "BUSY\r\n",
	.crowded = "CROWDED\r\n",
	.idle_secs = 1800,
	.prelogin = &ops,
	.session = session,
};

int
main(int argc, char **argv)
{
	return start_main(&service, argc, argv);
}
