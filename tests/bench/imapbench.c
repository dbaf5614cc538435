/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The measuring client of the benchmark: fast enough not to be what is
 * measured.  It checks ends of answers and their status, nothing else.
 *
 *	imapbench scan FILE			read once, count line ends
 *	imapbench loopback MIB			throughput of a TCP connection
 *	imapbench pingpong COUNT		round trips over TCP
 *	imapbench sync FILE COUNT OCTETS	durable appends
 *	imapbench patch FILE COUNT		64 octets at so many places, synced
 *	imapbench rewrite FILE			each octet read and written, synced
 *	imapbench imap PORT tls|plain USER PASSWORD COMMAND...
 *	imapbench append PORT tls|plain USER PASSWORD BOX COUNT OCTETS
 *	imapbench tenth PORT tls|plain USER PASSWORD COUNT
 *	imapbench idle PORT tls|plain USER PASSWORD SPOOL MAIL COUNT
 *	imapbench pop PORT tls|plain USER PASSWORD list|retr|pipeline
 *	imapbench hold PORT tls|plain USER PASSWORD COMMAND...
 *	imapbench sessions PORT full|resumed USER PASSWORD CLIENTS SECS
 *
 * It prints one line a measurement: seconds, octets received, what.  `tenth`
 * expunges every tenth of COUNT messages.  `idle` puts what is in MAIL behind
 * the end of SPOOL, or as a file into this maildir, and waits until the server
 * tells of it.  `sessions` is so many clients, each of which connects over TLS,
 * logs in, opens INBOX and logs out, again and again; what it says as octets are
 * sessions.  `hold` runs the commands, says "ready" and waits for the end of
 * its input.
 */
#include <sys/socket.h>
#include <sys/wait.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { CHUNK = 256 * 1024, WINDOW = 100 };

struct peer {
	int fd;
	SSL *ssl;
	char buf[CHUNK];
	size_t have;		/* octets in buf */
	uint64_t total;		/* received since the last command */
};

