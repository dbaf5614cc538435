/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /etc/imapd.conf: `key = value` lines, `#` comments, one const table of keys
 * (config_keys.h).  Both servers read it; a missing file is no fault,
 * everything has a default.
 */
#ifndef BASE_CONFIG_H
#define BASE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "c-client/base/span.h"

struct buf;
struct fault;

enum config_auth { CONFIG_AUTH_PAM, CONFIG_AUTH_SHADOW, CONFIG_AUTH_USERS,
    CONFIG_AUTH_NONE };
enum config_plaintext { CONFIG_PLAINTEXT_TLS, CONFIG_PLAINTEXT_ALWAYS };

/* Where a value is from: the number of a line, or one of these. */
#define CONFIG_DEFAULT	0u
#define CONFIG_BUILT	UINT32_MAX	/* words of the build */

/* Room for that; no fewer than there are keys. */
#define CONFIG_KEYS_MAX	64

/* Strings live as long as the process; seconds are whole. */
struct config {
	enum config_auth auth;		/* auth = pam | shadow | users:FILE */
	const char *users_file;		/* from users:FILE, or users_file */
	enum config_plaintext plaintext; /* plaintext = tls | always */
	const char *cert_dir;
	const char *key_dir;
	const char *tls;		/* modern | intermediate | old */
	const char *tls_state;		/* file of what connections share, ""
					 * for none */
	const char *mail_spool;		/* /var/mail or /var/spool/mail */
	const char *mail_root;		/* under the home; "" is decided at
					 * login (decisions.md 13) */
	const char *format;		/* unix | maildir; "" is INBOX's */
	bool mbox_inbox;		/* extra_drivers = none | mbox */
	const char *shared_dir;		/* of #shared/, "" for none */
	const char *public_dir;		/* of #public/, "" for none */
	bool other_users;		/* ~user/ can be opened */
	bool outside;			/* so can absolute names, and links that
					 * leave the mail root */
	const char *index_dir;		/* "" is ~/.imapindex; may hold %u */
	bool relaxed;			/* fsync = always | relaxed */
	bool dot_lock;			/* lock = both | fcntl */
	uint32_t lock_timeout;
	const char *front_user;
	uint32_t login_tries;
	uint32_t fail_delay;
	uint32_t login_timeout;
	uint32_t idle_timeout;		/* 0: the protocol's own (IMAP 30 min,
					 * POP3 10 min) */
	uint32_t max_sessions;		/* of one process that accepts */
	uint32_t max_per_address;	/* the same; 0: no limit */
	uint32_t idle_exit;		/* seconds until it leaves */
	bool pam_session;
	const char *workarounds;	/* words of imapd/workarounds.c */
	const char *called;		/* no key: the last part of argv[0] */
	const char *log;		/* syslog | stderr | FILE */
	uint32_t from[CONFIG_KEYS_MAX];	/* by the number of the key's row */
};

/* Defaults, some of them from the build (SSLTYPE, SSLDIR, MAILSPOOL ...). */
void config_defaults(struct config *);

enum config_trouble {
	CONFIG_BAD_LINE,	/* no key and value in it */
	CONFIG_BAD_KEY,		/* there is no such key */
	CONFIG_BAD_VALUE,
	CONFIG_TWICE		/* counts, and an earlier line does not */
};

/* What is to be said about a line; valid during the call only. */
struct config_line {
	enum config_trouble trouble;
	unsigned number;	/* of the line, from 1 on */
	const char *text;	/* what is wrong, and what would be right */
	struct span name;	/* CONFIG_BAD_KEY: what stands there, */
	const char *nearest;	/* the nearest key, else the line's key */
	size_t distance;	/* and in how many letters they differ */
	unsigned before;	/* CONFIG_TWICE: the number of that line */
};

typedef void config_tell(void *arg, const struct config_line *);

/*
 * Read `path` over what is there.  `required` is true where the file was
 * named on the command line.  Each bad line is logged with file, line, reason
 * and the nearest valid key; returns -1 (FAULT_SYNTAX) if there was one, else
 * 0.  Bad lines leave their key as it was.
 */
int config_read(struct config *, const char *path, bool required,
    struct fault *);

/* The same; what is to be said about lines is told instead of logged. */
int config_read_telling(struct config *, const char *path, bool required,
    config_tell *, void *arg, struct fault *);

/* All keys with the values in effect, as a file that would give the same, and
 * where each is from.  `path` is the file that was read. */
void config_dump(const struct config *, const char *path, struct buf *out);

#endif
