/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A mailbox file of any octets: the messages lie one behind the other, their
 * sizes on the wire are those of what reading makes of them, and a scan of the
 * tail finds what a scan of the whole found there.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "c-client/base/buf.h"
#include "c-client/base/fault.h"
#include "c-client/base/file.h"
#include "c-client/formats/mbox_meta.h"
#include "c-client/formats/mbox_scan.h"
#include "c-client/formats/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static int
scan_from(struct mbox_scan *scan, struct mbox_keywords *k, int fd,
    uint64_t from, uint64_t to)
{
	struct fault f = { .code = FAULT_NONE };

	mbox_keywords_init(k);
	*scan = (struct mbox_scan){ .fd = fd, .from = from, .to = to,
	    .now = 1700000000, .keywords = k };
	return mbox_scan(scan, &f);
}

static void
record_check(const struct record *r, const char *data, size_t n)
{
	size_t head = (size_t)r->separator + r->disk_header;
	struct buf wire;

	assert(r->place + r->disk_size <= n && head <= r->disk_size);
	assert(memcmp(data + r->place, "From ", 5) == 0);
	buf_init(&wire, 0);
	mbox_meta_wire((struct span){ data + r->place + r->separator,
	    r->disk_header }, &wire);
	assert(wire.n == r->wire_header);
	wire_add(&wire, (size_t)r->wire_size - wire.n,
	    data + r->place + head, (size_t)r->disk_size - head,
	    data[r->place + head - 1]);
	assert(wire.n == r->wire_size);
	assert(memchr(wire.p != NULL ? wire.p : "x", '\0', wire.n) == NULL);
	buf_clear(&wire);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct mbox_keywords k, k2;
	struct mbox_scan scan, tail;
	int fd = memfd_create("mbox", MFD_CLOEXEC);

	assert(fd != -1 && file_write_full(fd, data, n) == (ssize_t)n);
	if (scan_from(&scan, &k, fd, 0, n) == 0) {
		uint64_t at = scan.count > 0 ? scan.messages[0].r.place : n;

		for (size_t i = 0; i < scan.count; i++) {
			const struct record *r = &scan.messages[i].r;

			assert(r->place == at);
			at += r->disk_size;
			record_check(r, (const char *)data, n);
		}
		assert(at == n);
		if (scan.count > 1) {
			size_t i = scan.count / 2;
			uint64_t from = scan.messages[i].r.place;

			assert(scan_from(&tail, &k2, fd, from, n) == 0);
			assert(tail.count == scan.count - i);
			assert(memcmp(&tail.messages[0].r.digest,
			    &scan.messages[i].r.digest, 16) == 0);
			mbox_scan_clear(&tail);
			mbox_keywords_clear(&k2);
		}
	}
	mbox_scan_clear(&scan);
	mbox_keywords_clear(&k);
	close(fd);
	return 0;
}
