/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A user's mail as a whole: where his INBOX, his other mailboxes, his
 * subscriptions and his indexes are.  Made once a session, as the user.
 */
#ifndef STORE_ACCOUNT_H
#define STORE_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct box;
struct buf;
struct config;
struct fault;
struct place_users;

struct account {
	struct arena *keep;	/* session->keep */
	const char *user;
	const char *client;	/* whose session it is, for the log; or NULL */
	const char *home;
	const char *root;	/* directory of all mailboxes but INBOX */
	int root_fd;		/* the same, open (O_PATH) */
	bool root_is_mail;	/* root is ~/mail: drop a leading "mail/" or
				 * "~/mail/" (decisions.md 13) */
	const char *mail_root;	/* as configured, for other users' roots */
	const char *shared_dir, *public_dir;	/* of #shared/ and #public/;
				 * NULL: there is none */
	int shared_fd, public_fd;	/* the same, open (O_PATH) */
	bool other_users;	/* ~user/ is served */
	struct place_users *users;	/* their roots, place.c's; or NULL */
	bool outside;		/* absolute names are served, and links may
				 * leave the root */
	int outside_fd;		/* the directory "/" then */
	const char *spool;	/* the INBOX file */
	const char *format;	/* of new mailboxes; NULL: INBOX's */
	bool mbox_inbox;	/* ~/mbox is INBOX where that is a mailbox */
	bool spool_writable;	/* files can be made beside it */
	const char *index_dir;	/* NULL: indexes are kept in memory */
	uint32_t lock_timeout;	/* seconds */
	bool dot_lock;
	bool relaxed;		/* what is answered may go with the power */
	struct box *kept;	/* append.c's, see append_rest() */
	int pop_fd;		/* account_lock_pop()'s, -1 before */
};

/*
 * Find out all of the above for `user`; never fails for want of a directory:
 * what can't be had is NULL and logged.  `preauth` users have the same.
 * Returns -1 only where there is no home at all.
 */
int account_open(struct account *, struct arena *keep,
    const struct config *, const char *user, const char *home,
    bool spool_writable, struct fault *);
void account_close(struct account *);

/* fdatasync(2) of what an answer promises, where the configuration wants that
 * (fsync = always).  0, or -1 with errno. */
int account_sync(const struct account *, int fd);
/* Have the disk begin with these octets, which will be synced soon.  Promises
 * nothing. */
void account_sync_ahead(const struct account *, int fd, uint64_t at,
    uint64_t n);

/* A directory as the configuration has it (%u is the user, and it may be
 * relative to the home), added to `out`. */
void account_expand(struct buf *out, const char *text, const char *user,
    const char *home);

/*
 * The one POP3 session's lock (decisions.md 16): an OFD lock on a file in the
 * index directory.  Returns 0 and keeps it until account_close(); -1 with
 * FAULT_INUSE where another process has it.  Without an index directory: 0.
 */
int account_lock_pop(struct account *, struct fault *);

#endif
