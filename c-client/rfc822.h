/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The interface of libc-client to the text of messages, with the names under
 * which programs have used it for thirty years: headers and structure are
 * parsed and written, bodies are coded, character sets converted.  Nothing here
 * needs a stream.
 *
 * Whatever is parsed, something is made of it; time is linear, memory in
 * proportion, nesting bounded.  What is made is made with fs_get() and is the
 * caller's, who gives it back with fs_give() or mail_free_...().  Strings that
 * are given are only read.
 *
 * What is written is a header whatever is in the strings: where a line end is
 * followed by a blank and text it is a fold and stays one; any other CR or LF
 * is a blank, or nothing in front of one, so that no string begins a field of
 * its own.  Lines are folded at blanks to 78 octets (RFC 5322 2.1.1); a word
 * that is longer stays whole.  Encoding of what is not ASCII (RFC 2047) is the
 * caller's.
 */
#ifndef RFC822_H
#define RFC822_H

#include "mail.h"

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* The room that a buffer without a length must have, octets. */
#define SENDBUFLEN	16385

/* --- Parsing -------------------------------------------------------------- */

/*
 * The envelope of a header of `n` octets (RFC 5322 3.6), which may or may not
 * end in its empty line; `*env` is overwritten.  Strings are as in the header,
 * unfolded, encoded-words and all.  `remail` is NIL always.
 *
 * If there is a `body`, *body becomes the structure (RFC 2045, 2046) of what
 * `text` has from its position on, which stays where it is; `text` may be NIL
 * for no text.  Offsets are from that position.  Sizes are of what is encoded.
 * Types that have no TYPE... are TYPEOTHER.
 *
 * `host` is the domain of addresses that have none; NIL: "".  `depth` and
 * `flags` are 0; depth is bounded by itself.
 */
void rfc822_parse_msg_full(ENVELOPE **env, BODY **body, char *header,
    unsigned long n, STRING *text, char *host, unsigned long depth,
    unsigned long flags);
#define rfc822_parse_msg(env, body, header, n, text, host, flags) \
	rfc822_parse_msg_full((env), (body), (header), (n), (text), (host), \
	    0, (flags))

/*
 * Put the addresses of `string` (RFC 5322 3.4, read generously) behind those
 * that *list has.  An ADDRESS without `host` begins a group, its `mailbox` is
 * the name; one with neither ends it.  `host` as above.  What is no address has
 * the mailbox "INVALID_ADDRESS" and the host ERRHOST, and mm_log() is told
 * (PARSE).  Of more than 10,000 the rest is left out.
 */
void rfc822_parse_adrlist(ADDRESS **list, char *string, char *host);

/* --- Writing -------------------------------------------------------------- */

/*
 * A buffer that writes itself out: `f` gets `s` and what is from `beg` to
 * `cur`, with a NUL behind it for which there is room at `end`, whenever `cur`
 * reaches `end`.  It returns NIL to give up.  Without `f` what does not fit
 * fails.  NUL can't be written this way: it is left out.
 *
 * The functions return T, or NIL where `f` did.
 */
typedef struct rfc822buffer {
	soutr_t f;
	void *s;
	char *beg;
	char *cur;
	char *end;
} RFC822BUFFER;

long rfc822_output_flush(RFC822BUFFER *);

/*
 * An address list.  Display names, local parts and names of groups are quoted
 * where RFC 5322 3.2 demands it, and where they have one of `specials`, which
 * may be NIL.  A `pretty` other than 0 is the column that was reached: lines
 * are folded; else all is one line.
 */
long rfc822_output_address_list(RFC822BUFFER *, ADDRESS *, long pretty,
    const char *specials);

/*
 * The same behind the string that is in `dest`, if all of it has room in
 * SENDBUFLEN, else nothing.  With `base`, the beginning of the line, lines are
 * folded.  Returns where the string ends.
 */
char *rfc822_write_address_full(char *dest, ADDRESS *, char *base);
#define rfc822_write_address(dest, adr) \
	rfc822_write_address_full((dest), (adr), NIL)

