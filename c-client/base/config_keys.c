/* SPDX-License-Identifier: Apache-2.0 */
/* The table of configuration keys, and values as text, both ways. */
#include "c-client/base/config_keys.h"

#include <string.h>

#include "c-client/base/arena.h"
#include "c-client/base/buf.h"
#include "c-client/base/build.h"
#include "c-client/base/config.h"
#include "c-client/base/fault.h"

#include "c-client/base/banned.h"

#define AT(member)	offsetof(struct config, member)
#define DAY		86400u

static const struct config_key keys[] = {
	{ "auth", CONFIG_AUTH, AT(auth), "pam", 0, 0,
	    "pam shadow none users",
	    "users who are not in /etc/passwd, or a system without PAM" },
	{ "users_file", CONFIG_OPTIONAL_PATH, AT(users_file), "", 0, 0, "",
	    "auth = users, and the file is not named there" },
	{ "plaintext", CONFIG_CHOICE, AT(plaintext), "tls", 0, 0,
	    "tls always",
	    "clients that can't do TLS, in a network that nobody listens to" },
	{ "cert_dir", CONFIG_PATH, AT(cert_dir), "/etc/ssl/certs", 0, 0, "",
	    "certificates are somewhere else" },
	{ "key_dir", CONFIG_PATH, AT(key_dir), "/etc/ssl/private", 0, 0, "",
	    "private keys are somewhere else" },
	{ "tls", CONFIG_WORD, AT(tls), "intermediate", 0, 0,
	    "modern intermediate old",
	    "clients made before 2014, or rules that allow TLS 1.3 alone" },
	{ "tls_state", CONFIG_OPTIONAL_PATH, AT(tls_state),
	    "/run/imapd.state", 0, 0, "",
	    "there is no /run, or clients must not resume sessions" },
	{ "mail_spool", CONFIG_PATH, AT(mail_spool), "/var/mail", 0, 0, "",
	    "mail is delivered to another directory" },
	{ "mail_root", CONFIG_TEXT, AT(mail_root), "", 0, 0, "",
	    "mailboxes are neither in ~/mail nor in the home" },
	{ "shared_dir", CONFIG_OPTIONAL_PATH, AT(shared_dir), "", 0, 0, "",
	    "mailboxes that several users have in common" },
	{ "public_dir", CONFIG_OPTIONAL_PATH, AT(public_dir), "", 0, 0, "",
	    "mailboxes that everybody may read" },
	{ "other_users", CONFIG_TRUTH, AT(other_users), "no", 0, 0, "no yes",
	    "users who read each other's mailboxes" },
	{ "outside", CONFIG_TRUTH, AT(outside), "no", 0, 0, "no yes",
	    "mailboxes that links or absolute names lead to" },
	{ "format", CONFIG_OPTIONAL_WORD, AT(format), "", 0, 0,
	    "unix maildir",
	    "new mailboxes shall have another format than INBOX" },
	{ "extra_drivers", CONFIG_TRUTH, AT(mbox_inbox), "none", 0, 0,
	    "none mbox",
	    "users of the old toolkit who have their mail in ~/mbox" },
	{ "index_dir", CONFIG_TEXT, AT(index_dir), "", 0, 0, "",
	    "homes are small, slow, or on a network" },
	{ "fsync", CONFIG_TRUTH, AT(relaxed), "always", 0, 0,
	    "always relaxed",
	    "the disk is slow, and half a minute of mail may be lost" },
	{ "lock", CONFIG_TRUTH, AT(dot_lock), "both", 0, 0, "fcntl both",
	    "no program on this machine makes dot-locks" },
	{ "lock_timeout", CONFIG_NUMBER, AT(lock_timeout), "30", 0, 3600, "",
	    "other programs hold mailboxes for longer" },
	{ "front_user", CONFIG_TEXT, AT(front_user), "", 0, 0, "",
	    "there is a user for it that is not called imapd" },
	{ "login_tries", CONFIG_NUMBER, AT(login_tries), "3", 0, 100, "",
	    "clients that try several passwords in one connection" },
	{ "fail_delay", CONFIG_NUMBER, AT(fail_delay), "3", 0, 60, "",
	    "something else slows down those who guess passwords" },
	{ "login_timeout", CONFIG_NUMBER, AT(login_timeout), "180", 0, 3600,
	    "", "clients that connect long before they log in" },
	{ "idle_timeout", CONFIG_NUMBER, AT(idle_timeout), "0", 0, 30 * DAY,
	    "", "sessions that nobody uses shall end sooner, or later" },
	{ "max_sessions", CONFIG_NUMBER, AT(max_sessions), "512", 1, 20000,
	    "", "memory is for fewer clients at a time, or there are more" },
	{ "max_per_address", CONFIG_NUMBER, AT(max_per_address), "128", 0,
	    20000, "", "a whole company comes from one address" },
	{ "idle_exit", CONFIG_NUMBER, AT(idle_exit), "60", 0, DAY, "",
	    "a server in wait mode shall leave sooner, or stay ready" },
	{ "pam_session", CONFIG_TRUTH, AT(pam_session), "no", 0, 0, "no yes",
	    "a PAM module that makes homes or mounts them" },
	{ "workarounds", CONFIG_TEXT, AT(workarounds), "all", 0, 0, "",
	    "a client is to be told of its faults" },
	{ "log", CONFIG_TEXT, AT(log), "syslog", 0, 0, "",
	    "there is no syslog, or the log shall be a file of its own" },
};

