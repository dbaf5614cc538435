/* SPDX-License-Identifier: Apache-2.0 */
/* The certificates that are served: for each address of this machine, and for
 * each server name that has one. */
#include "c-client/doctor/check.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "c-client/base/build.h"
#include "c-client/base/config.h"
#include "c-client/base/fault.h"
#include "c-client/base/netaddr.h"
#include "c-client/base/span.h"
#include "c-client/doctor/certificate_mend.h"
#include "c-client/doctor/doctor.h"
#include "c-client/doctor/report.h"
#include "c-client/server/service.h"
#include "ssl/tls.h"
#include "ssl/tls_exam.h"

#include "c-client/base/banned.h"

#if WITH_TLS

/* Files that are looked at; more are left out. */
#define MAX_FILES	64

struct look {
	const struct doctor *d;
	struct report *r;
	struct certificate_mend mend;
	struct {
		const char *path, *key_path, *whom;
	} of[MAX_FILES];
	size_t n;
	size_t wrong;		/* about the file at hand */
};

/* --- One file, one way of being wrong each ------------------------------- */

/* Can't be read at all. */
static void
tell_fault(struct look *k, const struct tls_exam *e, const struct fault *why)
{
	const char *path = e->key_path[0] == '\0' ? e->path : e->key_path;

	if (why->code == FAULT_PERM && k->d->euid != 0)
		report_unknown(k->r, "%s: only root may read it", path);
	else if (why->code == FAULT_PERM)
		report_failed(k->r, "%s: not even root may read it, as it is "
		    "on a file system of another machine; it has to be on a "
		    "disk of this one", path);
	else if (why->code == FAULT_CANNOT) {
		report_failed(k->r, "%s: that is no file, or far too big for a "
		    "certificate", path);
		report_mend(k->r, "mv %s %s.old && imapd-tls ca",
		    report_quote(k->r, path), report_quote(k->r, path));
	} else
		report_failed(k->r, "%s", why->text);
	k->wrong++;
}

static const char *
passfile(const struct look *k)
{
	return report_format(k->r, "%s/imapd.pass", k->d->config->key_dir);
}

static void
mend_locked(struct look *k, const struct tls_exam *e)
{
	bool apart = strcmp(e->path, e->key_path) != 0;

	report_mend(k->r, "imapd-tls install --passfile %s %s%s%s",
	    report_quote(k->r, passfile(k)), report_quote(k->r, e->path),
	    apart ? " " : "", apart ? report_quote(k->r, e->key_path) : "");
}

/* Is it PEM with something in it?  False where the rest can't be looked at. */
static bool
is_readable(struct look *k, const struct tls_exam *e)
{
	const char *key = NULL;

	switch (e->form) {
	case TLS_EXAM_PEM:
		return true;
	case TLS_EXAM_EMPTY:
		report_failed(k->r, "%s is empty", e->path);
		certificate_mend_back(&k->mend, e);
		break;
	case TLS_EXAM_DER_CERT:
		report_failed(k->r, "%s is a certificate as DER, and has to be "
		    "text (PEM) with its key", e->path);
		key = certificate_mend_find(&k->mend, e, TLS_EXAM_KEY);
		certificate_mend_install(&k->mend, e, key);
		break;
	case TLS_EXAM_DER_KEY:
		report_failed(k->r, "%s is a private key as DER, and has to be "
		    "text (PEM) with its certificate", e->path);
		key = certificate_mend_find(&k->mend, e, TLS_EXAM_CERT);
		certificate_mend_install(&k->mend, e, key);
		break;
	case TLS_EXAM_PKCS12:
		report_failed(k->r, "%s is PKCS#12 (.p12, .pfx), and has to be "
		    "text (PEM); if it has a pass phrase put that into %s",
		    e->path, passfile(k));
		if (access(passfile(k), F_OK) == 0)
			mend_locked(k, e);
		else
			certificate_mend_install(&k->mend, e, NULL);
		break;
	case TLS_EXAM_OTHER:
		report_failed(k->r, "%s is no certificate that can be read",
		    e->path);
		certificate_mend_back(&k->mend, e);
		break;
	}
	k->wrong++;
	return false;
}

