/* SPDX-License-Identifier: Apache-2.0 */
/* A session's connection over a socket pair: events, slow peers, signals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "c-client/server/stream.h"

static struct stream *
open_stream(int *peer)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	*peer = pair[1];
	return stream_new(pair[0], pair[0]);
}

static void
test_events(void **state)
{
	int peer, other[2];
	struct stream *s = open_stream(&peer);
	char got[16];

	(void)state;
	assert_int_equal(pipe(other), 0);
	assert_int_equal(stream_wait(s, -1, 0), STREAM_TIMEOUT);
	assert_int_equal(stream_wait(s, other[0], 20), STREAM_TIMEOUT);
	/* What is to be said is said before anybody waits. */
	buf_adds(&s->out, "hello");
	assert_int_equal(stream_wait(s, -1, 0), STREAM_TIMEOUT);
	assert_int_equal(read(peer, got, sizeof got), 5);
	assert_int_equal(s->out.n, 0);
	assert_int_equal(write(peer, "ab", 2), 2);
	assert_int_equal(stream_wait(s, other[0], -1), STREAM_INPUT);
	assert_int_equal(s->in.n, 2);
	assert_int_equal(write(other[1], "x", 1), 1);
	assert_int_equal(stream_wait(s, other[0], -1), STREAM_OTHER);
	assert_int_equal(write(peer, "c", 1), 1);
	assert_int_equal(stream_wait(s, other[0], -1), STREAM_INPUT);
	assert_true(span_eq(buf_span(&s->in), SPAN("abc")));
	/* The peer's last words come before its end. */
	assert_int_equal(write(peer, "d", 1), 1);
	shutdown(peer, SHUT_WR);
	assert_int_equal(stream_wait(s, -1, -1), STREAM_INPUT);
	assert_int_equal(stream_wait(s, -1, -1), STREAM_EOF);
	assert_int_equal(stream_wait(s, -1, -1), STREAM_EOF);
	buf_adds(&s->out, "still");
	assert_int_equal(stream_flush(s), 0);
	stream_free(s);
	assert_int_equal(read(peer, got, sizeof got), 5);
	assert_int_equal(read(peer, got, sizeof got), 0);
	close(peer);
	close(other[0]);
	close(other[1]);
}

/* A flood that nobody consumes stays bounded, and other events get through. */
static void
test_flood(void **state)
{
	int peer, other[2];
	struct stream *s = open_stream(&peer);
	static char piece[65536];
	size_t most = 0;

	(void)state;
	assert_int_equal(pipe(other), 0);
	fcntl(peer, F_SETFL, O_NONBLOCK);
	for (int i = 0; i < 100; i++) {
		ssize_t n = write(peer, piece, sizeof piece);

		(void)n;
		stream_wait(s, -1, 0);
		most = s->in.n > most ? s->in.n : most;
	}
	assert_true(most > 64 * 1024 && most <= 256 * 1024);
	assert_int_equal(write(other[1], "x", 1), 1);
	assert_int_equal(stream_wait(s, other[0], -1), STREAM_OTHER);
	buf_consume(&s->in, s->in.n);
	assert_int_equal(stream_wait(s, -1, -1), STREAM_INPUT);
	stream_free(s);
	close(peer);
	close(other[0]);
	close(other[1]);
}

/* A peer that doesn't read: the flush ends after write_timeout, and all that
 * is written later is thrown away. */
static void
test_stuck_peer(void **state)
{
	int peer;
	struct stream *s = open_stream(&peer);

	(void)state;
	s->write_timeout = 1;
	while (s->out.n < 4u << 20)
		buf_adds(&s->out, "0123456789abcdef");
	assert_int_equal(stream_flush(s), -1);
	assert_int_equal(s->error, ETIMEDOUT);
	buf_adds(&s->out, "more");
	assert_int_equal(stream_flush(s), -1);
	assert_int_equal(s->out.n, 0);
	assert_int_equal(stream_wait(s, -1, -1), STREAM_EOF);
	stream_free(s);
	close(peer);
}

