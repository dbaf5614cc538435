/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The checks, one a file: check_NAME.c.  Each looks at one subject and adds
 * at least one finding: that it is well, what is wrong, or that it could not
 * look.  None changes anything, waits without limit or asks DNS, and what
 * it makes to try something out it takes away again.
 */
#ifndef DOCTOR_CHECK_H
#define DOCTOR_CHECK_H

struct doctor;
struct report;

void check_account(const struct doctor *, struct report *);
void check_build(const struct doctor *, struct report *);
void check_certificate(const struct doctor *, struct report *);
void check_config(const struct doctor *, struct report *);
void check_home(const struct doctor *, struct report *);
void check_limits(const struct doctor *, struct report *);
void check_locking(const struct doctor *, struct report *);
void check_login(const struct doctor *, struct report *);
void check_openssl(const struct doctor *, struct report *);
void check_pam(const struct doctor *, struct report *);
void check_ports(const struct doctor *, struct report *);
void check_sandbox(const struct doctor *, struct report *);
void check_services(const struct doctor *, struct report *);
void check_spool(const struct doctor *, struct report *);
void check_superserver(const struct doctor *, struct report *);
void check_users(const struct doctor *, struct report *);

#endif
