/* SPDX-License-Identifier: Apache-2.0 */
/* Being started: what is descriptor 0, and who are we? */
#include "c-client/server/start.h"

#include <errno.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "c-client/auth/auth.h"
#include "c-client/base/config.h"
#include "c-client/base/fault.h"
#include "c-client/base/log.h"
#include "c-client/doctor/doctor.h"
#include "c-client/server/acceptor.h"
#include "c-client/server/arguments.h"
#include "c-client/server/connection.h"
#include "c-client/server/listen.h"
#include "c-client/server/process.h"
#include "c-client/server/service.h"
#include "c-client/server/spool.h"
#include "c-client/server/stream.h"

#include "c-client/base/banned.h"

/* <sysexits.h> */
#define EXIT_USAGE		64
#define EXIT_NOUSER		67
#define EXIT_UNAVAILABLE	69
#define EXIT_OSERR		71
#define EXIT_CONFIG		78

#define CALLED_MAX	32

#ifndef VERSION
#define VERSION	"0.1"
#endif

/* A line to whoever started us: on standard error, which process_silence()
 * made sure is no client, and in the log where that is another place. */
static void complain(const struct service *, const char *log,
    const char *format, ...) __attribute__((format(printf, 3, 4)));

static void
complain(const struct service *service, const char *log, const char *format,
    ...)
{
	char text[400];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	/* One line, whatever the arguments hold. */
	for (char *p = text; *p != '\0'; p++)
		if ((unsigned char)*p < ' ')
			*p = '?';
	fprintf(stderr, "%s: %s\n", service->program, text);
	if (log != NULL && strcmp(log, "stderr") != 0)
		log_line(LOG_ERR, "%s", text);
}

/*
 * Read the configuration and open the log.  Where standard error was the
 * client's socket a log that goes there is lost, so it goes to syslog.
 */
static int
configure(const struct service *service, struct config *c,
    const struct arguments *args, enum process_input input)
{
	struct fault why;

	config_defaults(c);
	/* Faults of the file itself go to syslog, where people look. */
	log_open(service->program, input == PROCESS_LOCAL ? "stderr" :
	    "syslog", NULL);
	if (config_read(c, arguments_config(args), args->config != NULL,
	    &why) == -1 && args->config != NULL && why.code != FAULT_SYNTAX) {
		complain(service, "stderr", "%s", why.text);
		return -1;
	}
	if (input != PROCESS_LOCAL && strcmp(c->log, "stderr") == 0)
		c->log = "syslog";
	if (log_open(service->program, c->log, &why) == -1) {
		log_line(LOG_ERR, "%s; logging to syslog", why.text);
		c->log = "syslog";
	}
	return 0;
}

/* The name that a certificate may have for our sake: the last part of argv[0]
 * if it could be that of a service, else "". */
static const char *
called(const char *argv0)
{
	const char *slash = argv0 == NULL ? NULL : strrchr(argv0, '/');
	const char *name = slash == NULL ? argv0 : slash + 1;
	size_t n;

	if (name == NULL)
		return "";
	n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "0123456789_-");
	return n > 0 && n <= CALLED_MAX && name[n] == '\0' ? name : "";
}

/* A session for the user who started us, from his shell or over ssh. */
static int
serve_owner(const struct service *service, const struct config *c)
{
	static struct auth_user user;
	/* What it points to lives as long as the process, and so does it. */
	static struct session_start s;
	const struct passwd *pw = getpwuid(getuid());
	char name[LOG_FIELD_MAX];
	int status;

	if (pw == NULL) {
		complain(service, c->log, "uid %lu has no name here",
		    (unsigned long)getuid());
		return EXIT_NOUSER;
	}
	snprintf(user.name, sizeof user.name, "%s", pw->pw_name);
	snprintf(user.home, sizeof user.home, "%s", pw->pw_dir);
	user.uid = getuid();
	user.gid = getgid();
	s = (struct session_start){ .service = service, .config = c,
	    .user = user.name, .home = user.home, .client = "local",
	    .tag = "", .mechanism = "", .preauth = true };
	s.inbox_made = spool_prepare(c, &user);
	s.spool_writable = spool_is_writable(c);
	if (chdir(user.home) == -1)
		log_line(LOG_WARNING, "home %s: %s", user.home,
		    strerror(errno));
	log_line(LOG_INFO, "Preauthenticated user=%s host=local",
	    log_field(user.name, strlen(user.name), name));
	s.stream = stream_new(STDIN_FILENO, STDOUT_FILENO);
	status = service->session(&s);
	stream_free(s.stream);
	return status;
}

/* Descriptor 0 is no internet socket. */
static int
serve_local(const struct service *service, const struct config *c)
{
	if (geteuid() == 0 || getuid() == 0) {
		complain(service, "stderr", "root has no mailbox here; inetd "
		    "starts this program, or try --listen 127.0.0.1:%u",
		    10000u + service->tls_port);
		return EXIT_USAGE;
	}
	return serve_owner(service, c);
}

/* `listeners` is how many sockets systemd gave. */
static int
serve(const struct service *service, const struct config *c,
    const struct arguments *args, enum process_input input, size_t listeners)
{
	static struct listen sockets;
	struct fault why;

	if (args->listeners != 0) {
		if (listen_open(&sockets, service, args, &why) == 0)
			return acceptor_run(service, c, &sockets, false);
		complain(service, c->log, "%s", why.text);
		return EXIT_UNAVAILABLE;
	}
	switch (input) {
	case PROCESS_CLIENT:
		return connection_serve(service, c, args->tls);
	case PROCESS_LISTENER:
		listen_take(&sockets, service, listeners == 0 ? STDIN_FILENO :
		    PROCESS_FIRST_FD, listeners == 0 ? 1 : listeners,
		    args->tls);
		return acceptor_run(service, c, &sockets, true);
	case PROCESS_DATAGRAM:
		complain(service, c->log, "%s is no stream socket of the "
		    "internet: write \"stream tcp\" in inetd.conf, or "
		    "ListenStream=PORT in the systemd socket",
		    listeners == 0 ? "descriptor 0" : "what systemd gave");
		return EXIT_CONFIG;
	case PROCESS_LOCAL:
		return serve_local(service, c);
	}
	return EXIT_OSERR;
}

int
start_main(const struct service *service, int argc, char **argv)
{
	/* Sessions keep pointers to it as long as they live. */
	static struct config config;
	enum process_input input;
	struct arguments args;
	size_t listeners;
	struct fault why;

	if (process_prepare(&listeners) == -1) {
		complain(service, "stderr", "%s", strerror(errno));
		return EXIT_OSERR;
	}
	input = process_input(listeners);
	process_silence();
	if (arguments_parse(&args, argc, argv, &why) == -1) {
		log_open(service->program, "syslog", NULL);
		complain(service, input == PROCESS_LOCAL ? NULL : "syslog",
		    "%s", why.text);
		return EXIT_USAGE;
	}
	if (args.version || args.help) {
		printf("%s %s\n", service->program, VERSION);
		if (args.help)
			printf("%s\n%s", service->usage, arguments_help);
		return 0;
	}
	if (args.check)
		return doctor_main(service, VERSION, &args);
	if (args.listeners != 0)
		input = PROCESS_LOCAL;
	if (configure(service, &config, &args, input) == -1)
		return EXIT_CONFIG;
	config.called = called(argv[0]);
	if (service->configure != NULL)
		service->configure(&config);
	return serve(service, &config, &args, input, listeners);
}
