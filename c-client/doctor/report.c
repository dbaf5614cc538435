/* SPDX-License-Identifier: Apache-2.0 */
/* Findings, kept and shown. */
#include "c-client/doctor/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "c-client/base/arena.h"
#include "c-client/base/buf.h"
#include "c-client/base/memory.h"

#include "c-client/base/banned.h"

/* In the order of enum report_state. */
static const struct {
	const char *shown, *json, *plural;
} states[REPORT_STATES] = {
	{ "ok", "ok", "ok" },
	{ "warning", "warning", "warnings" },
	{ "FAILED", "failed", "FAILED" },
	{ "unknown", "unknown", "unknown" },
};

void
report_init(struct report *r)
{
	*r = (struct report){ .arena = arena_new(0), .check = "" };
}

void
report_clear(struct report *r)
{
	arena_free(r->arena);
	free(r->findings);
	*r = (struct report){ .check = "" };
}

void
report_begin(struct report *r, const char *check)
{
	r->check = check;
	r->here = 0;
}

/* Printf into the arena. */
static const char *
text_of(struct report *r, const char *before, const char *format, va_list ap)
{
	struct buf text;
	va_list again;
	char *room, *kept;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, format, again);
	va_end(again);
	buf_init(&text, 0);
	buf_adds(&text, before);
	room = buf_room(&text, (size_t)n + 1);
	vsnprintf(room, (size_t)n + 1, format, ap);
	text.n += (size_t)n;
	kept = arena_string(r->arena, text.p, text.n);
	buf_clear(&text);
	return kept;
}

static void
add(struct report *r, enum report_state state, const char *before,
    const char *format, va_list ap)
{
	if (r->here > REPORT_MAX)
		return;
	if (r->n == r->cap) {
		r->cap = r->cap == 0 ? 64 : 2 * r->cap;
		r->findings = memory_grow_array(r->findings, r->cap,
		    sizeof r->findings[0]);
	}
	r->findings[r->n++] = (struct report_finding){ .check = r->check,
	    .state = state, .evidence = text_of(r, before, format, ap),
	    .mend = "" };
	r->count[state]++;
	if (++r->here > REPORT_MAX)
		r->findings[r->n - 1].evidence = "there are more of these; "
		    "mend those above first, and check again";
}

void
report_ok(struct report *r, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	add(r, REPORT_OK, "", format, ap);
	va_end(ap);
}

void
report_warning(struct report *r, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	add(r, REPORT_WARNING, "", format, ap);
	va_end(ap);
}

void
report_failed(struct report *r, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	add(r, REPORT_FAILED, "", format, ap);
	va_end(ap);
}

void
report_unknown(struct report *r, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	add(r, REPORT_UNKNOWN, "could not look: ", format, ap);
	va_end(ap);
}

void
report_mend(struct report *r, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	if (r->here <= REPORT_MAX)
		r->findings[r->n - 1].mend = text_of(r, "", format, ap);
	va_end(ap);
}

const char *
report_format(struct report *r, const char *format, ...)
{
	const char *text;
	va_list ap;

	va_start(ap, format);
	text = text_of(r, "", format, ap);
	va_end(ap);
	return text;
}

const char *
report_as_user(struct report *r, uid_t uid, gid_t gid)
{
	return report_format(r, "setpriv --reuid=%lu --regid=%lu "
	    "--clear-groups", (unsigned long)uid, (unsigned long)gid);
}

const char *
report_quote(struct report *r, const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:,+@%=";
	struct buf word;
	const char *kept;

	if (text[0] != '\0' && text[strspn(text, plain)] == '\0')
		return arena_string(r->arena, text, strlen(text));
	buf_init(&word, 0);
	buf_addc(&word, '\'');
	for (; *text != '\0'; text++)
		if (*text == '\'')
			buf_adds(&word, "'\\''");
		else
			buf_addc(&word, *text);
	buf_addc(&word, '\'');
	kept = arena_string(r->arena, word.p, word.n);
	buf_clear(&word);
	return kept;
}

const char *
report_regex(struct report *r, struct span text)
{
	struct buf word;
	const char *kept;

	buf_init(&word, 0);
	for (size_t i = 0; i < text.n; i++) {
		if (strchr("\\/.*[]^$&", text.p[i]) != NULL)
			buf_addc(&word, '\\');
		buf_addc(&word, text.p[i]);
	}
	kept = arena_string(r->arena, word.n == 0 ? "" : word.p, word.n);
	buf_clear(&word);
	return kept;
}

