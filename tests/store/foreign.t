#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Another program truncates, replaces, rewrites or removes the mailbox under
an open session: what the session then says is right, or it says that it can't
(NO, a warning, BYE).  A message number or UID never gives other bytes."""

import os
import re
import sys
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
import mailgen
import server
from imapc import Gone
from tap import run, tap

COUNT = 20


def letters(first, count=COUNT, lines=30):
    return [mailgen.head(n, b"letter %d" % n) + b"\n"
        + b"this is line of letter %d\n" % n * (lines + n)
        for n in range(first, first + count)]


def uids(c):
    """{UID: subject} as a session of its own sees them."""
    text = c.must("FETCH 1:* (UID BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
    return {int(re.search(rb"UID (\d+)", b"".join(x)).group(1)):
        x[1].split()[2] for x in text if len(x) > 1}


def body_number(body):
    """Which letter these bytes are; None if they are no one letter's."""
    m = re.search(rb"Subject: letter (\d+)\r\n", body or b"")
    if not m or b"\r\n\r\n" not in body:
        return None
    n = int(m.group(1))
    text = body.split(b"\r\n\r\n", 1)[1]
    if text != b"this is line of letter %d\r\n" % n * (30 + n):
        return None
    return n


def replace(path, data):
    """As an editor or mutt does it: a new file, renamed."""
    st = os.stat(path)
    with open(path + ".new", "wb") as f:
        f.write(data)
    os.chown(path + ".new", st.st_uid, st.st_gid)
    os.chmod(path + ".new", 0o600)
    os.rename(path + ".new", path)


def overwrite(path, data):
    """In place, as another mail server does it."""
    with open(path, "rb+") as f:
        f.write(data)
        f.truncate()


def check(host, what, change, expunges=False):
    """Opens, lets `change` happen, and asks for everything by UID and by
    number, before and after a NOOP."""
    a = host.account()
    a.fill(mailgen.to_mbox(letters(0)))
    c = host.imap()
    c.select()
    known = uids(c)
    c.bodies("BODY.PEEK[]", "1:3")
    change(a.spool)
    numbers = sorted(known)
    wrong, refused, ended = [], 0, None
    try:
        for stage in ("at once", "after NOOP"):
            for uid in numbers:
                status, line, seen = c.cmd("UID FETCH %d (UID BODY.PEEK[])"
                    % uid)
                refused += status != "OK"
                for x in seen:
                    if len(x) < 2 or b"FETCH" not in x[0]:
                        continue
                    told = re.search(rb"UID (\d+)", b"".join(
                        (x[0], x[-1])))
                    n = body_number(x[1])
                    if told and int(told.group(1)) in known and (n is None
                            or known[int(told.group(1))] != b"%d" % n):
                        wrong.append((stage, uid, told.group(1), x[1][-80:]))
            c.cmd("NOOP")
            c.cmd("FETCH 1:* (ENVELOPE BODYSTRUCTURE RFC822.SIZE)")
    except (Gone, AssertionError) as why:
        ended = repr(why)
    tap.ok(not wrong, "%s: no wrong bytes (%d refused%s)" % (what, refused,
        ", ended" if ended else ""), wrong[:3])
    c.close()
    c = host.imap()
    count = c.select()
    with open(a.spool, "rb") as f:
        data = f.read()
    want = len(re.findall(rb"(?:^|\n)From sender@", data))
    tap.equal(count, want, what + ": a new session counts what is there")
    got = [body_number(b) for b in c.bodies().values()]
    tap.ok(None not in got or "torn" in what or "same size" in what,
        what + ": and serves it whole", got)
    tap.ok(host.alive() and not host.faults(), what + ": no crash",
        host.faults())
    c.close()
    # It writes as it goes, and the next one has another mailbox.
    host.left()


def main():
    host = server.Host()
    whole = mailgen.to_mbox(letters(0))
    other = mailgen.to_mbox(letters(100))
    check(host, "truncated to nothing", lambda p: os.truncate(p, 0))
    check(host, "torn in the middle", lambda p: os.truncate(p,
        len(whole) // 2))
    check(host, "cut at a message", lambda p: os.truncate(p,
        len(mailgen.to_mbox(letters(0, 10)))))
    check(host, "replaced by other mail", lambda p: replace(p, other))
    check(host, "overwritten by other mail", lambda p: overwrite(p, other))
    check(host, "first message removed in place", lambda p: overwrite(p,
        mailgen.to_mbox(letters(1, COUNT - 1))))
    check(host, "every second removed by renaming", lambda p: replace(p,
        mailgen.to_mbox(letters(0)[::2])))
    check(host, "mail put in front", lambda p: overwrite(p,
        mailgen.to_mbox(letters(50, 3) + letters(0))))
    check(host, "order turned round", lambda p: replace(p,
        mailgen.to_mbox(letters(0)[::-1])))
    check(host, "same size, other bytes", lambda p: overwrite(p,
        whole.replace(b"letter 7\n", b"letter 9\n")))
    check(host, "status lines added", lambda p: overwrite(p,
        whole.replace(b"\n\nthis", b"\nStatus: RO\nX-UID: 5\n\nthis")))

    def appended(p):
        with open(p, "ab") as f:
            f.write(mailgen.to_mbox(letters(60, 2)))
    check(host, "mail added", appended)

    def remade(p):
        os.unlink(p)
        host.account().fill(other)
    check(host, "removed and made anew", remade)
    host.account().fill(whole)
    c = host.imap()
    c.select()
    os.unlink(host.account().spool)
    try:
        status, line, seen = c.cmd("FETCH 1 BODY.PEEK[]")
        c.cmd("NOOP")
        text = b"".join(b"".join(x) for x in seen)
        tap.ok(status == "NO" or b"letter 0" in text,
            "removed: NO, or the right bytes", (line, text[:200]))
    except Gone:
        tap.ok(True, "removed: the session ends")
    tap.equal(host.faults(), "", "no fault is reported")


run(main)
