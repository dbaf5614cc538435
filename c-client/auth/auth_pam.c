/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PAM: authenticate, acct_mgmt, setcred, and sessions where the configuration
 * asks for them.  Not in builds without PAM.
 */
#include <errno.h>
#include <security/pam_appl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "c-client/auth/auth_kind.h"
#include "c-client/base/fault.h"
#include "c-client/base/memory.h"

#include "c-client/base/banned.h"

/* Questions that one login may be asked; a module that wants more is not
 * made for a mail client. */
#define QUESTIONS_MAX	8

struct talk {
	const char *password;
	unsigned questions;
};

/* The transaction lives from the check to auth_become(): one a process. */
static pam_handle_t *transaction;
static struct talk talk;

/* The session process, for the parent that closes the PAM session. */
static volatile sig_atomic_t session_pid;

static void
free_replies(struct pam_response *replies, int n)
{
	for (int i = 0; i < n; i++)
		if (replies[i].resp != NULL) {
			explicit_bzero(replies[i].resp,
			    strlen(replies[i].resp));
			free(replies[i].resp);
		}
	free(replies);
}

/*
 * Who asks without echo gets the password.  A question with echo wants what
 * no mail client has sent, so the login fails; texts are for nobody.
 */
static int
converse(int n, const struct pam_message **messages,
    struct pam_response **out, void *arg)
{
	struct talk *t = arg;
	struct pam_response *replies;

	*out = NULL;
	if (n <= 0 || n > PAM_MAX_NUM_MSG || t->password == NULL)
		return PAM_CONV_ERR;
	replies = memory_zalloc((size_t)n * sizeof *replies);
	for (int i = 0; i < n; i++) {
		int style = messages[i]->msg_style;

		if (style == PAM_TEXT_INFO || style == PAM_ERROR_MSG)
			continue;
		if (style != PAM_PROMPT_ECHO_OFF ||
		    ++t->questions > QUESTIONS_MAX) {
			free_replies(replies, n);
			return PAM_CONV_ERR;
		}
		replies[i].resp = memory_string(t->password);
	}
	*out = replies;
	return PAM_SUCCESS;
}

/*
 * PAM would go on with the service `other`, which on some systems permits
 * whatever is right elsewhere (decisions.md 10), so the file must be there.
 */
static bool
service_exists(const char *service, struct fault *why)
{
	static const char *const directories[] = { "/etc/pam.d",
	    "/usr/lib/pam.d" };
	char path[256];
	struct stat st;

	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof path, "%s/%s", directories[i], service);
		if (stat(path, &st) == 0 && S_ISREG(st.st_mode))
			return true;
	}
	fault_set(why, FAULT_CANNOT, "no PAM file /etc/pam.d/%s: install the "
	    "sample (make install writes it) or set auth = shadow", service);
	return false;
}

/* The modules' own failures, as against the user's. */
static bool
is_trouble(int rc)
{
	static const int codes[] = { PAM_OPEN_ERR, PAM_SYMBOL_ERR,
	    PAM_SERVICE_ERR, PAM_SYSTEM_ERR, PAM_BUF_ERR, PAM_ABORT,
	    PAM_AUTHINFO_UNAVAIL, PAM_CRED_UNAVAIL, PAM_MODULE_UNKNOWN,
	    PAM_TRY_AGAIN };

	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
		if (rc == codes[i])
			return true;
	return false;
}

static enum auth_result
give_up(int rc, const char *what, struct fault *why)
{
	bool trouble = is_trouble(rc);

	/* The plain case keeps the plain reason that auth_check() set. */
	if (rc != PAM_AUTH_ERR && rc != PAM_USER_UNKNOWN)
		fault_set(why, trouble ? FAULT_UNAVAILABLE : FAULT_PERM,
		    "PAM %s: %s", what, pam_strerror(transaction, rc));
	if (transaction != NULL)
		pam_end(transaction, rc);
	transaction = NULL;
	return trouble ? AUTH_TEMPORARY : AUTH_NO;
}

