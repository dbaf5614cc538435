#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""openbsd-inetd with README's own lines: 500 connections in a minute, 50 at a
time, are all greeted (its default, 256, would close the rest silently); what
is over leaves no process behind, and inetd goes on."""

import os
import re
import sys
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
import mailgen
import room
import server
from imapc import Gone, Imap, Pop
from tap import run, tap, wait_for


def ours():
    """States of all processes that are our servers."""
    out = []
    for pid in server.parents():
        if server.status(pid, "Name") in ("imapd", "ipop3d"):
            out.append((pid, server.status(pid, "State")))
    return out


def crowd(r, port, kind, word):
    greeted = 0
    for _ in range(10):
        many = []
        for _ in range(50):
            try:
                many.append(kind(r.ports[port]))
            except (Gone, OSError):
                pass
        greeted += sum(c.greeting.startswith(word) for c in many)
        for c in many:
            c.close()
    tap.equal(greeted, 500, port + ": 500 connections in a minute")
    wait_for("the end of all", lambda: not ours(), 30)
    tap.equal(ours(), [], port + ": no process is left")


def main():
    r = room.enter()
    user = r.add_user("joe")
    r.fill(user, mailgen.to_mbox(mailgen.ordinary(2)))
    lines = r.readme_lines()
    tap.ok(all(re.search(r"\snowait\.1000\s", x[0]) for x in
        lines.values()), "the lines say nowait.1000", lines)
    r.inetd()
    crowd(r, "imap", Imap, b"* OK ")
    crowd(r, "pop3", Pop, b"+OK ")
    c = Imap(r.ports["imaps"], r.certificate())
    c.login(user.name, user.password)
    tap.equal(c.select(), 2, "and a mail is read")
    c.must("LOGOUT")
    tap.ok("looping" not in r.log(), "inetd saw no loop")


run(main)