static void
die(const char *what)
{
	fprintf(stderr, "imapbench: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
report(double from, uint64_t octets, const char *what)
{
	printf("%.6f %llu %s\n", now() - from, (unsigned long long)octets,
	    what);
	fflush(stdout);
}

static int
dial(int port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
	    .sin_port = htons((uint16_t)port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd == -1 || connect(fd, (struct sockaddr *)&to, sizeof(to)) == -1)
		die("connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

static SSL_CTX *
new_ctx(void)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
	SSL_CTX_set_mode(ctx, SSL_MODE_AUTO_RETRY);
	return ctx;
}

static struct peer *
peer_open(int port, bool tls)
{
	struct peer *p = calloc(1, sizeof(*p));

	if (p == NULL)
		die("memory");
	p->fd = dial(port);
	if (!tls)
		return p;
	p->ssl = SSL_new(new_ctx());
	SSL_set_fd(p->ssl, p->fd);
	if (SSL_connect(p->ssl) != 1)
		die("TLS handshake");
	return p;
}

static void
put(struct peer *p, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = p->ssl != NULL ?
		    SSL_write(p->ssl, data, (int)len) :
		    write(p->fd, data, len);

		if (n <= 0)
			die("write");
		data += n;
		len -= (size_t)n;
	}
}

static void
more(struct peer *p)
{
	ssize_t n = p->ssl != NULL ?
	    SSL_read(p->ssl, p->buf + p->have, (int)(CHUNK - p->have)) :
	    read(p->fd, p->buf + p->have, CHUNK - p->have);

	if (n <= 0)
		die("connection closed");
	p->have += (size_t)n;
	p->total += (uint64_t)n;
}

/* Drop all but the last `keep` octets. */
static void
trim(struct peer *p, size_t keep)
{
	if (p->have > keep) {
		memmove(p->buf, p->buf + p->have - keep, keep);
		p->have = keep;
	}
}

/* Read to the end of the answer: its last line begins with `tag`, and
 * nothing is pipelined behind it. */
static void
answer(struct peer *p, const char *tag)
{
	size_t n = strlen(tag);

	for (;;) {
		if (p->have > 0 && p->buf[p->have - 1] == '\n') {
			char *last = p->have < 2 ? NULL :
			    memrchr(p->buf, '\n', p->have - 1);

			last = last == NULL ? p->buf : last + 1;
			if ((size_t)(p->buf + p->have - last) > n &&
			    memcmp(last, tag, n) == 0) {
				if (last[n] == 'N' || last[n] == 'B' ||
				    last[0] == '-') {
					fprintf(stderr, "imapbench: %.*s",
					    (int)(p->buf + p->have - last),
					    last);
					exit(1);
				}
				p->have = 0;
				return;
			}
		}
		if (p->have > CHUNK / 2)
			trim(p, 8192);
		more(p);
	}
}

static void
imap_command(struct peer *p, const char *command)
{
	char line[4096];
	int n = snprintf(line, sizeof(line), "zq9 %s\r\n", command);

	p->total = 0;
	put(p, line, (size_t)n);
	answer(p, "zq9 ");
}

static struct peer *
imap_open(char **argv)
{
	char line[1024];
	struct peer *p = peer_open(atoi(argv[0]), strcmp(argv[1], "tls") == 0);

	answer(p, "* ");
	snprintf(line, sizeof(line), "LOGIN %s \"%s\"", argv[2], argv[3]);
	imap_command(p, line);
	return p;
}

static int
run_imap(int argc, char **argv, bool hold)
{
	struct peer *p = imap_open(argv);
	char end;

	for (int i = 4; i < argc; i++) {
		double from = now();

		imap_command(p, argv[i]);
		if (!hold)
			report(from, p->total, argv[i]);
	}
	if (!hold)
		return 0;
	puts("ready");
	fflush(stdout);
	while (read(0, &end, 1) > 0)
		continue;
	return 0;
}

/* One client's sessions until `end`; how many there were. */
static uint64_t
visit(char **argv, double end)
{
	static struct peer p;
	bool resumed = strcmp(argv[1], "resumed") == 0;
	SSL_SESSION *session = NULL;
	SSL_CTX *ctx = new_ctx();
	char line[1024];
	uint64_t n = 0, again = 0;

	snprintf(line, sizeof(line), "LOGIN %s \"%s\"", argv[2], argv[3]);
	for (; now() < end; n++) {
		p.fd = dial(atoi(argv[0]));
		p.ssl = SSL_new(ctx);
		p.have = 0;
		SSL_set_fd(p.ssl, p.fd);
		if (resumed && session != NULL)
			SSL_set_session(p.ssl, session);
		if (SSL_connect(p.ssl) != 1)
			die("TLS handshake");
		again += SSL_session_reused(p.ssl) == 1;
		answer(&p, "* ");
		imap_command(&p, line);
		imap_command(&p, "SELECT INBOX");
		SSL_SESSION_free(session);
		session = SSL_get1_session(p.ssl);
		imap_command(&p, "LOGOUT");
		/* Else the session would count as broken off. */
		SSL_shutdown(p.ssl);
		SSL_free(p.ssl);
		close(p.fd);
	}
	if (resumed && again + 1 < n) {
		fprintf(stderr, "imapbench: %llu of %llu were resumed\n",
		    (unsigned long long)again, (unsigned long long)n);
		exit(1);
	}
	return n;
}

static int
run_sessions(char **argv)
{
	int clients = atoi(argv[4]), fds[2];
	double from = now(), end = from + atof(argv[5]);
	uint64_t total = 0, n;

	if (pipe(fds) == -1)
		die("pipe");
	for (int i = 0; i < clients; i++)
		if (fork() == 0) {
			n = visit(argv, end);
			if (write(fds[1], &n, sizeof(n)) != sizeof(n))
				die("pipe");
			_exit(0);
		}
	close(fds[1]);
	for (int i = 0; i < clients; i++) {
		if (read(fds[0], &n, sizeof(n)) != sizeof(n))
			die("a client has failed");
		total += n;
	}
	report(from, total, argv[1]);
	return 0;
}

/* Every tenth message gets \Deleted, a hundred with one command. */
static int
run_tenth(char **argv)
{
	struct peer *p = imap_open(argv);
	long count = atol(argv[4]);
	char line[2048];
	double from;

	imap_command(p, "SELECT INBOX");
	for (long i = 1; i <= count;) {
		size_t n = (size_t)snprintf(line, sizeof(line), "STORE %ld", i);

		for (int k = 1; k < 100 && i + 10 * k <= count; k++)
			n += (size_t)snprintf(line + n, sizeof(line) - n,
			    ",%ld", i + 10 * k);
		snprintf(line + n, sizeof(line) - n,
		    " +FLAGS.SILENT (\\Deleted)");
		imap_command(p, line);
		i += 1000;
	}
	from = now();
	imap_command(p, "EXPUNGE");
	report(from, p->total, "expunge");
	return 0;
}

/* Read until a line has `word` in it. */
static void
wait_for(struct peer *p, const char *word)
{
	while (memmem(p->buf, p->have, word, strlen(word)) == NULL)
		more(p);
	p->have = 0;
}

/* Behind the end of a file, under its lock. */
static void
deliver(int fd, const char *mail, size_t n)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (fcntl(fd, F_SETLKW, &lock) == -1 ||
	    write(fd, mail, n) != (ssize_t)n)
		die("deliver");
	lock.l_type = F_UNLCK;
	fcntl(fd, F_SETLK, &lock);
}

/* As a file of its own; the separator's line is left out. */
static void
deliver_maildir(int dir, const char *mail, size_t n)
{
	static int count;
	const char *text = memchr(mail, '\n', n);
	char name[64], tmp[70], new[70];
	int fd;

	snprintf(name, sizeof name, "%ld.%d.bench", (long)time(NULL), count++);
	snprintf(tmp, sizeof tmp, "tmp/%s", name);
	snprintf(new, sizeof new, "new/%s", name);
	fd = openat(dir, tmp, O_WRONLY | O_CREAT | O_EXCL, 0666);
	if (fd == -1 || text == NULL)
		die(tmp);
	n -= (size_t)(++text - mail);
	if (write(fd, text, n) != (ssize_t)n || close(fd) == -1 ||
	    renameat(dir, tmp, dir, new) == -1)
		die(new);
}

static int
run_idle(char **argv)
{
	struct peer *p = imap_open(argv);
	int in = open(argv[5], O_RDONLY), dir = open(argv[4],
	    O_RDONLY | O_DIRECTORY), fd = dir == -1 ? open(argv[4],
	    O_WRONLY | O_APPEND) : -1;
	static char mail[64 * 1024];
	ssize_t n = in == -1 ? -1 : read(in, mail, sizeof(mail));

	if (n <= 0 || (fd == -1 && dir == -1))
		die(argv[4]);
	imap_command(p, "SELECT INBOX");
	put(p, "zq9 IDLE\r\n", 10);
	wait_for(p, "+ ");
	for (int i = 0; i < atoi(argv[6]); i++) {
		double from;

		usleep(300000);
		if (dir == -1)
			deliver(fd, mail, (size_t)n);
		else
			deliver_maildir(dir, mail, (size_t)n);
		from = now();
		wait_for(p, " EXISTS");
		report(from, (uint64_t)n, "idle");
	}
	return 0;
}

static int
run_append(char **argv)
{
	struct peer *p = imap_open(argv);
	long count = atol(argv[5]), size = atol(argv[6]);
	char *text = malloc((size_t)size + 3), line[256];
	double from;
	int n;

	memset(text, 'x', (size_t)size);
	for (long i = 70; i + 1 < size; i += 72)
		memcpy(text + i, "\r\n", 2);
	memcpy(text, "Subject: appended\r\n\r\n", 21);
	memcpy(text + size - 2, "\r\n\r\n", 4);
	from = now();
	for (long i = 0; i < count; i++) {
		n = snprintf(line, sizeof(line), "zq9 APPEND %s {%ld}\r\n",
		    argv[4], size);
		put(p, line, (size_t)n);
		answer(p, "+");
		put(p, text, (size_t)size + 2);
		answer(p, "zq9 ");
	}
	report(from, (uint64_t)(count * size), "append");
	free(text);
	return 0;
}

static void
pop_line(struct peer *p, const char *command)
{
	char line[1024];
	int n = snprintf(line, sizeof(line), "%s\r\n", command);

	put(p, line, (size_t)n);
	answer(p, "+OK");
}

/* Read `count` multi-line answers; they end in CRLF . CRLF. */
static void
pop_answers(struct peer *p, unsigned long count)
{
	while (count > 0) {
		char *at = p->buf, *end;

		while (count > 0 && (end = memmem(at, (size_t)(p->buf + p->have
		    - at), "\r\n.\r\n", 5)) != NULL) {
			at = end + 5;
			count--;
		}
		p->have -= (size_t)(at - p->buf);
		memmove(p->buf, at, p->have);
		if (count == 0)
			return;
		trim(p, 4);
		more(p);
	}
}

static void
pop_multi(struct peer *p, const char *command)
{
	char line[64];
	int n = snprintf(line, sizeof(line), "%s\r\n", command);

	put(p, line, (size_t)n);
	pop_answers(p, 1);
}

static unsigned long
pop_count(struct peer *p)
{
	unsigned long count = 0;

	put(p, "STAT\r\n", 6);
	while (p->have == 0 || p->buf[p->have - 1] != '\n')
		more(p);
	p->buf[p->have - 1] = '\0';
	if (sscanf(p->buf, "+OK %lu", &count) != 1)
		die(p->buf);
	p->have = 0;
	return count;
}

static void
pop_retr(struct peer *p, unsigned long count, unsigned long window)
{
	char lines[WINDOW * 32];

	for (unsigned long i = 1; i <= count; i += window) {
		unsigned long last = i + window - 1 < count ?
		    i + window - 1 : count;
		size_t n = 0;

		for (unsigned long k = i; k <= last; k++)
			n += (size_t)snprintf(lines + n, sizeof(lines) - n,
			    "RETR %lu\r\n", k);
		put(p, lines, n);
		pop_answers(p, last - i + 1);
	}
}

static int
run_pop(char **argv)
{
	struct peer *p = peer_open(atoi(argv[0]), strcmp(argv[1], "tls") == 0);
	char line[1024];
	double from = now();
	unsigned long count;

	answer(p, "+OK");
	snprintf(line, sizeof(line), "USER %s", argv[2]);
	pop_line(p, line);
	snprintf(line, sizeof(line), "PASS %s", argv[3]);
	pop_line(p, line);
	count = pop_count(p);
	p->total = 0;
	if (strcmp(argv[4], "list") == 0) {
		pop_multi(p, "UIDL");
		pop_multi(p, "LIST");
	} else {
		from = now();
		pop_retr(p, count, strcmp(argv[4], "retr") == 0 ? 1 : WINDOW);
	}
	report(from, p->total, argv[4]);
	put(p, "QUIT\r\n", 6);
	return 0;
}

static int
run_scan(const char *path)
{
	static char buf[1024 * 1024];
	uint64_t lines = 0, octets = 0;
	int fd = open(path, O_RDONLY);
	double from = now();
	ssize_t n;

	if (fd == -1)
		die(path);
	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		octets += (uint64_t)n;
		for (ssize_t i = 0; i < n; i++)
			lines += buf[i] == '\n';
	}
	report(from, octets, "scan");
	return lines == 0;
}

