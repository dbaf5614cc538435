/* SPDX-License-Identifier: Apache-2.0 */
/* mm_log() and mm_notify(), with texts that are made here. */
#include "c-client/api/tell.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "c-client/base/fault.h"
#include "c-client/base/log.h"

#include "c-client/base/banned.h"

long
tell_error(const char *format, ...)
{
	char text[MAILTMPLEN];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	mm_log(text, ERROR);
	return NIL;
}

long
tell_warning(const char *format, ...)
{
	char text[MAILTMPLEN];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	mm_log(text, WARN);
	return NIL;
}

long
tell_fault(const char *what, const char *name, const struct fault *why)
{
	return tell_error("Can't %s %s: %s", what, name, why->text);
}

void
tell_notify(MAILSTREAM *stream, const char *line, long code)
{
	char text[MAILTMPLEN];

	snprintf(text, sizeof text, "%s", line);
	mm_notify(stream, text, code);
}

/* A mailbox is rewritten in a child (formats/mbox_scribe.h), which has a copy
 * of the program but is not the program. */
static _Thread_local pid_t program;

void
tell_here(void)
{
	program = getpid();
}

static void
sink(void *arg, int level, const char *line)
{
	(void)arg;
	if (LOG_PRI(level) <= LOG_WARNING && getpid() == program)
		tell_warning("%s", line);
}

void
tell_log(void)
{
	log_to_sink(sink, NULL);
}