#define KEYS	(sizeof keys / sizeof keys[0])

_Static_assert(KEYS <= CONFIG_KEYS_MAX, "room for where each is from");

static struct arena *values;

char *
config_keys_copy(struct span s)
{
	if (values == NULL)
		values = arena_new(0);
	return arena_string(values, s.p, s.n);
}

const struct config_key *
config_keys_row(size_t i)
{
	return i < KEYS ? &keys[i] : NULL;
}

const struct config_key *
config_keys_find(struct span name, size_t *i)
{
	for (*i = 0; *i < KEYS; ++*i)
		if (span_is(name, keys[*i].name))
			return &keys[*i];
	return NULL;
}

/* Octets to insert, drop or change to make one word of the other. */
static size_t
edit_distance(struct span a, const char *b)
{
	size_t row[32], n = strlen(b);

	if (n >= sizeof row / sizeof row[0])
		return n;
	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 0; i < a.n; i++) {
		size_t diagonal = row[0];

		row[0] = i + 1;
		for (size_t j = 0; j < n; j++) {
			size_t best = diagonal +
			    (ascii_lower(a.p[i]) == b[j] ? 0 : 1);

			diagonal = row[j + 1];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (diagonal + 1 < best)
				best = diagonal + 1;
			row[j + 1] = best;
		}
	}
	return row[n];
}

const struct config_key *
config_keys_nearest(struct span name, size_t *distance)
{
	const struct config_key *best = &keys[0];

	*distance = SIZE_MAX;
	name = span_slice(name, 0, 64);
	for (size_t i = 0; i < KEYS; i++) {
		size_t d = edit_distance(name, keys[i].name);

		if (d < *distance) {
			*distance = d;
			best = &keys[i];
		}
	}
	return best;
}

static void
put(struct config *c, size_t offset, const void *value, size_t n)
{
	memcpy((char *)c + offset, value, n);
}

static bool
set_text(struct config *c, size_t offset, struct span value)
{
	const char *text = config_keys_copy(value);

	put(c, offset, &text, sizeof text);
	return true;
}

static bool
set_path(struct config *c, size_t offset, struct span value,
    struct fault *why)
{
	if (value.n != 0 && value.p[0] == '/')
		return set_text(c, offset, value);
	fault_set(why, FAULT_SYNTAX, "must be a path from / on");
	return false;
}

static bool
set_number(const struct config_key *k, struct config *c, struct span value,
    struct fault *why)
{
	uint64_t number;
	uint32_t small;

	if (span_number(value, k->most, &number) && number >= k->least) {
		small = (uint32_t)number;
		put(c, k->offset, &small, sizeof small);
		return true;
	}
	if (k->least == 0)
		fault_set(why, FAULT_SYNTAX, "must be a number up to %lu",
		    (unsigned long)k->most);
	else
		fault_set(why, FAULT_SYNTAX, "must be a number from %lu to "
		    "%lu", (unsigned long)k->least, (unsigned long)k->most);
	return false;
}

/* The next of words with blanks between them. */
static struct span
next_word(struct span *left)
{
	ptrdiff_t blank = span_find_char(*left, ' ');
	size_t n = blank == -1 ? left->n : (size_t)blank;
	struct span word = span_slice(*left, 0, n);

	*left = span_slice(*left, n + 1, left->n);
	return word;
}