/* A part that may be in another file. */
static void
mend_part(struct look *k, const struct tls_exam *e, enum tls_exam_part part)
{
	const char *other = certificate_mend_find(&k->mend, e, part);

	if (other != NULL)
		certificate_mend_install(&k->mend, e, other);
	else
		certificate_mend_back(&k->mend, e);
}

/* Key and certificate, and are they a pair? */
static bool
is_pair(struct look *k, const struct tls_exam *e)
{
	const char *other;

	if (e->matches)
		return true;
	k->wrong++;
	if (e->lost) {
		report_failed(k->r, "%s: blanks or a mark (as an editor of "
		    "Windows leaves) stand before a line -----BEGIN, so what "
		    "follows is not seen", e->path);
		certificate_mend_install(&k->mend, e, NULL);
	} else if (e->encrypted && e->keys == 0) {
		report_failed(k->r, "%s: the private key has a pass phrase, "
		    "and nobody is there to type it; put that into %s, which "
		    "can go when the command was typed", e->key_path,
		    passfile(k));
		mend_locked(k, e);
	} else if (e->certs == 0) {
		report_failed(k->r, "%s: there is %s in it and no "
		    "certificate%s", e->path, e->keys == 0 ? "no key" :
		    "a private key", e->damaged ? " that is whole" : "");
		mend_part(k, e, TLS_EXAM_CERT);
	} else if (e->keys == 0) {
		report_failed(k->r, "%s: there is no %sprivate key in it, and "
		    "none%s in %s", e->path, e->damaged ? "undamaged " : "",
		    e->no_key_file ? ", because there is no file," : "",
		    k->d->config->key_dir);
		mend_part(k, e, TLS_EXAM_KEY);
	} else {
		report_failed(k->r, "%s: the private key in %s does not belong "
		    "to the certificate", e->path, strcmp(e->path,
		    e->key_path) == 0 ? "it" : e->key_path);
		other = certificate_mend_find(&k->mend, e, TLS_EXAM_KEY);
		if (other != NULL)
			certificate_mend_install(&k->mend, e, other);
		else
			mend_part(k, e, TLS_EXAM_CERT);
	}
	return false;
}

static void
judge_dates(struct look *k, const struct tls_exam *e)
{
	if (e->late) {
		report_failed(k->r, "%s: it has expired on %s, and clients "
		    "warn of it or go away", e->path, e->until);
		certificate_mend_renew(&k->mend, e);
	} else if (e->early) {
		report_failed(k->r, "%s: it is not valid before %s; is the "
		    "clock of this machine right?", e->path, e->since);
		certificate_mend_new(&k->mend, e, "");
	} else if (e->late_issuer[0] != '\0') {
		report_failed(k->r, "%s: a certificate of its chain has "
		    "expired: %s", e->path, e->late_issuer);
		if (!certificate_mend_renew(&k->mend, e))
			certificate_mend_new(&k->mend, e, "");
	} else
		return;
	k->wrong++;
}

static void
judge_use(struct look *k, const struct tls_exam *e)
{
	if (!e->for_servers)
		report_failed(k->r, "%s: by its own words it is not for "
		    "servers, and clients refuse it", e->path);
	else if (e->weak)
		report_failed(k->r, "%s: its key (%s) is too weak, and TLS "
		    "libraries refuse it; RSA of 2048 bits or more is wanted, "
		    "or EC", e->path, e->kind);
	else if (e->weak_digest[0] != '\0')
		report_failed(k->r, "%s: it is signed with %s, which is broken "
		    "and refused", e->path, e->weak_digest);
	else if (e->names[0] == '\0')
		report_failed(k->r, "%s: it has no name as subjectAltName, and "
		    "clients look at nothing else", e->path);
	else
		return;
	certificate_mend_new(&k->mend, e, "");
	k->wrong++;
}

