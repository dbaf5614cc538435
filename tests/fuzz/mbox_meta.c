/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A header of any octets: its size on the wire is that of what is shown,
 * nothing that is shown is metadata, and metadata doesn't change the digest.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "c-client/base/buf.h"
#include "c-client/formats/mbox_keywords.h"
#include "c-client/formats/mbox_meta.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct digest *digest;
	static struct mbox_keywords k;
	struct span header = { (const char *)data, n };
	struct mbox_meta m, again;
	struct buf wire, more;

	if (digest == NULL)
		digest = digest_new();
	mbox_meta_parse(header, digest, &m);
	buf_init(&wire, 0);
	mbox_meta_wire(header, &wire);
	assert(wire.n == m.wire_size);
	mbox_meta_parse(buf_span(&wire), digest, &again);
	assert(again.flags == 0 && again.uid == 0 && !again.base);
	assert(again.wire_size == wire.n);
	buf_init(&more, 0);
	buf_adds(&more, "Status: RO\nX-UID: 1\n\tfolded\n");
	buf_addspan(&more, header);
	mbox_meta_parse(buf_span(&more), digest, &again);
	/* A fold in front would belong to the added field. */
	if (n > 0 && data[0] != ' ' && data[0] != '\t')
		assert(memcmp(m.digest, again.digest, sizeof m.digest) == 0);
	mbox_keywords_init(&k);
	mbox_keywords_add_all(&k, m.names);
	mbox_keywords_bits(&k, m.keywords);
	mbox_keywords_clear(&k);
	buf_clear(&more);
	buf_clear(&wire);
	return 0;
}
