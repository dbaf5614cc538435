# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks share: the measuring programs, and the servers that are
measured with the same mail and the same client."""

import glob
import io
import os
import re
import shutil
import subprocess
import sys
import time
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
import dovecot
import mailgen
import server
from tap import wait_for

DELIVERED = (b"From x@example.org Sat Oct  3 01:05:34 2026\n"
    + mailgen.head(7, b"delivered") + b"\n" + b"one line of text\n" * 200
    + b"\n")


def build(where):
    """benchmail and imapbench."""
    out = []
    for name in ("benchmail", "imapbench"):
        made = os.path.join(os.environ.get("BENCH_CLIENTS", ""), name)
        if "BENCH_CLIENTS" not in os.environ:
            made = os.path.join(where, name)
            subprocess.run([os.environ.get("CC", "cc"), "-std=c11",
                "-D_GNU_SOURCE", "-O2", "-o", made,
                os.path.join(HERE, name + ".c"), "-lssl", "-lcrypto"],
                check=True)
        out.append(made)
    return out


def drop_pages(path):
    """The file is on disk and not in memory, as far as the kernel heeds it."""
    with open(path, "rb") as f:
        os.fsync(f.fileno())
        os.posix_fadvise(f.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


class Subject:
    """A server to be measured, its user's spool and what it keeps."""

    def __init__(self, name, ports, account, caches, pids, client, mail):
        self.name, self.ports, self.account = name, ports, account
        self.caches, self.pids, self.client = caches, pids, client
        self.mail = mail

    def run(self, *args):
        done = subprocess.run([self.client, *args], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)
        if done.returncode != 0:
            raise RuntimeError("%s: %s" % (self.name,
                done.stderr.decode(errors="replace")))
        if os.environ.get("BENCH_VERBOSE"):
            print(self.name, args[:2], done.stdout.decode(), flush=True)
        return [(float(line.split()[0]), int(line.split()[1]))
            for line in done.stdout.decode().splitlines()]

    def login(self, what, tls="plain"):
        port = self.ports[("ipop3d" if what == "pop" else "imapd")
            + ("" if tls == "plain" else "s")]
        return what, str(port), tls, self.account.name, self.account.password

    def imap(self, *commands, tls="plain"):
        return self.run(*self.login("imap", tls), *commands)

    def pop(self, what, tls="plain"):
        return self.run(*self.login("pop", tls), what)[0]

    def select(self):
        """Seconds of one SELECT in a session of its own."""
        return self.imap("SELECT INBOX")[0][0]

    def make(self, box):
        try:
            self.imap("CREATE " + box)
        except RuntimeError:
            pass

    def fill(self):
        """The spool is the generator's again, never seen by any server."""
        self.forget()
        with open(self.mail, "rb") as f, open(self.account.spool,
                "wb") as to:
            shutil.copyfileobj(f, to, 1 << 20)
            os.fsync(to.fileno())
        self.account.own(self.account.spool)

    def empty(self):
        """There is room on the disk again."""
        self.forget()
        if os.path.isdir(self.account.spool):
            shutil.rmtree(self.account.spool)
        else:
            os.truncate(self.account.spool, 0)

    def forget(self):
        """Removes what the server keeps beside the mailbox; a session that
        ends may still be at it."""
        def gone():
            for pattern in self.caches:
                for path in glob.glob(pattern):
                    if os.path.isdir(path):
                        shutil.rmtree(path, ignore_errors=True)
                    else:
                        os.unlink(path)
            return not any(glob.glob(p) for p in self.caches)
        wait_for("caches to go", gone)

    def deliver(self):
        self.account.deliver(DELIVERED)

    def drop_pages(self):
        drop_pages(self.account.spool)

    def settle(self):
        """A stamp younger than 20 ms is doubtful by design."""
        time.sleep(0.05)