/* Whom the modules let in: they may have spelled the name another way. */
static enum auth_result
who(struct auth_user *user, struct fault *why)
{
	const void *name = NULL;
	struct passwd pw;
	char *room;
	int found;

	if (pam_get_item(transaction, PAM_USER, &name) != PAM_SUCCESS ||
	    name == NULL)
		return give_up(PAM_SYSTEM_ERR, "user", why);
	if ((found = auth_passwd(name, &pw, &room, why)) == 1) {
		enum auth_result result = auth_fill(user, &pw, why);

		free(room);
		return result;
	}
	if (found == 0)
		fault_set(why, FAULT_NOTFOUND, "PAM knows the user, the system "
		    "has no uid for him");
	return found == 0 ? AUTH_NO : AUTH_TEMPORARY;
}

void
auth_pam_prepare(const char *service)
{
	static const struct pam_conv conversation = { converse, &talk };
	/* Never ended: that would unload them. */
	static pam_handle_t *loaded;
	struct fault ignored;

	/* Who logs in is told what is wrong. */
	if (service_exists(service, &ignored))
		pam_start(service, NULL, &conversation, &loaded);
}

static int
run_modules(const char *service, const char *name, const char *host,
    const char **what)
{
	static const struct pam_conv conversation = { converse, &talk };
	int rc;

	*what = "start";
	rc = pam_start(service, name, &conversation, &transaction);
	if (rc == PAM_SUCCESS && host[0] != '\0')
		rc = pam_set_item(transaction, PAM_RHOST, host);
	if (rc == PAM_SUCCESS)
		rc = pam_set_item(transaction, PAM_TTY, service);
	if (rc != PAM_SUCCESS)
		return rc;
	*what = "authenticate";
	rc = pam_authenticate(transaction, PAM_SILENT |
	    PAM_DISALLOW_NULL_AUTHTOK);
	if (rc != PAM_SUCCESS)
		return rc;
	*what = "account";
	return pam_acct_mgmt(transaction, PAM_SILENT |
	    PAM_DISALLOW_NULL_AUTHTOK);
}

enum auth_result
auth_pam_check(const char *service, const char *name, const char *password,
    const char *host, struct auth_user *user, struct fault *why)
{
	enum auth_result result;
	const char *what;
	int rc;

	if (!service_exists(service, why))
		return AUTH_TEMPORARY;
	if (transaction != NULL)
		pam_end(transaction, PAM_SUCCESS);
	transaction = NULL;
	talk = (struct talk){ .password = password };
	rc = run_modules(service, name, host, &what);
	talk.password = NULL;
	if (rc != PAM_SUCCESS)
		return give_up(rc, what, why);
	result = who(user, why);
	if (result != AUTH_YES && transaction != NULL) {
		pam_end(transaction, PAM_SUCCESS);
		transaction = NULL;
	}
	return result;
}

static void
pass_signal(int number)
{
	int saved = errno;

	if (session_pid > 0)
		kill((pid_t)session_pid, number);
	errno = saved;
}

/*
 * The parent of a session that PAM has to close: it holds nothing of the
 * connection, waits, closes, and ends as the session ended.
 */
static void
close_after(pid_t child)
{
	struct sigaction sa = { .sa_handler = pass_signal };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), status = 0;

	/* The time that a login may take doesn't bound the session. */
	alarm(0);
	session_pid = child;
	sigemptyset(&sa.sa_mask);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
	for (int fd = 0; fd <= 2; fd++)
		if (null == -1 || dup2(null, fd) == -1)
			close(fd);
	while (waitpid(child, &status, 0) == -1 && errno == EINTR)
		continue;
	session_pid = 0;
	pam_close_session(transaction, PAM_SILENT);
	pam_setcred(transaction, PAM_DELETE_CRED | PAM_SILENT);
	pam_end(transaction, PAM_SUCCESS);
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

int
auth_pam_become(bool session, struct fault *why)
{
	pid_t child;
	int rc;

	if (transaction == NULL)
		return fault_set(why, FAULT_PERM, "no PAM transaction");
	rc = pam_setcred(transaction, PAM_ESTABLISH_CRED | PAM_SILENT);
	if (rc == PAM_SUCCESS && session)
		rc = pam_open_session(transaction, PAM_SILENT);
	if (rc != PAM_SUCCESS) {
		give_up(rc, "credentials", why);
		return -1;
	}
	if (session) {
		if ((child = fork()) == -1)
			return fault_errno(why, "fork for the PAM session");
		if (child != 0)
			close_after(child);
	}
	/* Silent: what the modules hold is the parent's, or stays with the
	 * credentials until the process ends. */
	pam_end(transaction, PAM_SUCCESS | PAM_DATA_SILENT);
	transaction = NULL;
	return 0;
}