/* The length of the UTF-8 character at `p` (RFC 3629 4), 0 if it is none. */
static size_t
utf8_length(const char *p)
{
	const unsigned char *u = (const unsigned char *)p;
	unsigned char least = 0x80, most = 0xbf;
	size_t n = u[0] < 0x80 ? 1 : u[0] < 0xc2 ? 0 : u[0] < 0xe0 ? 2 :
	    u[0] < 0xf0 ? 3 : u[0] < 0xf5 ? 4 : 0;

	if (u[0] == 0xe0)
		least = 0xa0;
	else if (u[0] == 0xed)
		most = 0x9f;
	else if (u[0] == 0xf0)
		least = 0x90;
	else if (u[0] == 0xf4)
		most = 0x8f;
	for (size_t i = 1; i < n; i++) {
		if (u[i] < least || u[i] > most)
			return 0;
		least = 0x80;
		most = 0xbf;
	}
	return n;
}

/* Names of files and words of other people's files are in it: nothing of that
 * may move a terminal's cursor or begin a line of its own. */
static void
add_printable(struct buf *out, const char *text)
{
	while (*text != '\0') {
		size_t n = utf8_length(text);
		bool control = (unsigned char)*text < ' ' || *text == 0x7f ||
		    (*text == '\xc2' && (unsigned char)text[1] < 0xa0);

		if (control || n == 0)
			buf_addf(out, "\\x%02x", (unsigned char)*text);
		else
			buf_add(out, text, n);
		text += control || n == 0 ? 1 : n;
	}
}

void
report_text(const struct report *r, struct buf *out)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct report_finding *f = &r->findings[i];

		buf_addf(out, "%-7s  %s: ", states[f->state].shown, f->check);
		add_printable(out, f->evidence);
		buf_addc(out, '\n');
		if (f->mend[0] == '\0')
			continue;
		buf_addc(out, '\t');
		add_printable(out, f->mend);
		buf_addc(out, '\n');
	}
	for (size_t i = 0; i < REPORT_STATES; i++)
		buf_addf(out, "%s%zu %s", i == 0 ? "" : ", ", r->count[i],
		    r->count[i] == 1 ? states[i].shown : states[i].plural);
	buf_addc(out, '\n');
}

/* RFC 8259 7.  An octet that is no UTF-8 is shown as the character of its
 * number, for there is no JSON of it. */
static void
add_json(struct buf *out, const char *text)
{
	buf_addc(out, '"');
	while (*text != '\0') {
		size_t n = utf8_length(text);

		if (*text == '"' || *text == '\\')
			buf_addf(out, "\\%c", *text);
		else if ((unsigned char)*text < ' ' || *text == 0x7f || n == 0)
			buf_addf(out, "\\u%04x", (unsigned char)*text);
		else
			buf_add(out, text, n);
		text += n == 0 ? 1 : n;
	}
	buf_addc(out, '"');
}

void
report_json(const struct report *r, const char *program, const char *version,
    struct buf *out)
{
	buf_adds(out, "{\"program\": ");
	add_json(out, program);
	buf_adds(out, ", \"version\": ");
	add_json(out, version);
	for (size_t i = 0; i < REPORT_STATES; i++)
		buf_addf(out, ", \"%s\": %zu", states[i].json, r->count[i]);
	buf_adds(out, ", \"findings\": [");
	for (size_t i = 0; i < r->n; i++) {
		const struct report_finding *f = &r->findings[i];

		buf_adds(out, i == 0 ? "\n{\"check\": " : ",\n{\"check\": ");
		add_json(out, f->check);
		buf_addf(out, ", \"state\": \"%s\", \"evidence\": ",
		    states[f->state].json);
		add_json(out, f->evidence);
		buf_adds(out, ", \"mend\": ");
		add_json(out, f->mend);
		buf_addc(out, '}');
	}
	buf_adds(out, "\n]}\n");
}

bool
report_has_failed(const struct report *r, const char *check)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->findings[i].state == REPORT_FAILED &&
		    strcmp(r->findings[i].check, check) == 0)
			return true;
	return false;
}

int
report_status(const struct report *r)
{
	return r->count[REPORT_FAILED] != 0 ? 2 :
	    r->count[REPORT_WARNING] != 0 ? 1 : 0;
}
