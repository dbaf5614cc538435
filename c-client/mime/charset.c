/* SPDX-License-Identifier: Apache-2.0 */
/* Character sets to UTF-8: four here, the rest by iconv. */
#include "c-client/mime/charset.h"

#include <errno.h>
#include <iconv.h>
#include <string.h>

#include "c-client/base/buf.h"

#include "c-client/base/banned.h"

#define NAME_MAX_OCTETS	64u
#define REPLACEMENT	"\xef\xbf\xbd"

enum kind {
	KIND_UNKNOWN, KIND_ASCII, KIND_UTF8, KIND_LATIN1, KIND_CP1252,
	KIND_GUESS, KIND_ICONV
};

/*
 * Names that need no iconv, and names of mail that iconv has another name
 * for.  ISO-8859-1 means itself here: octets 0x80 to 0x9f are controls.
 */
static const struct {
	const char *name;
	enum kind kind;
	const char *iconv_name;
} names[] = {
	{ "us-ascii", KIND_ASCII, NULL },
	{ "ascii", KIND_ASCII, NULL },
	{ "ansi_x3.4-1968", KIND_ASCII, NULL },
	{ "iso646-us", KIND_ASCII, NULL },
	{ "iso-ir-6", KIND_ASCII, NULL },
	{ "utf-8", KIND_UTF8, NULL },
	{ "utf8", KIND_UTF8, NULL },
	{ "unicode-1-1-utf-8", KIND_UTF8, NULL },
	{ "iso-8859-1", KIND_LATIN1, NULL },
	{ "iso_8859-1", KIND_LATIN1, NULL },
	{ "iso8859-1", KIND_LATIN1, NULL },
	{ "latin1", KIND_LATIN1, NULL },
	{ "windows-1252", KIND_CP1252, NULL },
	{ "cp1252", KIND_CP1252, NULL },
	{ "cp-1252", KIND_CP1252, NULL },
	/* What programs write that know no character set. */
	{ "x-unknown", KIND_GUESS, NULL },
	{ "unknown", KIND_GUESS, NULL },
	{ "unknown-8bit", KIND_GUESS, NULL },
	{ "x-user-defined", KIND_GUESS, NULL },
	{ "8bit", KIND_GUESS, NULL },
	{ "default", KIND_GUESS, NULL },
	{ "default_charset", KIND_GUESS, NULL },
	/* Supersets that are meant where the smaller set is named. */
	{ "gb2312", KIND_ICONV, "GB18030" },
	{ "gbk", KIND_ICONV, "GB18030" },
	{ "ks_c_5601-1987", KIND_ICONV, "CP949" },
	{ "ksc5601", KIND_ICONV, "CP949" },
	{ "euc-kr", KIND_ICONV, "CP949" },
	{ "shift_jis", KIND_ICONV, "CP932" },
	{ "x-sjis", KIND_ICONV, "CP932" },
	{ "shift-jis", KIND_ICONV, "CP932" },
	{ "iso-8859-8-i", KIND_ICONV, "ISO-8859-8" },
	{ "iso-8859-8-e", KIND_ICONV, "ISO-8859-8" },
	{ "iso-8859-6-i", KIND_ICONV, "ISO-8859-6" },
	{ "iso-8859-6-e", KIND_ICONV, "ISO-8859-6" },
	{ "x-gbk", KIND_ICONV, "GB18030" },
	{ "x-mac-roman", KIND_ICONV, "MACINTOSH" },
	{ "x-mac-cyrillic", KIND_ICONV, "MAC-CYRILLIC" },
	{ "unicode-1-1-utf-7", KIND_ICONV, "UTF-7" },
	/* These mean something to iconv that is not in the mail. */
	{ "char", KIND_UNKNOWN, NULL },
	{ "wchar_t", KIND_UNKNOWN, NULL },
	{ "internal", KIND_UNKNOWN, NULL },
};

/* Code points of 0x80 to 0x9f in Windows-1252; 0 where there is none. */
static const uint16_t cp1252[32] = {
	0x20ac, 0, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021,
	0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0, 0x017d, 0,
	0, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
	0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0, 0x017e, 0x0178
};

/*
 * The kind of a name, and for KIND_ICONV the name to give to iconv.  "cp-850"
 * and "windows850" are CP850.
 */
static enum kind
kind_of(struct span name, char iconv_name[NAME_MAX_OCTETS + 1])
{
	struct span s = span_trim(name);

	if (s.n == 0 || s.n > NAME_MAX_OCTETS)
		return KIND_UNKNOWN;
	for (size_t i = 0; i < s.n; i++)
		if (!ascii_is_alnum((unsigned char)s.p[i]) &&
		    (s.p[i] == '\0' || strchr("-_.:+()", s.p[i]) == NULL))
			return KIND_UNKNOWN;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (!span_is(s, names[i].name))
			continue;
		if (names[i].iconv_name != NULL)
			memcpy(iconv_name, names[i].iconv_name,
			    strlen(names[i].iconv_name) + 1);
		return names[i].kind;
	}
	if (span_starts_nocase(s, "cp-")) {
		memcpy(iconv_name, "CP", 2);
		memcpy(iconv_name + 2, s.p + 3, s.n - 3);
		iconv_name[s.n - 1] = '\0';
		return KIND_ICONV;
	}
	memcpy(iconv_name, s.p, s.n);
	iconv_name[s.n] = '\0';
	return KIND_ICONV;
}

bool
charset_known(struct span name)
{
	char iconv_name[NAME_MAX_OCTETS + 1];
	enum kind kind = kind_of(name, iconv_name);
	iconv_t cd;

	if (kind != KIND_ICONV)
		return kind != KIND_UNKNOWN;
	cd = iconv_open("UTF-8", iconv_name);
	if (cd == (iconv_t)-1)
		return false;
	iconv_close(cd);
	return true;
}