/* The number of `value` among words, or -1 and a fault. */
static int
word_of(struct span value, const char *words, struct fault *why)
{
	struct span left = span_of(words);

	for (int i = 0; left.n != 0; i++)
		if (span_eq_nocase(value, next_word(&left)))
			return i;
	return fault_set(why, FAULT_SYNTAX, "must be one of: %s", words);
}

/* Word number `i` of the row. */
static struct span
word_at(const struct config_key *k, unsigned i)
{
	struct span left = span_of(k->words), word = next_word(&left);

	while (i-- != 0)
		word = next_word(&left);
	return word;
}

static bool
set_word(const struct config_key *k, struct config *c, struct span value,
    struct fault *why)
{
	int word = word_of(value, k->words, why);
	unsigned choice = (unsigned)word;
	bool truth = word == 1;

	if (word == -1)
		return false;
	if (k->kind == CONFIG_TRUTH)
		put(c, k->offset, &truth, sizeof truth);
	else if (k->kind == CONFIG_CHOICE)
		put(c, k->offset, &choice, sizeof choice);
	else
		set_text(c, k->offset, word_at(k, choice));
	return true;
}

/* In the order of the row's words. */
static const enum config_auth auth_kinds[] = { CONFIG_AUTH_PAM,
    CONFIG_AUTH_SHADOW, CONFIG_AUTH_NONE, CONFIG_AUTH_USERS };

static bool
set_auth(const struct config_key *k, struct config *c, struct span value,
    struct fault *why)
{
	bool file = span_starts_nocase(value, "users:");
	int word;

	if (file && !set_path(c, AT(users_file),
	    span_slice(value, 6, value.n), why))
		return false;
	word = file ? 3 : word_of(value, k->words, why);
	if (word == -1) {
		fault_set(why, FAULT_SYNTAX,
		    "must be one of: pam shadow none users:FILE");
		return false;
	}
	if (word == 0 && !WITH_PAM) {
		fault_set(why, FAULT_CANNOT,
		    "this build has no PAM (PASSWDTYPE=pam has)");
		return false;
	}
	c->auth = auth_kinds[word];
	return true;
}

bool
config_keys_set(const struct config_key *k, struct config *c,
    struct span value, struct fault *why)
{
	switch (k->kind) {
	case CONFIG_TEXT:
		return set_text(c, k->offset, value);
	case CONFIG_OPTIONAL_PATH:
		return value.n == 0 ? set_text(c, k->offset, value) :
		    set_path(c, k->offset, value, why);
	case CONFIG_PATH:
		return set_path(c, k->offset, value, why);
	case CONFIG_NUMBER:
		return set_number(k, c, value, why);
	case CONFIG_OPTIONAL_WORD:
		return value.n == 0 ? set_text(c, k->offset, value) :
		    set_word(k, c, value, why);
	case CONFIG_TRUTH:
	case CONFIG_CHOICE:
	case CONFIG_WORD:
		return set_word(k, c, value, why);
	case CONFIG_AUTH:
		return set_auth(k, c, value, why);
	}
	return false;
}

static void
show_auth(const struct config_key *k, const struct config *c, struct buf *out)
{
	for (unsigned i = 0; i < sizeof auth_kinds / sizeof auth_kinds[0]; i++)
		if (auth_kinds[i] == c->auth)
			buf_addspan(out, word_at(k, i));
}

void
config_keys_show(const struct config_key *k, const struct config *c,
    struct buf *out)
{
	const char *at = (const char *)c + k->offset, *text;
	uint32_t number;
	unsigned choice;
	bool truth;

	switch (k->kind) {
	case CONFIG_TEXT:
	case CONFIG_PATH:
	case CONFIG_OPTIONAL_PATH:
	case CONFIG_WORD:
	case CONFIG_OPTIONAL_WORD:
		memcpy(&text, at, sizeof text);
		buf_adds(out, text);
		break;
	case CONFIG_NUMBER:
		memcpy(&number, at, sizeof number);
		buf_addnum(out, number);
		break;
	case CONFIG_TRUTH:
		memcpy(&truth, at, sizeof truth);
		buf_addspan(out, word_at(k, truth ? 1 : 0));
		break;
	case CONFIG_CHOICE:
		memcpy(&choice, at, sizeof choice);
		buf_addspan(out, word_at(k, choice));
		break;
	case CONFIG_AUTH:
		show_auth(k, c, out);
		break;
	}
}
