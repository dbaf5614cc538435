#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""COPY and MOVE from a maildir to a maildir give the file a second name, where
it is just what would be written; else it is written.  Either way the copy is a
message of its own: what becomes of the one leaves the other alone."""

import os
import re
import sys
import time
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
import mailgen
import server
from tap import run, tap

COUNT = 12      # more than are synced one by one
BOXES = ("from", "to")


def place(a, box):
    return os.path.join(a.home, "mail", box)


def letter(n):
    return mailgen.head(n, b"letter %d" % n) + b"\n" + b"a line\n" * (n + 1)


def files(a, box):
    """{inode: path} of the messages."""
    out = {}
    for part in ("new", "cur"):
        top = os.path.join(place(a, box), part)
        for name in os.listdir(top):
            path = os.path.join(top, name)
            out[os.stat(path).st_ino] = path
    return out


def state(c, box):
    """[(flags, date, message)] of a mailbox."""
    out = []
    if c.select(box, "EXAMINE"):
        for r in c.must("FETCH 1:* (FLAGS INTERNALDATE BODY.PEEK[])"):
            if len(r) < 2:
                continue
            text = b"".join(x for i, x in enumerate(r) if i != 1)
            out.append((frozenset(re.search(rb"FLAGS \(([^)]*)\)", text)
                .group(1).split()) - {b"\\Recent"}, re.search(
                rb'INTERNALDATE "([^"]*)"', text).group(1), r[1]))
    return out


def begin(host):
    """Two maildirs, of which the first has messages, some of them delivered."""
    a = host.account()
    c = host.imap()
    for box in BOXES:
        c.must("CREATE " + box)
    for n in range(COUNT - 2):
        m = mailgen.wire(letter(n))
        c.must('APPEND from (\\Seen $Kept) "0%d-Feb-2003 04:05:06 +0200" {%d}'
            % (n % 9 + 1, len(m)), m)
    for n in (COUNT - 2, COUNT - 1):
        path = a.write("mail/from/tmp/%d.x" % n, letter(n), 0o600)
        os.rename(path, os.path.join(place(a, "from"), "new", "%d.x" % n))
    c.select("from")
    c.must("STORE 3 +FLAGS (\\Flagged)")
    return a, c


def end(a, c):
    for box in BOXES:
        tap.equal(os.listdir(os.path.join(place(a, box), "tmp")), [],
            "nothing is left in tmp of " + box)
    c.must("SELECT INBOX")
    for box in BOXES:
        c.must("DELETE " + box)
    c.must("LOGOUT")


def copied(host):
    a, c = begin(host)
    was = state(c, "from")
    c.select("from")
    c.must("COPY 1:%d to" % COUNT)
    c.must("COPY 2:4 to")
    tap.equal(state(c, "to"), was + was[1:4], "COPY: octets, flags, dates")
    tap.equal(set(files(a, "to")), set(files(a, "from")),
        "the files are the same")
    tap.equal(len(os.listdir(os.path.join(place(a, "to"), "cur"))), COUNT + 3,
        "under names of their own")
    c.select("from")
    c.must("COPY 1 from")
    tap.equal(state(c, "from"), was + was[:1], "COPY into the mailbox itself")
    c.select("to")
    c.must("STORE 1:3 -FLAGS (\\Seen)")
    c.must("STORE 1:3 +FLAGS (\\Deleted $Kept)")
    tap.equal(state(c, "from"), was + was[:1],
        "flags of the copies are not those of the others")
    c.select("to")
    c.must("EXPUNGE")
    tap.equal(state(c, "from"), was + was[:1], "nor is an EXPUNGE")
    tap.equal(state(c, "to"), was[3:] + was[1:4], "and the rest is there")
    end(a, c)


def moved(host):
    a, c = begin(host)
    was, had = state(c, "from"), set(files(a, "from"))
    c.select("from")
    c.must("MOVE 1:%d to" % COUNT)
    tap.equal((state(c, "from"), state(c, "to")), ([], was),
        "MOVE: all that was there")
    tap.equal(set(files(a, "to")), had, "in the same files")
    end(a, c)


def written(host):
    """What would be another file when it is written."""
    a, c = begin(host)
    was = state(c, "from")
    paths = sorted(files(a, "from").values())
    os.chmod(os.path.join(place(a, "to"), "tmp"), 0o750)
    for path in paths:
        os.chmod(path, 0o640)
    os.chmod(paths[0], 0o600)
    os.utime(paths[1], (time.time(), 1234567890))
    kept = {os.stat(p).st_ino for p in paths[2:]}
    if os.geteuid() == 0:
        os.chown(paths[2], a.uid, 0)
        os.chown(paths[3], 0, a.gid)
        os.chmod(paths[3], 0o644)
        kept -= {os.stat(p).st_ino for p in paths[2:4]}
    stats = [os.stat(p) for p in paths]
    c.select("from")
    c.must("COPY 1:* to")
    tap.equal(state(c, "to"), was, "other modes, times, owners: COPY is right")
    tap.equal(set(files(a, "to")) & set(files(a, "from")), kept,
        "these are written, and no others")
    tap.equal([(x.st_mode, x.st_uid, x.st_gid, x.st_mtime) for x in stats],
        [(x.st_mode, x.st_uid, x.st_gid, x.st_mtime) for x in map(os.stat,
        paths)], "and stay what they are")
    modes = {os.stat(p).st_mode & 0o777 for p in files(a, "to").values()}
    tap.equal(modes, {0o640}, "the copies have the mode of what is made there")
    os.chmod(os.path.join(place(a, "to"), "tmp"), 0o700)
    c.select("from")
    c.must("COPY 1:* to")
    linked = {os.stat(p).st_ino for p in (paths[0], paths[2])}
    tap.equal(set(files(a, "to")) & set(files(a, "from")), kept | linked,
        "where nobody else comes in, modes and groups are nothing")
    end(a, c)


def gone(host):
    """Another program renames, and takes away, what is copied."""
    a, c = begin(host)
    was = state(c, "from")
    c.select("from")
    c.must("COPY 1 to")
    renamed, removed = sorted(files(a, "from").values())[:2]
    os.rename(renamed, re.sub(r":2,.*", "", renamed) + ":2,FS")
    c.must("COPY 1:%d to" % COUNT)
    tap.equal([m for _, _, m in state(c, "to")], [m for _, _, m in was[:1] +
        was], "a file that was renamed is found")
    c.select("from")
    os.unlink(removed)
    status, line, _ = c.cmd("COPY 1:%d to" % COUNT)
    tap.equal((status, len(state(c, "to"))), ("NO", COUNT + 1),
        "one that is gone: none is copied")
    tap.equal(len(state(c, "from")), COUNT - 1, "and the others are there")
    end(a, c)


def main():
    host = server.Host(conf="mail_root = mail\nformat = maildir\n")
    os.mkdir(host.account().home + "/mail", 0o700)
    host.account().own(host.account().home + "/mail")
    for part in (copied, moved, written, gone):
        part(host)
    tap.equal(host.faults(), "", "no fault is reported")


run(main)
