#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Debian's fail2ban filter uwimap-auth finds every failed login in our log,
with the client's address and no other, also where the name is hostile."""

import os
import re
import shutil
import subprocess
import sys
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
import server
from tap import ROOT, need, run, skip_all, tap, wait_for

FILTER = "/etc/fail2ban/filter.d/uwimap-auth.conf"
NAMES = (b"joe", b"nobody-here", b"root", b"x auth=y host=[192.0.2.9]",
    b"a]host=[1.2.3.4", b"%s%n%d", b"joe\\\"quote", b"\t", b"u" * 200,
    b"joe host=evil [198.51.100.7]", b"\xc3\xbc\xff", b"user=",
    b"x\\nLogin failed user=y auth=z host=[203.0.113.1]")


def literal(name):
    return b"{%d+}\r\n%s" % (len(name), name)


def main():
    need("fail2ban-regex")
    if not os.path.exists(FILTER):
        skip_all("fail2ban's filter uwimap-auth is not installed")
    host = server.Host(programs=("imapd", "ipop3d"))
    failures = 0
    for name in NAMES:
        c = host.imap(login=False)
        c.send(b"a LOGIN " + literal(name) + b" wrong\r\n")
        line = c.line()
        c.close()
        failures += line.startswith(b"a NO")
        tap.ok(re.match(rb"a (NO|BAD)", line), "LOGIN %.40r is refused"
            % name, line)
    for name in (b"joe", b"a b host=[1.2.3.4]"):
        p = host.pop(login=False)
        p.send(b"USER " + name + b"\r\nPASS wrong\r\n")
        p.line()
        p.line()
        p.close()
        failures += 1
    c = host.imap(login=False)
    c.send(b"a AUTHENTICATE PLAIN AGpvZQB4\r\n")
    c.line()
    failures += 1
    c.close()
    good = host.imap()
    good.close()
    wait_for("the log to have them", lambda:
        host.log().count("Login failed") >= failures)
    log = host.log()
    lines = [l for l in log.splitlines() if "Login failed" in l]
    tap.equal(len(lines), failures, "one line a failure")
    shape = re.compile(r"Login failed user=\S* auth=\S* host=.*"
        r"\[127\.0\.0\.1\]\s*$")
    odd = [l for l in lines if not shape.search(l)]
    tap.ok(not odd, "every line has the shape that the filter wants",
        "\n".join(odd))
    tap.ok(all(ord(ch) >= 32 for l in lines for ch in l),
        "no control character is logged")
    # The filter wants syslog's date and daemon in front.
    path = os.path.join(host.dir, "mail.log")
    with open(path, "w") as f:
        for line in lines:
            text = line[line.index("Login failed"):]
            daemon = "ipop3d" if "ipop3d" in line else "imapd"
            f.write("Oct  3 01:05:34 mail %s[123]: %s\n" % (daemon, text))
        f.write("Oct  3 01:05:34 mail imapd[123]: Login user=joe "
            "host=[127.0.0.1]\n")
    done = subprocess.run(["fail2ban-regex", "--print-all-matched", path,
        FILTER], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    text = done.stdout.decode(errors="replace")
    m = re.search(r"(\d+) lines, (\d+) ignored, (\d+) matched, (\d+) missed",
        text)
    tap.ok(m and int(m.group(3)) == failures and int(m.group(4)) == 1,
        "fail2ban matches all %d and not the good login" % failures,
        text[-2500:])
    tap.ok(not re.search(r"1\.2\.3\.4 |192\.0\.2\.9 |198\.51\.100\.7 ",
        "\n".join(hosts(path))), "and finds our client in each")
    jail(host.dir)


def jail(where):
    """fail2ban reads our sample as it is meant."""
    etc = os.path.join(where, "fail2ban")
    shutil.copytree("/etc/fail2ban", etc)
    shutil.copy(os.path.join(ROOT, "etc/fail2ban.conf"), etc + "/jail.d")
    said = subprocess.run(["fail2ban-client", "-c", etc, "-d"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False,
        text=True).stdout
    for want in ("['add', 'uwimap-auth', 'systemd']", "['add', 'sshd', "
            "'systemd']", "'uwimap-auth', 'addjournalmatch', "
            "'SYSLOG_FACILITY=2'"):
        tap.ok(want in said, "the sample: " + want, said[-2000:])
    tap.ok("imap2,imaps,pop3,pop3s" in said, "and all four ports", said)


def hosts(path):
    """The addresses that fail2ban would ban."""
    done = subprocess.run(["fail2ban-regex", "-o", "ip", path, FILTER],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    out = done.stdout.decode(errors="replace").split("\n")
    tap.equal({x for x in out if x}, {"127.0.0.1"},
        "fail2ban would ban 127.0.0.1 and nobody else")
    return [x + " " for x in out]


run(main)
