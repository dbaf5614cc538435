#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""getmail6, run as the user, gets everything by IMAP and POP3 over TLS into
files; a second run gets what was delivered since; with
delete it takes some away, then all.  It prepends
Return-Path and notes the mailbox.  It
folds long header lines anew, so the messages here have none.  It also waits
for ever where a delivery's process ends before getmail waits for it: so the
delivery is a script that goes on until getmail sleeps."""

import glob
import os
import sys
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
import mailgen
from clientroom import ClientRoom
from tap import run, tap

ADDED = ["Return-Path", "X-getmail-retrieved-from-mailbox"]
RC = """
[retriever]
type = Simple%(kind)sSSLRetriever
server = localhost
port = %(port)d
username = %(user)s
password = %(password)s
ca_certs = %(crt)s
%(more)s

[destination]
type = MDA_external
path = %(home)s/take
arguments = ("%(proto)s",)
unixfrom = false

[options]
read_all = %(all)s
delete = %(delete)s
max_messages_per_session = %(most)d
delivered_to = false
received = false
verbose = 2
"""


TAKE = """#!/bin/sh
cat > "$HOME/$1/$$.$(date +%s%N)"
until grep -q '^State:.S' /proc/$PPID/status; do sleep 0.01; done
"""


def got(top):
    out = []
    for path in glob.glob(top + "/*"):
        with open(path, "rb") as f:
            out.append(f.read())
    return out


def configure(r, name, port, kind, more, delete=False, most=0):
    os.makedirs("%s/%s" % (r.user.home, name), exist_ok=True)
    r.user.write(".getmail-" + name, RC % {"kind": kind,
        "port": r.ports[port], "user": r.user.name, "proto": name,
        "password": r.user.password, "crt": r.crt, "more": more,
        "home": r.user.home, "delete": str(delete).lower(),
        "all": str(delete).lower(), "most": most})


def fetch(r, proto):
    return r.user.run("getmail", "-g", ".", "-r", ".getmail-" + proto)


def take(r, proto, *how):
    """Four, then the others: what it has is gone from the spool."""
    name = proto + "-delete"
    top = "%s/%s" % (r.user.home, name)
    everything = list(r.messages)
    configure(r, name, *how, delete=True, most=4)
    done = fetch(r, name)
    tap.ok(done.returncode == 0, name + ": getmail takes four",
        done.text[-2000:])
    r.messages = everything[:4]
    r.compare(got(top), name + ", the first four", ADDED)
    r.messages = everything[4:]
    r.left(name + ", the first four")
    configure(r, name, *how, delete=True)
    done = fetch(r, name)
    tap.ok(done.returncode == 0, name + ": getmail takes the others",
        done.text[-2000:])
    r.messages = []
    r.left(name + ", the others")
    r.messages = everything
    r.compare(got(top), name + ", all", ADDED)


def main():
    r = ClientRoom("getmail", corpus=False,
        only=(0, 1, 2, 3, 5, 6, 7, 8, 9, 11))
    kept = list(r.messages)
    r.user.write("take", TAKE, 0o700)
    for proto, port, kind, more in (
            ("imap", "imaps", "IMAP", 'mailboxes = ("INBOX",)'),
            ("pop3", "pop3s", "POP3", "")):
        r.messages = list(kept)
        r.room.fill(r.user, r.mbox())
        top = "%s/%s" % (r.user.home, proto)
        configure(r, proto, port, kind, more)
        done = fetch(r, proto)
        tap.ok(done.returncode == 0, proto + ": getmail says 0",
            done.text[-2000:])
        r.compare(got(top), proto, ADDED)
        new = mailgen.head(600, b"delivered later") + b"\nnew\n"
        mailgen.deliver(r.user.spool, mailgen.to_mbox([new]))
        r.messages.append(new)
        done = fetch(r, proto)
        tap.ok(done.returncode == 0, proto + ": again", done.text[-2000:])
        r.compare(got(top), proto + ", again", ADDED)
        r.left(proto + " without delete")
        take(r, proto, port, kind, more)
    r.quiet_log()


run(main)
