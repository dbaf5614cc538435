#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Dovecot and imapd on one mbox in turn, round after round: each flags, sets
keywords, appends and expunges, and mail is delivered between; the other finds
UIDVALIDITY, UIDs, flags and keywords as they were left.  With Dovecot's index
and without, with ours and without; in the spool and in a folder.  In the end
both are open at once."""

import os
import re
import sys
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
import mailgen
import others
import server
from tap import need, run, tap, wait_for

ROUNDS = 4
COUNT = 12


class Truth:
    """What a mailbox holds: who changes it tells."""

    def __init__(self, host, path, own, their):
        self.host, self.path = host, path
        self.boxes = (own, their)       # its name here, and with Dovecot
        self.rows = []          # [UID or None, flags, subject]
        self.texts = {}
        self.validity = None
        self.count = 0

    def letter(self):
        n = self.count
        self.count += 1
        subject = "letter %d" % n
        self.texts[subject] = mailgen.head(n, subject.encode()) + (b"\n"
            + b"line of letter %d\n" % n * (1 + n * 37 % 100))
        self.rows.append([None, set(), subject])
        return self.texts[subject]

    def deliver(self, count):
        mailgen.deliver(self.path, mailgen.to_mbox([self.letter()
            for _ in range(count)]))

    def check(self, c, side, what):
        got = others.told(c, self.boxes[side])
        self.validity = self.validity or got[0]
        for row, seen in zip(self.rows, got[2]):
            row[0] = row[0] or seen[0]
        uids = [m[0] for m in got[2]]
        want = [tuple(r) for r in self.rows]
        tap.ok(got[0] == self.validity and got[2] == want, what
            + ": UIDVALIDITY, UIDs, flags, keywords", (got[0], self.validity,
            len(got[2]), len(want), [x for x in zip(got[2], want)
            if x[0] != x[1]][:4]))
        tap.ok(uids == sorted(set(uids)) and got[1] > uids[-1],
            what + ": they ascend, and UIDNEXT is above", (uids, got[1]))

    def change(self, c, number):
        """One flags, appends and expunges; each round other messages."""
        def store(at, word, *flags):
            uid, has, _ = self.rows[at]
            c.must("UID STORE %d %sFLAGS (%s)" % (uid, word,
                " ".join(flags)))
            if word == "+":
                has.update(flags)
            elif word == "-":
                has.difference_update(flags)
            else:
                self.rows[at][1] = set(flags)
        side = number % 2
        store(0, "+", ("\\Flagged", "\\Answered")[side])
        store(1, "-+"[(number >> 1) % 2], "\\Seen", "Work")
        store(2, "", "\\Draft", "$Round%d" % number)
        store(3, "+", "\\Deleted")
        store(-1, "+", "\\Seen", "$Forwarded")
        doomed = self.rows.pop(4 if number % 4 < 2 else 0)
        c.must("UID STORE %d +FLAGS (\\Deleted)" % doomed[0])
        kept = [r for r in self.rows if "\\Deleted" in r[1]]
        for r in kept:
            c.must("UID STORE %d -FLAGS (\\Deleted)" % r[0])
            r[1].discard("\\Deleted")
        c.must("EXPUNGE")
        text = self.letter()
        self.rows[-1][1] = {"\\Seen", "Sent"}
        c.append(self.boxes[side], text.replace(b"\n", b"\r\n"),
            "\\Seen Sent")
        c.must("NOOP")

    def whole(self, what):
        tap.equal(others.stored(self.path), [others.bare(self.texts[r[2]])
            for r in self.rows], what + ": each letter is in the file, byte "
            "for byte, and nothing else")


def rounds(host, t, dove, what, forget):
    """`forget` loses our index now and then."""
    t.deliver(COUNT)
    for n in range(ROUNDS * 2):
        side = n % 2
        name = "%s, %s in round %d" % (what, ("imapd", "Dovecot")[side],
            n // 2 + 1)
        c = dove.imap() if side else host.imap()
        t.check(c, side, name)
        t.change(c, n)
        t.check(c, side, name + " after its changes")
        c.must("LOGOUT")
        if side == 0:
            others.settle(host)
        t.whole(name)
        if forget and n % 4 < 2:
            others.forget(host)
        t.deliver(2)


def together(host, t, dove, what):
    """Ours is open, idle and not, while Dovecot changes the file.  The UIDs
    of what was delivered are in the file when the first of ours has left."""
    c = host.imap()
    t.check(c, 0, what + ", before")
    c.must("LOGOUT")
    others.settle(host)
    c, i = host.imap(), host.imap()
    t.check(c, 0, what + ", together")
    i.select(t.boxes[0])
    i.send(b"i IDLE\r\n")
    i.line()
    # Dovecot writes X-Keywords in front of X-IMAPbase, and knows no keyword
    # of the first message when it reads them again without its index.
    c.must("UID STORE %d FLAGS.SILENT (\\Seen)" % t.rows[0][0])
    t.rows[0][1] = {"\\Seen"}
    c.must("CHECK")
    d = dove.imap()
    t.check(d, 1, what + ", together, with Dovecot")
    c.must("UID STORE %d +FLAGS.SILENT (Ours \\Answered)" % t.rows[5][0])
    t.rows[5][1] |= {"Ours", "\\Answered"}
    d.must("UID STORE %d +FLAGS.SILENT (Theirs \\Flagged)" % t.rows[5][0])
    t.rows[5][1] |= {"Theirs", "\\Flagged"}
    doomed = t.rows.pop(2)
    d.must("UID STORE %d +FLAGS.SILENT (\\Deleted)" % doomed[0])
    for r in [r for r in t.rows if "\\Deleted" in r[1]]:
        d.must("UID STORE %d -FLAGS.SILENT (\\Deleted)" % r[0])
        r[1].discard("\\Deleted")
    d.must("EXPUNGE")
    d.must("LOGOUT")
    while True:
        if re.match(rb"\* 3 EXPUNGE\r\n", i.line()):
            break
    tap.ok(True, what + ": IDLE hears which one Dovecot expunged")
    i.send(b"DONE\r\n")
    i.until(b"i")
    seen = b"".join(b"".join(r) for r in c.must("NOOP"))
    tap.ok(b"* 3 EXPUNGE\r\n" in seen, what + ": and so does NOOP", seen)
    got = c.bodies()
    tap.equal([got[n + 1] for n in range(len(t.rows))], [
        got[n + 1] if others.bare(mailgen.unwire(got[n + 1])) ==
        others.bare(t.texts[r[2]]) else t.texts[r[2]]
        for n, r in enumerate(t.rows)], what + ": each is still itself")
    t.check(c, 0, what + ", flags of both")
    c.must("LOGOUT")
    i.must("LOGOUT")
    others.settle(host)
    d = dove.imap()
    t.check(d, 1, what + ", flags of both, with Dovecot")
    d.must("LOGOUT")
    t.whole(what + ", together")


def main():
    need("dovecot")
    for index in (False, True):
        host = server.Host()
        a = host.account()
        dove = others.Dovecot(host, index)
        a.write("dove/letters", b"")
        for what, path, own, their in (
                ("spool", a.spool, "INBOX", "INBOX"),
                ("folder", a.home + "/dove/letters", "dove/letters",
                "letters")):
            what += " with Dovecot's index" if index else ""
            t = Truth(host, path, own, their)
            rounds(host, t, dove, what, not index)
            together(host, t, dove, what)
        tap.equal(host.faults(), "", "no fault is reported")


run(main)