/* The issuer is somewhere, or can be fetched, or somebody has to ask for it. */
static void
mend_issuer(struct look *k, const struct tls_exam *e)
{
	const char *file = certificate_mend_find(&k->mend, e, TLS_EXAM_ISSUER);
	const char *saved = report_format(k->r, "%s.issuer", e->path);

	if (file != NULL)
		certificate_mend_install(&k->mend, e, file);
	else if (e->issuer_url[0] != '\0')
		report_mend(k->r, "curl -sSfLo %s %s && imapd-tls install %s "
		    "%s", report_quote(k->r, saved), report_quote(k->r,
		    e->issuer_url), report_quote(k->r, e->path),
		    report_quote(k->r, saved));
}

static void
judge_chain(struct look *k, const struct tls_exam *e)
{
	if (e->outside) {
		report_failed(k->r, "%s: its authority may not sign for its "
		    "names (%s), and clients refuse it", e->path, e->names);
		certificate_mend_authority(&k->mend, e, "");
	} else if (e->end == TLS_EXAM_MISSING) {
		report_failed(k->r, "%s: the certificate of its issuer (%s) is "
		    "missing, without which clients don't trust it", e->path,
		    e->issuer);
		mend_issuer(k, e);
	} else if (e->end == TLS_EXAM_UNKNOWN) {
		report_warning(k->r, "%s: nobody on this machine knows who "
		    "signed the last certificate of its chain (%s); if clients "
		    "complain, that one is missing", e->path, e->issuer);
		mend_issuer(k, e);
	} else if (!e->ordered) {
		report_warning(k->r, "%s: its certificates are not in order, "
		    "from the server's upwards; here that is no matter, to "
		    "other programs it is", e->path);
		certificate_mend_install(&k->mend, e, NULL);
	} else
		return;
	k->wrong++;
}

static void
judge_mode(struct look *k, const struct tls_exam *e)
{
	const char *path = e->key_path;
	const struct passwd *pw = getpwuid(e->key_st.st_uid);

	if ((e->key_st.st_mode & (S_IROTH | S_IWGRP | S_IWOTH)) != 0) {
		report_failed(k->r, "%s: others than root can %s the private "
		    "key (mode %04o)", path, (e->key_st.st_mode & S_IROTH) !=
		    0 ? "read" : "write", e->key_st.st_mode & 07777);
		report_mend(k->r, "chmod 400 %s", report_quote(k->r, path));
	} else if (k->d->euid == 0 && e->key_st.st_uid != 0) {
		report_warning(k->r, "%s: it belongs to %s, who can read the "
		    "private key and put another one there", path,
		    pw == NULL ? "nobody that has a name" : pw->pw_name);
		report_mend(k->r, "chown root:root %s", report_quote(k->r,
		    path));
	} else
		return;
	k->wrong++;
}

/* One for an address or a server name needs no other name. */
static bool
is_general(const struct tls_exam *e)
{
	return strchr(strrchr(e->path, '/'), '-') == NULL;
}

static void
judge_rest(struct look *k, const struct tls_exam *e)
{
	const char *host = k->mend.host;

	if (e->days < TLS_WARN_DAYS) {
		report_warning(k->r, "%s: it ends in %d days, on %s", e->path,
		    e->days, e->until);
		certificate_mend_renew(&k->mend, e);
	} else if (host[0] != '\0' && is_general(e) &&
	    !tls_exam_covers(e, host)) {
		report_warning(k->r, "%s: it is for %s, and this machine is "
		    "called %s; who types that gets a warning", e->path,
		    e->names, host);
		if (e->end == TLS_EXAM_SELF)
			certificate_mend_new(&k->mend, e, host);
		else if (e->end == TLS_EXAM_OWN)
			certificate_mend_authority(&k->mend, e, host);
	} else
		return;
	k->wrong++;
}

