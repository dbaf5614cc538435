/* SPDX-License-Identifier: Apache-2.0 */
/* The log of a test. */
#include "tests/lib/logged.h"

#include "c-client/base/buf.h"
#include "c-client/base/log.h"

#include "c-client/base/banned.h"

static struct buf lines;

static void
keep_line(void *arg, int level, const char *line)
{
	(void)arg;
	(void)level;
	buf_adds(&lines, line);
	buf_addc(&lines, '\n');
}

void
logged_start(void)
{
	buf_reset(&lines);
	log_to_sink(keep_line, NULL);
}

const char *
logged_text(void)
{
	return buf_string(&lines);
}

void
logged_free(void)
{
	buf_clear(&lines);
}
