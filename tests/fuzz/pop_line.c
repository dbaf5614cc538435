/* SPDX-License-Identifier: Apache-2.0 */
/* The dialogue before login of ipop3d, lines and all, fed in pieces whose
 * lengths the input chooses. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "c-client/base/bounds.h"
#include "c-client/base/log.h"
#include "c-client/server/service.h"
#include "ipopd/prelogin.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
no_log(void *arg, int level, const char *line)
{
	(void)arg;
	(void)level;
	(void)line;
}

/* What front.c does with the dialogue's wishes. */
static int
turn(struct prelogin *p)
{
	switch (prelogin_pop.input(p)) {
	case PRELOGIN_MORE:
		break;
	case PRELOGIN_STARTTLS:
		buf_reset(&p->in);
		p->tls = p->plaintext = true;
		p->tls_offer = false;
		prelogin_pop.secured(p);
		break;
	case PRELOGIN_LOGIN:
		prelogin_pop.refused(p, PRELOGIN_DENIED);
		break;
	case PRELOGIN_CLOSE:
		return 0;
	}
	buf_reset(&p->out);
	return p->bad < BOUND_BAD_COMMANDS;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct prelogin p = { .client = "[192.0.2.1]", .tls_offer = true };
	size_t at = 1;

	if (n == 0)
		return 0;
	log_to_sink(no_log, NULL);
	p.plaintext = data[0] & 1;
	buf_init(&p.in, BOUND_PRELOGIN_IN);
	buf_init(&p.out, BOUND_PRELOGIN_OUT);
	prelogin_pop.greet(&p);
	while (at < n) {
		size_t piece = data[0] < 128 ? n - at :
		    1 + (size_t)data[at] % 31;

		if (piece > n - at)
			piece = n - at;
		buf_add(&p.in, data + at, piece);
		at += piece;
		if (p.in.full || !turn(&p))
			break;
	}
	free(p.state);
	buf_clear(&p.in);
	buf_clear(&p.out);
	return 0;
}
