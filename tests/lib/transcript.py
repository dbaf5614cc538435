#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs transcripts of the IMAP protocol against our server and prints TAP.

	transcript.py [--mode clear|tls|preauth] FILE.imap ...

A transcript's first line is "# RULE (RFC SECTION)".  Then directives, which
say what there is before the session begins:

	%inbox N	the INBOX holds the messages 1 to N (see message())
	%box NAME N	so does the mailbox NAME (a file below the home)
	%file NAME TEXT	a file with that text (Python's escapes)
	%dir NAME	a directory in the home
	%prelogin	begins at the greeting; otherwise the user is logged in
	%modes M ...	only these of clear, tls, preauth
	%conf LINE	one more line in imapd.conf: needs a server of its own

and lines of the dialogue:

	C: text		the client sends the text and CRLF
	C- text		the same without CRLF, and with Python's escapes
	S: text		this line comes from the server next
	S~ regex	a line that the whole regular expression matches
	E:		the server closes the connection
	T:		the client starts TLS
	X: NAME ARG	something happens outside: see OUTSIDE below

C2: S2: and so on speak on a second connection of the same user, which is
opened where it is first named; a second %box of a name adds messages.  In
C: and C-, <x*N> stands for N times the text x.  In S:, <any>, <num> and <name=num>
match anything, a number, and a number that is called <name> from there on in
S: and C:.  Consecutive C: lines are sent at once, before the next S:.
"""

import ctypes
import glob
import os
import re
import socket
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import imapc    # noqa: E402
import server   # noqa: E402
from tap import ROOT, WAIT_SECS, remove_tree, run, tap, wait_for    # noqa: E402

MODES = ("clear", "tls", "preauth")
CLONE_NEWNS, MS_BIND, MS_REC, MS_PRIVATE = 0x20000, 0x1000, 0x4000, 0x40000


def message(n):
    """Message n of all test mailboxes, as it is in the file."""
    return (b"From sender@example.org Mon Jan  1 10:00:%02d 2024\n"
        b"From: Sender %d <sender@example.org>\nTo: joe@example.org\n"
        b"Subject: Message %d\nDate: Mon, 1 Jan 2024 10:00:%02d +0000\n"
        b"Message-ID: <%d@example.org>\n\nBody %d\n\n"
        % (n % 60, n, n, n % 60, n, n))


def messages(first, last):
    return b"".join(message(n) for n in range(first, last + 1))


class Preauth(imapc.Wire):
    """Our server as the user himself starts it: on a socket pair, without
    root.  Who he is comes from a passwd file that only that process sees."""

    def __init__(self, host, account):
        self.sock, theirs = socket.socketpair()
        self.sock.settimeout(WAIT_SECS)
        self.left = b""
        passwd = os.path.join(host.dir, "passwd")
        with open(passwd, "w") as f:
            f.write("%s:x:%d:%d::%s:/bin/sh\n" % (account.name, account.uid,
                account.gid, account.home))
        os.chmod(passwd, 0o644)

        def become():
            libc = ctypes.CDLL(None, use_errno=True)
            if libc.unshare(CLONE_NEWNS) or \
                    libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE,
                    None) or libc.mount(passwd.encode(), b"/etc/passwd",
                    None, MS_BIND, None):
                raise OSError(ctypes.get_errno(), "mount")
            account.drop()
            server.die_with_us()

        with open(os.path.join(host.dir, "stderr"), "ab") as err:
            self.child = subprocess.Popen([server.BINARIES["imapd"],
                "--config", os.path.join(host.dir, "preauth.conf")],
                stdin=theirs, stdout=theirs, stderr=err, preexec_fn=become)
        theirs.close()

    def close(self):
        imapc.Wire.close(self)
        self.child.wait(WAIT_SECS)


def write_preauth_conf(host):
    with open(host.conf) as f:
        text = f.read()
    path = os.path.join(host.dir, "preauth.conf")
    with open(path, "w") as f:
        f.write(re.sub(r"(?m)^log = .*$", "log = stderr", text))
    os.chmod(path, 0o644)


class Script:
    """A transcript, read."""

    def __init__(self, path):
        self.path = path
        self.setup, self.steps, self.conf = [], [], []
        self.prelogin, self.modes = False, MODES
        with open(path, encoding="utf-8") as f:
            lines = f.read().split("\n")
        self.rule = lines[0].lstrip("# ")
        if not lines[0].startswith("# ") or "RFC" not in lines[0]:
            raise ValueError("%s: the first line names no rule and RFC" %
                path)
        for number, line in enumerate(lines[1:], 2):
            if line.startswith("#") or not line.strip():
                continue
            if line.startswith("%"):
                self.directive(line[1:].split(None, 1))
                continue
            m = re.match(r"([CSETX])(\d*)([:~-]) ?(.*)\Z", line)
            if not m:
                raise ValueError("%s:%d: %r" % (path, number, line))
            who, which, kind, text = m.groups()
            self.steps.append((number, who, int(which or 1), kind, text))

    def directive(self, word):
        name, arg = word[0], word[1] if len(word) > 1 else ""
        if name == "prelogin":
            self.prelogin = True
            self.modes = tuple(m for m in self.modes if m != "preauth")
        elif name == "modes":
            self.modes = tuple(arg.split())
        elif name == "conf":
            self.conf.append(arg)
        else:
            self.setup.append((name, arg))


NAMED = {"any": r".*", "num": r"\d+"}


class Mismatch(Exception):
    pass


class Player:
    """Plays one transcript in one mode."""

    def __init__(self, host, account, script, mode):
        self.host, self.account = host, account
        self.script, self.mode = script, mode
        self.wires, self.pending, self.values = {}, {}, {}

    # --- before ---------------------------------------------------------

    def prepare(self):
        a = self.account
        self.host.left()
        remove_tree(a.home)
        os.mkdir(a.home, 0o700)
        a.own(a.home)
        for path in glob.glob(os.path.join(self.host.spool, "*")):
            os.unlink(path)
        a.fill(b"")
        for name in ("shared", "public"):
            if "/" + name in "".join(self.script.conf):
                remove_tree(os.path.join(self.host.dir, name))
                os.mkdir(os.path.join(self.host.dir, name))
                os.chmod(os.path.join(self.host.dir, name), 0o777)
        for name, arg in self.script.setup:
            getattr(self, "do_" + name)(arg)

    def do_inbox(self, arg):
        self.account.fill(messages(1, int(arg)))

    def do_box(self, arg):
        name, count = arg.rsplit(None, 1)
        path = os.path.join(self.account.home, name)
        first = 1
        if os.path.exists(path):
            with open(path, "rb") as f:
                first += f.read().count(b"\nMessage-ID:")
        with open(path, "ab") as f:
            f.write(messages(first, first + int(count) - 1))
        os.chmod(path, 0o600)
        self.account.own(path)

    def do_common(self, arg):
        """A mailbox of somebody else's, below {dir}, that all may change."""
        name, count = arg.rsplit(None, 1)
        path = os.path.join(self.host.dir, name)
        if not os.path.isdir(os.path.dirname(path)):
            os.mkdir(os.path.dirname(path))
            os.chmod(os.path.dirname(path), 0o777)
        with open(path, "wb") as f:
            f.write(messages(1, int(count)))
        os.chmod(path, 0o666)

    def do_file(self, arg):
        name, _, text = arg.encode().decode("unicode_escape").partition(" ")
        self.account.write(name, text.encode("latin-1"))

    def do_dir(self, arg):
        path = self.account.home
        for part in arg.split("/"):
            path = os.path.join(path, part)
            if not os.path.isdir(path):
                os.mkdir(path, 0o700)
                self.account.own(path)

    # --- outside: what other programs do ----------------------------------

    def outside_deliver(self, arg):
        first, _, last = arg.partition(" ")
        self.account.deliver(messages(int(first), int(last or first)))

    def outside_box(self, arg):
        self.do_box(arg)

    def outside_file(self, arg):
        self.do_file(arg)

    def outside_rewrite(self, arg):
        """Another program leaves only these messages in the mailbox."""
        name, numbers = arg.split()
        path = self.account.spool if name == "INBOX" else \
            os.path.join(self.account.home, name)
        data = b"".join(message(int(n)) for n in numbers.split(","))
        with open(path + ".new", "wb") as f:
            f.write(data)
        os.chmod(path + ".new", 0o600)
        self.account.own(path + ".new")
        os.rename(path + ".new", path)

    def outside_remove(self, arg):
        path = self.account.spool if arg == "INBOX" else \
            os.path.join(self.account.home, arg)
        os.unlink(path)

    def outside_lock(self, arg):
        """Another program has the mailbox's dot-lock."""
        with open(os.path.join(self.account.home, arg + ".lock"), "w") as f:
            f.write("1\n")

    def outside_unlock(self, arg):
        os.unlink(os.path.join(self.account.home, arg + ".lock"))

    def outside_drop(self, arg):
        """That connection's client goes away without a word."""
        self.wires[int(arg)].close()
        self.host.left()

    def outside_chmod(self, arg):
        mode, name = arg.split(None, 1)
        os.chmod(os.path.join(self.account.home, name), int(mode, 8))

    def outside_holds(self, arg):
        """The mailbox file has what the expression matches, by now."""
        name, regex = arg.split(None, 1)
        path = self.account.spool if name == "INBOX" else \
            os.path.join(self.account.home, name)
        with open(path, encoding="latin-1") as f:
            text = f.read()
        if not re.search(regex, text):
            raise Mismatch("%s has nothing like %s:\n%.600s" % (name, regex,
                text))

    def outside_log(self, arg):
        """The log holds a line that the expression matches."""
        wait_for("a line of the log like " + arg, lambda: re.search(arg,
            self.host.log() + self.host.stderr()))

    # --- the dialogue -------------------------------------------------------

    def connect(self):
        if self.mode == "preauth":
            w = Preauth(self.host, self.account)
        else:
            w = self.host.wire("imapd", self.mode == "tls")
        if not self.script.prelogin:
            w.greeting = w.line()
            if self.mode != "preauth":
                w.send(b'login LOGIN %s "%s"\r\n' % (
                    self.account.name.encode(), server.PASSWORD.encode()))
                got = w.line()
                if not got.startswith(b"login OK [CAPABILITY "):
                    raise Mismatch("login: %r" % got)
            elif not w.greeting.startswith(b"* PREAUTH [CAPABILITY "):
                raise Mismatch("greeting: %r" % w.greeting)
        return w

    def wire(self, which):
        if which not in self.wires:
            self.wires[which] = self.connect()
        return self.wires[which]

    def flush(self):
        for which in sorted(self.pending):
            data = self.pending[which]
            try:
                self.wire(which).send(data)
            except (ConnectionError, OSError):
                pass    # what it said before it closed comes yet
        self.pending = {}

    def to_send(self, kind, text):
        text = re.sub(r"<(\w+)>", lambda m: self.values.get(m.group(1),
            m.group(0)), text)
        text = re.sub(r"<([^<>]+)\*(\d+)>",
            lambda m: m.group(1) * int(m.group(2)), text)
        if kind == "-":
            return text.encode().decode("unicode_escape").encode("latin-1")
        return text.encode() + b"\r\n"

    def pattern(self, text):
        out, at = "", 0
        for m in re.finditer(r"<(?:(\w+)=)?(\w+)>", text):
            name, what = m.groups()
            if what in NAMED and (name or what):
                piece = "(?P<%s>%s)" % (name, NAMED[what]) if name else \
                    NAMED[what]
            elif what in self.values:
                piece = re.escape(self.values[what])
            else:
                continue
            out += re.escape(text[at:m.start()]) + piece
            at = m.end()
        return out + re.escape(text[at:])

    def expect(self, which, kind, text):
        want = text if kind == "~" else self.pattern(text)
        try:
            line = self.wire(which).line()
        except imapc.Gone as gone:
            raise Mismatch("connection closed after %r" % gone.said[-300:])
        got = line.decode("utf-8", "replace")
        if not got.endswith("\r\n"):
            raise Mismatch("a line without CR: %r" % got)
        m = re.fullmatch(want, got[:-2], re.S)
        if not m:
            raise Mismatch("got:  %.600s\nwant: %s" % (got[:-2], text))
        self.values.update(m.groupdict())

    def step(self, who, which, kind, text):
        if who == "C":
            self.pending[which] = self.pending.get(which, b"") + \
                self.to_send(kind, text)
            return
        self.flush()
        if who == "S":
            self.expect(which, kind, text)
        elif who == "E":
            rest = self.wire(which).rest()
            self.wire(which).close()
            if rest:
                raise Mismatch("before the end: %r" % rest[:300])
        elif who == "T":
            self.wire(which).secure(self.host.crt)
        elif who == "X":
            name, _, arg = text.partition(" ")
            getattr(self, "outside_" + name)(arg)

    def play(self):
        self.prepare()
        number = 0
        try:
            for number, who, which, kind, text in self.script.steps:
                self.step(who, which, kind, text)
            self.flush()
        except (Mismatch, OSError, KeyError) as why:
            return "%s:%d: %s: %s" % (os.path.relpath(self.script.path, ROOT),
                number, type(why).__name__, why)
        finally:
            for w in self.wires.values():
                w.close()
            wait_for("the end of all sessions",
                lambda: not self.host.processes())
        return None


def can_preauth():
    return os.geteuid() == 0


def play_all(paths, modes=MODES):
    hosts = {}
    for path in paths:
        script = Script(path)
        key = tuple(script.conf)
        if key not in hosts:
            hosts[key] = server.Host(conf="".join(c + "\n" for c in key))
            write_preauth_conf(hosts[key])
        host = hosts[key]
        for mode in script.modes:
            if mode not in modes:
                continue
            name = "%s, %s: %s" % (os.path.basename(path), mode, script.rule)
            if mode == "preauth" and not can_preauth():
                tap.skip(name, "needs root to give a process another passwd")
                continue
            why = Player(host, host.account(), script, mode).play()
            if not tap.ok(why is None, name, why) and \
                    os.environ.get("VERBOSE"):
                tap.diag(host.log()[-1500:])
    for host in hosts.values():
        tap.ok(not host.faults(), "no fault was reported", host.faults())


def main():
    args = sys.argv[1:]
    modes = MODES
    if args[:1] == ["--mode"]:
        modes, args = (args[1],), args[2:]
    play_all(args, modes)


if __name__ == "__main__":
    run(main)
