/* SPDX-License-Identifier: Apache-2.0 */
/* A BIO that writes to a socket and knows whether more follows. */
#include "ssl/tls_socket.h"

#include <errno.h>
#include <sys/socket.h>

#include "c-client/base/banned.h"

static int
socket_write(BIO *bio, const char *from, int octets)
{
	const struct tls_socket *s = BIO_get_data(bio);
	ssize_t n = send(s->fd, from, (size_t)octets, MSG_NOSIGNAL |
	    (s->more ? MSG_MORE : 0));

	BIO_clear_retry_flags(bio);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		BIO_set_retry_write(bio);
	return (int)n;
}

/* Nothing is held back here, so all is flushed; nothing else is asked for. */
static long
socket_ctrl(BIO *bio, int command, long number, void *pointer)
{
	(void)bio;
	(void)number;
	(void)pointer;
	return command == BIO_CTRL_FLUSH ? 1 : 0;
}

BIO_METHOD *
tls_socket_method(void)
{
	BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() |
	    BIO_TYPE_SOURCE_SINK, "socket that waits for more");

	if (m != NULL && BIO_meth_set_write(m, socket_write) == 1 &&
	    BIO_meth_set_ctrl(m, socket_ctrl) == 1)
		return m;
	BIO_meth_free(m);
	return NULL;
}

BIO *
tls_socket_bio(const BIO_METHOD *method, struct tls_socket *s)
{
	BIO *bio = BIO_new(method);

	if (bio != NULL) {
		BIO_set_data(bio, s);
		BIO_set_init(bio, 1);
	}
	return bio;
}
