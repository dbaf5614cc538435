/* SPDX-License-Identifier: Apache-2.0 */
/* Errands with descriptors: round trips, lies, and nothing that stays open. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "c-client/server/errand.h"

#define FDS_SENT_MAX	8

/* The lowest descriptor that is free. */
static int
next_fd(void)
{
	int fd = dup(0);

	close(fd);
	return fd;
}

static struct errand
sample(enum errand_kind kind)
{
	struct errand e = { .kind = kind, .id = 77, .tls = true,
	    .client = 0, .monitor = 1, .session = 2 };

	snprintf(e.host, sizeof e.host, "192.0.2.1");
	snprintf(e.local, sizeof e.local, "2001:db8::1");
	return e;
}

static void
test_round_trip(void **state)
{
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	for (int kind = ERRAND_SERVE; kind <= ERRAND_TURN_AWAY; kind++) {
		struct errand e = sample((enum errand_kind)kind), got;
		int free_fd = next_fd();

		assert_int_equal(errand_send(pair[0], &e), 0);
		assert_int_equal(errand_receive(pair[1], &got), 1);
		assert_int_equal(got.kind, kind);
		assert_int_equal(got.id, 77);
		assert_true(got.tls && !got.refused);
		assert_string_equal(got.host, "192.0.2.1");
		assert_string_equal(got.local, "2001:db8::1");
		assert_true(got.client >= free_fd);
		close(got.client);
		assert_int_equal(got.monitor == -1, kind != ERRAND_SERVE);
		assert_int_equal(got.session == -1, kind != ERRAND_SERVE);
		if (kind == ERRAND_SERVE) {
			close(got.monitor);
			close(got.session);
		}
		assert_int_equal(next_fd(), free_fd);
	}
	close(pair[0]);
	assert_int_equal(errand_receive(pair[1], &(struct errand){ .id = 0 }),
	    0);
	close(pair[1]);
}

/* A datagram of `n` octets with so many descriptors. */
static void
send_raw(int fd, const char *octets, size_t n, size_t fds)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(FDS_SENT_MAX * sizeof(int))];
	} control;
	int sent[FDS_SENT_MAX] = { 0, 1, 2, 0, 1, 2, 0, 1 };
	struct iovec data = { (void *)(uintptr_t)octets, n };
	struct msghdr m = { .msg_iov = &data, .msg_iovlen = 1 };

	if (fds != 0) {
		memset(&control, 0, sizeof control);
		m.msg_control = control.room;
		m.msg_controllen = CMSG_SPACE(fds * sizeof(int));
		CMSG_FIRSTHDR(&m)->cmsg_level = SOL_SOCKET;
		CMSG_FIRSTHDR(&m)->cmsg_type = SCM_RIGHTS;
		CMSG_FIRSTHDR(&m)->cmsg_len = CMSG_LEN(fds * sizeof(int));
		memcpy(CMSG_DATA(CMSG_FIRSTHDR(&m)), sent,
		    fds * sizeof(int));
	}
	assert_int_equal(sendmsg(fd, &m, 0), (ssize_t)n);
}

/* Too few and too many descriptors, too little and too much text. */
static void
test_wrong_numbers(void **state)
{
	struct errand e = sample(ERRAND_SERVE), got;
	char octets[ERRAND_OCTETS + 1] = "";
	int pair[2], free_fd;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	free_fd = next_fd();
	errand_encode(&e, octets);
	for (size_t fds = 0; fds <= FDS_SENT_MAX; fds++)
		for (size_t n = 1; n <= sizeof octets; n++) {
			if (fds == 3 && n == ERRAND_OCTETS)
				continue;
			send_raw(pair[0], octets, n, fds);
			assert_int_equal(errand_receive(pair[1], &got), -1);
			assert_int_equal(next_fd(), free_fd);
		}
	close(pair[0]);
	close(pair[1]);
}

static const struct {
	size_t at;		/* which octet */
	unsigned char is;
} lies[] = {
	{ 0, 0 }, { 0, 3 }, { 3, 1 },		/* kind */
	{ 8, 4 }, { 11, 1 },			/* flags */
	{ 12, 0 }, { 12, ' ' }, { 13, ']' }, { 14, '\n' }, { 15, 0xff },
	{ 12 + NETADDR_TEXT - 1, 'a' },		/* no end */
	{ 12 + NETADDR_TEXT, 0 },		/* no address of ours */
	{ 12 + 2 * NETADDR_TEXT - 1, '1' },
};

static void
test_lies(void **state)
{
	struct errand e = sample(ERRAND_SERVE), got;
	char octets[ERRAND_OCTETS];

	(void)state;
	errand_encode(&e, octets);
	assert_int_equal(errand_decode((struct span){ octets, sizeof octets },
	    &got), 0);
	for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
		errand_encode(&e, octets);
		octets[lies[i].at] = (char)lies[i].is;
		assert_int_equal(errand_decode((struct span){ octets,
		    sizeof octets }, &got), -1);
	}
}

static void
test_reports(void **state)
{
	struct report r = { .kind = REPORT_READY, .tls = true,
	    .files = { .n = TLS_FILES } }, got;
	char octets[REPORT_OCTETS];
	uint32_t much = TLS_FILES + 1;
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	r.files.of[TLS_FILES - 1] = 7;
	assert_int_equal(report_receive(pair[1], &got), -1);
	assert_int_equal(report_send(pair[0], &r), 0);
	assert_int_equal(report_receive(pair[1], &got), 1);
	assert_true(got.tls && got.files.n == TLS_FILES &&
	    got.files.of[TLS_FILES - 1] == 7);
	report_encode(&r, octets);
	memcpy(octets + 20, &much, sizeof much);
	assert_int_equal(report_decode((struct span){ octets,
	    sizeof octets }, &got), -1);
	/* What was said before an end with errands unread is heard. */
	assert_int_equal(send(pair[1], "x", 1, 0), 1);
	r = (struct report){ .kind = REPORT_TAKEN, .id = 9, .pid = 5 };
	assert_int_equal(report_send(pair[0], &r), 0);
	close(pair[0]);
	assert_int_equal(report_receive(pair[1], &got), 1);
	assert_true(got.kind == REPORT_TAKEN && got.id == 9 && got.pid == 5);
	assert_int_equal(report_receive(pair[1], &got), 0);
	close(pair[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_wrong_numbers),
		cmocka_unit_test(test_lies),
		cmocka_unit_test(test_reports),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