static const char *
end_of(const struct tls_exam *e)
{
	static const char *const words[] = {
		[TLS_EXAM_SYSTEM] = "an authority that this machine trusts",
		[TLS_EXAM_OWN] = "the authority of one's own",
		[TLS_EXAM_SELF] = "itself, so clients ask once",
		[TLS_EXAM_ROOT] = "an authority that clients have to be given",
		[TLS_EXAM_UNKNOWN] = "somebody unknown",
		[TLS_EXAM_MISSING] = "somebody unknown",
	};

	return words[e->end];
}

static void
judge(struct look *k, size_t i)
{
	const char *authority = report_format(k->r, "%s/imapd-ca.crt",
	    k->mend.authority);
	struct tls_exam e;
	struct fault why;

	k->wrong = 0;
	if (tls_exam_file(&e, k->of[i].path, k->of[i].key_path, authority,
	    &why) == -1)
		tell_fault(k, &e, &why);
	else if (is_readable(k, &e) && is_pair(k, &e)) {
		judge_dates(k, &e);
		judge_use(k, &e);
		judge_mode(k, &e);
		if (k->wrong == 0)
			judge_chain(k, &e);
		if (k->wrong == 0)
			judge_rest(k, &e);
	}
	if (k->wrong == 0)
		report_ok(k->r, "%s (for %s): for %s, until %s (%d days), %s, "
		    "vouched for by %s", e.path, k->of[i].whom, e.names,
		    e.until, e.days, e.kind, end_of(&e));
	tls_exam_clear(&e);
}

/* --- Which files --------------------------------------------------------- */

/* A file once, whoever gets it. */
static void
add(struct look *k, const char *path, const char *key_path, const char *whom)
{
	for (size_t i = 0; i < k->n; i++)
		if (strcmp(k->of[i].path, path) == 0) {
			k->of[i].whom = report_format(k->r, "%.400s, %s",
			    k->of[i].whom, whom);
			return;
		}
	if (k->n == MAX_FILES)
		return;
	k->of[k->n].path = report_format(k->r, "%s", path);
	k->of[k->n].key_path = report_format(k->r, "%s", key_path);
	k->of[k->n++].whom = report_format(k->r, "%s", whom);
}

/* A link that leads nowhere is no file to the server, and to nobody else. */
static void
look_at_link(struct look *k, const char *path)
{
	char to[TLS_EXAM_PATH];
	ssize_t n = readlink(path, to, sizeof to - 1);

	if (n <= 0 || access(path, F_OK) == 0)
		return;
	to[n] = '\0';
	report_warning(k->r, "%s is a link to %s, which is not there", path,
	    to);
	report_mend(k->r, "ln -sfn imapd.pem %s", report_quote(k->r, path));
}

static void
tell_none(struct look *k, const char *path)
{
	struct tls_exam none = { .form = TLS_EXAM_EMPTY };
	char to[TLS_EXAM_PATH];
	ssize_t n = readlink(path, to, sizeof to - 1);

	to[n > 0 ? n : 0] = '\0';
	snprintf(none.path, sizeof none.path, "%s", path);
	if (n > 0)
		report_failed(k->r, "%s is a link to %s, which is not there, "
		    "so there is no TLS", path, to);
	else if (k->d->config->plaintext == CONFIG_PLAINTEXT_ALWAYS)
		report_warning(k->r, "there is no certificate (%s), so "
		    "passwords go over the network in clear", path);
	else
		report_failed(k->r, "there is no certificate (%s), so there is "
		    "no TLS", path);
	certificate_mend_back(&k->mend, &none);
}

