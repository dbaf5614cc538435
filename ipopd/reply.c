/* SPDX-License-Identifier: Apache-2.0 */
/* The POP3 server's response lines, and the only file that writes them. */
#include "ipopd/reply.h"

#include <stdarg.h>
#include <stdio.h>

#include "c-client/base/fault.h"
#include "c-client/server/sasl.h"

#include "c-client/base/banned.h"

/* RFC 2449 4: a response's first line has 512 octets at most, with CRLF. */
#define TEXT_MAX	400

static void
reply_text(struct buf *out, const char *format, va_list ap)
{
	char text[TEXT_MAX];

	vsnprintf(text, sizeof text, format, ap);
	buf_adds(out, text);
	buf_add(out, "\r\n", 2);
}

void
reply_ok(struct buf *out, const char *format, ...)
{
	va_list ap;

	buf_adds(out, "+OK ");
	va_start(ap, format);
	reply_text(out, format, ap);
	va_end(ap);
}

void
reply_err(struct buf *out, const char *code, const char *format, ...)
{
	va_list ap;

	buf_adds(out, "-ERR ");
	if (code != NULL) {
		buf_addc(out, '[');
		buf_adds(out, code);
		buf_adds(out, "] ");
	}
	va_start(ap, format);
	reply_text(out, format, ap);
	va_end(ap);
}

/*
 * Codes of RFC 2449 8.1 and RFC 3206 4 and 5.  [SYS/TEMP] invites the client
 * to try again by itself; [SYS/PERM] asks for a person.
 */
static const struct {
	enum fault_code fault;
	const char *code;
	const char *text;
} answers[] = {
	{ FAULT_INUSE, "IN-USE", "The mailbox is in use; try again later" },
	{ FAULT_AUTH, "AUTH", "Bad login" },
	{ FAULT_EXPUNGED, NULL, "This message is gone" },
	{ FAULT_SYNTAX, NULL, "Bad syntax" },
	{ FAULT_UNAVAILABLE, "SYS/TEMP", "Not possible now; try again later" },
	{ FAULT_TIMEOUT, "SYS/TEMP", "It took too long; try again later" },
	{ FAULT_CHANGED, "SYS/TEMP",
	    "Another program is changing the mailbox; try again later" },
	{ FAULT_QUOTA, "SYS/TEMP", "The disk is full" },
	{ FAULT_IO, "SYS/TEMP",
	    "Error in the mail store; see the server's log" },
	{ FAULT_CANNOT, "SYS/PERM", "This can't be done here" },
	{ FAULT_PERM, "SYS/PERM",
	    "The mailbox may not be opened; see the server's log" },
	{ FAULT_CORRUPT, "SYS/PERM",
	    "The mailbox is damaged; see the server's log" },
};

void
reply_fault(struct buf *out, const struct fault *why)
{
	for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++)
		if (answers[i].fault == why->code) {
			reply_err(out, answers[i].code, "%s",
			    answers[i].text);
			return;
		}
	reply_err(out, "SYS/PERM",
	    "The mailbox can't be used; see the server's log");
}

void
reply_challenge(struct buf *out, struct span challenge)
{
	buf_add(out, "+ ", 2);
	buf_addspan(out, challenge);
	buf_add(out, "\r\n", 2);
}

void
reply_line(struct buf *out, struct span text)
{
	buf_addspan(out, text);
	buf_add(out, "\r\n", 2);
}

void
reply_end(struct buf *out)
{
	buf_add(out, ".\r\n", 3);
}

void
reply_size(struct buf *out, size_t number, uint64_t octets)
{
	buf_addnum(out, number);
	buf_addc(out, ' ');
	buf_addnum(out, octets);
	buf_add(out, "\r\n", 2);
}

/* Eight lower-case hexadecimal digits; printf is too slow for 100,000. */
static void
add_hex(struct buf *out, uint32_t value)
{
	char digits[8];

	for (int i = 7; i >= 0; i--, value >>= 4)
		digits[i] = "0123456789abcdef"[value & 15];
	buf_add(out, digits, sizeof digits);
}

void
reply_uid(struct buf *out, size_t number, uint32_t uidvalidity, uint32_t uid)
{
	buf_addnum(out, number);
	buf_addc(out, ' ');
	add_hex(out, uidvalidity);
	add_hex(out, uid);
	buf_add(out, "\r\n", 2);
}

/* The rows of CAPA in the order in which they are sent. */
static const struct {
	const char *text;
	bool stls, plaintext, transaction;	/* wanted, where true */
} capabilities[] = {
	{ "TOP", false, false, false },
	{ "UIDL", false, false, false },
	{ "RESP-CODES", false, false, false },
	{ "AUTH-RESP-CODE", false, false, false },
	{ "PIPELINING", false, false, false },
	/* Nothing is ever removed by this server's own will (RFC 2449 6.7). */
	{ "EXPIRE NEVER", false, false, false },
	{ "STLS", true, false, false },
	{ "USER", false, true, false },
	{ "IMPLEMENTATION ipop3d", false, false, true },
};

void
reply_capa(struct buf *out, const struct reply_capa *have)
{
	reply_ok(out, "Capability list follows:");
	for (size_t i = 0;
	    i < sizeof capabilities / sizeof capabilities[0]; i++)
		if ((have->stls || !capabilities[i].stls) &&
		    (have->plaintext || !capabilities[i].plaintext) &&
		    (have->transaction || !capabilities[i].transaction))
			reply_line(out, span_of(capabilities[i].text));
	if (have->plaintext) {
		buf_adds(out, "SASL");
		for (size_t i = 0; sasl_name(i) != NULL; i++) {
			buf_addc(out, ' ');
			buf_adds(out, sasl_name(i));
		}
		buf_add(out, "\r\n", 2);
	}
	reply_end(out);
}

void
reply_mechanisms(struct buf *out, bool plaintext)
{
	reply_ok(out, "Supported authentication mechanisms:");
	for (size_t i = 0; plaintext && sasl_name(i) != NULL; i++)
		reply_line(out, span_of(sasl_name(i)));
	reply_end(out);
}
