# SPDX-License-Identifier: Apache-2.0
"""A home and a spool of a test's own, in which sessions run as PREAUTH ones
do from a shell: no login, no listener, a few milliseconds each.  As root they
run under an unprivileged uid.  tests/lib/passwd.c tells them the home.

With fault points (c-client/base/trip.h): arm() says what is to happen where,
hits() what was reached.
"""

import os
import re
import signal
import socket
import subprocess
import tempfile
import time

import mailgen
import mboxfile
from imapc import Gone, Imap, Pop
from server import FIRST_UID, parents, status
from tap import ROOT, WAIT_SECS, remove_tree

BUILD = os.path.join(ROOT, os.environ.get("BUILD", "build/gcc-plain"))
LIBRARY = os.path.join(BUILD, "tests/lib/passwd.so")
# Many sessions are at work at once, beside whatever else the machine does.
PATIENCE = 3 * WAIT_SECS
PLACES = {"imapd": "imapd/imapd", "ipop3d": "ipopd/ipop3d"}


def binary(program, tripped):
    return os.path.join(BUILD + ("-trips" if tripped else ""),
        PLACES[program])


def need_build(tripped=False):
    """Says what to run where the programs are not there."""
    for path in [LIBRARY] + [binary(p, tripped) for p in PLACES]:
        if not os.path.exists(path):
            raise RuntimeError("%s is missing: run `make build-tests'"
                % os.path.relpath(path, ROOT))


def cutting_dir():
    """A directory whose file system cuts blocks out of files, or None."""
    for top in (tempfile.gettempdir(), "/var/tmp", ROOT):
        try:
            with tempfile.NamedTemporaryFile(dir=top) as f:
                f.write(bytes(1 << 18))
                f.flush()
                if subprocess.run(["fallocate", "-c", "-o", "65536", "-l",
                        "65536", f.name], stderr=subprocess.DEVNULL
                        ).returncode == 0:
                    return top
        except OSError:
            pass
    return None


