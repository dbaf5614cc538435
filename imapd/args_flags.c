/* SPDX-License-Identifier: Apache-2.0 */
/* Flags among the arguments of a command; args.h has the contract. */
#include <stddef.h>

#include "c-client/base/arena.h"
#include "c-client/base/bounds.h"
#include "c-client/store/record.h"
#include "imapd/args.h"

#include "c-client/base/banned.h"

static const struct {
	const char *name;
	uint16_t flag;
} system_flags[] = {
	{ "Answered",	FLAG_ANSWERED },
	{ "Flagged",	FLAG_FLAGGED },
	{ "Deleted",	FLAG_DELETED },
	{ "Seen",	FLAG_SEEN },
	{ "Draft",	FLAG_DRAFT },
};

static void
system_flag(struct args *a, struct span name, struct args_flags *out)
{
	char *unknown;

	for (size_t i = 0; i < sizeof system_flags / sizeof *system_flags; i++)
		if (span_is(name, system_flags[i].name)) {
			out->flags |= system_flags[i].flag;
			return;
		}
	if (span_is(name, "Recent")) {
		out->recent = true;
		return;
	}
	/* With its backslash, which is in front of the name. */
	unknown = arena_string(a->arena, name.p - 1, name.n + 1);
	out->unknown = unknown != NULL ? unknown : "\\";
}

static bool
keyword(struct args *a, struct span name, struct args_flags *out)
{
	for (size_t i = 0; i < out->keyword_count; i++)
		if (span_eq_nocase(name, out->keywords[i]))
			return true;
	if (out->keyword_count == BOUND_KEYWORDS)
		return args_fail(a, "Too many keywords");
	if (out->keywords == NULL)
		out->keywords = arena_alloc(a->arena,
		    BOUND_KEYWORDS * sizeof *out->keywords);
	if (out->keywords == NULL)
		return args_fail(a, "Command too large");
	out->keywords[out->keyword_count++] = name;
	return true;
}

static bool
one_flag(struct args *a, struct args_flags *out)
{
	bool is_system = args_skip(a, '\\');
	struct span name;

	/* "\*" belongs to PERMANENTFLAGS and can't be set. */
	if (is_system && args_skip(a, '*')) {
		out->unknown = "\\*";
		return true;
	}
	if (!args_atom(a, &name))
		return false;
	if (!is_system)
		return keyword(a, name, out);
	system_flag(a, name, out);
	return true;
}

bool
args_flag_list(struct args *a, bool bare, struct args_flags *out)
{
	*out = (struct args_flags){ 0 };
	if (args_peek(a) == '(') {
		if (!args_open(a))
			return false;
		for (bool first = true; !args_close(a); first = false) {
			if (!first && a->p[-1] != ' ')
				return args_fail(a,
				    "A blank is missing between flags");
			if (!one_flag(a, out))
				return false;
		}
		return a->error == NULL;
	}
	if (!bare)
		return args_fail(a, "A list of flags is expected");
	for (;;) {
		if (!one_flag(a, out))
			return false;
		if (args_is_end(a))
			return true;
		if (!args_space(a))
			return false;
	}
}