/* A push sends what is taken at once and keeps the rest, in its order. */
static void
test_push(void **state)
{
	int peer;
	struct stream *s = open_stream(&peer);
	size_t total = 4u << 20, sent, at = 0;
	static char got[65536];
	ssize_t n;

	(void)state;
	s->write_timeout = 1;
	for (size_t i = 0; i < total; i++)
		buf_addc(&s->out, (char)(i % 251));
	stream_push(s);
	sent = total - s->out.n;
	assert_true(sent > 0 && sent < total);
	assert_int_equal((unsigned char)s->out.p[0], sent % 251);
	stream_push(s);
	assert_int_equal(s->error, 0);
	fcntl(peer, F_SETFL, O_NONBLOCK);
	while (s->out.n > 0 || at < total) {
		stream_push(s);
		n = read(peer, got, sizeof got);
		assert_true(n > 0);
		for (ssize_t i = 0; i < n; i++)
			assert_int_equal((unsigned char)got[i], at++ % 251);
	}
	assert_int_equal(at, total);
	/* A peer that is gone breaks the connection, and is no reason to
	 * wait either. */
	close(peer);
	buf_adds(&s->out, "more");
	stream_push(s);
	assert_int_not_equal(s->error, 0);
	stream_push(s);
	stream_free(s);
}

/* A peer that reads slowly gets all of it. */
static void
test_slow_peer(void **state)
{
	int peer, status;
	struct stream *s = open_stream(&peer);
	size_t total = 3u << 20;
	pid_t child = fork();

	(void)state;
	assert_true(child != -1);
	if (child == 0) {
		char got[65536];
		size_t sum = 0;
		ssize_t n;

		close(s->in_fd);
		while ((n = read(peer, got, sizeof got)) > 0) {
			for (ssize_t i = 0; i < n; i++)
				if (got[i] != (char)('a' + (sum +
				    (size_t)i) % 26))
					_exit(2);
			sum += (size_t)n;
			usleep(200);
		}
		_exit(sum == total ? 0 : 1);
	}
	close(peer);
	for (size_t i = 0; i < total; i++) {
		buf_addc(&s->out, (char)('a' + i % 26));
		if (s->out.n >= STREAM_FLUSH)
			assert_int_equal(stream_flush(s), 0);
	}
	stream_free(s);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void
test_gone_peer(void **state)
{
	int peer;
	struct stream *s = open_stream(&peer);

	(void)state;
	close(peer);
	buf_adds(&s->out, "anybody?");
	assert_int_equal(stream_flush(s), -1);
	assert_int_equal(s->error, EPIPE);
	assert_int_equal(stream_wait(s, -1, -1), STREAM_EOF);
	stream_free(s);
	stream_free(NULL);
}

static void
test_abort(void **state)
{
	int peer;
	struct stream *s = open_stream(&peer);
	char got[4];

	(void)state;
	buf_adds(&s->out, "half an ans");
	stream_abort(s);
	assert_int_equal(read(peer, got, sizeof got), 0);
	assert_int_equal(stream_wait(s, -1, -1), STREAM_EOF);
	assert_int_equal(stream_flush(s), -1);
	stream_free(s);
	close(peer);
}

/* The descriptors of a pipe or terminal are given back as they were. */
static void
test_flags(void **state)
{
	int in[2], out[2], kept;
	struct stream *s;

	(void)state;
	assert_int_equal(pipe(in), 0);
	assert_int_equal(pipe(out), 0);
	kept = dup(in[0]);
	s = stream_new(in[0], out[1]);
	assert_true(fcntl(kept, F_GETFL) & O_NONBLOCK);
	stream_free(s);
	assert_false(fcntl(kept, F_GETFL) & O_NONBLOCK);
	close(kept);
	close(in[1]);
	close(out[0]);
}

/* Last: a signal stays seen as long as the process lives. */
static void
test_signal(void **state)
{
	int peer;
	struct stream *s = open_stream(&peer);

	(void)state;
	assert_int_equal(stream_signal(), 0);
	raise(SIGTERM);
	assert_int_equal(stream_signal(), SIGTERM);
	assert_int_equal(stream_wait(s, -1, -1), STREAM_SIGNAL);
	assert_int_equal(stream_wait(s, -1, -1), STREAM_SIGNAL);
	stream_free(s);
	close(peer);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_stuck_peer),
		cmocka_unit_test(test_push),
		cmocka_unit_test(test_slow_peer),
		cmocka_unit_test(test_gone_peer),
		cmocka_unit_test(test_abort),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_signal),
	};

	signal(SIGPIPE, SIG_IGN);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
