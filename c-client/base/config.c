/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration file: a table of keys, and one reader for all of them. */
#include "c-client/base/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "c-client/base/arena.h"
#include "c-client/base/bounds.h"
#include "c-client/base/buf.h"
#include "c-client/base/fault.h"
#include "c-client/base/log.h"
#include "c-client/base/span.h"

#include "c-client/base/banned.h"

/* What the build didn't say: "" is found out when the server runs. */
#ifndef WITH_PAM
#define WITH_PAM	1
#endif
#ifndef DEFAULT_AUTH
#define DEFAULT_AUTH	(WITH_PAM ? CONFIG_AUTH_PAM : CONFIG_AUTH_SHADOW)
#endif
#ifndef DEFAULT_PLAINTEXT
#define DEFAULT_PLAINTEXT	CONFIG_PLAINTEXT_TLS
#endif
#ifndef DEFAULT_CERT_DIR
#define DEFAULT_CERT_DIR	""
#endif
#ifndef DEFAULT_KEY_DIR
#define DEFAULT_KEY_DIR	""
#endif
#ifndef DEFAULT_MAIL_SPOOL
#define DEFAULT_MAIL_SPOOL	""
#endif

/* True if the value was taken; else `why` says what would be right. */
typedef bool config_setter(struct config *, size_t offset, struct span value,
    uint64_t max, struct fault *why);

struct key {
	const char *name;
	config_setter *set;
	size_t offset;
	uint64_t max;		/* of a number */
};

/* Values live as long as the process: sessions hold them. */
static struct arena *values;

static char *
copy_of(struct span s)
{
	if (values == NULL)
		values = arena_new(0);
	return arena_string(values, s.p, s.n);
}

static bool
set_text(struct config *c, size_t offset, struct span value, uint64_t max,
    struct fault *why)
{
	const char *text = copy_of(value);

	(void)max;
	(void)why;
	memcpy((char *)c + offset, &text, sizeof text);
	return true;
}

static bool
set_path(struct config *c, size_t offset, struct span value, uint64_t max,
    struct fault *why)
{
	if (value.n == 0 || value.p[0] != '/') {
		fault_set(why, FAULT_SYNTAX, "must be a path from / on");
		return false;
	}
	return set_text(c, offset, value, max, why);
}

/* A path, or nothing for what is not there. */
static bool
set_dir(struct config *c, size_t offset, struct span value, uint64_t max,
    struct fault *why)
{
	return value.n == 0 ? set_text(c, offset, value, max, why) :
	    set_path(c, offset, value, max, why);
}

static bool
set_number(struct config *c, size_t offset, struct span value, uint64_t max,
    struct fault *why)
{
	uint64_t number;
	uint32_t small;

	if (!span_number(value, max, &number)) {
		fault_set(why, FAULT_SYNTAX, "must be a number up to %llu",
		    (unsigned long long)max);
		return false;
	}
	small = (uint32_t)number;
	memcpy((char *)c + offset, &small, sizeof small);
	return true;
}

/* The index of `value` among words separated by blanks, or -1 and a fault. */
static int
word_of(struct span value, const char *words, struct fault *why)
{
	struct span left = span_of(words);

	for (int i = 0; left.n != 0; i++) {
		ptrdiff_t blank = span_find_char(left, ' ');
		size_t n = blank == -1 ? left.n : (size_t)blank;

		if (span_eq_nocase(value, span_slice(left, 0, n)))
			return i;
		left = span_slice(left, n + 1, left.n);
	}
	return fault_set(why, FAULT_SYNTAX, "must be one of: %s", words);
}

static bool
set_yes_no(struct config *c, size_t offset, struct span value, uint64_t max,
    struct fault *why)
{
	int word = word_of(value, "no yes", why);
	bool truth = word == 1;

	(void)max;
	if (word != -1)
		memcpy((char *)c + offset, &truth, sizeof truth);
	return word != -1;
}

static bool
set_fsync(struct config *c, size_t offset, struct span value, uint64_t max,
    struct fault *why)
{
	int word = word_of(value, "always relaxed", why);

	(void)offset;
	(void)max;
	if (word != -1)
		c->relaxed = word == 1;
	return word != -1;
}

static bool
set_lock(struct config *c, size_t offset, struct span value, uint64_t max,
    struct fault *why)
{
	int word = word_of(value, "fcntl both", why);

	(void)offset;
	(void)max;
	if (word != -1)
		c->dot_lock = word == 1;
	return word != -1;
}

static bool
set_format(struct config *c, size_t offset, struct span value, uint64_t max,
    struct fault *why)
{
	int word = word_of(value, "unix maildir", why);

	(void)offset;
	(void)max;
	if (word != -1)
		c->format = word == 0 ? "unix" : "maildir";
	return word != -1;
}

