/* SPDX-License-Identifier: Apache-2.0 */
/* Metadata headers: read, and hidden.  Believes nothing, writes nothing. */
#include "c-client/formats/mbox_meta.h"

#include <string.h>

#include "c-client/base/buf.h"
#include "c-client/formats/wire.h"

#include "c-client/base/banned.h"

#define NAME(name)	(name), sizeof(name) - 1
static const struct {
	const char *name;
	size_t n;
	enum mbox_field field;
} fields[] = {
	{ NAME("Status:"), MBOX_FIELD_STATUS },
	{ NAME("X-Status:"), MBOX_FIELD_XSTATUS },
	{ NAME("X-Keywords:"), MBOX_FIELD_XKEYWORDS },
	{ NAME("X-UID:"), MBOX_FIELD_XUID },
	{ NAME("X-IMAPbase:"), MBOX_FIELD_XIMAPBASE },
	{ NAME("X-IMAP:"), MBOX_FIELD_XIMAP },
	{ NAME("Content-Length:"), MBOX_FIELD_LENGTH },
	{ NAME("Lines:"), MBOX_FIELD_LENGTH },
	{ NAME("From:"), MBOX_FIELD_FROM },
	{ NAME("Date:"), MBOX_FIELD_DATE },
};

enum mbox_field
mbox_meta_field(struct span line)
{
	/* Most lines have no colon where one of these has its own. */
	for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
		if (line.n >= fields[i].n &&
		    line.p[fields[i].n - 1] == ':' &&
		    span_starts_nocase(line, fields[i].name))
			return fields[i].field;
	return MBOX_FIELD_OTHER;
}

bool
mbox_meta_is_hidden(enum mbox_field field)
{
	return field >= MBOX_FIELD_STATUS;
}

static bool
is_digested(enum mbox_field field)
{
	return field < MBOX_FIELD_LENGTH;
}

bool
mbox_meta_next(struct mbox_meta_walk *w)
{
	const char *lf;

	if (w->rest.n == 0)
		return false;
	lf = memchr(w->rest.p, '\n', w->rest.n);
	w->line = span_slice(w->rest, 0, lf == NULL ? w->rest.n :
	    (size_t)(lf - w->rest.p) + 1);
	w->rest = span_slice(w->rest, w->line.n, w->rest.n);
	w->fold = w->line.p[0] == ' ' || w->line.p[0] == '\t';
	if (!w->fold)
		w->field = mbox_meta_field(w->line);
	return true;
}

/* Take the next word off `s`. */
static struct span
word_take(struct span *s)
{
	size_t at = 0, end;

	while (at < s->n && (s->p[at] == ' ' || s->p[at] == '\t' ||
	    s->p[at] == '\r' || s->p[at] == '\n'))
		at++;
	for (end = at; end < s->n && s->p[end] != ' ' && s->p[end] != '\t' &&
	    s->p[end] != '\r' && s->p[end] != '\n'; end++)
		;
	struct span word = span_slice(*s, at, end - at);
	*s = span_slice(*s, end, s->n);
	return word;
}

static uint16_t
flags_read(struct span value, const char *letters, const uint16_t *bits)
{
	uint16_t flags = 0;

	for (size_t i = 0; i < value.n; i++) {
		const char *at = value.p[i] == '\0' ? NULL :
		    strchr(letters, value.p[i]);

		if (at != NULL)
			flags = (uint16_t)(flags | bits[at - letters]);
	}
	return flags;
}

static void
base_read(struct span value, struct mbox_meta *m)
{
	uint64_t validity, last;

	if (!span_number(word_take(&value), UINT32_MAX, &validity) ||
	    !span_number(word_take(&value), UINT32_MAX, &last))
		return;
	m->base = true;
	m->uidvalidity = (uint32_t)validity;
	m->last = (uint32_t)last;
	m->names = value;
}

#define SYSTEM_STATUS	(FLAG_SEEN | FLAG_OLD)
#define SYSTEM_XSTATUS \
	(FLAG_DELETED | FLAG_FLAGGED | FLAG_ANSWERED | FLAG_DRAFT)

