/* SPDX-License-Identifier: Apache-2.0 */
/* Texts of messages. */
#include <stdbool.h>
#include <string.h>

#include "c-client/api/local.h"
#include "c-client/api/mail_flag.h"
#include "c-client/api/mail_parameters.h"
#include "c-client/api/tell.h"
#include "c-client/api/user.h"
#include "c-client/base/arena.h"
#include "c-client/base/fault.h"
#include "c-client/mime/header.h"
#include "c-client/mime/section.h"
#include "c-client/store/message.h"
#include "c-client/store/view.h"

#include "c-client/base/banned.h"

/* What one of the functions is asked for. */
struct fetch {
	MAILSTREAM *stream;
	struct local *local;
	enum local_text text;		/* where it goes */
	enum section_kind kind;
	const char *section;
	unsigned long msgno;
	STRINGLIST *lines;
	unsigned long *len;
	long flags;
	bool missing;			/* there is no such part */
};

/* What is handed out where there is nothing; it may be written to. */
static char *
nothing(struct fetch *f)
{
	static _Thread_local char empty[1];

	empty[0] = '\0';
	if (f->len != NULL)
		*f->len = 0;
	return empty;
}

/* A readfn_t over a STRING. */
static long
read_string(void *stream, unsigned long size, char *buffer)
{
	STRING *s = stream;

	while (size-- > 0)
		*buffer++ = SIZE(s) > 0 ? SNX(s) : '\0';
	return T;
}

/* The text, or where the program has a function for texts what that makes of
 * it. */
static char *
hand_out(struct fetch *f, struct buf *text)
{
	mailgets_t gets_function = mail_parameters_gets();
	GETS_DATA data = { .stream = f->stream, .msgno = f->msgno,
	    .what = (char *)f->section, .stl = f->lines, .flags = f->flags };
	STRING s;

	/* Also of an empty text there is a string. */
	buf_string(text);
	if (f->len != NULL)
		*f->len = text->n;
	if (gets_function == NULL || f->text == LOCAL_HEADER || text->n == 0)
		return text->p;
	INIT(&s, mail_string, text->p, text->n);
	/* Neither may be kept. */
	/* cppcheck-suppress returnDanglingLifetime */
	return gets_function(read_string, &s, text->n, &data);
}

/* The octets [*off, *off + *len) of the message. */
static int
place(struct fetch *f, struct message *m, uint64_t *off, uint64_t *len,
    struct fault *why)
{
	const struct mime_part *root;
	struct section section;

	*off = 0;
	*len = message_size(m);
	if (f->section[0] == '\0' && f->kind == SECTION_HEADER) {
		*len = message_header_size(m);
		return 0;
	}
	if (f->section[0] == '\0' && f->kind == SECTION_TEXT) {
		*off = message_header_size(m);
		*len -= *off;
		return 0;
	}
	if (f->section[0] == '\0')
		return 0;
	if (!section_parse_spec(span_of(f->section), &section) ||
	    section.kind != SECTION_ALL || section.depth == 0)
		return fault_set(why, FAULT_SYNTAX, "bad section %.40s",
		    f->section);
	section.kind = f->kind;
	if ((root = message_structure(m, why)) == NULL)
		return -1;
	if (section_range(root, &section, off, len))
		return 0;
	f->missing = true;
	return -1;
}

/* Only some fields of the header that is in `text`. */
static void
select_lines(struct fetch *f, struct buf *text)
{
	struct arena *scratch = f->local->user->scratch;
	size_t count = 0;
	struct span *names;
	struct buf all = *text;

	for (STRINGLIST *l = f->lines; l != NULL; l = l->next)
		count++;
	names = arena_alloc(scratch, (count + 1) * sizeof *names);
	count = 0;
	for (STRINGLIST *l = f->lines; l != NULL; l = l->next)
		names[count++] = (struct span){ (char *)l->text.data,
		    l->text.size };
	buf_init(text, 0);
	header_select(text, buf_span(&all), names, count,
	    (f->flags & FT_NOT) != 0);
	buf_clear(&all);
}

