#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""procmail and maildrop deliver into ~/Maildir, 20 at once, beside sessions
that append, change flags and write them into file names, and expunge; one in
IDLE hears of it all.  Nothing is lost, nothing is doubled."""

import os
import re
import sys
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
import delivery
import mailgen
import room
from delivery import Listener, Session, appender, mails
from tap import need, run, tap

DELIVERIES = 60     # 20 at a time
APPENDS = 20        # by each of two sessions
REMOVED = 10        # of those that were there before

PROCMAILRC = """LOGFILE=$HOME/procmail.log
DEFAULT=$HOME/Maildir/
"""


def flagger(s):
    """Renames files all the time."""
    for n in range(30):
        s.c.must("STORE 1:* %sFLAGS.SILENT (\\Flagged key)" % "+-"[n % 2])
        s.c.must("CHECK")
        s.c.must("NOOP")


def remover(s):
    uids = [int(x) for x in re.findall(rb"UID (\d+)", b"".join(b"".join(x)
        for x in s.c.must("FETCH 1:%d UID" % REMOVED)))]
    for uid in uids:
        s.c.must("UID STORE %d +FLAGS.SILENT (\\Deleted)" % uid)
        s.c.must("UID EXPUNGE %d" % uid)


def main():
    need("procmail", "maildrop")
    r = room.enter()
    user = r.add_user("joe")
    user.write(".procmailrc", PROCMAILRC)
    user.write(".mailfilter", 'to "%s/Maildir"\n' % user.home)
    first = mails(b"old", REMOVED + 5)
    for part in ("cur", "new", "tmp"):
        os.makedirs(user.home + "/Maildir/" + part)
    for n, m in enumerate(first):
        user.write("Maildir/%s/%d.%d.host" % ("new" if n % 2 else "cur",
            1700000000 + n, n), m)
    r.inetd()
    idle = Listener(r, user)
    tap.equal(idle.exists, len(first), "~/Maildir is the INBOX")
    kinds = (b"append-a", b"append-b")
    others = [Session(r, user, w) for w in [appender(k, APPENDS, "", "\\Seen")
        for k in kinds] + [flagger, remover]]
    idle.start()
    for s in others:
        s.start()
    delivery.deliver(user, DELIVERIES)
    for s in others:
        s.join(delivery.PATIENCE)
        tap.ok(s.fault is None and not s.is_alive(),
            "a session did all its work beside them", s.fault)
    want = [mailgen.wire(m) for m in first[REMOVED:] + mails(b"delivery",
        DELIVERIES) + [m for k in kinds for m in mails(k, APPENDS)]]
    idle.hears(len(want))
    late = Session(r, user)
    uids = delivery.check(late, want, kinds[0], APPENDS, others[0].uids)
    listed = {}
    with open(user.home + "/Maildir/dovecot-uidlist") as f:
        for line in f.read().splitlines()[1:]:
            listed[int(line.split()[0])] = line.partition(":")[2]
    names = {n.split(":")[0] for n in os.listdir(user.home + "/Maildir/cur")}
    tap.equal({listed.get(u) for u in uids}, names,
        "the list of UIDs names the files there are")
    tap.ok(not os.listdir(user.home + "/Maildir/new") and not os.listdir(
        user.home + "/Maildir/tmp") and not os.path.exists(user.home
        + "/Maildir/dovecot-uidlist.lock"), "and nothing is left over")


run(main)
