# SPDX-License-Identifier: Apache-2.0
"""procmail and maildrop deliver into an open INBOX, 20 at once, beside sessions
that do their work; in the end everything is there once."""

import re
import subprocess
import tempfile
import threading

import mailgen
import others
import server
from imapc import Imap
from tap import tap, wait_for

AT_ONCE = 20
PATIENCE = 600      # until a program or a session must have ended


def mail(kind, n):
    return mailgen.head(n, b"%s %d" % (kind, n)) + b"\n" + (
        b"line of %s %d\n" % (kind, n)) * (1 + n * 7 % 300)


def mails(kind, count):
    return [mail(kind, n) for n in range(count)]


def subject(message):
    return re.search(rb"^Subject: (.*?)\r?$", message, re.M).group(1)


def agent(user, n, library):
    """Starts one delivery."""
    child = subprocess.Popen(
        ["procmail", "-f", "sender@example.org"] if n % 2 else
        ["maildrop", user.home + "/.mailfilter"], stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=user.home,
        env=dict(others.environment(user), LD_PRELOAD=library),
        preexec_fn=user.drop if n % 2 else user.drop_to_mail)
    child.stdin.write(mail(b"delivery", n))
    child.stdin.close()
    return child


def deliver(user, count):
    """So many of mail(b"delivery"), as ~/.procmailrc and ~/.mailfilter say;
    all have ended when it returns."""
    statuses = []
    library = server.preload("maildrop", tempfile.gettempdir())
    for base in range(0, count, AT_ONCE):
        batch = [agent(user, base + n, library) for n in range(AT_ONCE)]
        for child in batch:
            statuses.append((child.wait(PATIENCE), child.stderr.read()))
    tap.ok(all(s == 0 for s, _ in statuses),
        "%d deliveries, %d at once, all succeed" % (count, AT_ONCE),
        [x for x in statuses if x[0]][:3])


class Session(threading.Thread):
    """A session that does its work beside the others."""

    def __init__(self, r, user, work=None):
        threading.Thread.__init__(self, daemon=True)
        self.c = Imap(r.ports["imaps"], r.certificate(), timeout=120)
        self.c.login(user.name, user.password)
        self.exists = self.c.select("INBOX")
        self.work, self.fault, self.uids = work, None, []

    def run(self):
        try:
            self.work(self)
        except Exception as why:
            self.fault = repr(why)


def appender(kind, count, *flags):
    """Work: APPENDs, with one of `flags` after the other; their UIDs are in
    .uids."""
    def work(s):
        for n in range(count):
            line = s.c.append("INBOX", mailgen.wire(mail(kind, n)),
                flags[n % len(flags)] if flags else "")
            s.uids.append(int(re.search(rb"APPENDUID \d+ (\d+)",
                line).group(1)))
    return work


class Listener(Session):
    """In IDLE; .exists is how many messages there are by what it heard."""

    def __init__(self, r, user):
        Session.__init__(self, r, user, Listener.listen)
        self.c.send(b"i IDLE\r\n")
        self.c.line()
        self.expunged = False

    def listen(self):
        while True:
            line = self.c.line()
            m = re.match(rb"\* (\d+) (EXISTS|EXPUNGE)", line)
            if m and m.group(2) == b"EXISTS":
                self.exists = int(m.group(1))
            elif m:
                self.exists -= 1
                self.expunged = True

    def hears(self, total):
        try:
            wait_for("IDLE to hear", lambda: self.exists == total)
        except TimeoutError:
            pass
        tap.equal(self.exists, total, "the session in IDLE heard of it all")


def check(session, want, kind, count, appended):
    """A new session has `want`, messages with CRLF, and `appended` are the
    UIDs of so many of mail(kind).  Returns all UIDs.  The session stays: one
    that is left takes the locks once more."""
    c = session.c
    tap.equal(session.exists, len(want), "a new session sees as many")
    got = sorted(c.bodies().values())
    tap.ok(got == sorted(want), "every message once, byte for byte",
        {s for s in map(subject, want)} ^ {s for s in map(subject, got)})
    uids = [int(x) for x in re.findall(rb"UID (\d+)", b"".join(b"".join(x)
        for x in c.must("FETCH 1:* UID")))]
    tap.ok(len(set(uids)) == len(want) and uids == sorted(uids),
        "UIDs ascend and are not doubled", uids)
    by_uid = c.bodies("BODY.PEEK[HEADER.FIELDS (SUBJECT)]",
        ",".join(str(u) for u in appended), uid=True)
    tap.ok(sorted(by_uid.values()) == sorted(b"Subject: %s %d\r\n\r\n"
        % (kind, n) for n in range(count)), "APPENDUIDs were true")
    return uids
