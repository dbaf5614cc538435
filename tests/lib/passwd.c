/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For LD_PRELOAD: whoever runs the program is $PASSWD_USER, whose home is
 * $PASSWD_HOME.  So a session that is started from a shell (PREAUTH) has a home
 * that the test made, also where the test's own uid has another, or no name.
 */
#include <pwd.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

static struct passwd *
made_up(uid_t uid)
{
	static char none[] = "", shell[] = "/bin/sh";
	static struct passwd pw;

	pw.pw_name = getenv("PASSWD_USER");
	pw.pw_dir = getenv("PASSWD_HOME");
	if (pw.pw_name == NULL || pw.pw_dir == NULL)
		return NULL;
	pw.pw_passwd = pw.pw_gecos = none;
	pw.pw_shell = shell;
	pw.pw_uid = uid;
	pw.pw_gid = getgid();
	return &pw;
}

struct passwd *
getpwuid(uid_t uid)
{
	return made_up(uid);
}
