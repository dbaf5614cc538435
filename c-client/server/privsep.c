/* SPDX-License-Identifier: Apache-2.0 */
/* The messages between a front and its monitor. */
#include "c-client/server/privsep.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <syslog.h>

#include "c-client/base/banned.h"

/* A field is its length in three octets, then its octets. */
static void
put_field(struct buf *out, const char *p, size_t n)
{
	buf_addc(out, (char)(n >> 16 & 0xff));
	buf_addc(out, (char)(n >> 8 & 0xff));
	buf_addc(out, (char)(n & 0xff));
	buf_add(out, p, n);
}

static void
put_string(struct buf *out, const char *s)
{
	put_field(out, s, strlen(s));
}

static bool
get_octet(struct span *left, unsigned *out)
{
	if (left->n == 0)
		return false;
	*out = (unsigned char)left->p[0];
	*left = span_slice(*left, 1, left->n);
	return true;
}

static bool
get_field(struct span *left, size_t max, struct span *out)
{
	unsigned a, b, c;
	size_t n;

	if (!get_octet(left, &a) || !get_octet(left, &b) ||
	    !get_octet(left, &c))
		return false;
	n = (size_t)a << 16 | (size_t)b << 8 | c;
	if (n > max || n > left->n)
		return false;
	*out = span_slice(*left, 0, n);
	*left = span_slice(*left, n, left->n);
	return true;
}

/* Into an array of max + 1. */
static bool
get_string(struct span *left, size_t max, char *out)
{
	struct span s;

	if (!get_field(left, max, &s) || memchr(s.p, '\0', s.n) != NULL)
		return false;
	memcpy(out, s.p, s.n);
	out[s.n] = '\0';
	return true;
}

void
privsep_encode(struct buf *out, const struct privsep_message *m)
{
	const struct credentials *c = &m->credentials;

	buf_addc(out, (char)m->type);
	switch (m->type) {
	case PRIVSEP_LOG:
		buf_addc(out, (char)(LOG_PRI(m->level) |
		    ((m->level & LOG_FACMASK) == LOG_AUTH ? 0x80 : 0)));
		put_field(out, m->text.p, m->text.n);
		break;
	case PRIVSEP_LOGIN:
		put_string(out, c->user);
		put_string(out, c->password);
		put_string(out, c->mechanism);
		put_string(out, c->tag);
		break;
	case PRIVSEP_VERDICT:
		buf_addc(out, (char)m->verdict);
		break;
	case PRIVSEP_HANDOVER:
		buf_addc(out, m->tls ? 1 : 0);
		put_field(out, m->pending.p, m->pending.n);
		break;
	}
}

static bool
get_log(struct span *left, struct privsep_message *m)
{
	unsigned level;

	if (!get_octet(left, &level) ||
	    !get_field(left, PRIVSEP_TEXT_MAX, &m->text))
		return false;
	m->level = (int)(level & 0x7f) | (level & 0x80 ? LOG_AUTH : 0);
	for (size_t i = 0; i < m->text.n; i++)
		if ((unsigned char)m->text.p[i] < ' ' ||
		    m->text.p[i] == 0x7f)
			return false;
	/* Emergencies are shown on every terminal: not for a front. */
	return (level & 0x7f) >= LOG_ERR && (level & 0x7f) <= LOG_DEBUG;
}

static bool
get_login(struct span *left, struct credentials *c)
{
	return get_string(left, BOUND_USER, c->user) &&
	    get_string(left, BOUND_PASSWORD, c->password) &&
	    get_string(left, sizeof c->mechanism - 1, c->mechanism) &&
	    get_string(left, BOUND_TAG, c->tag);
}

static bool
get_body(struct span *left, struct privsep_message *m)
{
	unsigned octet;

	switch (m->type) {
	case PRIVSEP_LOG:
		return get_log(left, m);
	case PRIVSEP_LOGIN:
		return get_login(left, &m->credentials);
	case PRIVSEP_VERDICT:
		if (!get_octet(left, &octet) || octet > PRIVSEP_TEMPORARY)
			return false;
		m->verdict = (enum privsep_verdict)octet;
		return true;
	case PRIVSEP_HANDOVER:
		if (!get_octet(left, &octet) || octet > 1)
			return false;
		m->tls = octet == 1;
		return get_field(left, BOUND_PRELOGIN_IN, &m->pending);
	}
	return false;
}

int
privsep_decode(struct span data, struct privsep_message *m)
{
	unsigned type;

	memset(m, 0, sizeof *m);
	if (!get_octet(&data, &type) || type < PRIVSEP_LOG ||
	    type > PRIVSEP_HANDOVER)
		return -1;
	m->type = (enum privsep_type)type;
	return get_body(&data, m) && data.n == 0 ? 0 : -1;
}

int
privsep_send(int fd, const struct privsep_message *m)
{
	struct buf data;
	ssize_t n;

	buf_init(&data, 0);
	/* Room for all at once: growing would leave copies of a password. */
	buf_room(&data, PRIVSEP_TEXT_MAX + sizeof m->credentials +
	    m->pending.n + 64);
	privsep_encode(&data, m);
	do
		n = send(fd, data.p, data.n, MSG_NOSIGNAL);
	while (n == -1 && errno == EINTR);
	explicit_bzero(data.p, data.cap);
	buf_clear(&data);
	return n == -1 ? -1 : 0;
}

int
privsep_receive(int fd, struct buf *room, struct privsep_message *m)
{
	char *to;
	ssize_t n;

	buf_reset(room);
	if ((to = buf_room(room, PRIVSEP_MAX + 1)) == NULL)
		return -1;
	do
		n = recv(fd, to, PRIVSEP_MAX + 1, 0);
	while (n == -1 && errno == EINTR);
	if (n <= 0)
		return n == 0 || errno == ECONNRESET ? 0 : -1;
	room->n = (size_t)n;
	return privsep_decode(buf_span(room), m) == -1 ? -1 : 1;
}

void
privsep_wipe(struct buf *room, struct privsep_message *m)
{
	explicit_bzero(m, sizeof *m);
	if (room->p != NULL)
		explicit_bzero(room->p, room->cap);
	buf_reset(room);
}
