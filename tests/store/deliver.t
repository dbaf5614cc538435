#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""procmail and maildrop deliver into an open INBOX, 20 at once, beside two
IMAP sessions that APPEND to it; a session in IDLE hears of it.  Nothing is
lost, nothing is doubled, nobody waits for ever."""

import os
import re
import subprocess
import sys
import threading
import time
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
import mailgen
import room
from imapc import Imap
from tap import need, run, tap, wait_for

DELIVERIES = 60     # 20 at a time
APPENDS = 30        # by each of two sessions

PROCMAILRC = """LOCKSLEEP=1
LOCKTIMEOUT=300
LOGFILE=$HOME/procmail.log
DEFAULT=%s
"""


def mail(kind, n):
    return mailgen.head(n, b"%s %d" % (kind, n)) + b"\n" + (
        b"line of %s %d\n" % (kind, n)) * (1 + n * 7 % 300)


def deliver(user, n):
    """Starts one delivery; returns (process, its message)."""
    agent = (["/usr/bin/procmail", "-f", "sender@example.org"] if n % 2 else
        ["/usr/bin/maildrop", user.home + "/.mailfilter"])
    child = subprocess.Popen(agent, stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=user.home,
        env={"HOME": user.home, "LOGNAME": user.name, "USER": user.name,
        "PATH": "/usr/bin:/bin", "SHELL": "/bin/sh"}, preexec_fn=user.drop)
    child.stdin.write(mail(b"delivery", n))
    child.stdin.close()
    return child


class Appender(threading.Thread):
    def __init__(self, r, user, kind):
        threading.Thread.__init__(self, daemon=True)
        self.c = Imap(r.ports["imaps"], r.certificate(), timeout=60)
        self.c.login(user.name, user.password)
        self.c.select("INBOX")
        self.kind, self.fault, self.uids = kind, None, []

    def run(self):
        try:
            for n in range(APPENDS):
                line = self.c.append("INBOX", mailgen.wire(mail(self.kind,
                    n)))
                self.uids.append(int(re.search(rb"APPENDUID \d+ (\d+)",
                    line).group(1)))
        except Exception as why:
            self.fault = repr(why)


class Listener(threading.Thread):
    """In IDLE; .exists is the newest number it heard."""

    def __init__(self, r, user):
        threading.Thread.__init__(self, daemon=True)
        self.c = Imap(r.ports["imaps"], r.certificate(), timeout=120)
        self.c.login(user.name, user.password)
        self.exists = self.c.select("INBOX")
        self.c.send(b"i IDLE\r\n")
        self.c.line()
        self.expunged = False

    def run(self):
        try:
            while True:
                line = self.c.line()
                m = re.match(rb"\* (\d+) EXISTS", line)
                if m:
                    self.exists = int(m.group(1))
                if b"EXPUNGE" in line:
                    self.expunged = True
        except Exception:
            pass


def subject(message):
    return re.search(rb"^Subject: (.*?)\r?$", message, re.M).group(1)


def main():
    need("procmail", "maildrop")
    r = room.enter()
    user = r.add_user("joe")
    user.write(".procmailrc", PROCMAILRC % user.spool)
    user.write(".mailfilter", 'to "%s"\n' % user.spool)
    first = [mail(b"old", n) for n in range(5)]
    r.fill(user, mailgen.to_mbox(first))
    r.inetd()
    listener = Listener(r, user)
    listener.start()
    appenders = [Appender(r, user, b"append-a"),
        Appender(r, user, b"append-b")]
    start = time.monotonic()
    for a in appenders:
        a.start()
    statuses = []
    for base in range(0, DELIVERIES, 20):
        batch = [deliver(user, base + n) for n in range(20)]
        for child in batch:
            statuses.append((child.wait(600), child.stderr.read()))
    tap.ok(all(s == 0 for s, _ in statuses),
        "%d deliveries, 20 at once, all succeed" % DELIVERIES,
        [x for x in statuses if x[0]][:3])
    for a in appenders:
        a.join(600)
        tap.ok(a.fault is None and len(a.uids) == APPENDS,
            "%d APPENDs beside them" % APPENDS, a.fault)
    tap.diag("all of it took %.1f s" % (time.monotonic() - start))
    total = 5 + DELIVERIES + 2 * APPENDS
    want = first + [mail(b"delivery", n) for n in range(DELIVERIES)] + [
        mail(k, n) for k in (b"append-a", b"append-b")
        for n in range(APPENDS)]
    try:
        wait_for("IDLE to hear", lambda: listener.exists == total)
    except TimeoutError:
        pass
    tap.equal(listener.exists, total, "the session in IDLE heard of it all")
    tap.ok(not listener.expunged, "and of no removal")
    c = Imap(r.ports["imaps"], r.certificate())
    c.login(user.name, user.password)
    tap.equal(c.select("INBOX"), total, "a new session sees as many")
    got = sorted(c.bodies().values())
    tap.ok(got == sorted(mailgen.wire(mailgen.quoted(m)) for m in want),
        "every message once, byte for byte",
        {s for s in map(subject, want)} ^ {s for s in map(subject, got)})
    uids = [int(x) for x in re.findall(rb"UID (\d+)", b"".join(b"".join(x)
        for x in c.must("FETCH 1:* UID")))]
    tap.ok(len(set(uids)) == total and uids == sorted(uids),
        "UIDs ascend and are not doubled", uids)
    by_uid = c.bodies("BODY.PEEK[HEADER.FIELDS (SUBJECT)]",
        ",".join(str(u) for u in appenders[0].uids), uid=True)
    tap.ok(sorted(by_uid.values()) == sorted(b"Subject: append-a %d\r\n\r\n"
        % n for n in range(APPENDS)), "APPENDUIDs were true")
    with open(user.spool, "rb") as f:
        text = f.read()
    tap.equal(len(re.findall(rb"^From ", text, re.M)), total,
        "the file has as many separators")
    tap.ok(not os.path.exists(user.spool + ".lock"), "no lock is left")


run(main)
