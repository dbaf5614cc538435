/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The monitor.  It may run as root, and so may these and no others:
 *
 *	base/       arena.c buf.c config.c fault.c log.c memory.c netaddr.c
 *	            span.c
 *	server/     start.c process.c arguments.c listen.c port.c acceptor.c
 *	            crowd.c nurseries.c errand.c certificates.c
 *	            connection.c privsep.c monitor.c spool.c cache.c
 *	            stream.c (stream_new only), and of front and nursery, before
 *	            they read anything: front.c nursery.c sandbox.c
 *	ssl/        all but what moves bytes (loading, in the front)
 *	auth/       auth.c auth_pam.c auth_shadow.c auth_users.c auth_crypt.c
 *	libraries   libc with NSS, PAM and its modules, libcrypt, libseccomp,
 *	            libcrypto and libssl (loading, in the front)
 *
 * Everything the front says is taken for an attacker's word.
 */
#include "c-client/server/monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "c-client/auth/auth.h"
#include "c-client/base/bounds.h"
#include "c-client/base/config.h"
#include "c-client/base/fault.h"
#include "c-client/base/log.h"
#include "c-client/base/memory.h"
#include "c-client/server/cache.h"
#include "c-client/server/connection.h"
#include "c-client/server/privsep.h"
#include "c-client/server/service.h"
#include "c-client/server/spool.h"
#include "c-client/server/stream.h"

#include "c-client/base/banned.h"

/* <sysexits.h> */
#define EXIT_UNAVAILABLE	69
#define EXIT_TEMPFAIL		75

/* A front that just keeps the connection open is ended this many seconds
 * after the time that it has for the dialogue. */
#define PATIENCE_SECS		60

enum state {
	ASKING = 1,		/* nobody has logged in */
	GRANTED = 2,		/* somebody has; the hand-over is due */
	HANDED = 4		/* the connection is ours */
};

struct monitor {
	struct connection *connection;
	enum state state;
	unsigned used[PRIVSEP_HANDOVER + 1];	/* messages of each type */
	unsigned tries;			/* logins that may be asked for */
	struct auth_user user;
	struct session_start start;	/* what the session will be given */
	struct credentials login;	/* who was let in; no password */
	struct buf pending;		/* input that the front had read */
};

static unsigned
tries_of(const struct config *c)
{
	return c->login_tries == 0 ? 1 : c->login_tries;
}

/* The alarm of a user data base that hangs.  It runs in the middle of a
 * module, so if even the log hangs the second alarm ends the process. */
static void
took_too_long(int number)
{
	(void)number;
	signal(SIGALRM, SIG_DFL);
	alarm(2);
	log_line(LOG_ERR, "the user data base has not answered in %u s",
	    BOUND_AUTH_SECS);
	_exit(EXIT_TEMPFAIL);
}

static void
set_alarm(unsigned secs)
{
	struct sigaction sa = { .sa_handler = secs == 0 ? SIG_DFL :
	    took_too_long, .sa_flags = SA_NODEFER };

	sigemptyset(&sa.sa_mask);
	alarm(0);
	sigaction(SIGALRM, &sa, NULL);
	alarm(secs);
}

/*
 * A log line that the front may write.  The lines that other programs act on
 * (fail2ban locks addresses out) are the monitor's own, but for one: `Login
 * disabled`, whose address has to be this client's.
 */
static bool
may_log(const struct monitor *m, struct span text)
{
	struct span client = span_of(m->connection->client);
	struct span end = span_slice(text, text.n - (client.n < text.n ?
	    client.n : text.n), client.n);
	ptrdiff_t bracket = span_find_char(text, '[');

	if (!span_starts_nocase(text, "Login ") &&
	    !span_starts_nocase(text, "Failed "))
		return true;
	return span_starts_nocase(text, "Login disabled user=") &&
	    span_eq(end, client) &&
	    bracket == (ptrdiff_t)(text.n - client.n);
}

/*
 * The line as it is written: a bracket that doesn't begin this client's
 * address is escaped, so that no filter finds another address in it, whatever
 * stands in front.
 */
static void
defuse(const struct monitor *m, struct span text, struct buf *line)
{
	struct span client = span_of(m->connection->client);

	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '[' &&
		    !span_eq(span_slice(text, i, client.n), client))
			buf_adds(line, "\\x5b");
		else
			buf_addc(line, text.p[i]);
	}
}

static int
take_log(struct monitor *m, struct privsep_message *in)
{
	struct buf line;

	if (m->used[PRIVSEP_LOG] > BOUND_PRELOGIN_LOGS)
		return 0;
	if (!may_log(m, in->text)) {
		log_line(LOG_WARNING, "the front tried to forge a log line "
		    "host=%s", m->connection->client);
		return -1;
	}
	buf_init(&line, 0);
	defuse(m, in->text, &line);
	/* Escaped again as far as need be: what is printable stays. */
	log_line(in->level, "%s", buf_string(&line));
	buf_clear(&line);
	return 0;
}