size_t
charset_utf8_length(struct span s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	unsigned char low = 0x80, high = 0xbf;
	size_t n;

	if (s.n == 0)
		return 0;
	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	n = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (n > s.n)
		return 0;
	/* No overlong forms, no surrogates, nothing above U+10FFFF. */
	if (p[0] == 0xe0)
		low = 0xa0;
	else if (p[0] == 0xed)
		high = 0x9f;
	else if (p[0] == 0xf0)
		low = 0x90;
	else if (p[0] == 0xf4)
		high = 0x8f;
	if (p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++)
		if (p[i] < 0x80 || p[i] > 0xbf)
			return 0;
	return n;
}

/* How much of s, from its beginning, is ASCII. */
static size_t
ascii_length(struct span s)
{
	size_t n = 0;
	uint64_t eight;

	while (n + sizeof eight <= s.n) {
		memcpy(&eight, s.p + n, sizeof eight);
		if ((eight & 0x8080808080808080u) != 0)
			break;
		n += sizeof eight;
	}
	while (n < s.n && (unsigned char)s.p[n] < 0x80)
		n++;
	return n;
}

/* How much of s, from its beginning, is valid UTF-8. */
static size_t
valid_length(struct span s)
{
	size_t at = 0, n;

	while (at < s.n) {
		struct span rest = span_slice(s, at, s.n);

		n = ascii_length(rest);
		if (n == 0)
			n = charset_utf8_length(rest);
		if (n == 0)
			break;
		at += n;
	}
	return at;
}

bool
charset_is_utf8(struct span s)
{
	return valid_length(s) == s.n;
}

static void
utf8_repair(struct span s, struct buf *out)
{
	size_t n;

	while (s.n > 0) {
		n = valid_length(s);
		buf_add(out, s.p, n);
		s = span_slice(s, n, s.n);
		if (s.n == 0)
			return;
		buf_adds(out, REPLACEMENT);
		s = span_slice(s, 1, s.n);
	}
}

static void
code_add(struct buf *out, unsigned code)
{
	char to[3];
	size_t n = 0;

	if (code < 0x800)
		to[n++] = (char)(0xc0 | code >> 6);
	else {
		to[n++] = (char)(0xe0 | code >> 12);
		to[n++] = (char)(0x80 | (code >> 6 & 0x3f));
	}
	to[n++] = (char)(0x80 | (code & 0x3f));
	buf_add(out, to, n);
}

/* Sets of one octet a character that have ASCII below 0x80. */
static void
octets_convert(enum kind kind, struct span s, struct buf *out)
{
	unsigned char c;
	size_t n;

	while (s.n > 0) {
		n = ascii_length(s);
		buf_add(out, s.p, n);
		s = span_slice(s, n, s.n);
		if (s.n == 0)
			return;
		c = (unsigned char)s.p[0];
		s = span_slice(s, 1, s.n);
		if (kind == KIND_LATIN1 || c >= 0xa0)
			code_add(out, kind == KIND_ASCII ? 0xfffd : c);
		else if (kind == KIND_CP1252 && cp1252[c - 0x80] != 0)
			code_add(out, cp1252[c - 0x80]);
		else
			code_add(out, 0xfffd);
	}
}

/*
 * iconv piece by piece.  Each turn either uses input or replaces one octet of
 * it, so that this ends whatever a converter does.
 */
static void
iconv_convert(iconv_t cd, struct span s, struct buf *out)
{
	char *in, *to, piece[4096];
	size_t left, room, got;
	bool ending = false;

	for (;;) {
		in = (char *)(uintptr_t)s.p;
		left = s.n;
		to = piece;
		room = sizeof piece;
		got = iconv(cd, ending ? NULL : &in, ending ? NULL : &left,
		    &to, &room);
		buf_add(out, piece, sizeof piece - room);
		if (ending || out->full)
			return;
		s = span_slice(s, s.n - left, s.n);
		if (got != (size_t)-1 && s.n == 0) {
			ending = true;	/* shift back, and what is held */
			continue;
		}
		if (got == (size_t)-1 && errno == E2BIG &&
		    room < sizeof piece)
			continue;
		buf_adds(out, REPLACEMENT);
		s = span_slice(s, 1, s.n);
		ending = s.n == 0;
	}
}

int
charset_to_utf8(struct span charset, struct span text, struct buf *out)
{
	char iconv_name[NAME_MAX_OCTETS + 1];
	enum kind kind = kind_of(charset, iconv_name);
	size_t start = out->n;
	struct buf raw;
	iconv_t cd;

	switch (kind) {
	case KIND_UNKNOWN:
		return -1;
	case KIND_UTF8:
		utf8_repair(text, out);
		return 0;
	case KIND_GUESS:
		charset_guess_utf8(text, out);
		return 0;
	case KIND_ICONV:
		break;
	default:
		octets_convert(kind, text, out);
		return 0;
	}
	cd = iconv_open("UTF-8", iconv_name);
	if (cd == (iconv_t)-1)
		return -1;
	iconv_convert(cd, text, out);
	iconv_close(cd);
	/* glibc's converters from UTF-16 and others may give out what is not
	 * UTF-8 by RFC 3629; nothing behind this must rely on them. */
	if (!charset_is_utf8(span_slice(buf_span(out), start, out->n))) {
		buf_init(&raw, 0);
		buf_add(&raw, out->p + start, out->n - start);
		out->n = start;
		utf8_repair(buf_span(&raw), out);
		buf_clear(&raw);
	}
	return 0;
}

void
charset_guess_utf8(struct span text, struct buf *out)
{
	if (charset_is_utf8(text))
		buf_addspan(out, text);
	else
		octets_convert(KIND_CP1252, text, out);
}