def quick_dir():
    """Where fsync() costs nothing: a kill of a process needs no disk."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK | os.X_OK) else None


class Place:
    """.home, .spool (the INBOX), .dir.  `conf` are lines of imapd.conf.  All
    formats are in use, and so INBOX is ~/mbox where that exists."""

    def __init__(self, conf="", where=None, tripped=False):
        self.dir = tempfile.mkdtemp(prefix="place.", dir=where)
        root = os.geteuid() == 0
        self.uid = FIRST_UID if root else os.getuid()
        self.gid = FIRST_UID if root else os.getgid()
        self.home = os.path.join(self.dir, "home")
        self.spool_dir = os.path.join(self.dir, "spool")
        self.spool = os.path.join(self.spool_dir, "joe")
        self.trips = os.path.join(self.dir, "trips")
        self.tripped = tripped
        self.sessions = []
        os.chmod(self.dir, 0o755)
        for path in (self.home, self.spool_dir, self.trips):
            os.mkdir(path, 0o700)
            self.own(path)
        self.fill(b"")
        self.log = os.path.join(self.dir, "log")
        with open(self.log, "w"):
            self.own(self.log)
        self.conf = os.path.join(self.dir, "imapd.conf")
        with open(self.conf, "w") as f:
            f.write("mail_spool = %s\nlog = %s\nlock_timeout = 60\n"
                "extra_drivers = mbox\n%s" % (self.spool_dir, self.log, conf))
        self.env = {"HOME": self.home, "PATH": "/usr/bin:/bin",
            "LD_PRELOAD": LIBRARY, "PASSWD_USER": "joe",
            "PASSWD_HOME": self.home}
        if "ASAN_OPTIONS" in os.environ:
            self.env["ASAN_OPTIONS"] = os.environ["ASAN_OPTIONS"]

    def own(self, path):
        if os.geteuid() == 0:
            os.chown(path, self.uid, self.gid)

    def fill(self, data):
        """The INBOX anew."""
        with open(self.spool, "wb") as f:
            f.write(data)
        os.chmod(self.spool, 0o600)
        self.own(self.spool)

    def become(self):
        """Arguments of Popen: be the user."""
        if os.geteuid() != 0:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def imap(self, trips=None, **kw):
        return Session(self, "imapd", self.tripped if trips is None else
            trips, **kw)

    def pop(self, trips=None, **kw):
        return PopSession(self, "ipop3d", self.tripped if trips is None else
            trips, **kw)

    def path(self, box):
        mbox = os.path.join(self.home, "mbox")
        if box != "INBOX":
            return os.path.join(self.home, box)
        return mbox if os.path.exists(mbox) else self.spool

    # What a format makes of lines in a message, and whether letters have no
    # such lines.
    quoted = staticmethod(mailgen.quoted)
    plain = False

    def lock(self, box):
        """The lock file of a mailbox."""
        return self.path(box) + ".lock"

    def shown(self, box):
        """The messages as other programs read them."""
        try:
            with open(self.path(box), "rb") as f:
                return mboxfile.messages(f.read())
        except FileNotFoundError:
            return []

    def deliver(self, message, box="INBOX"):
        """Without a dot-lock, which a killed process may have left."""
        mailgen.deliver(self.spool if box == "INBOX" else self.path(box),
            mailgen.to_mbox([message]))

    def procmail(self, message):
        """Starts procmail, which takes both locks; the process."""
        child = subprocess.Popen(["/usr/bin/procmail", "-f",
            "sender@example.org", "-m", self.procmailrc()],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, cwd=self.home, env={
            "HOME": self.home, "LOGNAME": "joe", "PATH": "/usr/bin:/bin",
            "SHELL": "/bin/sh"}, **self.become())
        child.stdin.write(message)
        child.stdin.close()
        return child

    def procmailrc(self, lock_secs=3):
        """After so many seconds it takes away a dot-lock."""
        path = os.path.join(self.home, "procmailrc")
        if not os.path.exists(path):
            with open(path, "w") as f:
                f.write("LOCKSLEEP=1\nLOCKTIMEOUT=%d\nSUSPEND=1\n"
                    "LOGFILE=%s/procmail.log\nDEFAULT=%s\n:0:\n%s\n"
                    % (lock_secs, self.home, self.spool, self.spool))
            self.own(path)
        return path

    # Fault points.

    def arm(self, *lines):
        """Each line: NAME COUNT once|on ACTION session|scribe|any."""
        path = os.path.join(self.trips, "arm")
        with open(path + ".new", "w") as f:
            f.write("".join(line + "\n" for line in lines))
        os.chmod(path + ".new", 0o644)
        os.rename(path + ".new", path)

    def disarm(self):
        try:
            os.unlink(os.path.join(self.trips, "arm"))
        except FileNotFoundError:
            pass

    def hits(self):
        """[(pid, who, name, count)] since the last call."""
        path = os.path.join(self.trips, "hits")
        try:
            with open(path) as f:
                lines = f.read().split("\n")[:-1]
        except FileNotFoundError:
            return []
        os.unlink(path)
        return [(int(pid), who, name, int(count)) for pid, who, name, count
            in (line.split(" ") for line in lines)]

    def scribe(self):
        """The pid of the scribe that was heard of last, if it lives."""
        try:
            with open(os.path.join(self.trips, "hits"), "rb") as f:
                at = f.seek(max(0, os.fstat(f.fileno()).st_size - 4096))
                end = f.read()
                found = re.findall(rb"(?m)^(\d+) scribe ",
                    end[at and end.index(b"\n") + 1:])
        except FileNotFoundError:
            return None
        pid = int(found[-1]) if found else 0
        there = pid and not (status(pid, "State") or "Z").startswith("Z")
        return pid if there else None

    def kill(self, pid):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    # The end.

    def leftovers(self):
        """Locks and redo files that are still there."""
        out = []
        for where, _, files in os.walk(self.dir):
            for name in files:
                if (name.endswith((".lock", ".redo")) and
                        ".imapindex" not in where) or ".imapredo" in where:
                    out.append(os.path.relpath(os.path.join(where, name),
                        self.dir))
        return out

    def logged(self):
        with open(self.log, errors="replace") as f:
            return f.read()

    def remove(self):
        for s in self.sessions:
            s.end()
        remove_tree(self.dir)


class MaildirPlace(Place):
    """The INBOX is ~/Maildir, and other mailboxes are its folders."""

    quoted = staticmethod(bytes)

    def fill(self, data):
        for part in ("", "cur", "new", "tmp"):
            path = os.path.join(self.home, "Maildir", part)
            os.makedirs(path, 0o700, exist_ok=True)
            self.own(path)
        self.inbox = os.path.join(self.home, "Maildir")
        self.delivered = 0

    def path(self, box):
        return (self.inbox if box == "INBOX" else os.path.join(self.inbox,
            "." + box.replace("/", ".")))

    def lock(self, box):
        return self.path(box) + "/dovecot-uidlist.lock"

    def leftovers(self):
        """A lock of what is no maildir any more is in nobody's way."""
        return [n for n in Place.leftovers(self) if os.path.isdir(
            os.path.join(self.dir, os.path.dirname(n), "cur"))]

    def shown(self, box):
        """In the order of the list of UIDs."""
        path = self.path(box)
        try:
            with open(path + "/dovecot-uidlist") as f:
                lines = f.read().splitlines()[1:]
        except FileNotFoundError:
            lines = []
        order = {line.partition(":")[2]: int(line.split()[0])
            for line in lines}
        found = []
        for part in ("cur", "new"):
            for name in os.listdir(os.path.join(path, part)):
                with open(os.path.join(path, part, name), "rb") as f:
                    found.append((order.get(name.partition(":")[0], 0),
                        f.read()))
        return [text for _, text in sorted(found)]

    def deliver(self, message, box="INBOX"):
        self.delivered += 1
        name = "%d.M%dP%dQ%d.test" % (time.time(), time.time() * 1e6 % 1e6,
            os.getpid(), self.delivered)
        tmp = os.path.join(self.path(box), "tmp", name)
        with open(tmp, "wb") as f:
            f.write(message)
        os.chmod(tmp, 0o600)    # as all who deliver do
        self.own(tmp)
        os.rename(tmp, os.path.join(self.path(box), "new", name))

    def procmailrc(self, lock_secs=3):
        path = os.path.join(self.home, "procmailrc")
        if not os.path.exists(path):
            with open(path, "w") as f:
                f.write("SUSPEND=1\nLOGFILE=%s/procmail.log\nDEFAULT=%s/\n"
                    % (self.home, self.inbox))
            self.own(path)
        return path


