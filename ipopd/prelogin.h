/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POP3's AUTHORIZATION state (RFC 1939 section 4): the dialogue before login,
 * run in the front without privileges.
 */
#ifndef IPOPD_PRELOGIN_H
#define IPOPD_PRELOGIN_H

struct prelogin_ops;

extern const struct prelogin_ops prelogin_pop;

#endif