/* A failure in the shape that fail2ban knows; the reason in another line. */
static void
log_failure(const struct monitor *m, const char *user,
    enum auth_result result, const struct fault *why)
{
	const char *host = m->connection->client;

	if (result == AUTH_TEMPORARY) {
		log_line(LOG_ERR, "Login impossible user=%s host=%s: %s",
		    user, host, why->text);
		return;
	}
	log_line(LOG_AUTH | LOG_NOTICE, "Login failed user=%s auth=%s "
	    "host=%s", user, user, host);
	if (why->code != FAULT_AUTH)
		log_line(LOG_INFO, "The login of user=%s failed because %s",
		    user, why->text);
	if (m->used[PRIVSEP_LOGIN] == m->tries && m->tries > 1)
		log_line(LOG_AUTH | LOG_NOTICE, "Login excessive login "
		    "failures user=%s auth=%s host=%s", user, user, host);
}

static void
delay(unsigned secs)
{
	struct timespec left = { .tv_sec = secs };

	while (nanosleep(&left, &left) == -1 && errno == EINTR)
		continue;
}

static enum auth_result
ask(struct monitor *m, const struct credentials *c, struct fault *why)
{
	const struct connection *n = m->connection;
	enum auth_result result;

	/* Out of order, and the front was told so: it is not to ask. */
	if (n->refused) {
		fault_set(why, FAULT_UNAVAILABLE, "nobody can log in here");
		return AUTH_TEMPORARY;
	}
	set_alarm(BOUND_AUTH_SECS);
	result = auth_check(n->config, n->service->pam_name, c->user,
	    c->password, n->host, &m->user, why);
	set_alarm(0);
	/* PAM modules open the system log under names of their own. */
	if (strcmp(n->config->log, "syslog") == 0)
		log_open(n->service->program, "syslog", NULL);
	return result;
}

static int
take_login(struct monitor *m, struct privsep_message *in)
{
	struct privsep_message answer = { .type = PRIVSEP_VERDICT };
	struct fault why;
	enum auth_result result = ask(m, &in->credentials, &why);
	char user[LOG_FIELD_MAX];

	if (result == AUTH_YES) {
		m->login = in->credentials;
		explicit_bzero(m->login.password, sizeof m->login.password);
		m->state = GRANTED;
		answer.verdict = PRIVSEP_YES;
		return privsep_send(m->connection->monitor_fd, &answer);
	}
	log_field(in->credentials.user, strlen(in->credentials.user), user);
	log_failure(m, user, result, &why);
	explicit_bzero(&in->credentials, sizeof in->credentials);
	delay(m->connection->config->fail_delay);
	answer.verdict = result == AUTH_NO ? PRIVSEP_DENIED :
	    PRIVSEP_TEMPORARY;
	return privsep_send(m->connection->monitor_fd, &answer);
}

static int
take_handover(struct monitor *m, struct privsep_message *in)
{
	m->start.tls = in->tls;
	buf_addspan(&m->pending, in->pending);
	m->state = HANDED;
	return 0;
}

/* All that a front may say, when, and how often (0: login_tries). */
static const struct permitted {
	enum privsep_type type;
	unsigned states;
	unsigned times;
	int (*take)(struct monitor *, struct privsep_message *);
} permitted[] = {
	{ PRIVSEP_LOG, ASKING | GRANTED, UINT32_MAX, take_log },
	{ PRIVSEP_LOGIN, ASKING, 0, take_login },
	{ PRIVSEP_HANDOVER, GRANTED, 1, take_handover },
};

static int
take(struct monitor *m, struct privsep_message *in)
{
	for (size_t i = 0; i < sizeof permitted / sizeof permitted[0]; i++) {
		const struct permitted *p = &permitted[i];
		unsigned times = p->times == 0 ? m->tries : p->times;

		if (p->type == in->type && p->states & m->state &&
		    m->used[in->type] < times) {
			m->used[in->type]++;
			return p->take(m, in);
		}
	}
	log_line(LOG_WARNING, "the front sent message %d, which is not "
	    "permitted now, host=%s", (int)in->type, m->connection->client);
	return -1;
}

/* Read messages until the hand-over.  False if the connection is over. */
static bool
listen_to_front(struct monitor *m)
{
	const struct connection *c = m->connection;
	time_t end = time(NULL) + (time_t)c->config->login_timeout +
	    PATIENCE_SECS + (time_t)(m->tries * (BOUND_AUTH_SECS +
	    c->config->fail_delay));
	struct privsep_message in;
	struct buf room;
	bool going = true;

	buf_init(&room, PRIVSEP_MAX + 1);
	while (going && m->state != HANDED) {
		struct pollfd fd = { .fd = c->monitor_fd, .events = POLLIN };
		time_t left = end - time(NULL);
		int rc = poll(&fd, 1, left <= 0 ? 0 : (int)left * 1000);

		if (rc == -1 && errno == EINTR)
			continue;
		going = rc == 1 && privsep_receive(c->monitor_fd, &room,
		    &in) == 1 && take(m, &in) == 0;
		privsep_wipe(&room, &in);
	}
	buf_clear(&room);
	return going;
}

