/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration file: its defaults, and one reader for all keys. */
#include "c-client/base/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "c-client/base/bounds.h"
#include "c-client/base/buf.h"
#include "c-client/base/build.h"
#include "c-client/base/config_keys.h"
#include "c-client/base/fault.h"
#include "c-client/base/log.h"
#include "c-client/base/span.h"

#include "c-client/base/banned.h"

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

/* What this build or this machine has in place of the table's default. */
static void
set_default(struct config *c, const char *name, struct span value,
    bool built)
{
	size_t i;
	const struct config_key *key = config_keys_find(span_of(name), &i);

	config_keys_set(key, c, value, NULL);
	c->from[i] = built ? CONFIG_BUILT : CONFIG_DEFAULT;
}

void
config_defaults(struct config *c)
{
	static const char *const certs[] = { "/etc/ssl/certs",
	    "/etc/pki/tls/certs", "/usr/local/ssl/certs", NULL };
	static const char *const spools[] = { "/var/mail", "/var/spool/mail",
	    NULL };
	const struct config_key *key;
	const char *dir;

	*c = (struct config){ .called = "" };
	for (size_t i = 0; (key = config_keys_row(i)) != NULL; i++)
		config_keys_set(key, c, span_of(key->standard), NULL);
	set_default(c, "auth", span_of(DEFAULT_AUTH),
	    strcmp(DEFAULT_AUTH, "pam") != 0);
	set_default(c, "plaintext", span_of(DEFAULT_PLAINTEXT),
	    strcmp(DEFAULT_PLAINTEXT, "tls") != 0);
	set_default(c, "extra_drivers", span_of(DEFAULT_EXTRA_DRIVERS),
	    strcmp(DEFAULT_EXTRA_DRIVERS, "none") != 0);
	dir = choose_directory(DEFAULT_CERT_DIR, certs);
	set_default(c, "cert_dir", span_of(dir),
	    strcmp(dir, DEFAULT_CERT_DIR) == 0);
	dir = choose_directory(DEFAULT_MAIL_SPOOL, spools);
	set_default(c, "mail_spool", span_of(dir),
	    strcmp(dir, DEFAULT_MAIL_SPOOL) == 0);
	if (DEFAULT_KEY_DIR[0] != '\0')
		set_default(c, "key_dir", span_of(DEFAULT_KEY_DIR), true);
}

/* Keys that weren't named are in the `private` beside the certificates
 * (decisions.md 12). */
static void
resolve_key_dir(struct config *c)
{
	const char *slash = strrchr(c->cert_dir, '/');
	struct buf path;
	size_t i;

	config_keys_find(SPAN("key_dir"), &i);
	if ((c->from[i] == CONFIG_BUILT && is_directory(c->key_dir)) ||
	    (c->from[i] != CONFIG_BUILT && c->from[i] != CONFIG_DEFAULT))
		return;
	buf_init(&path, 0);
	buf_add(&path, c->cert_dir, (size_t)(slash - c->cert_dir));
	buf_adds(&path, "/private");
	set_default(c, "key_dir", buf_span(&path), false);
	buf_clear(&path);
}

/* What a line says, told to whom it concerns. */
struct reading {
	struct config *config;
	config_tell *tell;
	void *arg;
	struct config_line line;
};

/* Returns false always. */
static bool
complain(struct reading *r, enum config_trouble trouble, const char *text)
{
	r->line.trouble = trouble;
	r->line.text = text;
	r->tell(r->arg, &r->line);
	return false;
}

/* The value of row `i` is this line's. */
static void
note_line(struct reading *r, size_t i, const char *name)
{
	uint32_t before = r->config->from[i];
	struct fault twice;

	r->config->from[i] = r->line.number;
	if (before == CONFIG_DEFAULT || before == CONFIG_BUILT)
		return;
	r->line.before = before;
	fault_set(&twice, FAULT_SYNTAX, "%s stands in line %u already; the "
	    "last one counts", name, before);
	complain(r, CONFIG_TWICE, twice.text);
}