static int
listener(int *port)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (bind(fd, (struct sockaddr *)&at, len) == -1 ||
	    listen(fd, 1) == -1 ||
	    getsockname(fd, (struct sockaddr *)&at, &len) == -1)
		die("listen");
	*port = ntohs(at.sin_port);
	return fd;
}

static int
run_loopback(uint64_t mib)
{
	static char buf[64 * 1024];
	int port, in = listener(&port), fd;
	uint64_t octets = 0, want = mib << 20;
	double from = now();
	ssize_t n;

	if (fork() == 0) {
		fd = dial(port);
		for (uint64_t done = 0; done < want; done += sizeof(buf))
			if (write(fd, buf, sizeof(buf)) != sizeof(buf))
				_exit(1);
		_exit(0);
	}
	fd = accept(in, NULL, NULL);
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		octets += (uint64_t)n;
	report(from, octets, "loopback");
	wait(NULL);
	return 0;
}

static int
run_pingpong(int count)
{
	int port, in = listener(&port), fd, one = 1;
	char c = 'x';
	double from;

	if (fork() == 0) {
		fd = dial(port);
		while (read(fd, &c, 1) == 1)
			if (write(fd, &c, 1) != 1)
				break;
		_exit(0);
	}
	fd = accept(in, NULL, NULL);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	from = now();
	for (int i = 0; i < count; i++)
		if (write(fd, &c, 1) != 1 || read(fd, &c, 1) != 1)
			die("pingpong");
	report(from, (uint64_t)count, "pingpong");
	close(fd);
	wait(NULL);
	return 0;
}