/* The front is done, or has to be.  One that the nursery made is reaped by
 * the acceptor. */
static void
reap_front(const struct monitor *m)
{
	const struct connection *c = m->connection;
	int status = 0;

	if (c->front == 0)
		return;
	while (waitpid(c->front, &status, 0) == -1)
		if (errno != EINTR)
			return;
	if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL)
		log_line(LOG_CRIT, "the front was ended by signal %d (%s) "
		    "host=%s", WTERMSIG(status), WTERMSIG(status) == SIGSYS ?
		    "a forbidden system call" : "a crash", c->client);
}

/*
 * Nobody else may read from the client now.  A front that is no child of ours
 * can't be killed, since a pid may be another's by now; it leaves behind its
 * last message, and then nobody has the pair's other end.
 */
static int
end_front(const struct monitor *m)
{
	const struct connection *c = m->connection;
	struct pollfd fd = { .fd = c->monitor_fd, .events = POLLIN };
	char none;

	if (c->front != 0) {
		kill(c->front, SIGKILL);
		reap_front(m);
		return 0;
	}
	errno = ETIMEDOUT;
	return poll(&fd, 1, PATIENCE_SECS * 1000) == 1 &&
	    recv(c->monitor_fd, &none, 1, 0) == 0 ? 0 : -1;
}

/*
 * The connection that ends here without a session.  The front still says its
 * last words, so it is waited for, but not for ever.
 */
static int
end_without_session(const struct monitor *m)
{
	struct connection *c = m->connection;

	close(c->monitor_fd);
	close(c->session_fd);
	signal(SIGALRM, SIG_DFL);
	alarm(PATIENCE_SECS);
	reap_front(m);
	return 0;
}

/*
 * Put the session's connection on descriptors 0 and 1: the client's socket,
 * or where there is TLS, the pair to the front, which alone keeps the socket.
 */
static int
take_connection(const struct monitor *m)
{
	struct connection *c = m->connection;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (!m->start.tls ? end_front(m) == -1 :
	    dup2(c->session_fd, STDIN_FILENO) == -1)
		return -1;
	close(c->monitor_fd);
	close(c->session_fd);
	if (null == -1 || dup2(null, STDOUT_FILENO) == -1)
		return -1;
	close(null);
	return 0;
}

static void
log_login(const struct monitor *m)
{
	char user[LOG_FIELD_MAX];

	if (m->connection->service->logs_login)
		return;
	log_field(m->user.name, strlen(m->user.name), user);
	if (m->login.mechanism[0] != '\0')
		log_line(LOG_INFO, "Authenticated user=%s host=%s mech=%s",
		    user, m->connection->client, m->login.mechanism);
	else
		log_line(LOG_INFO, "Login user=%s host=%s", user,
		    m->connection->client);
}

/* From here on this process is the user's.  Returns the exit status. */
static int
be_session(struct monitor *m)
{
	const struct connection *c = m->connection;
	struct session_start *s = &m->start;
	struct fault why;
	int status;

	set_alarm(BOUND_AUTH_SECS);
	s->inbox_made = spool_prepare(c->config, &m->user);
	cache_prepare(&m->user);
	log_login(m);
	s->stream = stream_new(STDIN_FILENO, STDIN_FILENO);
	if (auth_become(c->config, &m->user, &why) == -1) {
		log_line(LOG_ERR, "no session for user=%s host=%s: %s",
		    m->user.name, c->client, why.text);
		buf_adds(&s->stream->out, c->service->busy);
		stream_free(s->stream);
		return EXIT_UNAVAILABLE;
	}
	set_alarm(0);
	s->service = c->service;
	s->config = c->config;
	s->user = m->user.name;
	s->home = m->user.home;
	s->client = c->client;
	s->tag = m->login.tag;
	s->mechanism = m->login.mechanism;
	s->spool_writable = spool_is_writable(c->config);
	buf_addspan(&s->stream->in, buf_span(&m->pending));
	buf_clear(&m->pending);
	status = c->service->session(s);
	stream_free(s->stream);
	return status;
}

int
monitor_run(struct connection *c)
{
	/* The session keeps pointers into it as long as it lives. */
	static struct monitor m;

	m = (struct monitor){ .connection = c, .state = ASKING,
	    .tries = tries_of(c->config) };
	if (!listen_to_front(&m))
		return end_without_session(&m);
	if (take_connection(&m) == -1) {
		log_line(LOG_ERR, "descriptors of a session: %s",
		    strerror(errno));
		return EXIT_UNAVAILABLE;
	}
	return be_session(&m);
}
