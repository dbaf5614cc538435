/* SPDX-License-Identifier: Apache-2.0 */
/* Walking a view and the records of its box side by side. */
#include "c-client/store/cursor.h"

#include "c-client/store/box.h"
#include "c-client/store/view.h"

#include "c-client/base/banned.h"

const struct record *
cursor_record(struct cursor *c, const struct view *view, uint32_t number)
{
	struct box *box = view->box;
	const struct record *r;
	uint32_t uid;

	if (number == 0 || number > view->count)
		return NULL;
	uid = view_uid(view, number);
	r = box_at(box, c->at);
	if (r == NULL || r->uid != uid)
		r = box_record(box, uid, &c->at);
	if (r != NULL)
		c->at++;
	return r;
}
