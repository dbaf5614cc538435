/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A mailbox in memory for tests of what stands above box.h: it defines the
 * few functions of box.c that those files call, and a driver whose failures
 * the test chooses.  To be included by one source file of a test program.
 */
#ifndef TESTS_FAKEBOX_H
#define TESTS_FAKEBOX_H

#include <stdlib.h>
#include <string.h>

#include "c-client/base/buf.h"
#include "c-client/base/fault.h"
#include "c-client/base/memory.h"
#include "c-client/mime/header.h"
#include "c-client/store/account.h"
#include "c-client/store/box.h"
#include "c-client/store/driver.h"
#include "c-client/store/view.h"

#define FAKE_MAX	64

static struct fake {
	struct account account;
	struct box box;
	struct view view;
	struct record records[FAKE_MAX];
	struct buf texts[FAKE_MAX];	/* by record.place */
	size_t text_count;
	uint32_t uids[FAKE_MAX];

	int changed;		/* so many reads find the file changed */
	enum fault_code fault;	/* each read gives this */
	uint64_t fault_from;	/* only those from this octet on */
	bool cut;		/* reads give one octet less than there is */
	void (*on_sync)(void);	/* what another program did */
	int syncs, reads;
	uint64_t octets;	/* read */
} fake;

ptrdiff_t
box_find(const struct box *box, uint32_t uid)
{
	for (size_t i = 0; i < box->count; i++)
		if (box->records[i].uid == uid)
			return (ptrdiff_t)i;
	return -1;
}

size_t
box_find_from(const struct box *box, uint32_t uid)
{
	size_t i = 0;

	while (i < box->count && box->records[i].uid < uid)
		i++;
	return i;
}

struct record *
box_at(struct box *box, size_t i)
{
	return i < box->count ? &box->records[i] : NULL;
}

struct record *
box_record(struct box *box, uint32_t uid, size_t *at)
{
	ptrdiff_t i = box_find(box, uid);

	*at = i < 0 ? 0 : (size_t)i;
	return i < 0 ? NULL : &box->records[i];
}

int
box_keyword(const struct box *box, struct span name)
{
	for (size_t i = 0; i < box->meta.keyword_count; i++)
		if (span_is(name, box->meta.keywords[i]))
			return (int)i;
	return -1;
}

int
box_sync(struct box *box, struct fault *why)
{
	(void)box;
	(void)why;
	fake.syncs++;
	if (fake.on_sync != NULL)
		fake.on_sync();
	return 0;
}

static int
fake_read(struct box *box, const struct record *r, uint64_t off, size_t len,
    struct buf *out, struct fault *why)
{
	struct span text = buf_span(&fake.texts[r->place]);

	(void)box;
	fake.reads++;
	if (fake.changed > 0) {
		fake.changed--;
		/* What a failed read leaves behind must not be believed. */
		buf_adds(out, "garbage");
		return fault_set(why, FAULT_CHANGED, "changed");
	}
	if (fake.fault != FAULT_NONE && off + len > fake.fault_from)
		return fault_set(why, fake.fault, "as the test wants");
	text = span_slice(text, (size_t)off, len);
	if (fake.cut && text.n > 0)
		text.n--;
	fake.octets += text.n;
	buf_addspan(out, text);
	return 0;
}

static const struct driver fake_driver = { .name = "fake",
    .read = fake_read };

/* Forget all that was. */
static void
fake_reset(void)
{
	for (size_t i = 0; i < fake.text_count; i++)
		buf_clear(&fake.texts[i]);
	uidruns_clear(&fake.view.uids);
	uidruns_clear(&fake.view.recent);
	memset(&fake, 0, sizeof fake);
	fake.box.account = &fake.account;
	fake.box.driver = &fake_driver;
	fake.box.records = fake.records;
	fake.box.meta.uidvalidity = 7;
	fake.box.meta.uidnext = 1;
	fake.view.box = &fake.box;
}

/* Add a message; the view sees it.  Line ends of `text` are CRLF already. */
static struct record *
fake_add(uint32_t uid, struct span text)
{
	struct record *r = &fake.records[fake.box.count++];
	size_t at = fake.text_count++;

	buf_init(&fake.texts[at], 0);
	buf_addspan(&fake.texts[at], text);
	memset(r, 0, sizeof *r);
	r->place = at;
	r->uid = uid;
	r->wire_size = text.n;
	r->wire_header = (uint32_t)header_length(text);
	memcpy(r->digest, &uid, sizeof uid);
	fake.uids[fake.view.count++] = uid;
	uidruns_add(&fake.view.uids, uid, 1);
	fake.box.meta.uidnext = uid + 1;
	return r;
}

/* Another program removes the message: the view keeps it. */
static inline void
fake_remove(uint32_t uid)
{
	ptrdiff_t i = box_find(&fake.box, uid);

	if (i < 0)
		return;
	fake.box.count--;
	memmove(fake.records + i, fake.records + i + 1,
	    (fake.box.count - (size_t)i) * sizeof fake.records[0]);
	fake.box.generation++;
}

#endif
