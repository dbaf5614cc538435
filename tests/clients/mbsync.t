#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""mbsync (isync): pulls the spool into a Maildir, twice; then flags in both
directions, a delivery, a message pushed up, and messages removed on both
sides, twice.  mbsync adds X-TUID to what it pulls or pushes."""

import glob
import os
import re
import sys
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
import mailgen
from clientroom import ClientRoom, maildir
from tap import run, tap

RC = """
IMAPAccount it
Host localhost
Port %(port)d
User %(user)s
Pass "%(password)s"
SSLType IMAPS
CertificateFile %(crt)s
AuthMechs LOGIN

IMAPStore far
Account it

MaildirStore near
Path ~/Maildir/
Inbox ~/Maildir/INBOX

Channel all
Far :far:
Near :near:
Patterns INBOX
Create Near
Expunge Both
Sync All
SyncState *
"""


def sync(r, what):
    done = r.user.run("mbsync", "-c", ".mbsyncrc", "-a")
    tap.ok(done.returncode == 0, "mbsync: " + what, done.text[-2000:])


def near(r, subject):
    """The Maildir file of one message."""
    for path, data in maildir(r.user.home + "/Maildir/INBOX").items():
        if b"Subject: " + subject + b"\n" in mailgen.unwire(data):
            return path
    raise LookupError(subject)


def removed(r, theirs, ours, what):
    """One message is removed here, and one there."""
    path = near(r, ours)
    os.rename(path, path.replace("/new/", "/cur/").split(":2,")[0] + ":2,ST")
    c = r.imap()
    uid = re.search(rb"SEARCH (\d+)", b"".join(c.must(
        'UID SEARCH SUBJECT "%s"' % theirs.decode())[0])).group(1)
    c.must(b"UID STORE " + uid + b" +FLAGS (\\Deleted)")
    c.must(b"UID EXPUNGE " + uid)
    sync(r, what)
    r.remove(theirs, ours)
    r.compare(maildir(r.user.home + "/Maildir/INBOX").values(), what,
        ["X-TUID"])
    r.left(what, ["X-TUID"])
    sync(r, what + ", nothing left to do")
    r.left(what + ", again", ["X-TUID"])
    r.compare(maildir(r.user.home + "/Maildir/INBOX").values(), what
        + ", again", ["X-TUID"])


def main():
    r = ClientRoom("mbsync")
    r.user.write(".mbsyncrc", RC % {"port": r.ports["imaps"],
        "user": r.user.name, "password": r.user.password, "crt": r.crt})
    os.mkdir(r.user.home + "/Maildir")
    os.chown(r.user.home + "/Maildir", r.user.uid, r.user.gid)
    inbox = r.user.home + "/Maildir/INBOX"

    sync(r, "first pull")
    r.compare(maildir(inbox).values(), "pulled", ["X-TUID"])
    first = set(maildir(inbox))
    sync(r, "again")
    tap.equal(set(maildir(inbox)), first, "a second run changes nothing")

    c = r.imap()
    c.must("STORE 1 +FLAGS (\\Flagged)")
    c.must("STORE 2 +FLAGS (\\Answered \\Seen)")
    path = near(r, b"test 4 of a set")
    to = path.replace("/new/", "/cur/").split(":2,")[0] + ":2,FS"
    os.rename(path, to)
    r.room.children[0].poll()
    sync(r, "flags in both directions")
    tap.ok("F" in near(r, b"test 0 of a set").split(":2,")[1],
        "\\Flagged came down", near(r, b"test 0 of a set"))
    flags = near(r, b"test 1 of a set").split(":2,")[1]
    tap.ok("R" in flags and "S" in flags, "\\Answered \\Seen came down",
        flags)
    seen = b"".join(c.must("FETCH 5 FLAGS")[-1])
    tap.ok(b"\\Flagged" in seen and b"\\Seen" in seen, "flags went up", seen)

    new = mailgen.head(500, b"delivered later") + b"\nnew\n"
    mailgen.deliver(r.user.spool, mailgen.to_mbox([new]))
    r.messages.append(new)
    sync(r, "after a delivery")
    r.compare(maildir(inbox).values(), "pulled with the delivery",
        ["X-TUID"])

    mine = mailgen.head(501, b"pushed up") + b"\nfrom here\n"
    r.user.write("Maildir/INBOX/new/1.x.y", mine)
    r.messages.append(mine)
    sync(r, "a message goes up")
    c = r.imap()
    r.compare(list(c.bodies().values()), "the server has it", ["X-TUID"])
    sync(r, "nothing left to do")
    tap.equal(len(glob.glob(inbox + "/*/*")), len(r.messages),
        "no doubles")
    r.compare(maildir(inbox).values(), "in the end", ["X-TUID"])
    removed(r, b"test 3 of a set", b"test 6 of a set", "removed on both sides")
    removed(r, b"test 0 of a set", b"pushed up", "the first and the last "
        "one removed")
    r.quiet_log()


run(main)
