#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""All POP3 transcripts beside this file, each in clear, over TLS and preauth.
Their form is that of tests/lib/transcript.py; the user is logged in by USER
and PASS unless there is %prelogin."""

import glob
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, os.pardir, "lib"))

import server   # noqa: E402
import transcript    # noqa: E402
from tap import run, tap    # noqa: E402

# What a transcript starts by itself (preauth) is this program.
server.BINARIES["imapd"] = server.BINARIES["ipop3d"]


class Player(transcript.Player):
    def connect(self):
        if self.mode == "preauth":
            w = transcript.Preauth(self.host, self.account)
        else:
            w = self.host.wire("ipop3d", self.mode == "tls")
        if self.script.prelogin:
            return w
        if self.mode != "preauth":
            w.greeting = w.line()
            w.send(b"USER %s\r\nPASS %s\r\n" % (self.account.name.encode(),
                server.PASSWORD.encode()))
            w.line()
        got = w.line()
        if not got.startswith(b"+OK "):
            raise transcript.Mismatch("login: %r" % got)
        return w


def play(path, hosts):
    script = transcript.Script(path)
    key = tuple(script.conf)
    if key not in hosts:
        hosts[key] = server.Host(conf="".join(c + "\n" for c in key),
            programs=("ipop3d",))
        transcript.write_preauth_conf(hosts[key])
    for mode in script.modes:
        name = "%s, %s: %s" % (os.path.basename(path), mode, script.rule)
        if mode == "preauth" and not transcript.can_preauth():
            tap.skip(name, "needs root to give a process another passwd")
            continue
        host = hosts[key]
        why = Player(host, host.account(), script, mode).play()
        if not tap.ok(why is None, name, why) and os.environ.get("VERBOSE"):
            tap.diag(host.log()[-1500:])


def main():
    hosts = {}
    for path in sys.argv[1:] or sorted(glob.glob(HERE + "/*.pop3")):
        play(path, hosts)
    for host in hosts.values():
        tap.ok(not host.faults(), "no fault was reported", host.faults())


run(main)