static void
value_read(enum mbox_field field, struct span value, struct mbox_meta *m)
{
	static const uint16_t status[] = { FLAG_SEEN, FLAG_OLD };
	static const uint16_t xstatus[] = { FLAG_DELETED, FLAG_FLAGGED,
	    FLAG_ANSWERED, FLAG_DRAFT };
	uint64_t number;

	switch (field) {
	case MBOX_FIELD_STATUS:
		m->flags = (uint16_t)((m->flags & SYSTEM_XSTATUS) |
		    flags_read(value, "RO", status));
		break;
	case MBOX_FIELD_XSTATUS:
		m->flags = (uint16_t)((m->flags & SYSTEM_STATUS) |
		    flags_read(value, "DFAT", xstatus));
		break;
	case MBOX_FIELD_XKEYWORDS:
		m->keywords = value;
		break;
	case MBOX_FIELD_XUID:
		m->uid = span_number(span_trim(value), UINT32_MAX, &number) ?
		    (uint32_t)number : 0;
		break;
	case MBOX_FIELD_XIMAPBASE:
	case MBOX_FIELD_XIMAP:
		base_read(value, m);
		break;
	case MBOX_FIELD_DATE:
		m->date = value;
		break;
	default:
		break;
	}
}

/* The empty line that ends a header is no part of the digest: it comes into
 * being when mail is appended behind a message that has none. */
static bool
is_empty(struct span line)
{
	return line.p[0] == '\n' || (line.n == 2 && line.p[0] == '\r' &&
	    line.p[1] == '\n');
}

/* Lines that are kept come in runs: a few calls a header, not one a line. */
struct run {
	const char *from, *to;
};

static void
run_line(struct run *r, struct span line)
{
	if (r->from == NULL)
		r->from = line.p;
	r->to = line.p + line.n;
}

static void
digest_run(struct digest *d, struct run *r)
{
	if (r->from != NULL)
		digest_add(d, r->from, (size_t)(r->to - r->from));
	r->from = NULL;
}

static uint64_t
line_wire_size(struct span line)
{
	bool lf = line.p[line.n - 1] == '\n';
	bool crlf = lf && line.n > 1 && line.p[line.n - 2] == '\r';

	return line.n + (lf && !crlf);
}

void
mbox_meta_parse(struct span header, struct digest *digest,
    struct mbox_meta *m)
{
	struct mbox_meta_walk w = { .rest = header };
	struct run run = { NULL, NULL };
	bool system_data = false, imap = false;

	memset(m, 0, sizeof *m);
	m->keywords = m->names = m->date = SPAN("");
	digest_begin(digest);
	while (mbox_meta_next(&w)) {
		if (is_digested(w.field) && !is_empty(w.line))
			run_line(&run, w.line);
		else
			digest_run(digest, &run);
		if (!mbox_meta_is_hidden(w.field))
			m->wire_size += line_wire_size(w.line);
		if (w.field != MBOX_FIELD_OTHER && !w.fold) {
			struct span value = w.line;
			const char *colon = memchr(value.p, ':', value.n);
			size_t at = (size_t)(colon - value.p) + 1;

			value = span_trim(span_slice(value, at, value.n));
			value_read(w.field, value, m);
			imap = imap || w.field == MBOX_FIELD_XIMAP;
			system_data = system_data ||
			    (w.field == MBOX_FIELD_FROM && span_starts_nocase(
			    value, "Mail System Internal Data"));
		}
	}
	m->internal = system_data && imap;
	digest_run(digest, &run);
	digest_end(digest, m->digest);
}

void
mbox_meta_wire(struct span header, struct buf *out)
{
	struct mbox_meta_walk w = { .rest = header };
	struct run run = { NULL, NULL };

	for (;;) {
		bool more = mbox_meta_next(&w);

		if (more && !mbox_meta_is_hidden(w.field)) {
			run_line(&run, w.line);
			continue;
		}
		if (run.from != NULL)
			wire_add(out, SIZE_MAX, run.from,
			    (size_t)(run.to - run.from), '\n');
		run.from = NULL;
		if (!more)
			break;
	}
}
