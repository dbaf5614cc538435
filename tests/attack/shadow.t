#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""auth = shadow in a room, against a real /etc/shadow: accounts in every
state, both servers, and nothing that tells one refusal from another."""

import os
import re
import subprocess
import sys
import time
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
import mailgen
import room
from imapc import Gone, Imap, Pop
from tap import run, tap, wait_for


def imap(r, user, password):
    c = Imap(r.ports["imaps"], r.certificate())
    try:
        status, line, _ = c.cmd('LOGIN "%s" "%s"' % (user, password))
    except Gone as gone:
        status, line = "BYE", gone.said
    c.close()
    return status == "OK", line


def pop(r, user, password):
    p = Pop(r.ports["pop3s"], r.certificate())
    p.cmd("USER " + user)
    line = p.cmd("PASS " + password)
    p.close()
    return line.startswith(b"+OK"), line


def both(r, user, password, want, what):
    for name, login in (("imap", imap), ("pop", pop)):
        got, line = login(r, user, password)
        tap.equal(got, want, "%s: %s" % (name, what)) or tap.diag(line)


def field(name):
    """The hash that /etc/shadow has for a user."""
    with open("/etc/shadow") as f:
        for line in f:
            if line.startswith(name + ":"):
                return line.split(":")[1]


def aged(r, user):
    today = int(time.time() // 86400)
    for what, change, undo, want in (
            ("expired yesterday", ["-E", str(today - 1)], ["-E", "-1"],
                False),
            ("expires today", ["-E", str(today)], ["-E", "-1"], False),
            ("expires in two days", ["-E", str(today + 2)], ["-E", "-1"], True),
            ("must change the password", ["-d", "0"], ["-d", str(today)],
                False),
            ("password too old", ["-d", str(today - 30), "-M", "10"],
                ["-d", str(today), "-M", "99999"], False),
            ("password old, inactive", ["-d", str(today - 30), "-M", "10",
                "-I", "5"], ["-d", str(today), "-M", "99999", "-I", "-1"],
                False),
            ("password not too old", ["-d", str(today - 5), "-M", "10"],
                ["-d", str(today), "-M", "99999"], True)):
        room.must("chage", *change, user.name)
        both(r, user.name, user.password, want, what)
        room.must("chage", *undo, user.name)
    both(r, user.name, user.password, True, "all undone")


def hashes(r, user):
    good = field(user.name)
    methods = [("SHA-256", ["-5"]), ("SHA-512", ["-6"]), ("MD5", ["-1"])]
    for what, how in methods:
        text = subprocess.run(["openssl", "passwd", *how, user.password],
            stdout=subprocess.PIPE, check=True).stdout.decode().strip()
        room.must("usermod", "-p", text, user.name)
        both(r, user.name, user.password, True, what)
        both(r, user.name, user.password + "x", False, what + ", wrong")
    for what, text in (("empty", ""), ("a star", "*"), ("a bang", "!"),
            ("two", "!!"), ("x", "x"), ("locked", "!" + good),
            ("a method unknown", "$zz$" + "a" * 40), ("cut short",
            good[:-1]), ("a bare salt", "$6$saltsalt$")):
        room.must("usermod", "-p", text, user.name)
        for password in (user.password, text or "x"):
            both(r, user.name, password, False, "field is %s, password %.9s"
                % (what, password))
    room.must("usermod", "-p", good, user.name)
    both(r, user.name, user.password, True, "the old field")
    with open("/etc/shadow") as f:
        text = f.read()
    with open("/etc/shadow", "w") as f:
        f.write(re.sub(r"(?m)^%s:.*\n" % user.name, "", text))
    both(r, user.name, user.password, False, "no line in /etc/shadow")
    both(r, user.name, "x", False, "nor the x of /etc/passwd")
    with open("/etc/shadow", "w") as f:
        f.write(text)


def refused(r, user):
    room.must("chpasswd", input=b"root:root s password\n")
    both(r, "root", "root s password", False, "root")
    both(r, "daemon", "", False, "a system account")
    both(r, "nobody99", user.password, False, "an unknown user")
    wait_for("the lines", lambda: "Login failed user=nobody99" in r.log())
    said = {imap(r, name, "wrong")[1].split(b" ", 1)[1] for name in
        (user.name, "root", "daemon", "nobody99")}
    tap.equal(len(said), 1, "one answer for all") or tap.diag(said)
    tap.ok(user.password not in r.log() and "root s pass" not in r.log(),
        "no password in the log")


def main():
    r = room.enter()
    if not r.inside:
        tap.skip("auth = shadow", "changes /etc/shadow: in a room only")
        return
    user = r.add_user("joe")
    r.fill(user, mailgen.to_mbox(mailgen.ordinary(2)))
    r.inetd()
    r.configure("auth = shadow\nfail_delay = 0\n")
    for name in ("imap", "pop"):    # it isn't PAM that decides
        with open("/etc/pam.d/" + name, "w") as f:
            f.write("auth required pam_deny.so\naccount required "
                "pam_deny.so\n")
    both(r, user.name, user.password, True, "the right password")
    both(r, user.name, user.password + "x", False, "a wrong one")
    both(r, user.name, "", False, "an empty one")
    aged(r, user)
    hashes(r, user)
    refused(r, user)


run(main)
