#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""PAM in a room: a module that records every call (tests/lib/pam_record.c)
shows which are made, in which order, with which RHOST and as whom; expired
and locked accounts, uid 0, a missing PAM file, modules that ask too much."""

import os
import re
import sys
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
import mailgen
import room
from imapc import Gone, Imap, Pop
from server import (BINARIES, descendants, free_port, is_nursery, listening,
    preload)
from tap import ROOT, run, tap, wait_for


class House:
    def __init__(self):
        self.room = room.enter()
        self.record = self.room.dir + "/record"
        self.module = self.room.dir + "/pam_record.so"
        built = os.path.join(ROOT, os.environ.get("BUILD",
            "build/gcc-plain"), "tests/lib/pam_record.so")
        if os.path.exists(built) and "san" not in built and \
                "address" not in built:
            room.must("cp", built, self.module)
        else:
            room.must("cc", "-shared", "-fPIC", "-D_GNU_SOURCE", "-o",
                self.module, os.path.join(ROOT, "tests/lib/pam_record.c"),
                "-lpam")
        self.saved = {}
        self.room.inetd()
        self.room.configure("fail_delay = 0\n")

    def pam(self, name, text):
        """The PAM file of a service; None removes it."""
        path = "/etc/pam.d/" + name
        if name not in self.saved:
            self.saved[name] = open(path).read() if os.path.exists(path) \
                else None
        if text is None:
            os.unlink(path)
        else:
            with open(path, "w") as f:
                f.write(text)

    def restore(self):
        for name, text in self.saved.items():
            if text is None:
                if os.path.exists("/etc/pam.d/" + name):
                    os.unlink("/etc/pam.d/" + name)
            else:
                with open("/etc/pam.d/" + name, "w") as f:
                    f.write(text)

    def recorded(self):
        try:
            with open(self.record) as f:
                return f.read().splitlines()
        except FileNotFoundError:
            return []

    def forget(self):
        if os.path.exists(self.record):
            os.unlink(self.record)

    def module_lines(self, *words):
        args = " ".join(("file=" + self.record, "password=secret") + words)
        return "".join("%s required %s %s\n" % (kind, self.module, args)
            for kind in ("auth", "account", "password", "session"))

    def imap(self, user, password):
        """The tagged answer to LOGIN, and the client."""
        c = Imap(self.room.ports["imaps"], self.room.certificate())
        try:
            status, line, _ = c.cmd('LOGIN "%s" "%s"' % (user, password))
        except Gone as gone:
            return "BYE", gone.said, c
        return status, line, c

    def pop(self, user, password):
        p = Pop(self.room.ports["pop3s"], self.room.certificate())
        p.cmd("USER " + user)
        return p.cmd("PASS " + password), p


def words(line):
    return dict(re.findall(r"(\w+)=(\S*)", line))


def calls(h, user):
    h.pam("imap", h.module_lines())
    h.pam("pop", h.module_lines())
    for service, login in (("imap", h.imap), ("pop", h.pop)):
        h.forget()
        got = login(user.name, "secret")
        good = got[0] == "OK" if service == "imap" else \
            got[0].startswith(b"+OK")
        tap.ok(good, service + ": the module lets the user in", got[:2])
        got[-1].send(b"x LOGOUT\r\nQUIT\r\n")
        lines = h.recorded()
        tap.equal([l.split()[0] for l in lines][:3], ["authenticate",
            "acct_mgmt", "setcred"], service + ": the calls, in order")
        tap.ok(not any("session" in l for l in lines), service
            + ": no session is opened", lines)
        for line in lines[:3]:
            w = words(line)
            tap.equal((w["service"], w["user"], w["rhost"], w["euid"]),
                (service, user.name, "127.0.0.1", "0"),
                service + ": " + line.split()[0])
        h.forget()
        got = login(user.name, "wrong")
        good = got[0] in ("NO", "BYE") if service == "imap" else \
            got[0].startswith(b"-ERR")
        tap.ok(good, service + ": a wrong password is refused", got[:2])
        tap.equal([l.split()[0] for l in h.recorded()], ["authenticate"],
            service + ": and no more is asked")
        got[-1].close()


def sessions(h, user):
    h.room.configure("pam_session = yes\n")
    h.forget()
    status, line, c = h.imap(user.name, "secret")
    tap.equal(status, "OK", "pam_session: the user is let in")
    tap.ok(any(l.startswith("open_session") for l in h.recorded()),
        "pam_session: opened", h.recorded())
    c.cmd("LOGOUT")
    try:
        wait_for("the session's close", lambda: any(l.startswith(
            "close_session") for l in h.recorded()))
    except TimeoutError:
        pass
    lines = [l for l in h.recorded() if "session" in l]
    tap.ok(len(lines) == 2 and words(lines[1])["euid"] == "0",
        "pam_session: closed once, by root", h.recorded())
    text = open(h.room.config).read().replace("pam_session = yes\n", "")
    with open(h.room.config, "w") as f:
        f.write(text)


def refused(h, user, what, *args):
    h.pam("imap", h.module_lines(*args))
    status, line, c = h.imap(user.name, "secret")
    tap.ok(status in ("NO", "BYE", "BAD"), what + ": refused", line)
    c.close()


def answers(h, user):
    for word in ("expired", "change", "denied", "unavailable"):
        refused(h, user, "account says " + word, "account=" + word)
    for word in ("many",):
        refused(h, user, "a module that asks 50 questions", "ask=" + word)
    h.pam("imap", h.module_lines("user=root"))
    status, line, c = h.imap(user.name, "secret")
    tap.ok(status in ("NO", "BYE"), "a module that makes him root: refused",
        line)
    c.close()
    h.pam("imap", h.module_lines("steal"))
    before = len(h.room.log())
    status, line, c = h.imap(user.name, "secret")
    tap.equal(status, "OK", "a module that steals syslog")
    wait_for("the log", lambda: "Login user=" in h.room.log()[before:])
    line = [l for l in h.room.log()[before:].splitlines()
        if "Login user=" in l][0]
    tap.ok("imapd[" in line and "thief" not in line,
        "does not change our name in it", line)
    c.close()


def hangs(h, user):
    """A module that never answers: after 60 s, of which tests/lib/hurry.c
    makes one, the connection ends and the log says so."""
    h.pam("imap", h.module_lines("sleep=600"))
    conf = h.room.dir + "/hangs.conf"
    with open(h.room.config) as f, open(conf, "w") as to:
        to.write(f.read() + "plaintext = always\n")
    port = free_port()
    child = h.room.start([BINARIES["imapd"], "--config", conf, "--listen",
        "127.0.0.1:%d,plain" % port], env=dict(os.environ,
        LD_PRELOAD=preload("hurry", h.room.dir), HURRY_ALARM="60"))
    wait_for("imapd", lambda: listening(port))
    before = len(h.room.log())
    c = Imap(port)
    c.send(b'a LOGIN "%s" "secret"\r\n' % user.name.encode())
    tap.equal(c.rest(), b"* BYE [UNAVAILABLE] Service not available\r\n",
        "a module that hangs: the connection ends")
    c.close()
    wait_for("the line", lambda: "the user data base has not answered in 60"
        in h.room.log()[before:])
    tap.ok("Login failed" not in h.room.log()[before:],
        "logged, and not as the client's failure", h.room.log()[before:])
    wait_for("the processes' end", lambda: all(
        map(is_nursery, descendants(child.pid))))
    h.pam("imap", h.module_lines())
    status, line, c = h.imap(user.name, "secret")
    tap.equal(status, "OK", "when it answers again the user is let in")
    c.close()


def missing(h, user):
    h.pam("imap", None)
    other = h.saved.get("imap")
    status, line, c = h.imap(user.name, user.password)
    tap.ok(status != "OK", "no PAM file: refused, whatever `other` says",
        line)
    c.close()
    wait_for("a log line", lambda: re.search(r"pam\.d/imap", h.room.log()))
    tap.ok(True, "and the log names the file")


def real(h, user):
    """Debian's own stack, with accounts in every state."""
    h.restore()
    status, line, c = h.imap(user.name, user.password)
    tap.equal(status, "OK", "pam_unix: the right password")
    c.close()
    status, line, c = h.imap(user.name, user.password + "x")
    tap.ok(status in ("NO", "BYE"), "pam_unix: a wrong one", line)
    c.close()
    wait_for("the failure's lines", lambda: h.room.log().count(
        "Login failed user=" + user.name) >= (2 if h.room.inside else 1))
    lines = [l for l in h.room.log().splitlines() if "Login failed" in l]
    tap.ok(any(l.startswith(("<21>", "<22>", "<20>")) for l in lines)
        or not h.room.inside, "logged to facility mail", lines)
    tap.ok(any(re.match(r"<(3[2-9]|8[0-7])>", l) for l in lines)
        or not h.room.inside, "and to auth", lines)
    for what, command in (("expired", ["usermod", "-e", "1", user.name]),
            ("locked", ["usermod", "-L", user.name])):
        room.must(*command)
        for service in ("imap", "pop"):
            got = (h.imap if service == "imap" else h.pop)(user.name,
                user.password)
            good = got[0] in ("NO", "BYE") if service == "imap" else \
                got[0].startswith(b"-ERR")
            tap.ok(good, "%s: an account that is %s" % (service, what),
                got[:2])
            got[-1].close()
        room.must("usermod", "-e", "", user.name)
    room.must("usermod", "-U", user.name)
    status, line, c = h.imap(user.name, user.password)
    tap.equal(status, "OK", "unlocked again")
    c.close()
    if h.room.inside:
        room.must("chpasswd", input=b"root:root s password\n")
        for service in ("imap", "pop"):
            got = (h.imap if service == "imap" else h.pop)("root",
                "root s password")
            good = got[0] in ("NO", "BYE") if service == "imap" else \
                got[0].startswith(b"-ERR")
            tap.ok(good, service + ": root never logs in", got[:2])
            got[-1].close()


def main():
    h = House()
    user = h.room.add_user("joe")
    h.room.fill(user, mailgen.to_mbox(mailgen.ordinary(3)))
    try:
        calls(h, user)
        sessions(h, user)
        answers(h, user)
        hangs(h, user)
        missing(h, user)
        real(h, user)
    finally:
        h.restore()


run(main)