static int
run_sync(const char *path, int count, size_t octets)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
	char *buf = calloc(1, octets);
	double from = now();

	for (int i = 0; i < count; i++)
		if (write(fd, buf, octets) != (ssize_t)octets ||
		    fdatasync(fd) == -1)
			die(path);
	report(from, (uint64_t)count * octets, "sync");
	free(buf);
	return 0;
}

static int
run_patch(const char *path, int count)
{
	int fd = open(path, O_RDWR);
	off_t size = fd == -1 ? 0 : lseek(fd, 0, SEEK_END);
	char buf[64];
	double from = now();

	for (int i = 0; i < count; i++) {
		off_t at = (size - 64) / count * i;

		if (pread(fd, buf, 64, at) != 64 ||
		    pwrite(fd, buf, 64, at) != 64)
			die(path);
	}
	if (fdatasync(fd) == -1)
		die(path);
	report(from, (uint64_t)count * 64, "patch");
	return 0;
}

static int
run_rewrite(const char *path)
{
	static char buf[1024 * 1024];
	int fd = open(path, O_RDWR);
	uint64_t at = 0;
	double from = now();
	ssize_t n;

	while ((n = pread(fd, buf, sizeof(buf), (off_t)at)) > 0) {
		if (pwrite(fd, buf, (size_t)n, (off_t)at) != n)
			die(path);
		at += (uint64_t)n;
	}
	if (n == -1 || fdatasync(fd) == -1)
		die(path);
	report(from, at, "rewrite");
	return 0;
}

