/* SPDX-License-Identifier: Apache-2.0 */
/* Errands of the nursery, with descriptors, and its reports. */
#include "c-client/server/errand.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "c-client/base/banned.h"

#define FDS_MAX		3
/* CMSG_SPACE() is rounded up, so that one more may come. */
#define FDS_ROOM	(FDS_MAX + 1)

#define FLAG_TLS	1u
#define FLAG_REFUSED	2u

/* They never leave the machine: numbers are in its own order. */
static void
put(char **to, const void *from, size_t n)
{
	memcpy(*to, from, n);
	*to += n;
}

static void
get(struct span *from, void *to, size_t n)
{
	memcpy(to, from->p, n);
	*from = span_slice(*from, n, from->n);
}

static size_t
fds_of(enum errand_kind kind)
{
	return kind == ERRAND_SERVE ? FDS_MAX : 1;
}

void
errand_encode(const struct errand *e, char out[static ERRAND_OCTETS])
{
	uint32_t kind = e->kind, flags = (e->tls ? FLAG_TLS : 0) |
	    (e->refused ? FLAG_REFUSED : 0);

	memset(out, 0, ERRAND_OCTETS);
	put(&out, &kind, sizeof kind);
	put(&out, &e->id, sizeof e->id);
	put(&out, &flags, sizeof flags);
	memcpy(out, e->host, strnlen(e->host, NETADDR_TEXT - 1));
	memcpy(out + NETADDR_TEXT, e->local,
	    strnlen(e->local, NETADDR_TEXT - 1));
}

/* An address goes into log lines, so it has to look like one. */
static bool
get_address(struct span *from, char to[static NETADDR_TEXT])
{
	size_t n;

	get(from, to, NETADDR_TEXT);
	n = strnlen(to, NETADDR_TEXT);
	if (n == 0 || n == NETADDR_TEXT)
		return false;
	for (size_t i = n; i < NETADDR_TEXT; i++)
		if (to[i] != '\0')
			return false;
	return strcmp(to, "unknown") == 0 ||
	    strspn(to, "0123456789abcdef.:") == n;
}

int
errand_decode(struct span in, struct errand *e)
{
	uint32_t kind, flags;

	*e = (struct errand){ .client = -1, .monitor = -1, .session = -1 };
	if (in.n != ERRAND_OCTETS)
		return -1;
	get(&in, &kind, sizeof kind);
	get(&in, &e->id, sizeof e->id);
	get(&in, &flags, sizeof flags);
	if (kind < ERRAND_SERVE || kind > ERRAND_TURN_AWAY ||
	    flags > (FLAG_TLS | FLAG_REFUSED))
		return -1;
	e->kind = (enum errand_kind)kind;
	e->tls = (flags & FLAG_TLS) != 0;
	e->refused = (flags & FLAG_REFUSED) != 0;
	return get_address(&in, e->host) && get_address(&in, e->local) ? 0 :
	    -1;
}

void
report_encode(const struct report *r, char out[static REPORT_OCTETS])
{
	uint32_t kind = r->kind, tls = r->tls;
	int32_t pid = (int32_t)r->pid, error = r->error;

	memset(out, 0, REPORT_OCTETS);
	put(&out, &kind, sizeof kind);
	put(&out, &r->id, sizeof r->id);
	put(&out, &pid, sizeof pid);
	put(&out, &error, sizeof error);
	put(&out, &tls, sizeof tls);
	put(&out, &r->files.n, sizeof r->files.n);
	put(&out, r->files.of, r->files.n * sizeof r->files.of[0]);
}

int
report_decode(struct span in, struct report *r)
{
	uint32_t kind, tls;
	int32_t pid, error;

	memset(r, 0, sizeof *r);
	if (in.n != REPORT_OCTETS)
		return -1;
	get(&in, &kind, sizeof kind);
	get(&in, &r->id, sizeof r->id);
	get(&in, &pid, sizeof pid);
	get(&in, &error, sizeof error);
	get(&in, &tls, sizeof tls);
	get(&in, &r->files.n, sizeof r->files.n);
	get(&in, r->files.of, sizeof r->files.of);
	r->kind = (enum report_kind)kind;
	r->pid = pid;
	r->error = error;
	r->tls = tls == 1;
	return kind >= REPORT_READY && kind <= REPORT_FAILED && tls <= 1 &&
	    pid >= 0 && error >= 0 && r->files.n <= TLS_FILES ? 0 : -1;
}

