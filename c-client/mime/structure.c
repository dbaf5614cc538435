/* SPDX-License-Identifier: Apache-2.0 */
/*
 * BODY and BODYSTRUCTURE (RFC 3501 7.4.2 and 9).  Recursion goes as deep as
 * the tree, which part.h bounds.
 */
#include "c-client/mime/structure.h"

#include <stddef.h>

#include "c-client/base/buf.h"
#include "c-client/mime/envelope.h"
#include "c-client/mime/imapstr.h"
#include "c-client/mime/part.h"

#include "c-client/base/banned.h"

static void
params_write(struct buf *out, const struct param *p)
{
	char before = '(';

	if (p == NULL) {
		buf_adds(out, "NIL");
		return;
	}
	for (; p != NULL; p = p->next) {
		buf_addc(out, before);
		imapstr_write_upper(out, p->name);
		buf_addc(out, ' ');
		imapstr_write(out, p->value);
		before = ' ';
	}
	buf_addc(out, ')');
}

static void
disposition_write(struct buf *out, const struct mime_part *p)
{
	if (p->disposition.p == NULL) {
		buf_adds(out, "NIL");
		return;
	}
	buf_addc(out, '(');
	imapstr_write_upper(out, p->disposition);
	buf_addc(out, ' ');
	params_write(out, p->disposition_params);
	buf_addc(out, ')');
}

static void
language_write(struct buf *out, const struct mime_language *l)
{
	char before = '(';

	if (l == NULL) {
		buf_adds(out, "NIL");
		return;
	}
	for (; l != NULL; l = l->next) {
		buf_addc(out, before);
		imapstr_write(out, l->tag);
		before = ' ';
	}
	buf_addc(out, ')');
}

/* What ends both body-ext-1part and body-ext-mpart. */
static void
extension_write(struct buf *out, const struct mime_part *p)
{
	buf_addc(out, ' ');
	disposition_write(out, p);
	buf_addc(out, ' ');
	language_write(out, p->language);
	buf_addc(out, ' ');
	imapstr_write(out, p->location);
}

static void
fields_write(struct buf *out, const struct mime_part *p)
{
	imapstr_write_upper(out, p->type);
	buf_addc(out, ' ');
	imapstr_write_upper(out, p->subtype);
	buf_addc(out, ' ');
	params_write(out, p->params);
	buf_addc(out, ' ');
	imapstr_write(out, p->id);
	buf_addc(out, ' ');
	imapstr_write(out, p->description);
	buf_addc(out, ' ');
	imapstr_write_upper(out, p->encoding);
	buf_addc(out, ' ');
	buf_addnum(out, p->body_octets);
}

static void
single_write(struct buf *out, const struct mime_part *p, bool extended)
{
	fields_write(out, p);
	if (p->kind == MIME_MESSAGE) {
		buf_addc(out, ' ');
		envelope_write(out, p->child->header);
		buf_addc(out, ' ');
		structure_write(out, p->child, extended);
	}
	if (p->kind == MIME_MESSAGE || span_is(p->type, "text")) {
		buf_addc(out, ' ');
		buf_addnum(out, p->body_lines);
	}
	if (!extended)
		return;
	buf_addc(out, ' ');
	imapstr_write(out, p->md5);
	extension_write(out, p);
}

static void
multipart_write(struct buf *out, const struct mime_part *p, bool extended)
{
	for (const struct mime_part *c = p->child; c != NULL; c = c->next)
		structure_write(out, c, extended);
	buf_addc(out, ' ');
	imapstr_write_upper(out, p->subtype);
	if (!extended)
		return;
	buf_addc(out, ' ');
	params_write(out, p->params);
	extension_write(out, p);
}

void
structure_write(struct buf *out, const struct mime_part *p, bool extended)
{
	buf_addc(out, '(');
	if (p->kind == MIME_MULTIPART)
		multipart_write(out, p, extended);
	else
		single_write(out, p, extended);
	buf_addc(out, ')');
}