/* What who connects to this address gets; false for nothing. */
static bool
choose(struct look *k, const char *address)
{
	const struct config *c = k->d->config;
	const char *const programs[] = { k->d->service->program, c->called,
	    k->d->service->certificate, NULL };
	char path[TLS_EXAM_PATH], key_path[TLS_EXAM_PATH];
	bool found = tls_exam_choose(&(struct tls_options){
	    .cert_dir = c->cert_dir, .key_dir = c->key_dir,
	    .programs = programs, .address = address }, path, key_path);

	if (found)
		add(k, path, key_path, address);
	else
		tell_none(k, path);
	return found;
}

/* All addresses but those of one cable. */
static bool
choose_all(struct look *k)
{
	struct ifaddrs *all, *i;
	bool good = choose(k, "127.0.0.1");

	if (!good || getifaddrs(&all) == -1)
		return good;
	for (i = all; i != NULL; i = i->ifa_next) {
		struct netaddr a = { .n = 0 };
		char text[NETADDR_TEXT];

		if (i->ifa_addr == NULL || (i->ifa_flags & IFF_LOOPBACK) != 0)
			continue;
		a.n = i->ifa_addr->sa_family == AF_INET ? sizeof a.u.v4 :
		    i->ifa_addr->sa_family == AF_INET6 ? sizeof a.u.v6 : 0;
		memcpy(&a.u, i->ifa_addr, a.n);
		if (a.n == 0 || (a.n == sizeof a.u.v6 &&
		    IN6_IS_ADDR_LINKLOCAL(&a.u.v6.sin6_addr)))
			continue;
		choose(k, netaddr_text(&a, text));
	}
	freeifaddrs(all);
	return true;
}

static void
add_server_names(struct look *k, const char *program)
{
	const struct config *c = k->d->config;
	DIR *d = opendir(c->cert_dir);
	struct dirent *e;
	char name[256];

	while (d != NULL && (e = readdir(d)) != NULL)
		if (tls_exam_server_name(program, e->d_name, name))
			add(k, report_format(k->r, "%s/%s", c->cert_dir,
			    e->d_name), report_format(k->r, "%s/%s",
			    c->key_dir, e->d_name), name);
	if (d != NULL)
		closedir(d);
}

/* The machine's whole name without asking anybody: its own if that has a dot,
 * else what /etc/hosts makes of it; "" if that isn't known. */
static const char *
whole_name(struct report *r)
{
	char host[256] = "", line[1024];
	const char *found = "";
	FILE *f;

	if (gethostname(host, sizeof host - 1) == -1 || host[0] == '\0' ||
	    strcmp(host, "localhost") == 0)
		return "";
	if (strchr(host, '.') != NULL)
		return report_format(r, "%s", host);
	if ((f = fopen("/etc/hosts", "re")) == NULL)
		return "";
	while (found[0] == '\0' && fgets(line, sizeof line, f) != NULL) {
		char address[64], first[256], second[256];

		/* 127.0.1.1 mail.example.org mail */
		if (sscanf(line, " %63[0-9a-fA-F.:] %255s %255s", address,
		    first, second) == 3 && strcmp(second, host) == 0 &&
		    strchr(first, '.') != NULL)
			found = report_format(r, "%s", first);
	}
	fclose(f);
	return found;
}

void
check_certificate(const struct doctor *d, struct report *r)
{
	struct look k = { .d = d, .r = r };

	k.mend = (struct certificate_mend){ .d = d, .r = r,
	    .host = whole_name(r), .authority = report_format(r,
	    "%s/imapd-ca", d->config->cert_dir) };
	if (choose_all(&k) && strcmp(d->service->program,
	    d->service->certificate) != 0)
		look_at_link(&k, report_format(r, "%s/%s.pem",
		    d->config->cert_dir, d->service->program));
	add_server_names(&k, d->service->program);
	if (strcmp(d->service->program, d->service->certificate) != 0)
		add_server_names(&k, d->service->certificate);
	for (size_t i = 0; i < k.n; i++)
		judge(&k, i);
}

#else

void
check_certificate(const struct doctor *d, struct report *r)
{
	(void)d;
	report_ok(r, "this build has no TLS, and so no certificate");
}

#endif