int
main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (strcmp(what, "scan") == 0 && argc == 3)
		return run_scan(argv[2]);
	if (strcmp(what, "loopback") == 0 && argc == 3)
		return run_loopback(strtoul(argv[2], NULL, 10));
	if (strcmp(what, "pingpong") == 0 && argc == 3)
		return run_pingpong(atoi(argv[2]));
	if (strcmp(what, "sync") == 0 && argc == 5)
		return run_sync(argv[2], atoi(argv[3]),
		    strtoul(argv[4], NULL, 10));
	if (strcmp(what, "patch") == 0 && argc == 4)
		return run_patch(argv[2], atoi(argv[3]));
	if (strcmp(what, "rewrite") == 0 && argc == 3)
		return run_rewrite(argv[2]);
	if (strcmp(what, "tenth") == 0 && argc == 7)
		return run_tenth(argv + 2);
	if (strcmp(what, "idle") == 0 && argc == 9)
		return run_idle(argv + 2);
	if (strcmp(what, "imap") == 0 && argc >= 7)
		return run_imap(argc - 2, argv + 2, false);
	if (strcmp(what, "hold") == 0 && argc >= 6)
		return run_imap(argc - 2, argv + 2, true);
	if (strcmp(what, "append") == 0 && argc == 9)
		return run_append(argv + 2);
	if (strcmp(what, "sessions") == 0 && argc == 8)
		return run_sessions(argv + 2);
	if (strcmp(what, "pop") == 0 && argc == 7)
		return run_pop(argv + 2);
	fprintf(stderr, "imapbench: see the head of imapbench.c for usage\n");
	return 64;
}