/*
 * The header of a message with its empty line: of the envelope all that is
 * there but Return-Path and Bcc, and of the body MIME-Version and Content-...;
 * both may be NIL.  With `remail`, the header of a message that is sent on,
 * that comes first, without an empty line, the envelope's fields are
 * "ReSent-..." and the body's are left out (RFC 5322 3.6.6).  A field that
 * would not fit into SENDBUFLEN is left out.
 */
void rfc822_header(char *header, ENVELOPE *, BODY *);

/*
 * The fields Content-... (RFC 2045, 2183), without an empty line, behind the
 * string in *dest; *dest becomes where the string ends.  A text without
 * parameters gets its charset: US-ASCII if it is ENC7BIT, else X-UNKNOWN.  A
 * parameter whose name is no token is left out, a subtype that is none is
 * PLAIN, OCTET-STREAM and so on.  A field that would not fit into SENDBUFLEN
 * from *dest on is left out.
 */
void rfc822_write_body_header(char **dest, BODY *);

/*
 * Make a body fit for a transport of 7 bits: parts of ENC8BIT become
 * ENCQUOTEDPRINTABLE, ENCBINARY becomes ENCBASE64, contents.text is replaced.
 * For one of 8 bits: ENCBINARY becomes ENCBASE64.  A multipart gets a BOUNDARY
 * if it has none that can be one, or a line in it begins with that (RFC 2046
 * 5.1.1).  A TYPEMESSAGE can't be coded (5.2.1): it stays, and mm_log() is told
 * (PARSE).  The envelope is not used.
 */
void rfc822_encode_body_7bit(ENVELOPE *, BODY *);
void rfc822_encode_body_8bit(ENVELOPE *, BODY *);

/*
 * The whole message: the body is made fit for 7 bits, or with `ok8bit` for 8,
 * and written behind the header, contents.text as it is; both may be NIL.  The
 * first flushes the buffer; the second brings one of its own, and `tmp` is not
 * used.
 */
long rfc822_output_full(RFC822BUFFER *, ENVELOPE *, BODY *, long ok8bit);
long rfc822_output(char *tmp, ENVELOPE *, BODY *, soutr_t f, void *s,
    long ok8bit);

/* Now, for a Date field: "Tue, 2 Jan 2024 10:00:00 +0100", at most 40 octets
 * with the NUL. */
void rfc822_date(char *date);

/* --- Coding --------------------------------------------------------------- */

/*
 * All four return octets with a NUL behind them that *len does not count, never
 * NIL.  Decoded is generously: what can't be decoded is skipped, or kept as it
 * is (RFC 2045 6.7 and 6.8).
 */
void *rfc822_base64(unsigned char *src, unsigned long n, unsigned long *len);
unsigned char *rfc822_qprint(unsigned char *src, unsigned long n,
    unsigned long *len);

/* Base64 in lines of 60 digits, each with its CRLF. */
unsigned char *rfc822_binary(void *src, unsigned long n, unsigned long *len);

/*
 * Quoted-printable in lines of at most 76 octets.  CRLF stays a line end, any
 * other control octet is coded, tabs, CR and LF alone too, and a blank at the
 * end of a line or of the text.
 */
unsigned char *rfc822_8bit(unsigned char *src, unsigned long n,
    unsigned long *len);

/* --- Character sets ------------------------------------------------------- */

#define U8T_DECOMPOSE	((long)2)	/* Unicode's normal form D */
#define U8T_CANONICAL	((long)3)	/* and without difference of case */

/*
 * A text of a header to UTF-8: encoded-words are decoded (RFC 2047), octets
 * that are no UTF-8 are taken for Windows-1252.  dst->data is new, also where
 * nothing was to be done, and has a NUL behind it; what it was is overwritten.
 * Returns T.
 */
long utf8_mime2text(SIZEDTEXT *src, SIZEDTEXT *dst, long flags);

/* Names of mailboxes from and to modified UTF-7 (RFC 3501 5.1.3): a new string,
 * or NIL for what is none: malformed, or not UTF-8. */
unsigned char *utf8_from_mutf7(unsigned char *);
unsigned char *utf8_to_mutf7(unsigned char *);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
