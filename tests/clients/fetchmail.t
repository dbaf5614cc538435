#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""fetchmail, run as the user with --invisible, gets everything by IMAP and
by POP3 over TLS, keeps it, and a second run finds nothing new.  It adds
nothing then."""

import glob
import os
import sys
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
import mailgen
from clientroom import ClientRoom
from tap import run, tap

RC = """
poll localhost protocol %(proto)s port %(port)d auth password %(uidl)s
  user "%(user)s" password "%(password)s" is "%(user)s" here
  ssl sslcertck sslcertfile %(crt)s
  keep no rewrite no mimedecode pass8bits
  mda "%(home)s/take %(proto)s"
"""
TAKE = """#!/bin/sh
dir=$HOME/got-$1
mkdir -p "$dir"
exec cat > "$dir/$$.$(date +%s%N)"
"""


def fetch(r, proto):
    done = r.user.run("fetchmail", "-f", ".fetchmailrc-" + proto,
        "--invisible", "--nosyslog", "--nodetach", "-i",
        ".fetchids-" + proto)
    return done


def main():
    r = ClientRoom("fetchmail")
    r.user.write("take", TAKE, 0o700)
    for proto, port in (("imap", "imaps"), ("pop3", "pop3s")):
        r.user.write(".fetchmailrc-" + proto, RC % {"proto": proto,
            "port": r.ports[port], "user": r.user.name,
            "password": r.user.password, "crt": r.crt,
            "home": r.user.home,
            "uidl": "uidl" if proto == "pop3" else ""})
        done = fetch(r, proto)
        tap.ok(done.returncode == 0, proto + ": fetchmail says 0",
            "%d %s" % (done.returncode, done.text[-2000:]))
        got = []
        for path in glob.glob("%s/got-%s/*" % (r.user.home, proto)):
            with open(path, "rb") as f:
                got.append(f.read())
        r.compare(got, proto)
        done = fetch(r, proto)
        tap.ok(done.returncode == 1, proto + ": nothing new (exit 1)",
            "%d %s" % (done.returncode, done.text[-500:]))
    c = r.imap()
    flags = b"".join(b"".join(x) for x in c.must("FETCH 1:* FLAGS"))
    tap.equal(flags.count(b"\\Seen"), len(r.messages),
        "by IMAP, what was fetched is \\Seen")
    r.quiet_log()


run(main)
