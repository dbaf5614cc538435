/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The dialogue of a SASL mechanism (RFC 4422), server side: lines in,
 * challenges and credentials out.  It does no I/O and checks no password.
 * PLAIN is RFC 4616; LOGIN is the unregistered one that old clients speak.
 *
 * imapd and ipop3d use it so:
 *
 *	step = sasl_begin(&s, name, initial, &p->credentials, &challenge);
 *	while (step == SASL_CHALLENGE)
 *		... send "+ " challenge CRLF, get a line without CRLF ...
 *		step = sasl_input(&s, line, &challenge);
 */
#ifndef SERVER_SASL_H
#define SERVER_SASL_H

#include <stddef.h>

#include "c-client/base/buf.h"
#include "c-client/base/span.h"

struct credentials;
struct sasl_mechanism;

enum sasl_step {
	SASL_CHALLENGE,		/* send the challenge, then feed one line */
	SASL_DONE,		/* credentials are complete: PRELOGIN_LOGIN */
	SASL_CANCELLED,		/* the client sent "*": BAD, -ERR */
	SASL_BAD,		/* malformed, too long, NUL: a bad command */
	SASL_UNKNOWN		/* no such mechanism: NO, -ERR */
};

struct sasl {
	const struct sasl_mechanism *mechanism;
	struct credentials *credentials;
	unsigned step;		/* responses taken so far */
};

/* A line longer than this without its CRLF is SASL_BAD; the caller may stop
 * to collect one there.  RFC 4959 and RFC 5034 name no smaller limit than
 * what user and password need. */
#define SASL_LINE_MAX	4096u

/*
 * Begin mechanism `name` (ASCII case ignored).  `initial` is the initial
 * response as it was sent (still base64; "=" is an empty one, RFC 4959 3), or
 * NULL if there was none.  Credentials go to *out, of which user, password
 * and mechanism are set anew; the tag is the caller's.  On SASL_CHALLENGE the
 * challenge, base64 and without "+ " and CRLF, has been appended to
 * `challenge` (it may be empty).  After any other step the object is done.
 */
enum sasl_step sasl_begin(struct sasl *, struct span name,
    const struct span *initial, struct credentials *out,
    struct buf *challenge);

/* One more line of the client, without its CRLF.  As sasl_begin(). */
enum sasl_step sasl_input(struct sasl *, struct span line,
    struct buf *challenge);

/* The name of mechanism `i`, in the order in which they are advertised; NULL
 * behind the last.  All send passwords in clear: only where p->plaintext. */
const char *sasl_name(size_t i);

#endif
