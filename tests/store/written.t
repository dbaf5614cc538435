#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Mailboxes that the old toolkit, Dovecot and mutt wrote, through imapd and
ipop3d: UIDs, UIDVALIDITY and flags are what they were, in the spool and below
the mail root, with and without an index; forged metadata is not believed; the
POP3 ids are those of the IMAP session (%08lx%08lx).  Debian's Dovecot, where
it is installed, writes one itself."""

import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
import mailgen
import others
import server
from others import forget, told
from tap import ROOT, have, run, tap

DATA = os.path.join(ROOT, "tests/data/mbox")

# File, UIDVALIDITY (None: the server's own), UIDNEXT, and of each message
# UID, flags but \Recent, subject.
ROWS = [
    ("toolkit", 1700000002, 4, [(1, {"\\Seen", "\\Deleted", "Later"}, "one"),
        (3, set(), "two")]),
    ("dovecot", 1700000001, None, [(11, {"\\Seen", "Project"}, "one"),
        (12, {"\\Answered", "\\Flagged", "$Label1", "$Forwarded"}, "two"),
        (15, {"\\Seen", "\\Draft"}, "three"), (None, set(), "four")]),
    ("mutt", None, 5, [(1, {"\\Seen"}, "one"),
        (2, {"\\Seen", "\\Answered", "\\Flagged"}, "two"),
        (3, set(), "three"), (4, set(), "four")]),
]


def pop_ids(host):
    p = host.pop()
    ids = [l.split()[1].decode() for l in p.lines("UIDL")]
    p.cmd("QUIT")
    return ids


def check(what, got, row):
    name, validity, uidnext, messages = row
    tap.ok(validity is None or got[0] == validity, what + ": UIDVALIDITY",
        got)
    tap.ok(uidnext is None or got[1] == uidnext, what + ": UIDNEXT", got)
    tap.ok(len(got[2]) == len(messages) and all(
        (w[0] is None or g[0] == w[0]) and g[1:] == w[1:]
        for g, w in zip(got[2], messages)), what + ": UIDs and flags", got)
    uids = [m[0] for m in got[2]]
    tap.ok(uids == sorted(set(uids)) and got[1] > uids[-1],
        what + ": UIDs ascend, UIDNEXT above them", got)


def fixtures(host):
    a = host.account()
    for row in ROWS:
        with open(os.path.join(DATA, row[0]), "rb") as f:
            data = f.read()
        a.write("box", data)
        a.fill(data)
        for box in ("INBOX", "box"):
            what = "%s as %s" % (row[0], box)
            c = host.imap()
            first = told(c, box)
            check(what, first, row)
            c.close()
            c = host.imap()
            tap.equal(told(c, box), first, what + ": the same once more")
            c.close()
            if box == "INBOX":
                # What is marked deleted isn't there for POP3.
                tap.equal(pop_ids(host), ["%08x%08x" % (first[0], m[0])
                    for m in first[2] if "\\Deleted" not in m[1]], what + ": the ids of UIDL")
            forget(host)
            if row[1] is not None:
                c = host.imap()
                check(what + " without its index", told(c, box), row)
                c.close()
        os.unlink(os.path.join(a.home, "box"))
        forget(host)


def rewritten(host):
    """What they wrote, with flags and keywords for which it has no room: all
    is in the file afterwards, with their UIDs and UIDVALIDITY."""
    a = host.account()
    for name in ("toolkit", "dovecot", "mutt"):
        with open(os.path.join(DATA, name), "rb") as f:
            data = f.read()
        # As short as it can be.
        data = re.sub(rb"(?m)^(X-[^:]*:.*?) +$", rb"\1", data)
        for box, path in (("INBOX", a.spool), ("box", a.home + "/box")):
            what = "%s as %s, written anew" % (name, box)
            a.write(path, data)
            c = host.imap()
            c.select(box)
            c.must("STORE 1:* +FLAGS.SILENT (\\Flagged $Of-a-long-name)")
            want = told(c, box)
            c.must("LOGOUT")
            forget(host)
            c = host.imap()
            got = told(c, box)
            tap.equal((got[0], got[2]), (want[0], want[2]), what)
            c.must("LOGOUT")
            forget(host)


def forged(host):
    a = host.account()
    with open(os.path.join(DATA, "forged"), "rb") as f:
        data = f.read()
    a.fill(data)
    c = host.imap()
    validity, uidnext, messages = told(c, "INBOX")
    claims = {int(n) for n in re.findall(rb"X-UID: (\d+)", data)} | {int(n)
        for n in re.findall(rb"X-IMAP(?:base)?: *\d+ +(\d+)", data)}
    tap.ok(uidnext == len(messages) + 1 and [m[0] for m in messages] ==
        list(range(1, len(messages) + 1)), "forged: no UID is believed",
        (uidnext, messages, claims))
    tap.ok(validity < 2 ** 31 and not any(b"%d" % validity in x for x in
        re.findall(rb"X-IMAP.*", data)), "forged: nor UIDVALIDITY", validity)
    c.close()
    forget(host)


def by_dovecot(host):
    """It writes flags, keywords and UIDs into the mailbox; we read them; it
    finds its own again."""
    if have("dovecot"):
        tap.skip("a mailbox that Dovecot wrote", "not installed")
        return
    a = host.account()
    a.fill(mailgen.to_mbox(mailgen.ordinary(5)))
    session = others.Dovecot(host).imap
    d = session()
    d.select()
    d.must("STORE 2 FLAGS (\\Flagged \\Answered Work)")
    d.must("STORE 3 FLAGS (\\Seen $Label)")
    d.must("STORE 4 FLAGS (\\Deleted)")
    d.must("EXPUNGE")
    theirs = told(d, "INBOX")
    d.must("LOGOUT")
    c = host.imap()
    ours = told(c, "INBOX")
    tap.equal((ours[0], ours[2]), (theirs[0], theirs[2]), "what Dovecot "
        "wrote: UIDVALIDITY, UIDs, flags and keywords are its own")
    tap.ok(ours[1] >= theirs[1], "UIDNEXT is not below Dovecot's",
        (ours[1], theirs[1]))
    tap.equal(pop_ids(host), ["%08x%08x" % (theirs[0], m[0])
        for m in theirs[2]], "and UIDL has them")
    c.append("INBOX", b"Subject: ours\r\n\r\nx\r\n", "\\Seen")
    ours = told(c, "INBOX")
    c.must("LOGOUT")
    d = session()
    theirs = told(d, "INBOX")
    tap.equal((theirs[0], theirs[2]), (ours[0], ours[2]),
        "Dovecot finds its UIDs again, and that of our APPEND")
    d.must("LOGOUT")
    c = host.imap()
    tap.equal([m[0] for m in told(c, "INBOX")[2]], [m[0] for m in ours[2]],
        "and so do we, behind Dovecot")
    c.close()


# It flags the second message, reads the fourth and removes the third.
MUTT_KEYS = ("<jump>2\\n<flag-message><jump>4\\n<toggle-new><jump>3\\n"
    "<delete-message><sync-mailbox><quit>")


def by_mutt(host):
    """It rewrites a mailbox that we know: UIDs stay with their messages, what
    it changed of flags is taken, what it removed is gone."""
    if have("mutt"):
        tap.skip("a mailbox that mutt wrote", "not installed")
        return
    a = host.account()
    for box, path in (("INBOX", a.spool), ("letters", a.home + "/letters")):
        a.write(path, mailgen.to_mbox(mailgen.ordinary(5)))
        c = host.imap()
        validity, uidnext, before = told(c, box)
        c.must("STORE 5 +FLAGS (\\Answered)")
        status, said = others.mutt(a, path, MUTT_KEYS)
        tap.ok(status == 0, "mutt ends well", said[-900:])
        c.must("NOOP")
        want = [(m[0], m[1] | flags, m[2]) for m, flags in zip(before,
            (set(), {"\\Flagged"}, None, {"\\Seen"}, {"\\Answered"}))
            if flags is not None]
        for what, session in (("the open session", c), ("a new one",
                host.imap())):
            got = told(session, box)
            tap.equal((got[0], got[2]), (validity, want), "%s that mutt "
                "wrote, in %s: UIDs and flags" % (box, what))
            tap.ok(got[1] >= uidnext, "UIDNEXT does not fall")
            session.must("LOGOUT")
        with open(path, "rb") as f:
            tap.ok(b"\nStatus: RO\n" in f.read(), "(and mutt did write it)")
        forget(host)
    tap.equal([m[1] for m in told(host.imap(), "letters")[2]][1:3],
        [{"\\Flagged"}, {"\\Seen"}], "mutt's flags are in the file")


def main():
    host = server.Host(programs=("imapd", "ipop3d"))
    for part in (fixtures, rewritten, forged, by_mutt, by_dovecot):
        part(host)
    tap.equal(host.faults(), "", "no fault is reported")


run(main)
