/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the interface makes is freed here.  Lists are loops, however long; what
 * nests (parts of a structure, programs in a program) recurses as deep as who
 * made it did.
 */
#include <stdlib.h>
#include <string.h>

#include "c-client/mail.h"

#include "c-client/base/banned.h"

void
mail_free_address(ADDRESS **address)
{
	ADDRESS *next;

	for (ADDRESS *a = *address; a != NULL; a = next) {
		next = a->next;
		free(a->personal);
		free(a->adl);
		free(a->mailbox);
		free(a->host);
		free(a->error);
		free(a->orcpt.type);
		free(a->orcpt.addr);
		free(a);
	}
	*address = NULL;
}

void
mail_free_envelope(ENVELOPE **env)
{
	ENVELOPE *e = *env;

	if (e == NULL)
		return;
	free(e->remail);
	free(e->date);
	free(e->subject);
	free(e->in_reply_to);
	free(e->message_id);
	free(e->newsgroups);
	free(e->followup_to);
	free(e->references);
	mail_free_address(&e->return_path);
	mail_free_address(&e->from);
	mail_free_address(&e->sender);
	mail_free_address(&e->reply_to);
	mail_free_address(&e->to);
	mail_free_address(&e->cc);
	mail_free_address(&e->bcc);
	free(e);
	*env = NULL;
}

void
mail_free_body_parameter(PARAMETER **parameter)
{
	PARAMETER *next;

	for (PARAMETER *p = *parameter; p != NULL; p = next) {
		next = p->next;
		free(p->attribute);
		free(p->value);
		free(p);
	}
	*parameter = NULL;
}

void
mail_free_stringlist(STRINGLIST **string)
{
	STRINGLIST *next;

	for (STRINGLIST *s = *string; s != NULL; s = next) {
		next = s->next;
		free(s->text.data);
		free(s);
	}
	*string = NULL;
}

static void
free_message(MESSAGE *m)
{
	if (m == NULL)
		return;
	mail_free_envelope(&m->env);
	mail_free_body(&m->body);
	mail_free_stringlist(&m->lines);
	free(m->full.text.data);
	free(m->header.text.data);
	free(m->text.text.data);
	free(m);
}

void
mail_free_body_part(PART **part)
{
	PART *next;

	for (PART *p = *part; p != NULL; p = next) {
		next = p->next;
		mail_free_body_data(&p->body);
		free(p);
	}
	*part = NULL;
}

void
mail_free_body_data(BODY *body)
{
	if (body->type == TYPEMULTIPART)
		mail_free_body_part(&body->nested.part);
	else if (body->type == TYPEMESSAGE)
		free_message(body->nested.msg);
	free(body->subtype);
	mail_free_body_parameter(&body->parameter);
	free(body->id);
	free(body->description);
	free(body->disposition.type);
	mail_free_body_parameter(&body->disposition.parameter);
	mail_free_stringlist(&body->language);
	free(body->location);
	free(body->mime.text.data);
	free(body->contents.text.data);
	free(body->md5);
	memset(body, 0, sizeof *body);
}

void
mail_free_body(BODY **body)
{
	if (*body == NULL)
		return;
	mail_free_body_data(*body);
	free(*body);
	*body = NULL;
}

void
mail_free_searchheader(SEARCHHEADER **hdr)
{
	SEARCHHEADER *next;

	for (SEARCHHEADER *h = *hdr; h != NULL; h = next) {
		next = h->next;
		free(h->line.data);
		free(h->text.data);
		free(h);
	}
	*hdr = NULL;
}

void
mail_free_searchset(SEARCHSET **set)
{
	SEARCHSET *next;

	for (SEARCHSET *s = *set; s != NULL; s = next) {
		next = s->next;
		free(s);
	}
	*set = NULL;
}

void
mail_free_searchor(SEARCHOR **either)
{
	SEARCHOR *next;

	for (SEARCHOR *o = *either; o != NULL; o = next) {
		next = o->next;
		mail_free_searchpgm(&o->first);
		mail_free_searchpgm(&o->second);
		free(o);
	}
	*either = NULL;
}

void
mail_free_searchpgmlist(SEARCHPGMLIST **list)
{
	SEARCHPGMLIST *next;

	for (SEARCHPGMLIST *l = *list; l != NULL; l = next) {
		next = l->next;
		mail_free_searchpgm(&l->pgm);
		free(l);
	}
	*list = NULL;
}

void
mail_free_searchpgm(SEARCHPGM **pgm)
{
	SEARCHPGM *p = *pgm;

	if (p == NULL)
		return;
	mail_free_searchset(&p->msgno);
	mail_free_searchset(&p->uid);
	mail_free_searchor(&p->or);
	mail_free_searchpgmlist(&p->not);
	mail_free_searchheader(&p->header);
	mail_free_stringlist(&p->bcc);
	mail_free_stringlist(&p->body);
	mail_free_stringlist(&p->cc);
	mail_free_stringlist(&p->from);
	mail_free_stringlist(&p->keyword);
	mail_free_stringlist(&p->unkeyword);
	mail_free_stringlist(&p->subject);
	mail_free_stringlist(&p->text);
	mail_free_stringlist(&p->to);
	mail_free_stringlist(&p->return_path);
	mail_free_stringlist(&p->sender);
	mail_free_stringlist(&p->reply_to);
	mail_free_stringlist(&p->in_reply_to);
	mail_free_stringlist(&p->message_id);
	mail_free_stringlist(&p->newsgroups);
	mail_free_stringlist(&p->followup_to);
	mail_free_stringlist(&p->references);
	free(p);
	*pgm = NULL;
}
