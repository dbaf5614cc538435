/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking at certificates and at what TLS is to be, for those who want to know
 * what is wrong and not to serve anybody: facts, without words.  Like tls.h it
 * shows nothing of OpenSSL; a build without TLS has none of it.
 */
#ifndef SSL_TLS_EXAM_H
#define SSL_TLS_EXAM_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

struct fault;
struct tls_options;

#define TLS_EXAM_PATH	1024
#define TLS_EXAM_TEXT	1024

enum tls_exam_form {
	TLS_EXAM_PEM,
	TLS_EXAM_EMPTY,
	TLS_EXAM_DER_CERT,
	TLS_EXAM_DER_KEY,
	TLS_EXAM_PKCS12,
	TLS_EXAM_OTHER
};

/* Where the chain ends. */
enum tls_exam_end {
	TLS_EXAM_SYSTEM,	/* at a root that this machine trusts */
	TLS_EXAM_OWN,		/* at the authority of one's own */
	TLS_EXAM_SELF,		/* it is signed by itself */
	TLS_EXAM_ROOT,		/* at a root in the file, that nobody knows */
	TLS_EXAM_UNKNOWN,	/* at somebody who is not known */
	TLS_EXAM_MISSING	/* right behind the certificate */
};

struct tls_exam_private;

/* Texts are printable, and cut where they are too long. */
struct tls_exam {
	char path[TLS_EXAM_PATH];	/* of the certificate */
	char key_path[TLS_EXAM_PATH];	/* of the key: the same, or another */
	struct stat st, key_st;
	enum tls_exam_form form;
	size_t certs, keys;	/* that could be read */
	bool lost;		/* there is a block whose first line isn't
				 * seen as one: blanks or a mark before it */
	bool encrypted, damaged;
	bool no_key_file;	/* no key in it, and no other file */
	bool matches;		/* a key and a certificate belong together;
				 * what is below is known only then */
	bool ordered;		/* chain as it stands in the file, from the
				 * certificate up */
	size_t chain;		/* certificates that are sent */
	enum tls_exam_end end;
	bool outside;		/* names that its authority may not sign for */
	bool foreign;		/* names that the authority of one's own, which
				 * is there, may not sign for */
	bool early, late;	/* not yet valid, expired */
	int days;		/* left */
	char until[32];		/* "2026-12-31" */
	char since[32];
	char late_issuer[TLS_EXAM_TEXT]; /* one in the chain has expired */
	char names[TLS_EXAM_TEXT]; /* subjectAltName, blanks between */
	char common[TLS_EXAM_TEXT]; /* the CN */
	char issuer[TLS_EXAM_TEXT]; /* of the last one in the chain */
	char issuer_url[TLS_EXAM_TEXT]; /* where it can be fetched, or "" */
	char kind[64];		/* "RSA 3072", "EC prime256v1" */
	bool weak;		/* the key */
	char weak_digest[32];	/* of a signature in the chain, or "" */
	bool for_servers;	/* by its extended key usage */
	struct tls_exam_private *own;
};

/*
 * Read a certificate file, and the key that may be in a second.  `authority`
 * is the file with the certificate of one's own, which may be missing.
 * Returns -1 and a fault where a file can't be read, and says in `path` or
 * `key_path` which; otherwise what is wrong is in the structure.  Either way
 * tls_exam_clear() takes it back.
 */
int tls_exam_file(struct tls_exam *, const char *path, const char *key_path,
    const char *authority, struct fault *);
void tls_exam_clear(struct tls_exam *);

/* Is the certificate for this name (RFC 9525) or address? */
bool tls_exam_covers(const struct tls_exam *, const char *host);

/* Does another file hold what is missing? */
enum tls_exam_part {
	TLS_EXAM_KEY,		/* a key of a certificate */
	TLS_EXAM_CERT,		/* a certificate of a key */
	TLS_EXAM_ISSUER		/* the issuer of the last in the chain */
};
bool tls_exam_has(const struct tls_exam *, const char *path,
    enum tls_exam_part);

/* The file for a connection, as tls_config_load() has it; false if there is
 * none, with the last name that it tried. */
bool tls_exam_choose(const struct tls_options *, char path[TLS_EXAM_PATH],
    char key_path[TLS_EXAM_PATH]);

/* Is this the name of a file for a server name?  Then that. */
bool tls_exam_server_name(const char *program, const char *file,
    char name[static 256]);

/* What the system's own configuration of OpenSSL leaves of a policy. */
struct tls_exam_policy {
	char file[TLS_EXAM_PATH];	/* openssl.cnf */
	bool readable;
	size_t versions;		/* of TLS that are possible */
	char least[16], most[16];	/* "TLSv1.2" */
	size_t ciphers;
	int level;			/* SECLEVEL */
};
int tls_exam_policy(const char *policy, struct tls_exam_policy *,
    struct fault *);

#endif
