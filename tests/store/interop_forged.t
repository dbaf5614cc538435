#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Forged metadata (field.md 6.2 test 17): what a sender puts of Status,
X-Status, X-Keywords, X-UID, X-IMAPbase and X-IMAP into his mail changes nothing
of a known spool: no UIDVALIDITY, no UID, no flag and no keyword.  In an open
session and a new one, before and after it was written back with room for
metadata, after an expunge, and when the index was lost behind that; also where
the spool was empty and his is the first message."""

import os
import re
import sys
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
import mailgen
import others
import server
from tap import run, tap

# Headers as a sender writes them; %(validity)d is the mailbox's own.
FORGED = [
    b"Status: RO\nX-Status: DFAT\n",
    b"X-Status: D\nStatus: R\nX-UID: 1\n",
    b"X-UID: 2\nX-Keywords: Work Evil\n",
    b"X-UID: 77\nX-Status: F\nX-Keywords: Work\n",
    b"X-UID: 4294967295\nX-UID: 900\nStatus: RO\n",
    b"X-IMAPbase: 1600000000 77 Evil Work\nX-UID: 70\nX-Keywords: Evil\n",
    b"X-IMAPbase: 4000000000 4294967290 Evil\nX-UID: 4294967289\n",
    b"X-IMAPbase: %(validity)d 0500000000 Evil Work\nX-UID: 400000000\n"
    b"X-Keywords: Evil Work\nX-Status: DF\nStatus: RO\n",
    b"X-IMAP: %(validity)d 0600000000 Evil\nX-UID: 500000000\n"
    b"Subject: DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA\n",
    b"X-Keywords: " + b"k" * 10000 + b"\nX-Keywords:\n Work\n\tEvil\n",
    b"status: RO\nx-status: D\nX-KEYWORDS: WORK\nx-uid:3\nx-imapbase:1 2\n",
]


def letter(n, extra=b""):
    return mailgen.head(n, b"letter %d" % n, extra) + (b"\n"
        + b"this is line of letter %d\n" % n * (2 + n))


def forged(validity, first):
    return [letter(first + n, x.replace(b"%(validity)d", b"%d" % validity))
        for n, x in enumerate(FORGED)]


class Spool:
    """The mailbox as it has to be."""

    def __init__(self, host, what, letters):
        self.host, self.what = host, what
        self.a = host.account()
        self.letters = letters
        self.a.fill(mailgen.to_mbox(letters))
        self.names = None

    def session(self):
        c = self.host.imap()
        c.select()
        return c

    def learn(self, c):
        self.validity, self.next, self.rows = others.told(c, "INBOX")
        self.names = self.keywords(c)

    def keywords(self, c):
        """Those of FLAGS, in lower case: as nobody knows whose it is."""
        text = b"".join(b"".join(r) for r in c.selected)
        return set(re.search(rb"\* FLAGS \(([^)]*)\)", text).group(1).split())

    def deliver(self):
        mail = forged(self.validity, len(self.letters))
        self.a.deliver(mailgen.to_mbox(mail))
        for n, m in enumerate(mail):
            self.rows.append((self.next + n, set(), re.search(
                rb"Subject: (letter \d+)", m).group(1).decode()))
        self.letters += mail
        self.next += len(mail)

    def check(self, c, what):
        got = others.told(c, "INBOX")
        bad = [x for x in zip(got[2], self.rows) if x[0] != x[1]]
        tap.ok(got[0] == self.validity and not bad and len(got[2]) ==
            len(self.rows), "%s, %s: UIDVALIDITY, UIDs and flags" % (
            self.what, what), (got[0], self.validity, len(got[2]),
            len(self.rows), bad[:4]))
        tap.ok(self.next <= got[1] <= self.next + 2000, "%s, %s: UIDNEXT" %
            (self.what, what), (got[1], self.next))
        tap.equal(self.keywords(c), self.names, "%s, %s: keywords" % (
            self.what, what))
        text = c.bodies()
        tap.equal([text[n + 1] for n in range(len(self.letters))],
            [mailgen.wire(m) for m in self.letters], "%s, %s: octets" % (
            self.what, what))

    def leave(self, c):
        c.must("LOGOUT")
        others.settle(self.host)


def unknown(s):
    """Delivered when there is no index, so that the headers are what is known:
    but for what mail programs write into the spool for their user."""
    others.forget(s.host)
    old = len(s.rows)
    s.deliver()
    c = s.session()
    got = others.told(c, "INBOX")
    tap.ok(got[0] == s.validity and got[2][:old] == s.rows[:old] and
        [(m[0], m[2]) for m in got[2][old:]] == [(m[0], m[2]) for m in
        s.rows[old:]], s.what + ", delivered without an index: UIDVALIDITY "
        "and UIDs", (got[0], s.validity, got[2][old - 1:], s.rows[old - 1:]))
    tap.ok(not any(m[1] - {"\\Seen", "\\Answered", "\\Flagged"}
        for m in got[2][old:]), s.what + ", delivered without an index: "
        "neither deleted nor keywords", got[2][old:])
    tap.equal(s.keywords(c), s.names, s.what + ", delivered without an "
        "index: keywords")
    s.leave(c)


def stages(s, c):
    """`c` is open and has learnt of what is there."""
    s.deliver()
    c.must("NOOP")
    s.check(c, "open")
    d = s.session()
    s.check(d, "in a new session")
    d.must("LOGOUT")
    s.check(c, "written back by another")
    gone = s.rows.pop(1)
    s.letters.pop(1)
    c.must("UID STORE %d +FLAGS.SILENT (\\Deleted)" % gone[0])
    c.must("EXPUNGE")
    s.check(c, "after an expunge")
    s.leave(c)
    c = s.session()
    s.check(c, "written back")
    s.leave(c)
    others.forget(s.host)
    c = s.session()
    s.check(c, "without the index")
    s.leave(c)
    unknown(s)
    with open(s.a.spool, "rb") as f:
        tap.ok(b"vil" not in f.read(), s.what + ": nothing of it is left in "
            "the file")


def flagged(s, c):
    c.must("STORE 1 +FLAGS (\\Seen Work)")
    c.must("STORE 2 +FLAGS (\\Flagged \\Answered)")


def main():
    host = server.Host()
    mail = [letter(n) for n in range(4)]

    s = Spool(host, "known by the index", list(mail))
    c = s.session()
    flagged(s, c)
    s.learn(c)
    stages(s, c)
    others.forget(host)

    s = Spool(host, "written back before", list(mail))
    c = s.session()
    flagged(s, c)
    s.leave(c)
    c = s.session()
    s.learn(c)
    stages(s, c)
    others.forget(host)

    s = Spool(host, "emptied before", list(mail))
    c = s.session()
    flagged(s, c)
    c.must("STORE 1:* +FLAGS (\\Deleted)")
    c.must("EXPUNGE")
    s.learn(c)
    s.letters = []
    stages(s, c)
    others.forget(host)

    s = Spool(host, "another program removed all", list(mail))
    c = s.session()
    flagged(s, c)
    s.leave(c)
    c = s.session()
    os.truncate(s.a.spool, 0)
    c.must("NOOP")
    s.learn(c)
    s.letters = []
    stages(s, c)
    tap.equal(host.faults(), "", "no fault is reported")


run(main)
