#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The old toolkit's mailutil on our mailboxes, and we on its: what it counts,
copies and prunes of ours is what we say, with X-UID and X-IMAPbase in its form;
what it wrote, with the internal data in front, has the same UIDs, flags and
keywords here, stays like that through our changes, with and without the index,
and is read by it again."""

import os
import re
import sys
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
import mailgen
import mboxfile
import others
import server
from tap import need, run, tap

LETTERS = [mailgen.head(n, b"letter %d" % n) + b"\n"
    + b"this is line of letter %d\n" % n * (3 + n * 11) for n in range(8)]
INTERNAL = b"FOLDER INTERNAL DATA"


def uids_in(path):
    """X-UID of each message of the file."""
    with open(path, "rb") as f:
        return [int(mboxfile.header(m, b"X-UID"))
            for m in mboxfile.messages(f.read())]


def front(path):
    """The two numbers that the first message has: (field, UIDVALIDITY, last
    UID)."""
    with open(path, "rb") as f:
        m = re.search(rb"^(X-IMAP(?:base)?): (\d{10}) (\d{10})(?= |$)",
            f.read().partition(b"\n\n")[0], re.M)
    return m and (m.group(1), int(m.group(2)), int(m.group(3)))


def mailutil(host, *args):
    status, said = others.mailutil(host, *args)
    return tap.ok(status == 0 or "purged" in said, "mailutil "
        + " ".join(args), said)


def look(host, box, want, what):
    """With the index, without it, and in the file afterwards."""
    path = os.path.join(host.account().home, box)
    for index in ("", ", without an index"):
        c = host.imap()
        got = others.told(c, box)
        tap.equal((got[0], got[2]), want, what + index)
        c.must("LOGOUT")
        others.forget(host)
    tap.equal(uids_in(path), [m[0] for m in want[1]], what + ": X-UID")


def ours(host):
    """It reads what we wrote."""
    a = host.account()
    path = a.write("box", mailgen.to_mbox(LETTERS))
    c = host.imap()
    c.select("box")
    c.must("STORE 1 +FLAGS (\\Seen)")
    c.must("STORE 2 +FLAGS (\\Flagged \\Answered Work)")
    c.must("STORE 3 +FLAGS (\\Draft)")
    c.must("STORE 5 +FLAGS (\\Seen Work $Later)")
    c.must("STORE 4 +FLAGS (\\Deleted)")
    c.must("EXPUNGE")
    validity, uidnext, rows = others.told(c, "box")
    c.must("LOGOUT")
    others.settle(host)
    got = front(path)
    tap.ok(got and got[:2] == (b"X-IMAPbase", validity) and got[2] >=
        uidnext - 1, "X-IMAPbase as it writes it", got)
    status, said = others.mailutil(host, "check", "box")
    tap.equal((status, said.replace("\n", "")), (0, "0 new message(s) (5 "
        "unseen), 7 total in box"), "mailutil counts all, and none as new")
    mailutil(host, "copy", "-kw", "box", "copied")
    tap.equal(others.stored(a.home + "/copied"), others.stored(path),
        "its copy has the bytes")
    c = host.imap()
    got = others.told(c, "copied")
    c.must("LOGOUT")
    others.settle(host)
    tap.equal([m[1:] for m in got[2]], [m[1:] for m in rows], "and the flags "
        "and keywords")
    look(host, "copied", (got[0], got[2]), "the copy that it made")
    tap.equal(got[0], front(a.home + "/copied")[1], "UIDVALIDITY is its own")

    c = host.imap()
    c.select("box")
    mailutil(host, "prune", "box", "flagged")
    seen = [r[0] for r in c.must("NOOP")]
    tap.ok(b"* 2 EXPUNGE\r\n" in seen, "an open session hears what it pruned",
        seen)
    c.must("LOGOUT")
    others.settle(host)
    want = (validity, [m for m in rows if "\\Flagged" not in m[1]])
    look(host, "box", want, "what it left of ours")
    mailutil(host, "prune", "box", "all")
    c = host.imap()
    got = others.told(c, "box")
    tap.ok(got[0] == validity and not got[2] and got[1] >= uidnext,
        "it removes all: UIDVALIDITY and UIDNEXT stay", got)
    c.must("LOGOUT")
    others.settle(host)


def theirs(host):
    """We change what it wrote, and it reads that."""
    a = host.account()
    a.write("plain", mailgen.to_mbox(LETTERS))
    mailutil(host, "copy", "plain", "theirs")
    path = a.home + "/theirs"
    c = host.imap()
    validity, uidnext, rows = others.told(c, "theirs")
    tap.equal((validity, [m[0] for m in rows]), (front(path)[1],
        list(range(1, 9))), "a mailbox that it made: UIDVALIDITY and UIDs")
    c.must("STORE 1 +FLAGS (\\Seen Work)")
    c.must("STORE 3 +FLAGS (\\Flagged $A-long-name-of-a-keyword)")
    c.must("STORE 2,5 +FLAGS (\\Deleted)")
    c.must("EXPUNGE")
    c.append("theirs", mailgen.wire(mailgen.head(9, b"letter 9")
        + b"\nappended\n"), "\\Seen Work")
    rows = others.told(c, "theirs")[2]
    c.must("LOGOUT")
    others.settle(host)
    look(host, "theirs", (validity, rows), "it after our changes")
    with open(path, "rb") as f:
        tap.equal(f.read().count(INTERNAL), 1, "the internal data are there "
            "once")
    with open(path, "ab") as f:
        f.write(mailgen.to_mbox([mailgen.head(10, b"letter 10") + b"\nx\n"]))
    mailutil(host, "copy", "-kw", "theirs", "again")
    c = host.imap()
    got = others.told(c, "again")[2]
    rows = others.told(c, "theirs")[2]
    tap.equal([m[1:] for m in got], [m[1:] for m in rows],
        "mailutil finds our flags and keywords")
    c.must("LOGOUT")
    others.settle(host)
    mailutil(host, "prune", "theirs", "flagged")
    rows = [m for m in rows if "\\Flagged" not in m[1]]
    look(host, "theirs", (validity, rows), "it after both")

    c = host.imap()
    c.select("theirs")
    c.must("STORE 1:* +FLAGS (\\Deleted)")
    c.must("EXPUNGE")
    c.must("LOGOUT")
    others.settle(host)
    mailutil(host, "append", "plain", "theirs")
    c = host.imap()
    got = others.told(c, "theirs")
    tap.ok(got[0] == validity and len(got[2]) == len(LETTERS) and
        got[2][0][0] > rows[-1][0], "what it appends where we removed all "
        "has UIDs of its own", got)
    c.must("LOGOUT")
    others.settle(host)


def main():
    need("mailutil", "cc")
    host = server.Host()
    ours(host)
    theirs(host)
    tap.equal(host.faults(), "", "no fault is reported")


run(main)