class MboxPlace(Place):
    """The INBOX is ~/mbox, to which mail in the spool is moved."""

    def __init__(self, *args, **kw):
        Place.__init__(self, *args, **kw)
        path = os.path.join(self.home, "mbox")
        with open(path, "w"):
            self.own(path)
        os.chmod(path, 0o600)

    def leftovers(self):
        """A note of a move that is not done is one, too."""
        return Place.leftovers(self) + [n for n in os.listdir(self.home)
            if n == ".mbox.move"]


class Mixed:
    """Two formats: .inbox_as() and .other_as() are classes, whose functions
    tell what the mailboxes are.  Letters are such as both store alike."""

    plain = True

    def as_of(self, box):
        return self.inbox_as if box == "INBOX" else self.other_as

    def path(self, box):
        return Place.path(self, box) if box != "INBOX" else \
            self.inbox_as.path(self, box)

    def lock(self, box):
        return self.as_of(box).lock(self, box)

    def shown(self, box):
        return self.as_of(box).shown(self, box)

    def deliver(self, message, box="INBOX"):
        self.as_of(box).deliver(self, message, box)

    def leftovers(self):
        return Place.leftovers(self)


class UnixMaildirPlace(Mixed, Place):
    """A file as INBOX, and other mailboxes are maildirs."""

    inbox_as, other_as = Place, MaildirPlace

    def __init__(self, conf="", *args, **kw):
        Place.__init__(self, conf + "format = maildir\n", *args, **kw)


class MaildirUnixPlace(Mixed, MaildirPlace):
    """The other way round."""

    inbox_as, other_as = MaildirPlace, Place

    def __init__(self, conf="", *args, **kw):
        MaildirPlace.__init__(self, conf + "format = unix\n", *args, **kw)


# By the name of the format; and of two.
KINDS = {"unix": Place, "maildir": MaildirPlace, "mbox": MboxPlace}
MIXED = {"unix-maildir": UnixMaildirPlace, "maildir-unix": MaildirUnixPlace}


def spawn(place, program, tripped, armed, wrap):
    """(our end of the socket, the process)."""
    ours, theirs = socket.socketpair()
    env = dict(place.env)
    if tripped and armed:
        env["TRIPS"] = place.trips
    with open(os.path.join(place.dir, "stderr"), "ab") as err:
        child = subprocess.Popen(list(wrap) + [binary(program, tripped),
            "--config", place.conf], stdin=theirs, stdout=theirs, stderr=err,
            env=env, cwd="/", **place.become())
    theirs.close()
    return ours, child


class Started:
    """What both kinds of session have of their process."""

    def begin(self, place, program, tripped, timeout, armed=True, wrap=()):
        self.crt, self.left, self.tags = None, b"", 0
        self.sock, self.child = spawn(place, program, tripped, armed, wrap)
        self.sock.settimeout(timeout)
        self.pid = self.child.pid
        place.sessions.append(self)

    def more(self):
        """A session that was killed with something unread resets."""
        try:
            super().more()
        except BrokenPipeError:
            raise Gone(self.left)

    def send(self, data):
        try:
            self.sock.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            raise Gone(self.left)

    def scribes(self):
        """Pids of the children of the session."""
        return [p for p, parent in parents().items() if parent == self.pid]

    def kill(self, number=signal.SIGKILL):
        try:
            os.kill(self.pid, number)
        except ProcessLookupError:
            pass

    def end(self, secs=PATIENCE):
        """Hang up, and the exit status; a stopped one is killed."""
        self.close()
        if self.child.poll() is None:
            if (status(self.pid, "State") or "").startswith("T"):
                self.kill()
            try:
                self.child.wait(secs)
            except subprocess.TimeoutExpired:
                self.kill(signal.SIGABRT)
                self.child.wait()
        return self.child.returncode


class Session(Started, Imap):
    def __init__(self, place, program, tripped, timeout=PATIENCE, **kw):
        self.begin(place, program, tripped, timeout, **kw)
        self.greeting = self.line()

    def uids(self):
        """UIDs in the order of message numbers."""
        out = {}
        for r in self.must("UID FETCH 1:* (UID)"):
            m = re.match(rb"\* (\d+) FETCH \(.*?UID (\d+)", r[0])
            if m:
                out[int(m.group(1))] = int(m.group(2))
        return [out[n] for n in sorted(out)]


class PopSession(Started, Pop):
    def __init__(self, place, program, tripped, timeout=PATIENCE, **kw):
        self.begin(place, program, tripped, timeout, **kw)
        self.greeting = self.line()