static bool
set_tls(struct config *c, size_t offset, struct span value, uint64_t max,
    struct fault *why)
{
	static const char *const names[] = { "modern", "intermediate", "old" };
	int word = word_of(value, "modern intermediate old", why);

	(void)offset;
	(void)max;
	if (word != -1)
		c->tls = names[word];
	return word != -1;
}

static bool
set_plaintext(struct config *c, size_t offset, struct span value,
    uint64_t max, struct fault *why)
{
	int word = word_of(value, "tls always", why);

	(void)offset;
	(void)max;
	if (word != -1)
		c->plaintext = word == 1 ? CONFIG_PLAINTEXT_ALWAYS :
		    CONFIG_PLAINTEXT_TLS;
	return word != -1;
}

static bool
set_auth(struct config *c, size_t offset, struct span value, uint64_t max,
    struct fault *why)
{
	static const enum config_auth kinds[] = { CONFIG_AUTH_PAM,
	    CONFIG_AUTH_SHADOW, CONFIG_AUTH_NONE, CONFIG_AUTH_USERS };
	bool file = span_starts_nocase(value, "users:");
	int word;

	(void)offset;
	if (file && !set_path(c, offsetof(struct config, users_file),
	    span_slice(value, 6, value.n), max, why))
		return false;
	word = file ? 3 : word_of(value, "pam shadow none users", why);
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
	c->auth = kinds[word];
	return true;
}

#define AT(member)	offsetof(struct config, member)
#define DAY		86400u

/* In the order of the manual page. */
static const struct key keys[] = {
	{ "auth",	   set_auth,	  AT(auth),		0 },
	{ "users_file",	   set_path,	  AT(users_file),	0 },
	{ "plaintext",	   set_plaintext, AT(plaintext),	0 },
	{ "cert_dir",	   set_path,	  AT(cert_dir),		0 },
	{ "key_dir",	   set_path,	  AT(key_dir),		0 },
	{ "tls",	   set_tls,	  AT(tls),		0 },
	{ "tls_state",	   set_dir,	  AT(tls_state),	0 },
	{ "mail_spool",	   set_path,	  AT(mail_spool),	0 },
	{ "mail_root",	   set_text,	  AT(mail_root),	0 },
	{ "shared_dir",	   set_dir,	  AT(shared_dir),	0 },
	{ "public_dir",	   set_dir,	  AT(public_dir),	0 },
	{ "other_users",   set_yes_no,	  AT(other_users),	0 },
	{ "outside",	   set_yes_no,	  AT(outside),		0 },
	{ "format",	   set_format,	  AT(format),		0 },
	{ "index_dir",	   set_text,	  AT(index_dir),	0 },
	{ "fsync",	   set_fsync,	  AT(relaxed),		0 },
	{ "lock",	   set_lock,	  AT(dot_lock),		0 },
	{ "lock_timeout",  set_number,	  AT(lock_timeout),	3600 },
	{ "front_user",	   set_text,	  AT(front_user),	0 },
	{ "login_tries",   set_number,	  AT(login_tries),	100 },
	{ "fail_delay",	   set_number,	  AT(fail_delay),	60 },
	{ "login_timeout", set_number,	  AT(login_timeout),	3600 },
	{ "idle_timeout",  set_number,	  AT(idle_timeout),	30 * DAY },
	{ "pam_session",   set_yes_no,	  AT(pam_session),	0 },
	{ "workarounds",   set_text,	  AT(workarounds),	0 },
	{ "log",	   set_text,	  AT(log),		0 },
};

#define KEYS	(sizeof keys / sizeof keys[0])

static bool
is_directory(const char *name)
{
	struct stat st;

	return stat(name, &st) == 0 && S_ISDIR(st.st_mode);
}

/*
 * The directory that the build named, if this machine has it, else the first
 * of the usual ones: a server built with the words of another system finds
 * this one's certificates all the same.
 */
static const char *
choose_directory(const char *built, const char *const *usual)
{
	if (built[0] != '\0' && is_directory(built))
		return built;
	for (const char *const *name = usual; *name != NULL; name++)
		if (is_directory(*name))
			return *name;
	return built[0] != '\0' ? built : usual[0];
}

void
config_defaults(struct config *c)
{
	static const char *const certs[] = { "/etc/ssl/certs",
	    "/etc/pki/tls/certs", "/usr/local/ssl/certs", NULL };
	static const char *const spools[] = { "/var/mail", "/var/spool/mail",
	    NULL };

	*c = (struct config){
		.auth = DEFAULT_AUTH,
		.users_file = "",
		.plaintext = DEFAULT_PLAINTEXT,
		.cert_dir = choose_directory(DEFAULT_CERT_DIR, certs),
		.key_dir = DEFAULT_KEY_DIR,
		.tls = "intermediate",
		.tls_state = "/run/imapd.state",
		.mail_spool = choose_directory(DEFAULT_MAIL_SPOOL, spools),
		.mail_root = "",
		.format = "",
		.shared_dir = "",
		.public_dir = "",
		.other_users = false,
		.outside = false,
		.index_dir = "",
		.relaxed = false,
		.dot_lock = true,
		.lock_timeout = 30,
		.front_user = "",
		.login_tries = 3,
		.fail_delay = 3,
		.login_timeout = 180,
		.idle_timeout = 0,
		.pam_session = false,
		.workarounds = "all",
		.called = "",
		.log = "syslog",
	};
}