class Maildir(Subject):
    """The same mail in ~/Maildir, and nothing in the spool."""

    def __init__(self, *args):
        Subject.__init__(self, *args)
        self.account.spool = os.path.join(self.account.home, "Maildir")
        self.count = 0

    def fill(self):
        top = self.account.spool
        self.forget()
        shutil.rmtree(top, ignore_errors=True)
        for part in ("", "cur", "new", "tmp"):
            os.mkdir(os.path.join(top, part))
            self.account.own(os.path.join(top, part))
        with open(self.mail, "rb") as f:
            for n, message in enumerate(messages(f)):
                self.put(message, "cur/%d.M%dP1.bench,S=%d:2,"
                    % (1700000000 + n // 1000, n % 1000, len(message)))
        os.sync()

    def put(self, message, name):
        path = os.path.join(self.account.spool, "tmp/x")
        with open(path, "wb") as f:
            f.write(message)
        self.account.own(path)
        os.rename(path, os.path.join(self.account.spool, name))

    def deliver(self):
        self.count += 1
        self.put(next(messages(io.BytesIO(DELIVERED))), "new/%d.%d.bench"
            % (time.time(), self.count))

    def drop_pages(self):
        """A file of its own is read by nobody who removes another."""


def messages(f):
    """Those of a mailbox file in which nothing else begins with From_."""
    lines = []
    for line in f:
        if line.startswith(b"From ") and (not lines or lines[-1] == b"\n"):
            if lines:
                yield b"".join(lines[1:-1])
            lines = []
        lines.append(line)
    yield b"".join(lines[1:-1])


def ours(where, mail, client, name="ours", imapd=None, kind=Subject):
    """`imapd`: another build of it."""
    was = server.BINARIES["imapd"]
    server.BINARIES["imapd"] = imapd or was
    host = server.Host(programs=("imapd", "ipop3d"), where=where)
    server.BINARIES["imapd"] = was
    a = host.account()
    return host, kind(name, host.ports, a, [a.index], host.processes,
        client, mail)


def theirs(where, mail, client, host, name="Dovecot", kind=Subject):
    """Dovecot with a home of its own for our user."""
    d = os.path.join(where, name.replace(", ", "-"))
    a = server.Account(host, "joe", host.account().uid, host.account().gid)
    a.password = "sesame"
    a.home = d + "-home"
    a.spool = d + "-spool"
    os.mkdir(a.home, 0o700)
    os.mkdir(a.home + "/mail")
    a.own(a.home)
    a.own(a.home + "/mail")
    ports = {"imapd": server.free_port(), "imapds": server.free_port(),
        "ipop3d": server.free_port(), "ipop3ds": server.free_port()}
    os.chmod(where, 0o755)
    child = subprocess.Popen(dovecot.command(d, {"imap": ports["imapd"],
        "imaps": ports["imapds"], "pop3": ports["ipop3d"],
        "pop3s": ports["ipop3ds"]}, host.certdir + "/imapd.pem",
        inbox="mbox:%s/mail:INBOX=%s" % (a.home, a.spool)
            if kind is Subject else "maildir:%s/Maildir" % a.home,
        password=a.password, uid=a.uid, gid=a.gid, home=a.home),
        preexec_fn=server.die_with_us)
    host.children.append(child)
    wait_for("Dovecot", lambda: server.listening(ports["ipop3ds"]))
    return kind(name, ports, a, [a.home + "/mail/.imap",
        a.home + "/Maildir/dovecot*"], lambda: server.descendants(child.pid),
        client, mail)


def kib(pid, what):
    """A sum of /proc/PID/smaps_rollup."""
    return sum(int(n) for n in re.findall(r"(?m)^%s:\s+(\d+)" % what,
        server.read("/proc/%d/smaps_rollup" % pid)))


def hold(subject, *commands):
    """A client that has said those commands over TLS and sits there."""
    c = subprocess.Popen([subject.client, *subject.login("hold", "tls"),
        *commands], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    c.stdout.readline()
    return c


def memory(subject, *commands):
    """What one more idle TLS session takes, in KiB: PSS of all processes
    together, and what the largest of its own shares with none.  Pages of
    programs and libraries are shared by those that are there already."""
    held = [hold(subject) for _ in range(4)]
    before = set(subject.pids())
    pss = sum(kib(p, "Pss") for p in before)
    held.append(hold(subject, *commands))
    pids = set(subject.pids())
    pss = sum(kib(p, "Pss") for p in pids) - pss
    private = max(kib(p, "Private_(?:Clean|Dirty)") for p in pids - before)
    for c in held:
        c.stdin.close()
        c.wait()
    return pss, private
