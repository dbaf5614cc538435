/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers.  This is the only file that writes to the client; what others add
 * goes between reply_begin() and reply_end().  Texts never hold paths and are
 * never empty.
 */
#ifndef IMAPD_REPLY_H
#define IMAPD_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "c-client/base/span.h"

struct args;
struct box;
struct buf;
struct fault;
struct record;
struct session;

/*
 * The tagged answer of the running command.  It is kept, and sent by
 * session.c behind the untagged updates that belong before it.  `code` is
 * what stands in brackets ("TRYCREATE"), or NULL.  The first NO or BAD of a
 * command wins over what comes later; a command that sets none gets
 * "OK NAME completed".
 */
void reply_ok(struct session *, const char *code, const char *text);
void reply_no(struct session *, const char *code, const char *text);
void reply_bad(struct session *, const char *text);
/* BAD with a->error. */
void reply_bad_args(struct session *, const struct args *);
/* NO with the code and the text of RFC 5530 that stand for the fault; the
 * fault's own text goes to the log. */
void reply_fault(struct session *, const struct fault *);
/* Has the running command failed so far? */
bool reply_failed(const struct session *);

/* Response code and client text of a fault: "OVERQUOTA" (NULL if there is
 * none), "Disk full or over quota".  For untagged NO as well. */
const char *reply_code(const struct fault *);
const char *reply_text(const struct fault *);

/*
 * Untagged answers.  reply_begin() is the output buffer: add one whole
 * response without its line end, then call reply_end().  That adds CRLF and
 * sends what has gathered if it is STREAM_FLUSH or more.  Returns false where
 * the connection is gone: long loops may stop then.
 */
struct buf *reply_begin(struct session *);
bool reply_end(struct session *);
/* In the middle of a long response: send what has gathered if it is
 * STREAM_FLUSH or more.  False as above. */
bool reply_pump(struct session *);

/* "* " STATUS [code] text: status is "OK", "NO", "BAD", "BYE", "PREAUTH". */
void reply_untagged(struct session *, const char *status, const char *code,
    const char *text);
/* "* n WORD" */
void reply_number(struct session *, uint32_t n, const char *word);
/* "+ text"; sent at the next wait. */
void reply_continue(struct session *, const char *text);
/* "* NO [code] text" for a fault that doesn't end the command; logs it. */
void reply_warn(struct session *, const struct fault *);
/* Only logs it, as the two above do: it is none of the client's affair. */
void reply_log(struct session *, const struct fault *);
/*
 * "* OK [INPROGRESS ("tag" done total)] text" (RFC 9585), sent at once if the
 * client takes it: it is said under a mailbox's lock, so nobody is waited for.
 * Not for the middle of a response.  False where the connection is gone; a
 * client that has only closed his own side still waits for the answer.
 */
bool reply_progress(struct session *, uint64_t done, uint64_t total);

/*
 * Strings (RFC 3501 4.3).  reply_string(): quoted where that is possible,
 * else a literal; exactly these octets, an empty one is "" and never {0}.
 * reply_literal(): the same, but always a literal unless empty.  Both for
 * octets that are all there; a literal in pieces is "{n}" CRLF written by its
 * sender, where n is not 0.  NUL must have been replaced before.
 */
void reply_string(struct buf *, struct span);
void reply_literal(struct buf *, struct span);
/* A mailbox's store name as the wire has it, quoted. */
void reply_mailbox(struct buf *, const char *path);
/* "(\Seen \Recent keyword ...)" of a record. */
void reply_flags(struct buf *, const struct box *, const struct record *,
    bool recent);

/* session.c: the tagged answer that was kept goes out now. */
void reply_tagged(struct session *);

#endif
