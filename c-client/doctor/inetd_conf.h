/* SPDX-License-Identifier: Apache-2.0 */
/* inetd.conf, as openbsd-inetd, inetutils-inetd and their relatives read it. */
#ifndef DOCTOR_INETD_CONF_H
#define DOCTOR_INETD_CONF_H

#include "c-client/base/span.h"

struct entries;

/*
 * Add what stands in `text`, the contents of `file` (whose name must live as
 * long as the entries).  Each line is an entry:
 *
 *	[ADDRESS:]SERVICE stream tcp[4|6|46|6only][,...] \
 *	    [no]wait[.N|:N] USER[.GROUP] PATH ARGV0 ARGUMENTS...
 *
 * ADDRESS: alone is for the lines below that have none.
 * A line that begins with a blank goes on with the one before it.  A comment
 * that would be an entry is one that is disabled.  A line that lacks fields is
 * an entry that says which is missing first; where a field was left out before
 * the path, so that the rest is out of step, it is that one.
 */
void inetd_conf_parse(struct entries *, const char *file, struct span text);

#endif
