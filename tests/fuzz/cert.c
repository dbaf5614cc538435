/* SPDX-License-Identifier: Apache-2.0 */
/* A certificate file of any octets: used, or refused with a line that names
 * it; nothing is leaked.  The key may be in the same file or in a second.  What
 * the doctor says of it is printable, and agrees. */
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "c-client/base/fault.h"
#include "c-client/base/log.h"
#include "ssl/tls.h"
#include "ssl/tls_exam.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static char dir[] = "/tmp/fuzz-cert.XXXXXX";

static void
clean(void)
{
	char path[64];

	snprintf(path, sizeof path, "%s/imapd.pem", dir);
	unlink(path);
	rmdir(dir);
}

static void
quiet(void *arg, int level, const char *line)
{
	(void)arg;
	(void)level;
	(void)line;
}

static void
check_text(const char *text)
{
	for (; *text != '\0'; text++)
		if (*text < ' ' || *text == 0x7f)
			abort();
}

static void
examine(const char *path, bool used)
{
	struct tls_exam e;
	struct fault why;

	if (tls_exam_file(&e, path, path, path, &why) == 0) {
		check_text(e.names);
		check_text(e.common);
		check_text(e.issuer);
		check_text(e.issuer_url);
		check_text(e.kind);
		tls_exam_covers(&e, "localhost");
		if (used && !e.matches)
			abort();
	}
	tls_exam_has(&e, path, TLS_EXAM_ISSUER);
	tls_exam_clear(&e);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char *const programs[] = { "ipop3d", "", "imapd", NULL };
	static bool made;
	struct tls_config *c;
	struct fault why = { FAULT_NONE, "" };
	char path[64];
	int fd;

	if (!made) {
		if (mkdtemp(dir) == NULL)
			abort();
		atexit(clean);
		log_to_sink(quiet, NULL);
		made = true;
	}
	snprintf(path, sizeof path, "%s/imapd.pem", dir);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd == -1 || write(fd, data, n) != (ssize_t)n)
		abort();
	close(fd);
	c = tls_config_load(&(struct tls_options){ .cert_dir = dir,
	    .key_dir = dir, .programs = programs, .address = "127.0.0.1",
	    .alpn = "imap", .policy = "intermediate", .state_file = "" },
	    &why);
	if (c == NULL && (why.code == FAULT_NONE ||
	    strstr(why.text, path) == NULL))
		abort();
	examine(path, c != NULL);
	tls_config_free(c);
	return 0;
}
