/* SPDX-License-Identifier: Apache-2.0 */
/* The table of commands.  The dispatcher knows no command by its name. */
#include "imapd/command.h"

#include <stddef.h>

#include "c-client/base/buf.h"
#include "c-client/server/sasl.h"
#include "c-client/store/append.h"
#include "imapd/args.h"
#include "imapd/reply.h"
#include "imapd/session.h"

#include "c-client/base/banned.h"

static const struct command commands[] = {
	{ .name = "APPEND", .states = STATE_USER, .flags = CMD_ADDS,
	  .run = cmd_append, .literal = cmd_append_literal,
	  .piece = cmd_append_piece, .abandon = cmd_append_abandon },
	{ .name = "AUTHENTICATE", .states = STATE_NOT_AUTH },
	{ .name = "CAPABILITY", .states = STATE_ANY, .run = cmd_capability },
	{ .name = "CHECK", .states = STATE_SELECTED, .run = cmd_check },
	{ .name = "CLOSE", .states = STATE_SELECTED, .flags = CMD_NOSYNC,
	  .run = cmd_close },
	{ .name = "COPY", .states = STATE_SELECTED,
	  .flags = CMD_UID | CMD_ADDS, .run = cmd_copy },
	{ .name = "CREATE", .states = STATE_USER, .run = cmd_create },
	{ .name = "DELETE", .states = STATE_USER, .run = cmd_delete },
	{ .name = "ENABLE", .states = STATE_USER, .run = cmd_enable },
	{ .name = "EXAMINE", .states = STATE_USER, .flags = CMD_NOSYNC,
	  .run = cmd_examine },
	{ .name = "EXPUNGE", .states = STATE_SELECTED, .flags = CMD_UID,
	  .run = cmd_expunge },
	{ .name = "FETCH", .states = STATE_SELECTED,
	  .flags = CMD_UID | CMD_NOEXPUNGE, .run = cmd_fetch },
	{ .name = "ID", .states = STATE_ANY, .run = cmd_id },
	{ .name = "IDLE", .states = STATE_USER, .run = cmd_idle },
	{ .name = "LIST", .states = STATE_USER, .run = cmd_list },
	{ .name = "LOGIN", .states = STATE_NOT_AUTH },
	{ .name = "LOGOUT", .states = STATE_ANY,
	  .flags = CMD_NOSYNC | CMD_BYE, .run = cmd_logout },
	{ .name = "LSUB", .states = STATE_USER, .run = cmd_lsub },
	{ .name = "MOVE", .states = STATE_SELECTED, .flags = CMD_UID,
	  .run = cmd_move },
	{ .name = "NAMESPACE", .states = STATE_USER, .run = cmd_namespace },
	{ .name = "NOOP", .states = STATE_ANY, .run = cmd_noop },
	{ .name = "RENAME", .states = STATE_USER, .run = cmd_rename },
	{ .name = "SEARCH", .states = STATE_SELECTED,
	  .flags = CMD_UID | CMD_NOEXPUNGE, .run = cmd_search },
	{ .name = "SELECT", .states = STATE_USER, .flags = CMD_NOSYNC,
	  .run = cmd_select },
	{ .name = "STARTTLS", .states = STATE_NOT_AUTH },
	{ .name = "STATUS", .states = STATE_USER, .run = cmd_status },
	{ .name = "STORE", .states = STATE_SELECTED,
	  .flags = CMD_UID | CMD_NOEXPUNGE, .run = cmd_store },
	{ .name = "SUBSCRIBE", .states = STATE_USER, .run = cmd_subscribe },
	{ .name = "UNSELECT", .states = STATE_SELECTED, .flags = CMD_NOSYNC,
	  .run = cmd_unselect },
	{ .name = "UNSUBSCRIBE", .states = STATE_USER,
	  .run = cmd_unsubscribe },
};

const struct command *
command_find(struct span name, bool uid)
{
	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
		const struct command *c = &commands[i];

		if (!span_is(name, c->name))
			continue;
		if (uid && !(c->flags & (CMD_UID | CMD_UID_ONLY)))
			return NULL;
		if (!uid && c->flags & CMD_UID_ONLY)
			return NULL;
		return c;
	}
	return NULL;
}

void
command_run(struct session *s, const struct command *c, struct args *a)
{
	unsigned state = session_state(s);

	if (c == NULL)
		reply_bad(s, "Unknown command");
	else if (!(c->states & state) && c->states & STATE_NOT_AUTH)
		reply_bad(s, "Not valid after login");
	else if (!(c->states & state))
		reply_bad(s, "No mailbox is selected");
	else {
		if (!(c->flags & CMD_ADDS))
			append_rest(&s->account);
		c->run(s, a);
	}
}

/* When a capability is told. */
enum {
	CAP_BEFORE	= 1 << 0,	/* before login */
	CAP_AFTER	= 1 << 1,	/* after login */
	CAP_STARTTLS	= 1 << 2,	/* before, where STARTTLS is possible */
	CAP_NO_PLAIN	= 1 << 3	/* before, where passwords may not be
					 * sent */
};

static const struct {
	const char *word;
	unsigned when;
} capabilities[] = {
	{ "IMAP4rev1",		CAP_BEFORE | CAP_AFTER },
	{ "ID",			CAP_BEFORE | CAP_AFTER },
	/* RFC 7888 5: before login no literal above 4,096 octets. */
	{ "LITERAL-",		CAP_BEFORE },
	{ "LITERAL+",		CAP_AFTER },
	{ "SASL-IR",		CAP_BEFORE },
	{ "STARTTLS",		CAP_STARTTLS },
	{ "LOGINDISABLED",	CAP_NO_PLAIN },
	{ "CHILDREN",		CAP_AFTER },
	{ "ENABLE",		CAP_AFTER },
	{ "IDLE",		CAP_AFTER },
	{ "INPROGRESS",		CAP_AFTER },
	{ "MOVE",		CAP_AFTER },
	{ "NAMESPACE",		CAP_AFTER },
	{ "UIDPLUS",		CAP_AFTER },
	{ "UNSELECT",		CAP_AFTER },
};

void
command_capabilities(struct buf *out, const struct command_facts *f)
{
	unsigned when = CAP_AFTER;
	bool first = true;

	if (!f->login)
		when = CAP_BEFORE | (f->starttls ? CAP_STARTTLS : 0u) |
		    (f->plaintext ? 0u : CAP_NO_PLAIN);
	for (size_t i = 0; i < sizeof capabilities / sizeof capabilities[0];
	    i++) {
		if (!(capabilities[i].when & when))
			continue;
		if (!first)
			buf_addc(out, ' ');
		first = false;
		buf_adds(out, capabilities[i].word);
	}
	if (f->login || !f->plaintext)
		return;
	for (size_t i = 0; sasl_name(i) != NULL; i++) {
		buf_adds(out, " AUTH=");
		buf_adds(out, sasl_name(i));
	}
}
