/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A PAM module for tests: writes down each call, in order, with service,
 * user, RHOST and uid, and answers as its arguments say.
 *
 *	auth required /.../pam_record.so file=/tmp/record password=secret
 *
 *	file=FILE	a line a call: WHAT service=S user=U rhost=R uid=N euid=N
 *	password=TEXT	what authenticate wants to hear
 *	account=WORD	acct_mgmt answers: expired, change, denied, unavailable
 *	ask=WORD	authenticate asks: twice, echo, many
 *	user=NAME	authenticate changes the user's name to this
 *	sleep=SECONDS	authenticate takes this long
 *	steal		authenticate opens syslog under another name
 *
 * Built with `cc -shared -fPIC -o pam_record.so pam_record.c -lpam`.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include <security/pam_ext.h>
#include <security/pam_modules.h>

#define EXPORT	__attribute__((visibility("default")))

static const char *
argument(int n, const char **arguments, const char *name)
{
	size_t length = strlen(name);

	for (int i = 0; i < n; i++)
		if (strncmp(arguments[i], name, length) == 0) {
			if (arguments[i][length] == '=')
				return arguments[i] + length + 1;
			if (arguments[i][length] == '\0')
				return "";
		}
	return NULL;
}

static const char *
item(const pam_handle_t *pamh, int kind)
{
	const void *value = NULL;

	if (pam_get_item(pamh, kind, &value) != PAM_SUCCESS || value == NULL)
		return "-";
	return value;
}

static void
record(const pam_handle_t *pamh, const char *what, int n,
    const char **arguments)
{
	const char *name = argument(n, arguments, "file");
	FILE *f = name == NULL ? NULL : fopen(name, "ae");

	if (f == NULL)
		return;
	fprintf(f, "%s service=%s user=%s rhost=%s uid=%lu euid=%lu\n", what,
	    item(pamh, PAM_SERVICE), item(pamh, PAM_USER),
	    item(pamh, PAM_RHOST), (unsigned long)getuid(),
	    (unsigned long)geteuid());
	fclose(f);
}

/* One question; 0 or what pam_prompt() says. */
static int
ask(pam_handle_t *pamh, int style, const char *text, char **answer)
{
	*answer = NULL;
	return pam_prompt(pamh, style, answer, "%s", text);
}

/* The further questions that `ask=` wants.  Each must be answered. */
static int
ask_more(pam_handle_t *pamh, const char *how)
{
	int times = how == NULL || strcmp(how, "many") != 0 ? 1 : 50;
	int style = how != NULL && strcmp(how, "echo") == 0 ?
	    PAM_PROMPT_ECHO_ON : PAM_PROMPT_ECHO_OFF;
	int rc = PAM_SUCCESS;

	for (int i = 0; how != NULL && i < times && rc == PAM_SUCCESS; i++) {
		char *answer;

		rc = ask(pamh, style, "Once more: ", &answer);
		free(answer);
	}
	return rc;
}

EXPORT int
pam_sm_authenticate(pam_handle_t *pamh, int flags, int n,
    const char **arguments)
{
	const char *password = argument(n, arguments, "password");
	const char *sleeps = argument(n, arguments, "sleep");
	const char *name = argument(n, arguments, "user");
	char *answer;
	int rc;

	(void)flags;
	record(pamh, "authenticate", n, arguments);
	if (argument(n, arguments, "steal") != NULL)
		openlog("thief", LOG_PID, LOG_AUTHPRIV);
	if (sleeps != NULL)
		sleep((unsigned)atoi(sleeps));
	rc = ask(pamh, PAM_PROMPT_ECHO_OFF, "Password: ", &answer);
	if (rc == PAM_SUCCESS)
		rc = ask_more(pamh, argument(n, arguments, "ask"));
	if (rc == PAM_SUCCESS && (answer == NULL || password == NULL ||
	    strcmp(answer, password) != 0))
		rc = PAM_AUTH_ERR;
	if (rc == PAM_SUCCESS && name != NULL)
		rc = pam_set_item(pamh, PAM_USER, name);
	free(answer);
	return rc;
}

EXPORT int
pam_sm_acct_mgmt(pam_handle_t *pamh, int flags, int n,
    const char **arguments)
{
	static const struct {
		const char *word;
		int rc;
	} words[] = {
		{ "expired", PAM_ACCT_EXPIRED },
		{ "change", PAM_NEW_AUTHTOK_REQD },
		{ "denied", PAM_PERM_DENIED },
		{ "unavailable", PAM_AUTHINFO_UNAVAIL },
	};
	const char *account = argument(n, arguments, "account");

	(void)flags;
	record(pamh, "acct_mgmt", n, arguments);
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (account != NULL && strcmp(account, words[i].word) == 0)
			return words[i].rc;
	return PAM_SUCCESS;
}

EXPORT int
pam_sm_setcred(pam_handle_t *pamh, int flags, int n, const char **arguments)
{
	record(pamh, ((unsigned)flags & PAM_DELETE_CRED) != 0 ? "delete_cred" :
	    "setcred", n, arguments);
	return PAM_SUCCESS;
}

EXPORT int
pam_sm_open_session(pam_handle_t *pamh, int flags, int n,
    const char **arguments)
{
	(void)flags;
	record(pamh, "open_session", n, arguments);
	return PAM_SUCCESS;
}

EXPORT int
pam_sm_close_session(pam_handle_t *pamh, int flags, int n,
    const char **arguments)
{
	(void)flags;
	record(pamh, "close_session", n, arguments);
	return PAM_SUCCESS;
}
