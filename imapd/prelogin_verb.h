/* SPDX-License-Identifier: Apache-2.0 */
/* The commands before login, and what they share with the one who reads them
 * (imapd/prelogin.c). */
#ifndef IMAPD_PRELOGIN_VERB_H
#define IMAPD_PRELOGIN_VERB_H

#include <stdbool.h>

#include "c-client/base/bounds.h"
#include "c-client/base/span.h"
#include "c-client/server/sasl.h"
#include "c-client/server/service.h"
#include "imapd/wire.h"

struct args;
struct arena;
struct buf;

/* What a connection has in prelogin->state. */
struct dialogue {
	struct wire wire;
	struct arena *arena;
	struct sasl sasl;
	bool in_sasl;		/* the next line is a SASL response */
	char tag[BOUND_TAG + 1]; /* of the command that runs; "*" if bad */
};

struct verb {
	const char *name;
	bool literals;		/* its arguments may be literals */
	bool password;		/* not where passwords may not be sent */
	/* `args` stand behind the name. */
	enum prelogin_want (*run)(struct prelogin *, struct args *);
};

/* NULL: no command before login. */
const struct verb *prelogin_verb_find(struct span name);

struct dialogue *prelogin_dialogue(struct prelogin *);

/* A tagged line; `text` without its end. */
void prelogin_answer(struct prelogin *, const char *status, const char *text);

/* BAD, counted; returns PRELOGIN_MORE. */
enum prelogin_want prelogin_bad(struct prelogin *, const char *text);

/* The capabilities of now, without a line end. */
void prelogin_capabilities(struct prelogin *);

/* Say what the step of a SASL dialogue led to.  PRELOGIN_LOGIN if that is a
 * name and a password. */
enum prelogin_want prelogin_sasl_next(struct prelogin *, enum sasl_step,
    struct buf *challenge);

#endif
