#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""offlineimap3 syncs into a Maildir, twice; flags and removals
go both ways.  It adds
nothing to what it pulls, but parses and prints each message anew with
Python's email package, which changes badly formed ones: so no corpus."""

import os
import re
import sys
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
import mailgen
from clientroom import ClientRoom, maildir
from tap import run, tap

RC = """
[general]
accounts = it
ui = basic
maxsyncaccounts = 1

[Account it]
localrepository = near
remoterepository = far

[Repository near]
type = Maildir
localfolders = ~/Maildir

[Repository far]
type = IMAP
remotehost = localhost
remoteport = %(port)d
remoteuser = %(user)s
remotepass = %(password)s
ssl = yes
sslcacertfile = %(crt)s
auth_mechanisms = PLAIN
folderfilter = lambda name: name == "INBOX"
"""


def sync(r, what):
    done = r.user.run("offlineimap", "-o", "-c", ".offlineimaprc", secs=90)
    tap.ok(done.returncode == 0 and "ERROR" not in done.text,
        "offlineimap: " + what, done.text[-3000:])


def near(r, subject):
    for path, data in maildir(r.user.home + "/Maildir/INBOX").items():
        if b"Subject: " + subject + b"\n" in mailgen.unwire(data):
            return path
    raise LookupError(subject)


def main():
    r = ClientRoom("offlineimap", corpus=False)
    r.user.write(".offlineimaprc", RC % {"port": r.ports["imaps"],
        "user": r.user.name, "password": r.user.password, "crt": r.crt})
    inbox = r.user.home + "/Maildir/INBOX"
    sync(r, "first")
    r.compare(maildir(inbox).values(), "pulled")
    first = set(maildir(inbox))
    sync(r, "again")
    tap.equal(set(maildir(inbox)), first, "a second run changes nothing")
    c = r.imap()
    c.must("STORE 1 +FLAGS (\\Flagged)")
    path = near(r, b"test 4 of a set")
    to = path.replace("/new/", "/cur/").split(":2,")[0] + ":2,FS"
    os.rename(path, to)
    sync(r, "flags in both directions")
    tap.ok("F" in near(r, b"test 0 of a set").split(":2,")[1],
        "\\Flagged came down")
    seen = b"".join(c.must("FETCH 5 FLAGS")[-1])
    tap.ok(b"\\Flagged" in seen and b"\\Seen" in seen, "flags went up", seen)
    for number, (theirs, ours) in enumerate(((1, 7), (0, 29))):
        what = "removed on both sides, no. %d" % number
        os.unlink(near(r, b"test %d of a set" % ours))
        c = r.imap()
        uid = re.search(rb"SEARCH (\d+)", b"".join(c.must(
            'UID SEARCH SUBJECT "test %d of"' % theirs)[0])).group(1)
        c.must(b"UID STORE " + uid + b" +FLAGS (\\Deleted)")
        c.must("EXPUNGE")
        r.remove(b"test %d of a set" % theirs, b"test %d of a set" % ours)
        for again in ("", ", again"):
            sync(r, what + again)
            r.compare(maildir(inbox).values(), what + again)
            r.left(what + again)
    r.quiet_log()


run(main)
