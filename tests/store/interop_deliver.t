#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""procmail, maildrop, s-nail and postfix deliver into a spool from which one session
expunges all the while, and which others flag and write back, leaving and coming
again.  Each letter says who it is: what was not expunged is there once, byte
for byte; what was is gone; UIDs ascend and mean the same letter to all; flags
that were set are on it, in the file, too."""

import os
import re
import subprocess
import sys
import threading
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
import mailgen
import others
import postfix
import room
import server
from imapc import Imap
from tap import WAIT_SECS, need, run, tap, wait_for

DELIVERIES = 72
AT_ONCE = 6
AGENTS = ("procmail", "maildrop", "s-nail", "postfix")

PROCMAILRC = """LOCKSLEEP=1
LOCKTIMEOUT=30
LOGFILE=$HOME/procmail.log
DEFAULT=%s
"""


def letter(n):
    """Every second one is to be removed."""
    subject = b"id-%04d %s" % (n, (b"keep", b"doomed")[n % 2])
    return mailgen.head(n, subject) + (b"\n" + b"line of letter %d\n" % n
        * (1 + n * 131 % 900))


SNAIL = """lockfile -1 -r 300 -ml || exit 1
s-nail -n -# -f "$1"
status=$?
lockfile -mu
exit $status
"""


class Deliverer(threading.Thread):
    """Delivers its share, one after the other."""

    def __init__(self, user, mta, numbers, library):
        threading.Thread.__init__(self, daemon=True)
        self.user, self.mta, self.library = user, mta, library
        self.numbers, self.bad = numbers, []

    def run(self):
        for n in self.numbers:
            agent = AGENTS[n // AT_ONCE % len(AGENTS)]
            status, said = getattr(self, agent.replace("-", ""))(n)
            if status != 0:
                self.bad.append((agent, n, status, said))

    def go(self, args, data, drop=None, **more):
        done = subprocess.run(args, input=data, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, cwd=self.user.home,
            env=dict(others.environment(self.user), **more),
            preexec_fn=drop or self.user.drop, timeout=WAIT_SECS * 3)
        return done.returncode, done.stdout[-500:]

    def procmail(self, n):
        return self.go(["procmail", "-f", "sender@example.org"], letter(n))

    def maildrop(self, n):
        return self.go(["maildrop", self.user.home + "/.mailfilter"],
            letter(n), self.user.drop_to_mail, LD_PRELOAD=self.library)

    def snail(self, n):
        """It copies from a mailbox of the user's.  Where it has not got
        the fcntl lock after two seconds, because others read, it writes all
        the same: so lockfile(1) keeps from it who writes."""
        path = os.path.join(self.user.home, "outgoing-%d" % n)
        with open(path, "wb") as f:
            f.write(mailgen.to_mbox([letter(n)]))
        os.chown(path, self.user.uid, self.user.gid)
        status, said = self.go(["sh", "-c", SNAIL, "sh", path], ("copy 1 %s\n"
            "exit\n" % self.user.spool).encode())
        return status or b"[Appended]" not in said, said


    def postfix(self, n):
        """Its local(8) delivers when the queue comes to it."""
        return self.mta.send(self.user.name, letter(n))


class Session(threading.Thread):
    """A client that goes on until it is told to finish, and has then seen
    everything that was delivered."""

    def __init__(self, r, user, facts):
        threading.Thread.__init__(self, daemon=True)
        self.r, self.user, self.facts = r, user, facts
        self.fault = None
        self.finish = threading.Event()

    def connect(self):
        self.c = Imap(self.r.ports["imaps"], self.r.certificate(),
            timeout=WAIT_SECS * 3)
        self.c.login(self.user.name, self.user.password)
        self.c.select("INBOX")

    def listed(self):
        """{UID: subject}; a number that meant another letter is a fault."""
        out = {}
        self.c.must("NOOP")     # what came is told first
        for r in self.c.must("UID FETCH 1:* (UID BODY.PEEK[HEADER.FIELDS "
                "(SUBJECT)])"):
            text = b"".join(r)
            m = re.search(rb"Subject: (id-\d+ \w+)\r\n", text)
            if m:
                out[int(re.search(rb"UID (\d+)", text).group(1))] = m.group(1)
        for uid, subject in out.items():
            if self.facts.setdefault(uid, subject) != subject:
                raise AssertionError("UID %d: %r, and %r" % (uid, subject,
                    self.facts[uid]))
        return out

    def run(self):
        try:
            self.connect()
            while True:
                last = self.finish.is_set()
                self.round()
                if last:
                    break
            self.c.must("LOGOUT")
        except Exception as why:
            self.fault = repr(why)


class Expunger(Session):
    gone = frozenset()

    def round(self):
        doomed = {uid: s for uid, s in self.listed().items()
            if s.endswith(b"doomed")}
        if not doomed:
            return
        uids = ",".join(str(u) for u in sorted(doomed))
        self.c.must("UID STORE %s +FLAGS.SILENT (\\Deleted)" % uids)
        self.c.must("UID EXPUNGE " + uids)
        self.gone = self.gone | set(doomed.values())


class Flagger(Session):
    """Flags what it has not flagged yet; each third time it leaves, by which
    the mailbox is written back, and comes again."""
    flagged = frozenset()
    rounds = 0

    def round(self):
        fresh = {uid: s for uid, s in self.listed().items()
            if s not in self.flagged and s.endswith(b"keep")}
        if fresh:
            self.c.must("UID STORE %s +FLAGS.SILENT (%s)" % (",".join(
                str(u) for u in sorted(fresh)), self.flags))
            self.flagged = self.flagged | set(fresh.values())
        self.rounds += 1
        if self.rounds % 3 == 0:
            self.c.must("LOGOUT")
            self.c.close()
            self.connect()
        else:
            self.c.must("CHECK")


def settle(user):
    uid = str(user.uid)
    wait_for("the sessions' end", lambda: not any(server.status(pid, "Name")
        in ("imapd", "ipop3d") and uid in (server.status(pid, "Uid")
        or "").split() for pid in server.parents()))


def main():
    need("procmail", "lockfile", "maildrop", "s-nail", "postfix")
    r = room.enter()
    user = r.add_user("joe")
    user.write(".procmailrc", PROCMAILRC % user.spool)
    user.write(".mailfilter", 'LOCKSLEEP=1\nto "%s"\n' % user.spool)
    count = 12
    r.fill(user, mailgen.to_mbox([letter(n) for n in range(count)]))
    r.configure("lock_timeout = 120\n")
    r.inetd()
    facts = {}
    expunger, one, two = (Expunger(r, user, facts), Flagger(r, user, facts),
        Flagger(r, user, facts))
    one.flags, two.flags = "\\Flagged Mine", "\\Answered \\Seen Yours"
    sessions = (expunger, one, two)
    numbers = range(count, count + DELIVERIES)
    mta = postfix.Postfix(r.dir, r.spool)
    library = server.preload("maildrop", r.dir)
    deliverers = [Deliverer(user, mta, numbers[k::AT_ONCE], library)
        for k in range(AT_ONCE)]
    for t in (*sessions, *deliverers):
        t.start()
    for d in deliverers:
        d.join()
    mta.settle()
    for s in sessions:
        s.finish.set()
    for s in sessions:
        s.join()
        tap.ok(s.fault is None, type(s).__name__ + " had no trouble", s.fault)
    bad = [b for d in deliverers for b in d.bad]
    tap.ok(not bad, "%d deliveries, %d at once, all succeed" % (DELIVERIES,
        AT_ONCE), bad[:3])
    settle(user)
    everything = [letter(n) for n in range(count + DELIVERIES)]
    subject = re.compile(rb"^Subject: (id-\d+ \w+)$", re.M)
    names = {subject.search(m).group(1): m for m in everything}
    tap.equal(expunger.gone, {s for s in names if s.endswith(b"doomed")},
        "all that was to be expunged was")
    keep = {s for s in names if s.endswith(b"keep")}
    tap.ok(one.flagged == keep == two.flagged, "and the others were flagged")
    have = sorted(postfix.bare(m) for m in others.stored(user.spool))
    want = sorted(others.bare(names[s]) for s in keep)
    tap.ok(have == want, "each letter that was kept is in the file once, "
        "byte for byte, and nothing else", (len(have), len(want),
        [x for x in zip(have, want) if x[0] != x[1]][:1]))
    for what in ("with", "without"):
        c = Imap(r.ports["imaps"], r.certificate())
        c.login(user.name, user.password)
        _, _, rows = others.told(c, "INBOX")
        uids = [m[0] for m in rows]
        tap.equal(uids, sorted(set(uids)), "UIDs ascend, %s the index" % what)
        tap.ok(all(facts.get(m[0]) == m[2].encode() for m in rows),
            "and are what they were", rows[:4])
        bad = [m for m in rows if m[1] != {"\\Flagged", "Mine", "\\Answered",
            "\\Seen", "Yours"}]
        tap.ok(len(rows) == len(keep) and not bad, "and all have the flags "
            "of both", bad[:4])
        c.must("LOGOUT")
        settle(user)
        subprocess.run(["rm", "-rf", user.home + "/.imapindex"], check=True)
    tap.ok(not os.path.exists(user.spool + ".lock"), "no lock is left")
    bad = [l for l in r.log().splitlines() if re.search(
        r"crash|signal 11|signal 6|Assertion|Sanitizer", l)]
    tap.ok(not bad, "nothing alarming is logged", bad[:5])


run(main)
