#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""fetchmail, run as the user with --invisible, gets everything by IMAP and
by POP3 over TLS, keeps it, and a second run finds nothing new.  It adds
nothing then.  Without keep it takes some away, then all."""

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
  %(keep)s no rewrite no mimedecode pass8bits
  mda "%(home)s/take %(name)s"
"""
TAKE = """#!/bin/sh
dir=$HOME/got-$1
mkdir -p "$dir"
exec cat > "$dir/$$.$(date +%s%N)"
"""


def configure(r, name, proto, port, keep):
    r.user.write(".fetchmailrc-" + name, RC % {"proto": proto, "name": name,
        "port": r.ports[port], "user": r.user.name, "keep": keep,
        "password": r.user.password, "crt": r.crt, "home": r.user.home,
        "uidl": "uidl" if proto == "pop3" else ""})


def fetch(r, name, *args):
    done = r.user.run("fetchmail", "-f", ".fetchmailrc-" + name,
        "--invisible", "--nosyslog", "--nodetach", "-i",
        ".fetchids-" + name, *args)
    return done


def got(r, name):
    out = []
    for path in glob.glob("%s/got-%s/*" % (r.user.home, name)):
        with open(path, "rb") as f:
            out.append(f.read())
    return out


def take(r, proto, port):
    """Seven, then the others: what it has is gone from the spool."""
    name = proto + "-nokeep"
    configure(r, name, proto, port, "no keep fetchall")
    everything = list(r.messages)
    done = fetch(r, name, "--fetchlimit", "7", "--expunge", "3")
    tap.ok(done.returncode in (0, 13), name + ": fetchmail takes seven",
        "%d %s" % (done.returncode, done.text[-2000:]))
    r.messages = everything[:7]
    r.compare(got(r, name), name + ", the first seven")
    r.messages = everything[7:]
    r.left(name + ", the first seven")
    done = fetch(r, name)
    tap.ok(done.returncode == 0, name + ": fetchmail takes the others",
        "%d %s" % (done.returncode, done.text[-2000:]))
    r.messages = []
    r.left(name + ", the others")
    r.messages = everything
    r.compare(got(r, name), name + ", all")
    done = fetch(r, name)
    tap.ok(done.returncode == 1, name + ": nothing new (exit 1)",
        "%d %s" % (done.returncode, done.text[-500:]))


def main():
    r = ClientRoom("fetchmail")
    r.user.write("take", TAKE, 0o700)
    for proto, port in (("imap", "imaps"), ("pop3", "pop3s")):
        configure(r, proto, proto, port, "keep")
        done = fetch(r, proto)
        tap.ok(done.returncode == 0, proto + ": fetchmail says 0",
            "%d %s" % (done.returncode, done.text[-2000:]))
        r.compare(got(r, proto), proto)
        r.left(proto + " with keep")
        done = fetch(r, proto)
        tap.ok(done.returncode == 1, proto + ": nothing new (exit 1)",
            "%d %s" % (done.returncode, done.text[-500:]))
    c = r.imap()
    flags = b"".join(b"".join(x) for x in c.must("FETCH 1:* FLAGS"))
    tap.equal(flags.count(b"\\Seen"), len(r.messages),
        "by IMAP, what was fetched is \\Seen")
    for proto, port in (("imap", "imaps"), ("pop3", "pop3s")):
        r.settle()
        r.room.fill(r.user, r.mbox())
        take(r, proto, port)
    r.quiet_log()


run(main)
