/* SPDX-License-Identifier: Apache-2.0 */
/* Flags by name, and changing them, for the whole interface. */
#ifndef API_MAIL_FLAG_H
#define API_MAIL_FLAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "c-client/mail.h"
#include "c-client/store/box.h"

struct arena;

/* "\\Seen work", with or without parentheses; spans lie in the text.  False
 * after mm_log(). */
bool mail_flag_parse(const char *text, struct arena *, struct box_store *out);

/* Store flags of these ascending numbers, and mm_flags() for those that it
 * changed.  False after mm_log(). */
bool mail_flag_store(MAILSTREAM *, const uint32_t *numbers, size_t count,
    const struct box_store *, bool silent);

#endif
