/* SPDX-License-Identifier: Apache-2.0 */
/* Who runs the program: by his uid, whatever the environment says. */
#include "c-client/api/user.h"

#include <pthread.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "c-client/api/tell.h"
#include "c-client/base/arena.h"
#include "c-client/base/config.h"
#include "c-client/base/fault.h"
#include "c-client/base/memory.h"

#include "c-client/base/banned.h"

#define CONFIG_FILE	"/etc/imapd.conf"

/* An entry of the user data base, octets; beyond: there is no such user. */
#define PASSWD_MAX	(64u * 1024)

/* Accounts hold its strings as long as the process lives. */
static struct config config;

static void
read_config(void)
{
	tell_log();
	config_defaults(&config);
	config_read(&config, CONFIG_FILE, false, NULL);
}

struct user *
user_new(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct user *u = memory_zalloc(sizeof *u);
	struct passwd entry, *pw = NULL;
	struct fault why = { .text = "" };
	char *room = memory_alloc(PASSWD_MAX);

	tell_here();
	pthread_once(&once, read_config);
	u->keep = arena_new(0);
	u->scratch = arena_new(0);
	/* The store follows links that the user has made. */
	if (getuid() != geteuid())
		fault_set(&why, FAULT_CANNOT,
		    "the program has another user's rights");
	else if (getpwuid_r(getuid(), &entry, room, PASSWD_MAX, &pw) != 0 ||
	    pw == NULL)
		fault_set(&why, FAULT_NOTFOUND, "uid %lu has no name here",
		    (unsigned long)getuid());
	else if (account_open(&u->account, u->keep, &config, pw->pw_name,
	    pw->pw_dir, false, &why) == 0) {
		free(room);
		return u;
	}
	free(room);
	tell_error("There is no mail here: %s", why.text);
	arena_free(u->scratch);
	arena_free(u->keep);
	free(u);
	return NULL;
}

void
user_free(struct user *u)
{
	if (u == NULL)
		return;
	account_close(&u->account);
	arena_free(u->scratch);
	arena_free(u->keep);
	free(u);
}

static bool
parse(struct user *u, char *text, const char *what, bool make,
    struct name *out)
{
	struct fault why;
	struct span wire;

	if (text == NULL)
		return tell_error("Can't %s: no name", what);
	if (text[0] == '{')
		return tell_error("Can't %s %.80s: mailboxes of other hosts "
		    "are not for this library", what, text);
	wire = span_of(text);
	if ((make ? name_parse_new(&u->account, wire, u->scratch, out, &why) :
	    name_parse(&u->account, wire, u->scratch, out, &why)) == 0)
		return true;
	return tell_error("Can't %s %.80s: %s", what, text, why.text);
}

bool
user_name(struct user *u, char *text, const char *what, struct name *out)
{
	return parse(u, text, what, false, out);
}

bool
user_name_new(struct user *u, char *text, const char *what, struct name *out)
{
	return parse(u, text, what, true, out);
}
