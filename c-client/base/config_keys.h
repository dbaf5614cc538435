/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys of the configuration file, as data: a row each, with what a value
 * may be, the default, and the reason to touch it.
 */
#ifndef BASE_CONFIG_KEYS_H
#define BASE_CONFIG_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "c-client/base/span.h"

struct buf;
struct config;
struct fault;

enum config_kind {
	CONFIG_TEXT,		/* anything; const char * */
	CONFIG_PATH,		/* from / on; const char * */
	CONFIG_OPTIONAL_PATH,	/* the same, or nothing; const char * */
	CONFIG_NUMBER,		/* from least to most; uint32_t */
	CONFIG_TRUTH,		/* the second of two words or not; bool */
	CONFIG_CHOICE,		/* the number of a word; an enum */
	CONFIG_WORD,		/* the word itself; const char * */
	CONFIG_OPTIONAL_WORD,	/* the same, or nothing; const char * */
	CONFIG_AUTH		/* `auth`: a word, or users:FILE */
};

struct config_key {
	const char *name;
	enum config_kind kind;
	size_t offset;		/* in struct config */
	const char *standard;	/* the default, as it would be written */
	uint32_t least, most;	/* of a number */
	const char *words;	/* to choose from, a blank between them */
	const char *reason;	/* to touch it */
};

/* The row, in the order of the manual page; NULL behind the last. */
const struct config_key *config_keys_row(size_t i);

/* The row of that name (ASCII case ignored) or NULL; *i is then its number. */
const struct config_key *config_keys_find(struct span name, size_t *i);

/* The key that was probably meant, and in how many letters the two differ. */
const struct config_key *config_keys_nearest(struct span name,
    size_t *distance);

/*
 * Put a value where it belongs.  False and a fault that says what would be
 * right; nothing has changed then.
 */
bool config_keys_set(const struct config_key *, struct config *,
    struct span value, struct fault *why);

/* The value as it would be written: config_keys_set() takes it. */
void config_keys_show(const struct config_key *, const struct config *,
    struct buf *out);

/* A copy that lives as long as the process: sessions hold values. */
char *config_keys_copy(struct span);

#endif
