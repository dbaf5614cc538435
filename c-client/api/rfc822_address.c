/* SPDX-License-Identifier: Apache-2.0 */
/* Address lists, written (RFC 5322 3.4). */
#include "c-client/api/rfc822_private.h"

#include <string.h>

#include "c-client/base/buf.h"

#include "c-client/base/banned.h"

/* RFC 5322 3.2.3; octets beyond ASCII by RFC 6532 3.2. */
static bool
is_atext(char c)
{
	return ascii_is_alnum((unsigned char)c) || (unsigned char)c >= 0x80 ||
	    (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

/* Atoms with one of `between` from each to the next: a dot-atom, or a phrase
 * that is read again as it was. */
static bool
is_atoms(const char *s, char between, const char *specials)
{
	bool in_atom = false;

	if (specials != NULL && strpbrk(s, specials) != NULL)
		return false;
	for (; *s != '\0'; s++) {
		if (!is_atext(*s) && (*s != between || !in_atom))
			return false;
		in_atom = *s != between;
	}
	return in_atom;
}

static void
phrase_add(struct buf *out, const char *s, const char *specials)
{
	if (is_atoms(s, ' ', specials))
		buf_adds(out, s);
	else
		rfc822_quoted_add(out, s);
}

static void
local_part_add(struct buf *out, const char *s, const char *specials)
{
	if (is_atoms(s, '.', specials))
		buf_adds(out, s);
	else
		rfc822_quoted_add(out, s);
}

/* A domain literal, "[192.0.2.1]". */
static bool
is_literal(const char *s)
{
	size_t n = strlen(s);

	if (n < 2 || s[0] != '[' || s[n - 1] != ']')
		return false;
	for (size_t i = 1; i < n - 1; i++)
		if (s[i] <= ' ' || s[i] == 0x7f ||
		    strchr("[]\\<>,;\"()", s[i]) != NULL)
			return false;
	return true;
}

/* What is no domain is quoted: no other program can read it, but it can't be
 * read as anything else. */
static void
domain_add(struct buf *out, const char *s)
{
	if (is_literal(s) || is_atoms(s, '.', NULL))
		buf_adds(out, s);
	else
		rfc822_quoted_add(out, s);
}

/* A route, "@a,@b": RFC 5322 4.4 lets it be ignored, so one that is
 * malformed is. */
static bool
is_route(const char *s)
{
	if (s == NULL || *s != '@')
		return false;
	for (; *s != '\0'; s++)
		if (!is_atext(*s) && strchr("@,.", *s) == NULL)
			return false;
	return true;
}

static bool
has_text(const char *s)
{
	return s != NULL && *s != '\0';
}

/* A host that begins with "@" says that there is none. */
static bool
has_host(const ADDRESS *a)
{
	return has_text(a->host) && a->host[0] != '@';
}

static void
mailbox_add(struct buf *out, const ADDRESS *a, const char *specials)
{
	bool empty = *a->mailbox == '\0' && !has_host(a);
	bool angle = has_text(a->personal) || is_route(a->adl) || empty;

	if (has_text(a->personal)) {
		phrase_add(out, a->personal, specials);
		buf_addc(out, ' ');
	}
	if (angle)
		buf_addc(out, '<');
	if (is_route(a->adl)) {
		buf_adds(out, a->adl);
		buf_addc(out, ':');
	}
	if (!empty)
		local_part_add(out, a->mailbox, specials);
	if (has_host(a)) {
		buf_addc(out, '@');
		domain_add(out, a->host);
	}
	if (angle)
		buf_addc(out, '>');
}

void
rfc822_addresses_add(struct buf *out, const ADDRESS *a, const char *specials)
{
	const char *between = "";
	bool in_group = false;

	for (; a != NULL; a = a->next) {
		bool begins = a->mailbox != NULL && a->host == NULL;

		if (in_group && (begins || a->mailbox == NULL)) {
			buf_addc(out, ';');
			between = ", ";
			in_group = false;
		}
		if (a->mailbox == NULL)
			continue;
		buf_adds(out, between);
		between = ", ";
		if (!begins) {
			mailbox_add(out, a, specials);
			continue;
		}
		phrase_add(out, a->mailbox, specials);
		buf_adds(out, ": ");
		between = "";
		in_group = true;
	}
	if (in_group)
		buf_addc(out, ';');
}

long
rfc822_output_address_list(RFC822BUFFER *buffer, ADDRESS *list, long pretty,
    const char *specials)
{
	struct buf plain, text;
	long done;

	buf_init(&plain, 0);
	buf_init(&text, 0);
	rfc822_addresses_add(&plain, list, specials);
	rfc822_text_add(&text, buf_span(&plain), pretty > 0,
	    pretty > 0 ? (size_t)pretty : 0);
	done = rfc822_output_put(buffer, buf_span(&text));
	buf_clear(&plain);
	buf_clear(&text);
	return done;
}

char *
rfc822_write_address_full(char *dest, ADDRESS *list, char *base)
{
	size_t used = strlen(dest);
	struct buf plain, text;

	buf_init(&plain, 0);
	buf_init(&text, 0);
	rfc822_addresses_add(&plain, list, NULL);
	rfc822_text_add(&text, buf_span(&plain), base != NULL,
	    base != NULL ? (size_t)(dest + used - base) : 0);
	dest += used;
	if (used + text.n < SENDBUFLEN)
		dest = rfc822_copy(dest, SENDBUFLEN - used, &text);
	buf_clear(&plain);
	buf_clear(&text);
	return dest;
}
