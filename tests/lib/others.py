# SPDX-License-Identifier: Apache-2.0
"""Other programs on the mailboxes of a server.Host's account: mutt, s-nail,
the old toolkit's mailutil and Dovecot.  And what is to be found there, as a
session of any IMAP server tells it, and as the file has it."""

import os
import pty
import re
import shutil
import subprocess

import dovecot
import mailgen
import mboxfile
import server
from imapc import Imap
from tap import WAIT_SECS, wait_for

# Header lines that mail programs add to what they write; clients see them.
ADDED = re.compile(rb"^(?:Content-Length|Lines): *\d+ *\n", re.M)


def told(c, box):
    """(UIDVALIDITY, UIDNEXT, [(UID, flags but \\Recent, subject)])."""
    count = c.select(box)
    out = []
    for r in c.must("FETCH 1:* (UID FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)]"
            ")") if count else []:
        text = b"".join(r).decode()
        out.append((int(re.search(r"UID (\d+)", text).group(1)),
            set(re.search(r"FLAGS \(([^)]*)\)", text).group(1).split())
            - {"\\Recent"}, re.search(r"Subject: (.*)\r", text).group(1)))
    return c.code(b"UIDVALIDITY"), c.code(b"UIDNEXT"), out


def forget(host):
    """Without any index, as no session has one open."""
    settle(host)
    shutil.rmtree(host.account().index, ignore_errors=True)


def settle(host):
    """All sessions have ended, and so have written what they write."""
    wait_for("the end of the sessions", lambda: not host.sessions())


def bare(message):
    """A message as any of the programs leaves it: without metadata and
    without the lines that they add."""
    head, _, body = mailgen.without_hidden(message).partition(b"\n\n")
    return ADDED.sub(b"", head + b"\n") + b"\n" + body


def stored(path):
    """The messages of a mailbox file, bare."""
    with open(path, "rb") as f:
        return [bare(m) for m in mboxfile.messages(f.read())]


def environment(a):
    return {"HOME": a.home, "USER": a.name, "LOGNAME": a.name,
        "TERM": "vt100", "LANG": "C.UTF-8", "SHELL": "/bin/sh",
        "PATH": "/usr/bin:/bin:/usr/sbin:/sbin"}


MUTTRC = """
set mbox_type=mbox sort=mailbox-order quit=yes delete=yes move=no
set folder=%(home)s record="" postponed=%(home)s/postponed tmpdir=%(home)s
set beep=no wait_key=no sleep_time=0 mark_old=yes header_cache=""
push "%(keys)s"
"""


def mutt(a, path, keys):
    """Runs it in a pty on a mailbox; `keys` as its `push` takes them, they
    have to end it.  Its status, and what it wrote."""
    rc = a.write("muttrc", (MUTTRC % {"home": a.home, "keys": keys}).encode())
    pid, fd = pty.fork()
    if pid == 0:
        a.drop()
        os.chdir(a.home)
        os.execve("/usr/bin/mutt", ["mutt", "-n", "-F", rc, "-f", path],
            environment(a))
    said = b""
    try:
        while True:
            said += os.read(fd, 65536)
    except OSError:
        pass        # the end of a terminal's other side
    os.close(fd)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), said


def batch(host, args, text=b""):
    """A program that looks its user up.  Its status, and what it wrote."""
    a = host.account()
    lib = os.path.join(host.dir, "passwd.so")
    if not os.path.exists(lib):
        server.preload("passwd", host.dir)
        os.chmod(lib, 0o755)
    done = subprocess.run(args, input=text, cwd=a.home,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env=dict(environment(a), LD_PRELOAD=lib, PASSWD_USER=a.name,
        PASSWD_HOME=a.home), preexec_fn=a.drop, timeout=WAIT_SECS)
    return done.returncode, done.stdout.decode("utf-8", "replace")


def snail(host, path, *commands):
    """s-nail on a mailbox."""
    return batch(host, ["s-nail", "-n", "-#", "-S", "hold", "-S", "keep",
        "-f", path], "\n".join(commands + ("",)).encode())


def mailutil(host, *args):
    """The old toolkit's program."""
    return batch(host, ["mailutil", *args])


class Dovecot:
    """Debian's, on loopback, for an account: its INBOX is the spool, its
    other mailboxes are below ~/dove.  Without `index` it keeps nothing
    outside of the mailbox files.  Or all of it is ~/Maildir, with an index.
    Levels of names are parted by "/" as ours are."""

    def __init__(self, host, index=False, maildir=False):
        a = host.account()
        self.name = a.name
        where = os.path.join(host.dir, "dovecot%d" % len(host.children))
        os.mkdir(where)
        os.chmod(where, 0o755)
        if maildir:
            inbox = "maildir:~/Maildir"
        else:
            os.chmod(a.spool, 0o660)
            os.makedirs(a.home + "/dove", exist_ok=True)
            a.own(a.home + "/dove")
            inbox = "mbox:~/dove:INBOX=" + a.spool + ("" if index else
                ":INDEX=MEMORY")
        self.ports = {k: server.free_port() for k in ("imap", "imaps",
            "pop3", "pop3s")}
        self.out = open(os.path.join(where, "out"), "wb")
        child = subprocess.Popen(dovecot.command(where, self.ports,
            os.path.join(host.certdir, "imapd.pem"),
            inbox=inbox, password="dove", uid=a.uid, gid=a.gid,
            home=a.home), stdout=self.out, stderr=self.out,
            preexec_fn=server.die_with_us)
        host.children.append(child)
        wait_for("Dovecot", lambda: child.poll() is not None or
            server.listening(self.ports["imap"]))
        if child.poll() is not None:
            raise RuntimeError("Dovecot ended: " + server.read(
                self.out.name) + server.read(where + "/log"))

    def imap(self):
        d = Imap(self.ports["imap"])
        d.login(self.name, "dove")
        return d
