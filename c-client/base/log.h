/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log: syslog, standard error or a file, or, in a process that can reach
 * none of these, whatever log_to_sink() names.  Lines have the shapes of the
 * old toolkit, which filters of many years match.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stddef.h>
#include <syslog.h>

struct fault;

/*
 * Write to `where`: "syslog" (facility mail), "stderr", or the name of a file
 * that is appended to.  `program` is the name in front.  A file that can't be
 * opened is a fault, and the log goes to syslog.  Lines before log_open() go
 * to standard error.
 */
int log_open(const char *program, const char *where, struct fault *);

/* Hand each line to `sink` instead: `line` is escaped, without line end. */
void log_to_sink(void (*sink)(void *arg, int level, const char *line),
    void *arg);

/*
 * One line.  Control characters, 8-bit octets that are not UTF-8, and DEL are
 * written as \xHH, so that nobody can forge a line; it is cut at 1,000 octets.
 * `level` is one of syslog's, from LOG_EMERG to LOG_DEBUG; add LOG_AUTH for
 * what facility auth should have too.
 */
void log_line(int level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A line that another process made and escaped already. */
void log_raw(int level, const char *line);

/*
 * `text` for the inside of a log line, cut to 80 octets as field.md 1.13 says,
 * with blanks, brackets and what log_line() escapes written as \xHH: a user
 * name can't play the part of another field.  Returns `out`.
 */
#define LOG_FIELD_MAX	(80 * 4 + 1)
const char *log_field(const char *text, size_t n, char out[LOG_FIELD_MAX]);

#endif
