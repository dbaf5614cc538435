/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions over mailboxes in memory. */
#include "tests/lib/memsession.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "c-client/base/arena.h"
#include "c-client/server/service.h"
#include "c-client/server/stream.h"
#include "c-client/store/account.h"
#include "c-client/store/box.h"
#include "c-client/store/name.h"
#include "tests/lib/logged.h"
#include "tests/lib/memdriver.h"

#include "c-client/base/banned.h"

static const struct name inbox = { .path = "INBOX", .inbox = true };

int
memsession_setup(void **state)
{
	struct memsession *m = *state;
	struct box *box;
	char *spool;

	logged_start();
	m->account = memdriver_account();
	config_defaults(&m->config);
	m->config.lock_timeout = 2;
	spool = arena_string(memdriver.keep, m->account->spool,
	    strlen(m->account->spool));
	*strrchr(spool, '/') = '\0';
	m->config.mail_spool = spool;
	box = memdriver_open(m->account, &inbox);
	memdriver_deliver(box, m->count);
	box_close(box);
	return 0;
}

int
memsession_teardown(void **state)
{
	struct memsession *m = *state;

	buf_clear(&m->heard);
	memdriver_clear(m->account);
	logged_free();
	return 0;
}

const char *
memsession_run(struct memsession *m, const char *text)
{
	int in = open("/dev/null", O_RDONLY);
	int out = open("/tmp", O_RDWR | O_TMPFILE, 0600);
	int heard = dup(out);
	struct stream *stream = stream_new(in, out);
	const struct session_start start = { .service = m->service,
	    .config = &m->config, .stream = stream, .user = "user",
	    .home = m->account->home, .client = "[192.0.2.1]",
	    .tag = m->tag, .mechanism = "", .spool_writable = true };
	ssize_t n;

	logged_start();
	buf_adds(&stream->in, text);
	assert_int_equal(m->service->session(&start), 0);
	stream_free(stream);
	buf_reset(&m->heard);
	n = pread(heard, buf_room(&m->heard, 65536), 65536, 0);
	assert_true(n > 0);
	m->heard.n = (size_t)n;
	close(heard);
	return buf_string(&m->heard);
}

void
assert_said(const char *said, const char *want)
{
	if (strstr(said, want) == NULL)
		fail_msg("no %s in:\n%s\n%s", want, said, logged_text());
}
