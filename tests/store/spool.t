#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""INBOX in every kind of spool: Debian's (2775 root:mail) for a user who is
not in group mail, 1777, one that can't be written, none.  The dot-lock is
seen by the directory's time: nothing else is made in it."""

import os
import re
import sys
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
import mailgen
import room
from imapc import Imap, Pop
from tap import WAIT_SECS, run, tap

LETTER = b"Subject: put there\r\n\r\nbody\r\n"


def login(r, user, secs=WAIT_SECS):
    c = Imap(r.ports["imaps"], r.certificate(), timeout=secs)
    c.login(user.name, user.password)
    return c


def leave(user, c):
    """Ends a session; it may write, and lock, as it goes."""
    c.close()
    user.left()


def settings(r, text):
    """imapd.conf is what the room began with, and this."""
    if not hasattr(r, "first_conf"):
        r.first_conf = open(r.config).read() if os.path.exists(r.config) \
            else ""
    with open(r.config, "w") as f:
        f.write(r.first_conf + "fail_delay = 0\n" + text)


def touched(r, what):
    """Did `what` make or remove a name in the spool?"""
    os.utime(r.spool, (1, 1))
    result = what()
    return os.stat(r.spool).st_mtime_ns != 10 ** 9, result


def append(r, user, name, secs=WAIT_SECS):
    """The tagged answer of an APPEND, and whether the dot-lock was made."""
    c = login(r, user, secs)
    made, (status, line, _) = touched(r, lambda: c.cmd(
        "APPEND INBOX {%d}" % len(LETTER), LETTER))
    leave(user, c)
    return status, line, made


def debian(r, user):
    st = os.stat(r.spool)
    tap.equal((st.st_mode & 0o7777, st.st_uid), (0o2775, 0),
        "the spool is as Debian has it")
    tap.ok(user.run("touch", r.spool + "/x").returncode != 0,
        "the user can make nothing in it")
    os.unlink(user.spool)
    made, c = touched(r, lambda: login(r, user))
    tap.ok(os.path.exists(user.spool), "a missing INBOX is made")
    st = os.stat(user.spool)
    tap.equal((st.st_uid, st.st_mode & 0o7777, st.st_size), (user.uid, 0o660,
        0), "as the user's, mode 660, empty")
    tap.equal(c.select(), 0, "and can be selected")
    leave(user, c)
    status, line, made = append(r, user, "Debian's spool")
    tap.equal(status, "OK", "APPEND to INBOX")
    tap.ok(made, "with a dot-lock, by way of liblockfile's helper", line)
    tap.ok(not os.path.exists(user.spool + ".lock"), "that is gone again")
    with open(user.spool, "rb") as f:
        data = f.read()
    tap.equal(data.count(b"Subject: put there\n"), 1, "it is in the file")
    settings(r, "lock = fcntl\n")
    status, line, made = append(r, user, "lock = fcntl")
    tap.equal((status, made), ("OK", False), "lock = fcntl: no dot-lock")
    # By default 30 s: longer than our client waits here.
    settings(r, "lock_timeout = 1\n")
    with open(user.spool + ".lock", "w") as f:
        f.write("%d\n" % os.getpid())
    status, line, made = append(r, user, "locked", 25)
    tap.ok(status == "NO" and b"[INUSE]" in line, "another's dot-lock is "
        "waited for, and respected", line)
    tap.ok(os.path.exists(user.spool + ".lock"), "and stays")
    settings(r, "lock = fcntl\n")
    tap.equal(append(r, user, "")[0], "OK", "lock = fcntl doesn't look at it")
    os.unlink(user.spool + ".lock")
    settings(r, "")


def others_name(r, user):
    """What root must not touch: a link or another's file of that name."""
    os.unlink(user.spool)
    os.symlink("/etc/shadow", user.spool)
    c = login(r, user)
    status, line, _ = c.cmd("SELECT INBOX")
    tap.ok(status == "NO" or c.select() == 0, "a link in the spool is not "
        "followed", line)
    leave(user, c)
    tap.ok(os.path.islink(user.spool), "and stays")
    os.unlink(user.spool)
    os.mkfifo(user.spool)
    os.chown(user.spool, user.uid, user.gid)
    c = login(r, user)
    status, line, _ = c.cmd("SELECT INBOX")
    tap.ok(status in ("NO", "OK"), "a FIFO in the spool hangs nobody", line)
    leave(user, c)
    os.unlink(user.spool)


def sticky(r, user):
    os.chmod(r.spool, 0o1777)
    for name in os.listdir(r.spool):
        os.unlink(os.path.join(r.spool, name))
    c = login(r, user)
    tap.equal(c.select(), 0, "spool 1777: no INBOX is an empty INBOX")
    leave(user, c)
    status, line, made = append(r, user, "sticky")
    tap.ok(status == "OK" and made, "spool 1777: APPEND makes it", line)
    st = os.stat(user.spool)
    tap.equal((st.st_uid, st.st_mode & 0o007), (user.uid, 0),
        "it is the user's, and nobody else's")
    os.chmod(r.spool, 0o2775)


def read_only(r, user):
    if not r.inside:
        tap.skip("a read-only spool", "needs a mount of its own")
        return
    r.fill(user, mailgen.to_mbox(mailgen.ordinary(3)))
    room.must("mount", "-o", "remount,ro", r.spool)
    try:
        c = login(r, user)
        tap.equal(c.select(), 3, "a read-only spool is read")
        tap.ok(len(c.bodies()) == 3, "all of it")
        status, line, _ = c.cmd("STORE 1 +FLAGS (\\Flagged)")
        tap.ok(status in ("OK", "NO"), "flags", line)
        status, line, _ = c.cmd("APPEND INBOX {%d}" % len(LETTER), LETTER)
        tap.ok(status == "NO" and re.search(rb"[Rr]ead-only|denied", line),
            "APPEND says why it can't", line)
        leave(user, c)
        p = Pop(r.ports["pop3s"], r.certificate())
        p.login(user.name, user.password)
        tap.ok(p.cmd("STAT").startswith(b"+OK 3 "), "by POP3 too")
        p.cmd("QUIT")
    finally:
        room.must("mount", "-o", "remount,rw", r.spool)


def none(r, user):
    settings(r, "mail_spool = /nonexistent/spool\n")
    c = login(r, user)
    tap.equal(c.select(), 0, "no spool: an empty INBOX")
    status, line, _ = c.cmd("APPEND INBOX {%d}" % len(LETTER), LETTER)
    tap.ok(status == "NO" and len(line) > 30, "APPEND says why it can't",
        line)
    c.must("CREATE box")
    tap.ok(c.append("box", LETTER), "other mailboxes work")
    leave(user, c)
    p = Pop(r.ports["pop3s"], r.certificate())
    p.login(user.name, user.password)
    tap.equal(p.cmd("STAT"), b"+OK 0 0\r\n", "POP3: nothing there")
    p.cmd("QUIT")
    settings(r, "")


def main():
    r = room.enter()
    user = r.add_user("joe")
    settings(r, "")
    r.inetd()
    for part in (debian, others_name, sticky, read_only, none):
        part(r, user)
    tap.ok("Sanitizer" not in r.log() + r.stderr(), "no fault is reported")


run(main)
