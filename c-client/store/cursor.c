/* SPDX-License-Identifier: Apache-2.0 */
/* Walking a view and the records of its box side by side. */
#include "c-client/store/cursor.h"

#include "c-client/store/box.h"
#include "c-client/store/view.h"

#include "c-client/base/banned.h"

const struct record *
cursor_record(struct cursor *c, const struct view *view, uint32_t number)
{
	const struct box *box = view->box;
	uint32_t uid;

	if (number == 0 || number > view->count)
		return NULL;
	uid = view->uids[number - 1];
	if (c->at >= box->count || box->records[c->at].uid != uid) {
		c->at = box_find_from(box, uid);
		if (c->at >= box->count || box->records[c->at].uid != uid)
			return NULL;
	}
	return &box->records[c->at++];
}
