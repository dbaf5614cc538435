#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A rewrite is cut short by a kill, and before anybody has finished it another
program puts other mail in the mailbox's place: that mail is not touched, and
the piece that was being moved is a mailbox Recovered-DATE of its own, also
where there is one of the same second."""

import os
import sys
import time
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
import mailgen
from imapc import Gone
from place import Place, need_build, quick_dir
from tap import WAIT_SECS, run, tap

LETTERS = 6


def letters(first, count):
    return [mailgen.head(n, b"letter %d" % n) + b"\n"
        + b"this is line of letter %d\n" % n * 100
        for n in range(first, first + count)]


def cut_short(place):
    """The session that expunges is killed, and its helper with it, when a
    piece is in the redo file and not yet in the mailbox."""
    s = place.imap(armed=False)
    s.select()
    s.must("CHECK")
    s.must("LOGOUT")
    s.end()
    place.arm("mbox_rewrite.sync 1 once kill-both any")
    s = place.imap()
    s.select()
    s.must("STORE 1 +FLAGS.SILENT (\\Deleted)")
    try:
        s.cmd("EXPUNGE")
        tap.ok(False, "the session is killed", place.hits())
    except (Gone, ConnectionError):
        tap.ok(True, "the session is killed")
    s.end()
    place.disarm()


def taken(place):
    """A mailbox of the name that the second gives, whichever it will be."""
    names, now = {}, int(time.time())
    for second in range(now, now + 2 * WAIT_SECS):
        name = time.strftime("Recovered-%Y%m%dT%H%M%SZ", time.gmtime(second))
        names[name] = b"From nobody Thu Jan  1 00:00:00 1970\n\n%d\n\n" % second
        path = os.path.join(place.home, "mail", name)
        with open(path, "wb") as f:
            f.write(names[name])
        place.own(path)
    return names


def contents(place):
    out = {}
    for name in os.listdir(place.home + "/mail"):
        with open(os.path.join(place.home, "mail", name), "rb") as f:
            out[name] = f.read()
    return out


def main():
    need_build(tripped=True)
    place = Place("mail_root = mail\n", quick_dir(), tripped=True)
    try:
        os.mkdir(place.home + "/mail")
        place.own(place.home + "/mail")
        # The gap is small, so that pieces go through the redo file.
        place.fill(mailgen.to_mbox([b"Subject: small\n\nx\n"]
            + letters(1, LETTERS - 1)))
        cut_short(place)
        tap.ok(place.leftovers(), "a redo file is left", place.leftovers())
        other = mailgen.to_mbox(letters(100, 3))
        with open(place.spool, "wb") as f:
            f.write(other)
        before = taken(place)
        s = place.imap(armed=False)
        tap.equal(s.select(), 3, "other mail is there by now, and is read")
        tap.equal(sorted(s.bodies().values()), sorted(mailgen.wire(m)
            for m in letters(100, 3)), "all of it, as it is")
        s.must("LOGOUT")
        s.end()
        now = contents(place)
        found = sorted(set(now) - set(before))
        tap.ok(len(found) == 1 and found[0].endswith("Z-2"),
            "what was being moved is a mailbox", found)
        tap.ok(all(now[n] == text for n, text in before.items()),
            "and those that were there are as they were")
        text = now[found[0]]
        tap.ok(text.startswith(b"From MAILER-DAEMON ") and
            b"\nSubject: letter 1\n" in text and
            b"\nthis is line of letter 1\n" in text,
            "with what was in the piece", text[:600])
        tap.ok(found[0] in place.logged(),
            "and the log names it", place.logged()[-600:])
        s = place.imap(armed=False)
        tap.ok(s.select(found[0]) >= 1,
            "it can be selected")
        s.end()
        tap.ok(not [n for n in place.leftovers() if n.endswith(".redo")],
            "the redo file is gone", place.leftovers())
    finally:
        place.remove()


run(main)