/* Keys that weren't named are in the `private` beside the certificates
 * (decisions.md 12). */
static void
resolve_key_dir(struct config *c)
{
	struct buf path;
	const char *slash = strrchr(c->cert_dir, '/');

	if (is_directory(c->key_dir) || slash == NULL ||
	    strcmp(c->key_dir, DEFAULT_KEY_DIR) != 0)
		return;
	buf_init(&path, 0);
	buf_add(&path, c->cert_dir, (size_t)(slash - c->cert_dir));
	buf_adds(&path, "/private");
	c->key_dir = copy_of(buf_span(&path));
	buf_clear(&path);
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

static const char *
nearest_key(struct span name)
{
	const char *best = keys[0].name;
	size_t least = SIZE_MAX;

	name = span_slice(name, 0, 64);
	for (size_t i = 0; i < KEYS; i++) {
		size_t distance = edit_distance(name, keys[i].name);

		if (distance < least) {
			least = distance;
			best = keys[i].name;
		}
	}
	return best;
}

/* One line without its end.  False and a fault if it is wrong. */
static bool
take_line(struct config *c, struct span line, struct fault *why)
{
	ptrdiff_t equals;
	struct span name, value;
	char shown[LOG_FIELD_MAX];

	line = span_trim(line);
	if (line.n == 0 || line.p[0] == '#')
		return true;
	if (memchr(line.p, '\0', line.n) != NULL) {
		fault_set(why, FAULT_SYNTAX, "a NUL octet");
		return false;
	}
	if ((equals = span_find_char(line, '=')) == -1) {
		fault_set(why, FAULT_SYNTAX, "no \"=\" in it: key = value");
		return false;
	}
	name = span_trim(span_slice(line, 0, (size_t)equals));
	value = span_trim(span_slice(line, (size_t)equals + 1, line.n));
	for (size_t i = 0; i < KEYS; i++)
		if (span_is(name, keys[i].name))
			return keys[i].set(c, keys[i].offset, value,
			    keys[i].max, why);
	fault_set(why, FAULT_SYNTAX, "unknown key %s; the nearest is %s",
	    log_field(name.p, name.n, shown), nearest_key(name));
	return false;
}

/* The whole file into *text.  Returns 0, or -1 with errno; EFBIG stands for
 * one that is too long. */
static int
read_file(const char *path, struct buf *text)
{
	ssize_t got = 1;
	char *room;
	int fd, saved;

	if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) == -1)
		return -1;
	while (got > 0 && (room = buf_room(text, 4096)) != NULL) {
		got = read(fd, room, 4096);
		if (got == -1 && errno == EINTR)
			got = 1;
		else if (got > 0)
			text->n += (size_t)got;
	}
	saved = text->full ? EFBIG : errno;
	close(fd);
	errno = saved;
	return got == 0 ? 0 : -1;
}

static int
take_text(struct config *c, const char *path, struct span left,
    struct fault *why)
{
	struct fault bad = { FAULT_NONE, "" };
	unsigned number = 0, wrong = 0;

	while (left.n != 0) {
		ptrdiff_t end = span_find_char(left, '\n');
		size_t n = end == -1 ? left.n : (size_t)end;

		number++;
		if (!take_line(c, span_slice(left, 0, n), &bad)) {
			wrong++;
			log_line(LOG_ERR, "%s line %u: %s; the line is left "
			    "out", path, number, bad.text);
			if (wrong == 1)
				fault_set(why, FAULT_SYNTAX, "%s line %u: %s",
				    path, number, bad.text);
		}
		left = span_slice(left, n + 1, left.n);
	}
	return wrong == 0 ? 0 : -1;
}

int
config_read(struct config *c, const char *path, bool required,
    struct fault *why)
{
	struct buf text;
	int rc;

	buf_init(&text, BOUND_CONFIG_FILE);
	if (read_file(path, &text) == 0)
		rc = take_text(c, path, buf_span(&text), why);
	else if (errno == ENOENT && !required)
		rc = 0;
	else {
		rc = fault_errno(why, "%s", path);
		log_line(LOG_ERR, "configuration %s: %s; the defaults hold",
		    path, strerror(errno));
	}
	buf_clear(&text);
	resolve_key_dir(c);
	return rc;
}
