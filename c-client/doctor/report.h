/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the doctor found: a list of findings, and how it is shown.  A finding
 * has the name of the check, how bad it is, what was seen, and, where there
 * is one, the command that mends it: one line for a root shell that asks
 * nothing.
 */
#ifndef DOCTOR_REPORT_H
#define DOCTOR_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "c-client/base/span.h"

struct arena;
struct buf;

enum report_state {
	REPORT_OK,
	REPORT_WARNING,		/* works, but not as it should */
	REPORT_FAILED,		/* does not work */
	REPORT_UNKNOWN,		/* could not look */
	REPORT_STATES
};

struct report_finding {
	const char *check;
	enum report_state state;
	const char *evidence;
	const char *mend;	/* "" if no command mends it */
};

/* Findings of one check; beyond: there are more, and that is all that is said
 * of them.  A file of a million wrong lines is wrong as a whole. */
#define REPORT_MAX	200u

/* Findings live as long as the report. */
struct report {
	struct arena *arena;
	const char *check;	/* the name that new findings have */
	unsigned here;		/* how many it has */
	struct report_finding *findings;
	size_t n, cap;
	size_t count[REPORT_STATES];
};

void report_init(struct report *);
void report_clear(struct report *);

/* What is found from now on was found by this check. */
void report_begin(struct report *, const char *check);

/*
 * A finding: what was seen, in one line, with what follows from it (printf
 * form).  docs/TROUBLE has an entry for each of these formats, so each is a
 * literal in the call.
 */
void report_ok(struct report *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void report_warning(struct report *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void report_failed(struct report *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* "could not look" is put in front. */
void report_unknown(struct report *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * The command that mends what was found last.  Whatever is not written here,
 * such as the name of a file, goes through report_quote().
 */
void report_mend(struct report *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* What is put before a command that is to be this user's and not root's; lives
 * as long as the report. */
const char *report_as_user(struct report *, uid_t, gid_t);

/* `text` as one word of the shell's; as it is where nothing in it is special.
 * Lives as long as the report. */
const char *report_quote(struct report *, const char *text);

/* The same for the inside of a basic regular expression of sed's between
 * slashes, or of what it is replaced by; not quoted for the shell. */
const char *report_regex(struct report *, struct span text);

/* Printf, for the parts of a command.  Lives as long as the report. */
const char *report_format(struct report *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* For people, a line each, commands by themselves behind a tab; for programs,
 * one JSON object, a finding a line. */
void report_text(const struct report *, struct buf *out);
void report_json(const struct report *, const char *program,
    const char *version, struct buf *out);

/* Has this check found something that FAILED? */
bool report_has_failed(const struct report *, const char *check);

/* 0: nothing is wrong, 1: warnings, 2: something FAILED.  What could not be
 * looked at doesn't count. */
int report_status(const struct report *);

#endif
