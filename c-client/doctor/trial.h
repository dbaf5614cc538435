/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Something tried for real, in a process of its own: what happens to that
 * process, or what it becomes, stays there.
 */
#ifndef DOCTOR_TRIAL_H
#define DOCTOR_TRIAL_H

struct auth_user;
struct fault;

/* How long a trial may take, seconds; beyond: FAULT_TIMEOUT. */
#define TRIAL_SECS	60u

/*
 * Run `what` in a child, as `user` with his groups (NULL: as we are).  It
 * returns 0, or -1 and a fault, and so does this; *why is what it left there in
 * both cases.  What else it changes is lost.
 */
int trial_run(const struct auth_user *user,
    int (*what)(void *arg, struct fault *), void *arg, struct fault *why);

#endif
