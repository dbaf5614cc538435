/* SPDX-License-Identifier: Apache-2.0 */
/* Entries of super-servers: making them, and cutting text. */
#include "c-client/doctor/entry.h"

#include <string.h>

#include "c-client/base/arena.h"

#include "c-client/base/banned.h"

/* The longest word that is of use; paths are shorter. */
#define MAX_TEXT	1024

#define MAX_NUMBER	1000000

struct entry *
entry_add(struct entries *list)
{
	struct entry *e;

	if (list->n == ENTRY_MAX) {
		list->more = true;
		return NULL;
	}
	e = &list->of[list->n++];
	*e = (struct entry){ .file = "", .unit = "", .service = "",
	    .address = "", .protocol = "", .user = "", .path = "",
	    .missing = "" };
	return e;
}

const char *
entry_text(struct entries *list, struct span text)
{
	const char *copy;

	if (text.n > MAX_TEXT)
		return "";
	for (size_t i = 0; i < text.n; i++)
		if ((unsigned char)text.p[i] < ' ' || text.p[i] == 0x7f)
			return "";
	copy = arena_string(list->arena, text.p, text.n);
	return copy == NULL ? "" : copy;
}

void
entry_words(struct entries *list, struct entry *e, struct span line)
{
	struct span word;

	e->argc = 0;
	/* A backslash by itself has joined two lines. */
	while (e->argc < ENTRY_WORDS && (word = entry_word(&line)).n != 0)
		if (!span_eq(word, SPAN("\\")))
			e->argv[e->argc++] = entry_text(list, word);
}

void
entry_name_first(struct entry *e)
{
	/* Who has all words loses his last. */
	if (e->argc == ENTRY_WORDS)
		e->argc--;
	memmove(&e->argv[1], &e->argv[0], e->argc * sizeof e->argv[0]);
	e->argv[0] = e->path;
	e->argc++;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct span
entry_word(struct span *line)
{
	struct span word;
	size_t n = 0;

	while (line->n != 0 && is_blank(line->p[0]))
		*line = span_slice(*line, 1, line->n);
	while (n < line->n && !is_blank(line->p[n]))
		n++;
	word = span_slice(*line, 0, n);
	*line = span_slice(*line, n, line->n);
	return word;
}

struct span
entry_line(struct span *text)
{
	ptrdiff_t end = span_find_char(*text, '\n');
	size_t n = end == -1 ? text->n : (size_t)end;
	struct span line = span_slice(*text, 0, n);

	*text = span_slice(*text, n + 1, text->n);
	return line;
}

uint32_t
entry_number(struct span text)
{
	uint64_t value;

	return span_number(text, MAX_NUMBER, &value) ? (uint32_t)value : 0;
}

const char *
entry_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}