int
errand_send(int fd, const struct errand *e)
{
	char octets[ERRAND_OCTETS];
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(FDS_MAX * sizeof(int))];
	} control;
	int fds[FDS_MAX] = { e->client, e->monitor, e->session };
	size_t n = fds_of(e->kind) * sizeof fds[0];
	struct iovec data = { octets, sizeof octets };
	struct msghdr m = { .msg_iov = &data, .msg_iovlen = 1,
	    .msg_control = control.room, .msg_controllen = CMSG_SPACE(n) };
	struct cmsghdr *c;
	ssize_t sent;

	errand_encode(e, octets);
	memset(&control, 0, sizeof control);
	c = CMSG_FIRSTHDR(&m);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(n);
	memcpy(CMSG_DATA(c), fds, n);
	do
		sent = sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (sent == -1 && errno == EINTR);
	return sent == -1 ? -1 : 0;
}

/* All descriptors that came; more than there is room for are closed by the
 * kernel, and MSG_CTRUNC says so. */
static size_t
take_fds(struct msghdr *m, int fds[static FDS_ROOM])
{
	size_t n = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL;
	    c = CMSG_NXTHDR(m, c)) {
		size_t octets = c->cmsg_len - CMSG_LEN(0);

		if (c->cmsg_level != SOL_SOCKET ||
		    c->cmsg_type != SCM_RIGHTS ||
		    octets > (FDS_ROOM - n) * sizeof fds[0])
			continue;
		memcpy(fds + n, CMSG_DATA(c), octets);
		n += octets / sizeof fds[0];
	}
	return n;
}

int
errand_receive(int fd, struct errand *e)
{
	char octets[ERRAND_OCTETS];
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(FDS_MAX * sizeof(int))];
	} control;
	struct iovec data = { octets, sizeof octets };
	struct msghdr m = { .msg_iov = &data, .msg_iovlen = 1,
	    .msg_control = control.room,
	    .msg_controllen = sizeof control.room };
	int fds[FDS_ROOM];
	ssize_t got;
	size_t n;

	do
		got = recvmsg(fd, &m, MSG_CMSG_CLOEXEC);
	while (got == -1 && errno == EINTR);
	if (got == -1)
		return -1;
	n = take_fds(&m, fds);
	/* Nobody sends nothing, so that is the end. */
	if (got == 0 && n == 0)
		return 0;
	if ((m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0 &&
	    errand_decode((struct span){ octets, (size_t)got }, e) == 0 &&
	    n == fds_of(e->kind)) {
		e->client = fds[0];
		e->monitor = n > 1 ? fds[1] : -1;
		e->session = n > 2 ? fds[2] : -1;
		return 1;
	}
	while (n > 0)
		close(fds[--n]);
	return -1;
}

int
report_send(int fd, const struct report *r)
{
	char octets[REPORT_OCTETS];
	ssize_t sent;

	report_encode(r, octets);
	do
		sent = send(fd, octets, sizeof octets, MSG_NOSIGNAL);
	while (sent == -1 && errno == EINTR);
	return sent == -1 ? -1 : 0;
}

int
report_receive(int fd, struct report *r)
{
	char octets[REPORT_OCTETS + 1];
	ssize_t got;

	/* One who ended with errands unread is told of by an error, before
	 * what it had reported: that is there all the same. */
	do
		got = recv(fd, octets, sizeof octets, MSG_DONTWAIT);
	while (got == -1 && (errno == EINTR || errno == ECONNRESET));
	if (got <= 0)
		return got == 0 ? 0 : -1;
	if (report_decode((struct span){ octets, (size_t)got }, r) == 0)
		return 1;
	errno = EPROTO;
	return -1;
}