static bool
take_pair(struct reading *r, struct span name, struct span value)
{
	struct fault bad = { FAULT_NONE, "" };
	const struct config_key *key;
	char shown[LOG_FIELD_MAX];
	size_t i;

	if ((key = config_keys_find(name, &i)) == NULL) {
		key = config_keys_nearest(name, &r->line.distance);
		r->line.nearest = key->name;
		r->line.name = name;
		fault_set(&bad, FAULT_SYNTAX, "unknown key %s; the nearest is "
		    "%s", log_field(name.p, name.n, shown), key->name);
		return complain(r, CONFIG_BAD_KEY, bad.text);
	}
	r->line.nearest = key->name;
	if (!config_keys_set(key, r->config, value, &bad))
		return complain(r, CONFIG_BAD_VALUE, bad.text);
	note_line(r, i, key->name);
	if (key->kind == CONFIG_AUTH && span_starts_nocase(value, "users:")) {
		config_keys_find(SPAN("users_file"), &i);
		note_line(r, i, "users_file");
	}
	return true;
}

/* One line without its end.  False if it is wrong. */
static bool
take_line(struct reading *r, struct span line)
{
	ptrdiff_t equals;

	line = span_trim(line);
	if (line.n == 0 || line.p[0] == '#')
		return true;
	if (memchr(line.p, '\0', line.n) != NULL)
		return complain(r, CONFIG_BAD_LINE, "a NUL octet");
	if ((equals = span_find_char(line, '=')) == -1)
		return complain(r, CONFIG_BAD_LINE,
		    "no \"=\" in it: key = value");
	return take_pair(r,
	    span_trim(span_slice(line, 0, (size_t)equals)),
	    span_trim(span_slice(line, (size_t)equals + 1, line.n)));
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
take_text(struct reading *r, struct span left)
{
	int rc = 0;

	while (left.n != 0) {
		ptrdiff_t end = span_find_char(left, '\n');
		size_t n = end == -1 ? left.n : (size_t)end;
		unsigned number = r->line.number + 1;

		r->line = (struct config_line){ .number = number };
		if (!take_line(r, span_slice(left, 0, n)))
			rc = -1;
		left = span_slice(left, n + 1, left.n);
	}
	return rc;
}

int
config_read_telling(struct config *c, const char *path, bool required,
    config_tell *tell, void *arg, struct fault *why)
{
	struct reading r = { .config = c, .tell = tell, .arg = arg };
	struct buf text;
	int rc;

	buf_init(&text, BOUND_CONFIG_FILE);
	if (read_file(path, &text) == 0) {
		rc = take_text(&r, buf_span(&text));
		if (rc == -1)
			fault_set(why, FAULT_SYNTAX, "%s has wrong lines",
			    path);
	} else if (errno == ENOENT && !required)
		rc = 0;
	else
		rc = fault_errno(why, "%s", path);
	buf_clear(&text);
	resolve_key_dir(c);
	return rc;
}

static void
log_trouble(void *arg, const struct config_line *l)
{
	const char *const *path = arg;

	if (l->trouble != CONFIG_TWICE)
		log_line(LOG_ERR, "%s line %u: %s; the line is left out",
		    *path, l->number, l->text);
}

int
config_read(struct config *c, const char *path, bool required,
    struct fault *why)
{
	struct fault bad;
	int rc = config_read_telling(c, path, required, log_trouble, &path,
	    &bad);

	if (rc == -1 && bad.code != FAULT_SYNTAX)
		log_line(LOG_ERR, "configuration %s; the defaults hold",
		    bad.text);
	if (rc == -1)
		fault_set(why, bad.code, "%s", bad.text);
	return rc;
}

void
config_dump(const struct config *c, const char *path, struct buf *out)
{
	const struct config_key *key;

	for (size_t i = 0; (key = config_keys_row(i)) != NULL; i++) {
		if (c->from[i] == CONFIG_DEFAULT)
			buf_adds(out, "# default");
		else if (c->from[i] == CONFIG_BUILT)
			buf_adds(out, "# build");
		else
			buf_addf(out, "# %s:%u", path, c->from[i]);
		buf_addf(out, "; a reason to touch it: %s\n", key->reason);
		buf_addf(out, "%s = ", key->name);
		config_keys_show(key, c, out);
		buf_addc(out, '\n');
	}
}
