/* SPDX-License-Identifier: Apache-2.0 */
/* The ID extension.  Nothing may depend on what a client says here. */
#include "imapd/id.h"

#include "c-client/base/buf.h"
#include "imapd/args.h"
#include "imapd/workarounds.h"

#include "c-client/base/banned.h"

/* RFC 2971 3.3. */
#define PAIRS_MAX	30u
#define FIELD_MAX	30u
#define VALUE_MAX	1024u

static bool
pair(struct args *a, struct buf *said)
{
	struct span field, value;

	if (!args_string(a, &field) || !args_space(a) ||
	    !args_nstring(a, &value))
		return false;
	if (field.n > FIELD_MAX || value.n > VALUE_MAX)
		return args_fail(a, "ID field or value too long");
	if (said->n > 0)
		buf_adds(said, ", ");
	buf_addspan(said, field);
	buf_addc(said, '=');
	buf_addspan(said, value);
	return true;
}

bool
id_parse(struct args *a, struct buf *said)
{
	size_t pairs = 0;

	if (!args_space(a))
		return false;
	if (args_keyword(a, "NIL"))
		return args_end(a);
	if (!args_open(a))
		return false;
	for (; !args_close(a); pairs++) {
		if (pairs == PAIRS_MAX)
			return args_fail(a, "Too many ID fields");
		if (pairs > 0 && a->p[-1] != ' ')
			return args_fail(a, "A blank is missing");
		if (!pair(a, said))
			return false;
	}
	if (pairs == 0 && !workarounds_has(WORKAROUND_ID_EMPTY))
		return args_fail(a, "ID without fields");
	return args_end(a);
}

void
id_write(struct buf *out)
{
	buf_adds(out, "* ID (\"name\" \"imapd\")");
}
