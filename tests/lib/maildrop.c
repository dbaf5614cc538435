/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For LD_PRELOAD: Debian's maildrop waits for a lock with a sigpause(0) of
 * another meaning than the one it is linked with, which returns at once: it
 * waits as long as it wants to, and works all the while.  Ten of them would
 * leave a test no processor.
 */
#include <poll.h>
#include <stddef.h>

int __xpg_sigpause(int sig);

int
__xpg_sigpause(int sig)
{
	(void)sig;
	poll(NULL, 0, 10);
	return -1;
}