static int
read_text(struct fetch *f, uint32_t uid, struct buf *text, struct fault *why)
{
	struct message *m;
	uint64_t off, len;

	buf_reset(text);
	if ((m = reader_open(f->local->reader, uid, why)) == NULL ||
	    place(f, m, &off, &len, why) == -1 ||
	    message_read(m, off, len, text, why) == -1)
		return -1;
	if (f->lines != NULL)
		select_lines(f, text);
	return 0;
}

/* RFC 3501 6.4.5: what is read is \Seen from now on. */
static void
set_seen(MAILSTREAM *stream, const struct local_message *m)
{
	static const struct box_store seen = { .op = BOX_STORE_ADD,
	    .flags = FLAG_SEEN };
	uint32_t number = (uint32_t)m->elt.msgno;

	if (!m->elt.seen && !stream->rdonly)
		mail_flag_store(stream, &number, 1, &seen, false);
}

static char *
fetch(struct fetch *f, bool peek)
{
	struct local_message *m;
	struct user *u;
	struct fault why;
	char *text;

	if (f->section == NULL)
		f->section = "";
	m = local_asked(f->stream, f->msgno, (f->flags & FT_UID) != 0);
	if (m == NULL)
		return nothing(f);
	f->local = f->stream->local;
	f->msgno = m->elt.msgno;
	u = local_enter(f->stream);
	if (read_text(f, local_uid(f->stream, f->msgno),
	    &f->local->texts[f->text], &why) == 0) {
		if (!peek && !(f->flags & FT_PEEK))
			set_seen(f->stream, m);
		text = hand_out(f, &f->local->texts[f->text]);
	} else {
		/* Programs try which parts there are. */
		if (!f->missing)
			tell_error("Can't read message %lu: %s", f->msgno,
			    why.text);
		text = nothing(f);
	}
	local_leave(f->stream, u);
	return text;
}

char *
mail_fetch_header(MAILSTREAM *stream, unsigned long msgno, char *section,
    STRINGLIST *lines, unsigned long *len, long flags)
{
	return fetch(&(struct fetch){ .stream = stream, .text = LOCAL_HEADER,
	    .kind = SECTION_HEADER, .section = section, .msgno = msgno,
	    .lines = lines, .len = len, .flags = flags }, true);
}

char *
mail_fetch_text(MAILSTREAM *stream, unsigned long msgno, char *section,
    unsigned long *len, long flags)
{
	return fetch(&(struct fetch){ .stream = stream, .text = LOCAL_TEXT,
	    .kind = SECTION_TEXT, .section = section, .msgno = msgno,
	    .len = len, .flags = flags }, false);
}

char *
mail_fetch_message(MAILSTREAM *stream, unsigned long msgno,
    unsigned long *len, long flags)
{
	return fetch(&(struct fetch){ .stream = stream,
	    .text = LOCAL_MESSAGE, .kind = SECTION_ALL, .msgno = msgno,
	    .len = len, .flags = flags }, false);
}

char *
mail_fetch_mime(MAILSTREAM *stream, unsigned long msgno, char *section,
    unsigned long *len, long flags)
{
	struct fetch f = { .stream = stream, .text = LOCAL_MIME,
	    .kind = SECTION_MIME, .section = section, .msgno = msgno,
	    .len = len, .flags = flags };

	/* The header of the message is none of MIME's. */
	if (section == NULL || section[0] == '\0')
		return nothing(&f);
	return fetch(&f, true);
}

/* "0" and "2.0" are the header of the message, or of the one in the part. */
static char *
fetch_zero(struct fetch *f, size_t n)
{
	char part[MAILTMPLEN];

	if (n >= sizeof part)
		return nothing(f);
	memcpy(part, f->section, n);
	part[n] = '\0';
	f->kind = SECTION_HEADER;
	f->section = part;
	return fetch(f, true);
}

char *
mail_fetch_body(MAILSTREAM *stream, unsigned long msgno, char *section,
    unsigned long *len, long flags)
{
	struct fetch f = { .stream = stream, .text = LOCAL_BODY,
	    .kind = SECTION_ALL, .section = section, .msgno = msgno,
	    .len = len, .flags = flags };
	size_t n = section == NULL ? 0 : strlen(section);

	if (n == 1 && section[0] == '0')
		return fetch_zero(&f, 0);
	if (n > 2 && strcmp(section + n - 2, ".0") == 0)
		return fetch_zero(&f, n - 2);
	return fetch(&f, false);
}
