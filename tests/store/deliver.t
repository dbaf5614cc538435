#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""procmail and maildrop deliver into an open INBOX, 20 at once, beside two
IMAP sessions that APPEND to it; a session in IDLE hears of it.  Nothing is
lost, nothing is doubled, nobody waits for ever."""

import os
import re
import sys
import time
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
import delivery
import mailgen
import room
from delivery import Listener, Session, appender, mails
from tap import need, run, tap

DELIVERIES = 60     # 20 at a time
APPENDS = 30        # by each of two sessions

PROCMAILRC = """LOCKSLEEP=1
LOCKTIMEOUT=300
LOGFILE=$HOME/procmail.log
DEFAULT=%s
"""


def main():
    need("procmail", "maildrop")
    r = room.enter()
    user = r.add_user("joe")
    user.write(".procmailrc", PROCMAILRC % user.spool)
    user.write(".mailfilter", 'LOCKSLEEP=1\nto "%s"\n' % user.spool)
    first = mails(b"old", 5)
    r.fill(user, mailgen.to_mbox(first))
    r.inetd()
    listener = Listener(r, user)
    listener.start()
    kinds = (b"append-a", b"append-b")
    appenders = [Session(r, user, appender(k, APPENDS)) for k in kinds]
    start = time.monotonic()
    for a in appenders:
        a.start()
    delivery.deliver(user, DELIVERIES)
    for a in appenders:
        a.join(delivery.PATIENCE)
        tap.ok(a.fault is None and len(a.uids) == APPENDS,
            "%d APPENDs beside them" % APPENDS, a.fault)
    tap.diag("all of it took %.1f s" % (time.monotonic() - start))
    want = [mailgen.wire(mailgen.quoted(m)) for m in first + mails(b"delivery",
        DELIVERIES) + [m for k in kinds for m in mails(k, APPENDS)]]
    total = 5 + DELIVERIES + 2 * APPENDS
    listener.hears(total)
    tap.ok(not listener.expunged, "and of no removal")
    late = Session(r, user)
    delivery.check(late, want, kinds[0], APPENDS, appenders[0].uids)
    with open(user.spool, "rb") as f:
        text = f.read()
    tap.equal(len(re.findall(rb"^From ", text, re.M)), total,
        "the file has as many separators")
    tap.ok(not os.path.exists(user.spool + ".lock"), "no lock is left")


run(main)
