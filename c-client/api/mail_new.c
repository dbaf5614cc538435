/* SPDX-License-Identifier: Apache-2.0 */
/* Empty objects of the interface. */
#include <string.h>

#include "c-client/mail.h"

#include "c-client/base/banned.h"

static void *
zeroed(size_t n)
{
	void *p = fs_get(n);

	memset(p, 0, n);
	return p;
}

ENVELOPE *
mail_newenvelope(void)
{
	return zeroed(sizeof(ENVELOPE));
}

ADDRESS *
mail_newaddr(void)
{
	return zeroed(sizeof(ADDRESS));
}

/* As a message without MIME is. */
BODY *
mail_initbody(BODY *body)
{
	memset(body, 0, sizeof *body);
	body->type = TYPETEXT;
	body->encoding = ENC7BIT;
	return body;
}

BODY *
mail_newbody(void)
{
	return mail_initbody(fs_get(sizeof(BODY)));
}

PARAMETER *
mail_newbody_parameter(void)
{
	return zeroed(sizeof(PARAMETER));
}

PART *
mail_newbody_part(void)
{
	PART *part = zeroed(sizeof *part);

	mail_initbody(&part->body);
	return part;
}

MESSAGE *
mail_newmsg(void)
{
	return zeroed(sizeof(MESSAGE));
}

STRINGLIST *
mail_newstringlist(void)
{
	return zeroed(sizeof(STRINGLIST));
}

SEARCHPGM *
mail_newsearchpgm(void)
{
	return zeroed(sizeof(SEARCHPGM));
}

static void
text_set(SIZEDTEXT *to, const char *text)
{
	to->data = (unsigned char *)cpystr(text != NULL ? text : "");
	to->size = strlen((char *)to->data);
}

SEARCHHEADER *
mail_newsearchheader(char *line, char *text)
{
	SEARCHHEADER *h = zeroed(sizeof *h);

	text_set(&h->line, line);
	text_set(&h->text, text);
	return h;
}

SEARCHSET *
mail_newsearchset(void)
{
	return zeroed(sizeof(SEARCHSET));
}

SEARCHOR *
mail_newsearchor(void)
{
	SEARCHOR *either = zeroed(sizeof *either);

	either->first = mail_newsearchpgm();
	either->second = mail_newsearchpgm();
	return either;
}

SEARCHPGMLIST *
mail_newsearchpgmlist(void)
{
	SEARCHPGMLIST *list = zeroed(sizeof *list);

	list->pgm = mail_newsearchpgm();
	return list;
}
