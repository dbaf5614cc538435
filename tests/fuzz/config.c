/* SPDX-License-Identifier: Apache-2.0 */
/* A configuration file of any octets: numbers stay within their bounds, paths
 * are paths, and what is logged is one printable line each. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "c-client/base/bounds.h"
#include "c-client/base/config.h"
#include "c-client/base/fault.h"
#include "c-client/base/log.h"
#include "imapd/workarounds.h"
#include "tests/fuzz/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check_line(void *arg, int level, const char *line)
{
	(void)arg;
	(void)level;
	for (; *line != '\0'; line++)
		must((unsigned char)*line >= ' ' && *line != 0x7f);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct config c;
	struct fault why;
	char path[32];
	int fd = memfd_create("config", MFD_CLOEXEC);

	/* Values live as long as the process: a long run must not fill it. */
	if (fd == -1 || n > 4096 || write(fd, data, n) != (ssize_t)n) {
		close(fd);
		return 0;
	}
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	log_to_sink(check_line, NULL);
	config_defaults(&c);
	config_read(&c, path, true, &why);
	must(c.lock_timeout <= 3600 && c.login_timeout <= 3600);
	must(c.login_tries <= 100 && c.fail_delay <= 60);
	must(c.idle_timeout <= 30 * 86400);
	must(c.cert_dir[0] == '/' && c.key_dir[0] == '/' &&
	    c.mail_spool[0] == '/');
	must(strlen(c.log) <= n + 6 && strlen(c.mail_root) <= n);
	workarounds_set(c.workarounds);
	workarounds_set("all");
	close(fd);
	return 0;
}
