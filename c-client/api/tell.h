/* SPDX-License-Identifier: Apache-2.0 */
/* What the program is told by mm_log(), and its other functions whose
 * arguments are not const though they are not written to. */
#ifndef API_TELL_H
#define API_TELL_H

#include "c-client/mail.h"

struct fault;

/* mm_log(): printf form, cut at MAILTMPLEN.  Returns NIL. */
long tell_error(const char *format, ...)
    __attribute__((format(printf, 1, 2)));
long tell_warning(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/* That `what` ("open mailbox") could not be done with `name`, and why. */
long tell_fault(const char *what, const char *name, const struct fault *);

/* mm_notify(). */
void tell_notify(MAILSTREAM *, const char *text, long code);

/* Lines of the store's log that are warnings or worse go to mm_log() from now
 * on, those that are not nowhere; neither do those of a child process. */
void tell_log(void);
/* This process is the program's: called before the store is. */
void tell_here(void);

#endif
