#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A home on a full disk: mail is read all the same, whatever of the index
finds room; nothing in the spool changes and nothing crashes."""

import glob
import os
import subprocess
import sys
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
import mailgen
import room
import server
from tap import run, skip_all, tap, wait_for

COUNT = 40


def bodies_right(c, want):
    got = c.bodies()
    return [got.get(n + 1) for n in range(len(want))] == want


def fill(path):
    """As many octets as there is room for."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        while os.write(fd, b"x" * 4096):
            pass
    except OSError:
        pass
    os.close(fd)


def main():
    r = room.enter()
    if not r.inside:
        skip_all("needs a room: a small file system is mounted")
    os.mkdir("/home/small")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k,mode=755",
        "tmpfs", "/home/small"], check=True)
    host = server.Host(where="/home")
    a = host.account()
    subprocess.run(["mount", "--bind", "/home/small", a.home], check=True)
    os.chown("/home/small", a.uid, a.gid)
    messages = [mailgen.quoted(m) for m in mailgen.ordinary(COUNT)] * 20
    want = [mailgen.wire(m) for m in messages]
    host.account().fill(b"".join(mailgen.SEPARATOR + m + b"\n"
        for m in messages))
    for room_left in (0, 4096, 20000, 60000, 100000, 150000, 200000):
        for path in glob.glob(a.home + "/.imapindex*"):
            subprocess.run(["rm", "-rf", path], check=True)
        filler = a.home + "/filler"
        fill(filler)
        os.truncate(filler, max(0, os.path.getsize(filler) - room_left))
        c = host.imap()
        status, line, seen = c.cmd("SELECT INBOX")
        if not tap.ok(status == "OK" and [b"* %d EXISTS\r\n" % len(want)]
                in seen, "full disk, %d octets left" % room_left, line):
            os.unlink(filler)
            continue
        tap.ok(bodies_right(c, want), "mail is right")
        status, line, _ = c.cmd("STORE 1 +FLAGS (\\Flagged)")
        tap.ok(status in ("OK", "NO"), "a STORE is answered", line)
        c.cmd("FETCH 1:* (ENVELOPE BODYSTRUCTURE)")
        tap.ok(bodies_right(c, want), "and still right")
        status, line, _ = c.cmd("APPEND stored {5}", b"a: b\n")
        tap.ok(status in ("OK", "NO"), "an APPEND is answered", line)
        c.close()
        with open(a.spool, "rb") as f:
            tap.equal(f.read().count(b"\nSubject: "), len(messages),
                "the spool is whole")
        os.unlink(filler)
    tap.equal(host.faults(), "", "no fault is reported")
    wait_for("the end of all sessions", lambda: not host.processes())
    subprocess.run(["umount", a.home], check=True)


run(main)
