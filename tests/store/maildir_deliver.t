#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""procmail and maildrop deliver into ~/Maildir, 20 at once, beside sessions
that append, change flags and write them into file names, and expunge; one in
IDLE hears of it all.  Nothing is lost, nothing is doubled."""

import os
import re
import subprocess
import sys
import threading
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
import mailgen
import room
from imapc import Imap
from tap import need, run, tap, wait_for

DELIVERIES = 60     # 20 at a time
APPENDS = 20        # by each of two sessions
REMOVED = 10        # of those that were there before

PROCMAILRC = """LOGFILE=$HOME/procmail.log
DEFAULT=$HOME/Maildir/
"""


def mail(kind, n):
    return mailgen.head(n, b"%s %d" % (kind, n)) + b"\n" + (
        b"line of %s %d\n" % (kind, n)) * (1 + n * 7 % 300)


def subject(message):
    return re.search(rb"^Subject: (.*?)\r?$", message, re.M).group(1)


def deliver(user, n):
    agent = (["/usr/bin/procmail", "-f", "sender@example.org"] if n % 2 else
        ["/usr/bin/maildrop", user.home + "/.mailfilter"])
    child = subprocess.Popen(agent, stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=user.home,
        env={"HOME": user.home, "LOGNAME": user.name, "USER": user.name,
        "PATH": "/usr/bin:/bin", "SHELL": "/bin/sh"}, preexec_fn=user.drop)
    child.stdin.write(mail(b"delivery", n))
    child.stdin.close()
    return child


class Session(threading.Thread):
    """A session that does its work beside the others."""

    def __init__(self, r, user, work):
        threading.Thread.__init__(self, daemon=True)
        self.c = Imap(r.ports["imaps"], r.certificate(), timeout=60)
        self.c.login(user.name, user.password)
        self.exists = self.c.select("INBOX")
        self.work, self.fault, self.uids = work, None, []

    def run(self):
        try:
            self.work(self)
        except Exception as why:
            self.fault = repr(why)


def appender(kind):
    def work(s):
        for n in range(APPENDS):
            line = s.c.append("INBOX", mailgen.wire(mail(kind, n)),
                "\\Seen" if n % 2 else "")
            s.uids.append(int(re.search(rb"APPENDUID \d+ (\d+)",
                line).group(1)))
    return work


def flagger(s):
    """Renames files all the time."""
    for n in range(30):
        s.c.must("STORE 1:* %sFLAGS.SILENT (\\Flagged key)" % "+-"[n % 2])
        s.c.must("CHECK")
        s.c.must("NOOP")


def remover(s):
    uids = [int(x) for x in re.findall(rb"UID (\d+)", b"".join(b"".join(x)
        for x in s.c.must("FETCH 1:%d UID" % REMOVED)))]
    for uid in uids:
        s.c.must("UID STORE %d +FLAGS.SILENT (\\Deleted)" % uid)
        s.c.must("UID EXPUNGE %d" % uid)


def listener(s):
    s.c.send(b"i IDLE\r\n")
    s.c.line()
    while True:
        line = s.c.line()
        m = re.match(rb"\* (\d+) (EXISTS|EXPUNGE)", line)
        if m and m.group(2) == b"EXISTS":
            s.exists = int(m.group(1))
        elif m:
            s.exists -= 1


def main():
    need("procmail", "maildrop")
    r = room.enter()
    user = r.add_user("joe")
    user.write(".procmailrc", PROCMAILRC)
    user.write(".mailfilter", 'to "%s/Maildir"\n' % user.home)
    first = [mail(b"old", n) for n in range(REMOVED + 5)]
    for part in ("cur", "new", "tmp"):
        os.makedirs(user.home + "/Maildir/" + part)
    for n, m in enumerate(first):
        user.write("Maildir/%s/%d.%d.host" % ("new" if n % 2 else "cur",
            1700000000 + n, n), m)
    r.inetd()
    idle = Session(r, user, listener)
    tap.equal(idle.exists, len(first), "~/Maildir is the INBOX")
    others = [Session(r, user, w) for w in (appender(b"append-a"),
        appender(b"append-b"), flagger, remover)]
    idle.start()
    for s in others:
        s.start()
    statuses = []
    for base in range(0, DELIVERIES, 20):
        batch = [deliver(user, base + n) for n in range(20)]
        for child in batch:
            statuses.append((child.wait(90), child.stderr.read()))
    tap.ok(all(s == 0 for s, _ in statuses),
        "%d deliveries, 20 at once, all succeed" % DELIVERIES,
        [x for x in statuses if x[0]][:3])
    for s in others:
        s.join(90)
        tap.ok(s.fault is None and not s.is_alive(),
            "a session did all its work beside them", s.fault)
    want = first[REMOVED:] + [mail(b"delivery", n)
        for n in range(DELIVERIES)] + [mail(k, n)
        for k in (b"append-a", b"append-b") for n in range(APPENDS)]
    try:
        wait_for("IDLE to hear", lambda: idle.exists == len(want))
    except TimeoutError:
        pass
    tap.equal(idle.exists, len(want), "the session in IDLE heard of it all")
    c = Imap(r.ports["imaps"], r.certificate())
    c.login(user.name, user.password)
    tap.equal(c.select("INBOX"), len(want), "a new session sees as many")
    got = sorted(c.bodies().values())
    tap.ok(got == sorted(mailgen.wire(m) for m in want),
        "every message once, byte for byte",
        {s for s in map(subject, want)} ^ {s for s in map(subject, got)})
    uids = [int(x) for x in re.findall(rb"UID (\d+)", b"".join(b"".join(x)
        for x in c.must("FETCH 1:* UID")))]
    tap.ok(len(set(uids)) == len(want) and uids == sorted(uids),
        "UIDs ascend and are not doubled", uids)
    by_uid = c.bodies("BODY.PEEK[HEADER.FIELDS (SUBJECT)]",
        ",".join(str(u) for u in others[0].uids), uid=True)
    tap.ok(sorted(by_uid.values()) == sorted(b"Subject: append-a %d\r\n\r\n"
        % n for n in range(APPENDS)), "APPENDUIDs were true")
    listed = {}
    with open(user.home + "/Maildir/dovecot-uidlist") as f:
        for line in f.read().splitlines()[1:]:
            listed[int(line.split()[0])] = line.partition(":")[2]
    names = {n.split(":")[0] for n in os.listdir(user.home + "/Maildir/cur")}
    tap.equal({listed.get(u) for u in uids}, names,
        "the list of UIDs names the files there are")
    tap.ok(not os.listdir(user.home + "/Maildir/new") and not os.listdir(
        user.home + "/Maildir/tmp") and not os.path.exists(user.home
        + "/Maildir/dovecot-uidlist.lock"), "and nothing is left over")


run(main)
