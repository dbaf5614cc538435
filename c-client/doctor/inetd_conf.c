/* SPDX-License-Identifier: Apache-2.0 */
/* inetd.conf. */
#include "c-client/doctor/inetd_conf.h"

#include <string.h>

#include "c-client/doctor/entry.h"

#include "c-client/base/banned.h"

/* The fields before the arguments. */
enum { SERVICE, TYPE, PROTOCOL, WAIT, USER, PATH, FIELDS };

static const char *const names[FIELDS] = {
	"service", "socket type", "protocol", "wait or nowait", "user",
	"program"
};

struct line {
	struct span field[FIELDS];
	size_t n;
	struct span arguments;
};

/* tcp has many forms, and buffer sizes behind a comma. */
static bool
is_protocol(struct span word)
{
	return span_starts_nocase(word, "tcp") ||
	    span_starts_nocase(word, "udp") || span_is(word, "unix") ||
	    span_starts_nocase(word, "rpc/");
}

static bool
is_type(struct span word)
{
	static const char *const types[] = { "stream", "dgram", "raw", "rdm",
	    "seqpacket" };

	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
		if (span_is(word, types[i]))
			return true;
	return false;
}

static bool
is_wait(struct span word)
{
	return span_starts_nocase(word, "wait") ||
	    span_starts_nocase(word, "nowait");
}

static bool
is_program(struct span word)
{
	return (word.n > 0 && word.p[0] == '/') || span_is(word, "internal");
}

/* What each field must look like; who left one out has all others in the
 * wrong place. */
static bool
fits(struct span word, int field)
{
	switch (field) {
	case TYPE:
		return is_type(word);
	case PROTOCOL:
		return is_protocol(word);
	case WAIT:
		return is_wait(word);
	case USER:
		return !is_program(word);
	case PATH:
		return is_program(word);
	default:
		return word.n != 0;
	}
}

static struct line
split(struct span text)
{
	struct line line = { .n = 0 };

	while (line.n < FIELDS) {
		struct span word = entry_word(&text);

		if (word.n == 0)
			break;
		line.field[line.n++] = word;
	}
	line.arguments = text;
	return line;
}

/* The first field that isn't what it has to be, or FIELDS. */
static int
first_wrong(const struct line *line)
{
	for (int i = 0; i < FIELDS; i++)
		if ((size_t)i >= line->n || !fits(line->field[i], i))
			return i;
	return FIELDS;
}

/* What stands in front of the last colon, and what behind it: an address of
 * IPv6 has colons of its own. */
static struct span
cut_address(struct span *word)
{
	size_t colon = word->n;
	struct span address;

	while (colon > 0 && word->p[colon - 1] != ':')
		colon--;
	address = span_slice(*word, 0, colon == 0 ? 0 : colon - 1);
	*word = span_slice(*word, colon, word->n);
	return address;
}

static void
set_service(struct entries *list, struct entry *e, struct span word,
    struct span usual)
{
	struct span address = cut_address(&word);

	if (address.n == 0)
		address = usual;
	e->service = entry_text(list, word);
	if (!span_eq(address, SPAN("*")))
		e->address = entry_text(list, address);
}

static void
set_protocol(struct entries *list, struct entry *e, struct span word)
{
	ptrdiff_t comma = span_find_char(word, ',');

	if (comma != -1)
		word = span_slice(word, 0, (size_t)comma);
	e->protocol = entry_text(list, word);
	e->ipv4 = !span_is(word, "tcp6") && !span_is(word, "tcp6only");
	e->ipv6 = !span_is(word, "tcp4");
}

static void
set_wait(struct entry *e, struct span word)
{
	size_t n = 0;

	while (n < word.n && word.p[n] != '.' && word.p[n] != ':')
		n++;
	e->wait = span_is(span_slice(word, 0, n), "wait");
	e->limit = entry_number(span_slice(word, n + 1, word.n));
}

static void
set_user(struct entries *list, struct entry *e, struct span word)
{
	size_t n = 0;

	while (n < word.n && word.p[n] != '.' && word.p[n] != ':')
		n++;
	e->user = entry_text(list, span_slice(word, 0, n));
}

/* Fields up to the first that is wrong; behind it nothing is certain but a
 * path, which says whose entry it is. */
static void
fill(struct entries *list, struct entry *e, const struct line *line,
    int wrong)
{
	e->stream = wrong > TYPE && span_is(line->field[TYPE], "stream");
	if (wrong > PROTOCOL)
		set_protocol(list, e, line->field[PROTOCOL]);
	if (wrong > WAIT)
		set_wait(e, line->field[WAIT]);
	if (wrong > USER)
		set_user(list, e, line->field[USER]);
	e->input = true;
	if (wrong == FIELDS) {
		e->path = entry_text(list, line->field[PATH]);
		entry_words(list, e, line->arguments);
		return;
	}
	e->missing = names[wrong];
	if (wrong == PATH && line->n > PATH)
		e->path = entry_text(list, line->field[PATH]);
	for (size_t i = TYPE; i < line->n; i++)
		if (line->field[i].p[0] == '/')
			e->path = entry_text(list, line->field[i]);
}

/* Without the marks of a comment, as people and update-inetd(8) make them. */
static struct span
uncomment(struct span line)
{
	size_t n = 0;

	while (n < line.n && memchr("# \t", line.p[n], 3) != NULL)
		n++;
	line = span_slice(line, n, line.n);
	if (span_starts_nocase(line, "<off>#"))
		line = span_slice(line, 6, line.n);
	return span_trim(line);
}

static void
take(struct entries *list, const char *file, unsigned first, unsigned last,
    struct span text, struct span *usual)
{
	bool comment = text.p[0] == '#';
	struct line line = split(comment ? uncomment(text) : text);
	int wrong = first_wrong(&line);
	struct entry *e;

	if (line.n == 0 || (comment && wrong != FIELDS))
		return;
	/* ADDRESS: alone is for the lines below, and no entry. */
	if (line.n == 1 && line.field[0].p[line.field[0].n - 1] == ':') {
		*usual = cut_address(&line.field[0]);
		return;
	}
	if ((e = entry_add(list)) == NULL)
		return;
	e->kind = ENTRY_INETD;
	e->file = file;
	e->line = first;
	e->last = last;
	e->disabled = comment;
	set_service(list, e, line.field[SERVICE], *usual);
	fill(list, e, &line, wrong);
}

/* Lines that begin with a blank belong to the one before: `line`, which lies
 * in front of them in the same text, grows over them. */
static struct span
continued(struct span line, struct span *text, unsigned *number)
{
	while (text->n != 0 && memchr(" \t", text->p[0], 2) != NULL) {
		struct span next = *text, more = entry_line(&next);

		if (span_trim(more).n == 0)
			break;
		line.n = (size_t)(more.p + more.n - line.p);
		*text = next;
		++*number;
	}
	return line;
}

void
inetd_conf_parse(struct entries *list, const char *file, struct span text)
{
	struct span usual = { "", 0 };
	unsigned number = 0;

	while (text.n != 0) {
		struct span line = entry_line(&text);
		unsigned first = ++number;

		if (line.n != 0 && line.p[0] != '#')
			line = continued(line, &text, &number);
		line = span_trim(line);
		if (line.n != 0)
			take(list, file, first, number, line, &usual);
	}
}
