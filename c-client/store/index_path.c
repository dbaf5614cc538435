/* SPDX-License-Identifier: Apache-2.0 */
/* The names that index files have in the index directory, and back. */
#include "c-client/store/index_path.h"

#include <string.h>
#include <xxhash.h>

#include "c-client/base/buf.h"
#include "c-client/base/span.h"
#include "c-client/store/index.h"

#include "c-client/base/banned.h"

/* NAME_MAX less the longest ending that SQLite adds, and some room. */
#define LONGEST	200

const char *const index_path_endings[INDEX_PATH_ENDINGS] = {
	"-wal", "-shm", "-journal"
};

static const char hex[] = "0123456789ABCDEF";

/* Offset of a "-wal" and so on at the end of the text, else its length. */
static size_t
ending_at(struct span text)
{
	for (size_t i = 0; i < INDEX_PATH_ENDINGS; i++) {
		size_t n = strlen(index_path_endings[i]);

		if (text.n >= n && memcmp(text.p + text.n - n,
		    index_path_endings[i], n) == 0)
			return text.n - n;
	}
	return text.n;
}

void
index_path_escape(struct buf *out, struct span path)
{
	size_t ending = ending_at(path);

	for (size_t i = 0; i < path.n; i++) {
		unsigned char c = (unsigned char)path.p[i];

		/* A mailbox "a-wal" must not have the name of what belongs to
		 * the mailbox "a", and none begins as our own files do. */
		if (c <= ' ' || c == '/' || c == '%' || c == 0x7f ||
		    (i == 0 && c == '.') || i == ending) {
			buf_addc(out, '%');
			buf_addc(out, hex[c >> 4]);
			buf_addc(out, hex[c & 15]);
		} else {
			buf_addc(out, (char)c);
		}
	}
}

void
index_file_name(struct buf *out, const char *path)
{
	struct span text = span_of(path);
	size_t start = out->n;
	XXH128_hash_t hash;
	XXH128_canonical_t bytes;

	index_path_escape(out, text);
	if (out->n - start <= LONGEST)
		return;
	out->n = start;
	hash = XXH3_128bits(text.p, text.n);
	XXH128_canonicalFromHash(&bytes, hash);
	/* No escaped name begins like this. */
	buf_adds(out, "%%");
	for (size_t i = 0; i < sizeof bytes.digest; i++) {
		buf_addc(out, hex[bytes.digest[i] >> 4]);
		buf_addc(out, hex[bytes.digest[i] & 15]);
	}
}

static int
digit(char c)
{
	const char *at = c == '\0' ? NULL : strchr(hex, c);

	return at == NULL ? -1 : (int)(at - hex);
}

bool
index_path_unescape(struct buf *out, struct span file)
{
	if (ending_at(file) != file.n)
		return false;
	for (size_t i = 0; i < file.n; i++) {
		int high, low;

		if (file.p[i] != '%') {
			buf_addc(out, file.p[i]);
			continue;
		}
		if (file.n - i < 3 || (high = digit(file.p[i + 1])) == -1 ||
		    (low = digit(file.p[i + 2])) == -1 || high + low == 0)
			return false;
		buf_addc(out, (char)(high * 16 + low));
		i += 2;
	}
	return true;
}
