/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a protocol is to server/: names, ports, the dialogue before login, and
 * the session after it.  imapd/ and ipopd/ each define one `struct service`
 * and give it to start_main().
 */
#ifndef SERVER_SERVICE_H
#define SERVER_SERVICE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "c-client/base/bounds.h"
#include "c-client/base/buf.h"

struct config;
struct stream;

/* What the dialogue before login asks of the front. */
enum prelogin_want {
	PRELOGIN_MORE,		/* send `out`, then feed me more input */
	PRELOGIN_STARTTLS,	/* send `out`, drop `in`, start TLS, go on */
	PRELOGIN_LOGIN,		/* check `credentials` */
	PRELOGIN_CLOSE		/* send `out` and end the connection */
};

/* Why the front ends a dialogue by itself. */
enum prelogin_end {
	PRELOGIN_END_TIMEOUT,	/* login_timeout went by */
	PRELOGIN_END_TRIES,	/* login_tries failures, or as many bad
				 * commands as BOUND_BAD_COMMANDS allows */
	PRELOGIN_END_UNAVAILABLE /* the monitor can't serve (out of order) */
};

enum prelogin_verdict {
	PRELOGIN_DENIED,	/* wrong user or password, closed, root */
	PRELOGIN_TEMPORARY	/* the user data base can't be asked now */
};

/* All members are NUL-terminated; a NUL inside is refused by who fills it. */
struct credentials {
	char user[BOUND_USER + 1];
	char password[BOUND_PASSWORD + 1];
	char mechanism[32];	/* "PLAIN", "LOGIN"; "": LOGIN and USER/PASS */
	char tag[BOUND_TAG + 1]; /* IMAP: of the command that logs in */
};

/*
 * The dialogue before login.  It runs in the front, without privileges, and
 * does no I/O: it consumes from `in` and adds to `out`.
 */
struct prelogin {
	struct buf in;		/* received, not yet consumed */
	struct buf out;		/* to be sent; bounded */
	bool tls;		/* the connection is encrypted */
	bool tls_offer;		/* STARTTLS/STLS works: certificate is loaded */
	bool plaintext;		/* a password may be sent as things stand */
	unsigned bad;		/* bad commands so far: ops count, front ends */
	const char *client;	/* "[192.0.2.1]" for log lines */
	struct credentials credentials;
	void *state;		/* the protocol's own */
};

struct prelogin_ops {
	/* Makes p->state and writes the greeting to p->out. */
	void (*greet)(struct prelogin *);

	/* Consume commands from p->in until something is wanted or no
	 * complete command is left.  Called again after each want. */
	enum prelogin_want (*input)(struct prelogin *);

	/* TLS is up after STARTTLS: forget what was said before. */
	void (*secured)(struct prelogin *);

	/* The credentials were refused: write the answer. */
	void (*refused)(struct prelogin *, enum prelogin_verdict);

	/* The front is about to close for `why`: write a last line. */
	void (*bye)(struct prelogin *, enum prelogin_end why);
};

/* What a session is given.  All of it lives as long as the process. */
struct session_start {
	const struct service *service;
	const struct config *config;
	struct stream *stream;
	const char *user;
	const char *home;
	const char *client;	/* "[192.0.2.1]", or "local" */
	const char *tag;	/* of the login; "" where there was none */
	const char *mechanism;	/* SASL mechanism, or "" */
	const char *inbox_made;	/* spool file that is there, was made by the
				 * monitor, or can be made by the user; NULL
				 * if the spool can't hold one */
	bool preauth;		/* started by the user himself from a shell */
	bool tls;
	bool spool_writable;	/* dot-locks can be made in the spool */
};

struct service {
	const char *program;	/* "imapd": log name and certificate names */
	const char *certificate; /* second name tried: "imapd" for ipop3d too */
	const char *log_name;	/* "imap" in `imap service init from ...` */
	const char *pam_name;	/* "imap", "pop" */
	const char *port_name, *tls_port_name; /* "imap", "imaps" */
	uint16_t port, tls_port;	/* 143, 993 */
	const char *alpn;	/* "imap", "pop3" (RFC 7301 registry) */
	const char *usage;	/* one line for --help and bad arguments */
	const char *busy;	/* whole line sent where no service is
				 * possible: "* BYE ...\r\n" */
	const char *crowded;	/* whole line for whom there is no room */
	uint32_t idle_secs;	/* default idle time-out of a session */
	bool logs_login;	/* the session writes its own "Login user=..."
				 * line (ipop3d adds nmsgs=): monitor doesn't */
	/* Takes what the protocol has in the configuration, before the first
	 * connection; NULL if it has nothing there. */
	void (*configure)(const struct config *);
	const struct prelogin_ops *prelogin;

	/* The session, as the user; returns the exit status.  It has written
	 * nothing yet: the answer to the login command (or the PREAUTH
	 * greeting) is its first line. */
	int (*session)(const struct session_start *);
};

#endif
