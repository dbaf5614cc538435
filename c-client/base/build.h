/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the build line chose, and what it is where it said nothing.  The
 * Makefile gives its words to those files alone that include this, and compiles
 * them anew when a word changes.
 */
#ifndef BASE_BUILD_H
#define BASE_BUILD_H

#ifndef WITH_TLS
#define WITH_TLS		1
#endif
#ifndef WITH_PAM
#define WITH_PAM		1
#endif

/* Defaults of keys of the configuration (config_keys.h). */
#ifndef DEFAULT_AUTH
#define DEFAULT_AUTH		"pam"
#endif
#ifndef DEFAULT_PLAINTEXT
#define DEFAULT_PLAINTEXT	"tls"
#endif
#ifndef DEFAULT_EXTRA_DRIVERS
#define DEFAULT_EXTRA_DRIVERS	"none"
#endif

/* "" is found out when the server runs. */
#ifndef DEFAULT_CERT_DIR
#define DEFAULT_CERT_DIR	""
#endif
#ifndef DEFAULT_KEY_DIR
#define DEFAULT_KEY_DIR		""
#endif
#ifndef DEFAULT_MAIL_SPOOL
#define DEFAULT_MAIL_SPOOL	""
#endif

#endif
