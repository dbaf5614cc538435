#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""mutt and s-nail on a mailbox that is open here.  They see the flags that a
session wrote; what they flag, read and remove is told to the sessions, in IDLE
and by NOOP; flags merge with those that a session has set meanwhile; UIDs
stay with their letters, also without the index afterwards; and no letter is
lost or changed.  mutt puts the old time back, which hides nothing."""

import os
import re
import sys
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
import mailgen
import others
import server
from tap import need, run, tap

COUNT = 7
LETTERS = [mailgen.head(n, b"letter %d" % n) + b"\n"
    + b"this is line of letter %d\n" % n * (3 + n * 11) for n in range(COUNT)]
FLAGS = ("\\Seen", "\\Answered", "\\Flagged", "\\Draft", "\\Deleted")


def boxes(a):
    return (("INBOX", a.spool), ("letters", a.home + "/letters"))


def subjects(text):
    return set(re.findall(r"letter \d+", text))


def by_mutt(host, path, patterns):
    """Of each of its patterns, which letters match."""
    a = host.account()
    out = {}
    keys = ""
    for name, pattern in patterns.items():
        out[name] = os.path.join(a.home, "matched-" + name.strip("\\"))
        keys += ("<untag-pattern>.\\n<tag-pattern>%s\\n<tag-prefix-cond>"
            "<pipe-message>cat >%s\\n<end-cond>" % (pattern, out[name]))
    status, said = others.mutt(a, path, keys + "<exit>")
    tap.ok(status == 0, "mutt ends well", said[-900:])
    found = {name: subjects(server.read(p)) for name, p in out.items()}
    for p in out.values():
        if os.path.exists(p):
            os.unlink(p)
    return found


def by_snail(host, path, patterns):
    commands = []
    for name, pattern in patterns.items():
        commands += ["echo ==" + name.strip("\\"), "from " + pattern]
    status, said = others.snail(host, path, *commands, "exit")
    tap.ok(status == 0, "s-nail ends well", said)
    parts = dict(p.split("\n", 1) for p in said.split("==")[1:])
    return {name: subjects(parts[name.strip("\\")]) for name in patterns}


def seen_by_them(host):
    """Each sees what we wrote at the end of a session, and leaves it be."""
    a = host.account()
    want = {"\\Seen": {0, 4}, "\\Answered": {1, 4}, "\\Flagged": {2, 4},
        "\\Draft": {3}}
    for box, path in boxes(a):
        a.write(path, mailgen.to_mbox(LETTERS))
        c = host.imap()
        c.select(box)
        for flag, which in want.items():
            c.must("STORE %s +FLAGS.SILENT (%s)" % (",".join(str(n + 1)
                for n in which), flag))
        c.must("LOGOUT")
        others.settle(host)
        names = {flag: {"letter %d" % n for n in which}
            for flag, which in want.items()}
        names["old"] = {"letter %d" % n for n in range(COUNT)} - names[
            "\\Seen"]
        got = by_mutt(host, path, {"\\Seen": "~R", "\\Answered": "~Q",
            "\\Flagged": "~F", "old": "~O"})
        tap.equal(got, {k: names[k] for k in got}, box + ": mutt sees our "
            "flags")
        got = by_snail(host, path, {"\\Answered": ":a", "\\Flagged": ":f",
            "\\Draft": ":t", "old": ":u"})
        tap.equal(got, {k: names[k] for k in got}, box + ": s-nail sees our "
            "flags")
        tap.equal(others.stored(path), [others.bare(m) for m in LETTERS],
            box + ": and the letters are what they were")
        others.forget(host)


def mutt_changes(host, path, gone):
    keys = ("<jump>2\\n<flag-message><jump>4\\n<flag-message><jump>5\\n"
        "<clear-flag>N<jump>%d\\n<delete-message><sync-mailbox><quit>" % gone)
    return others.mutt(host.account(), path, keys)


def snail_changes(host, path, gone):
    return others.snail(host, path, "flag 2 4", "seen 5", "delete %d" % gone,
        "quit")


def told_gone(c, number, idle):
    """The session hears which message is gone."""
    want = b"* %d EXPUNGE\r\n" % number
    if not idle:
        return want in [r[0] for r in c.must("NOOP")]
    while c.line() != want:
        pass
    c.send(b"DONE\r\n")
    return c.until(b"i")[0] == "OK"


def changed(host, program, change, box, path, gone, written):
    """`written`: a session has made room and written UIDs before."""
    a = host.account()
    what = "%s removes message %d of %s%s" % (program, gone, box,
        " that we wrote" if written else "")
    a.write(path, mailgen.to_mbox(LETTERS))
    c = host.imap()
    validity, uidnext, before = others.told(c, box)
    if written:
        c.must("LOGOUT")
        others.settle(host)
        c = host.imap()
        c.select(box)
    i = host.imap()
    i.select(box)
    i.send(b"i IDLE\r\n")
    i.line()
    # Known to the index only, as the other program comes.
    c.must("STORE 2,4 +FLAGS.SILENT (\\Answered)")
    c.must("STORE 6 +FLAGS.SILENT (\\Draft \\Seen Work)")
    status, said = change(host, path, gone)
    tap.ok(status == 0, what, said[-900:])
    tap.ok(told_gone(i, gone, True), what + ": IDLE is told")
    tap.ok(told_gone(c, gone, False), what + ": NOOP tells it")
    add = {1: {"\\Flagged", "\\Answered"}, 3: {"\\Flagged", "\\Answered"},
        4: {"\\Seen"}, 5: {"\\Draft", "\\Seen", "Work"}}
    want = [(m[0], m[1] | add.get(n, set()), m[2])
        for n, m in enumerate(before) if n != gone - 1]
    kept = [others.bare(m) for n, m in enumerate(LETTERS) if n != gone - 1]
    bodies = c.bodies("BODY.PEEK[]", ",".join(str(m[0]) for m in want), True)
    tap.equal([others.bare(mailgen.unwire(bodies[n + 1]))
        for n in range(len(bodies))], kept, what + ": the bytes of each UID")
    for s, name in ((c, "the session"), (i, "that in IDLE")):
        got = others.told(s, box)
        tap.equal((got[0], got[2]), (validity, want), "%s: UIDs, and flags "
            "of both sides, to %s" % (what, name))
        tap.ok(got[1] >= uidnext, what + ": UIDNEXT does not fall", got[1])
        s.must("LOGOUT")
    others.forget(host)
    tap.equal(others.stored(path), kept, what + ": the file has the others, "
        "and nothing else")
    c = host.imap()
    got = others.told(c, box)
    tap.equal((got[0], got[2]), (validity, want), what + ": and all is in "
        "the file")
    c.must("LOGOUT")
    others.forget(host)


def hidden(host):
    """A change of flags that keeps the size and, by mutt, the time."""
    a = host.account()
    path = a.home + "/letters"
    a.write(path, mailgen.to_mbox(LETTERS))
    others.mutt(a, path, "<jump>2\\n<flag-message><jump>2\\n<clear-flag>N"
        "<sync-mailbox><quit>")
    os.utime(path, (1700000000, 1700000000))
    c, i = host.imap(), host.imap()
    before = others.told(c, "letters")[2]
    i.select("letters")
    i.send(b"i IDLE\r\n")
    i.line()
    tap.equal(before[1][1], {"\\Flagged", "\\Seen"}, "mutt's first flag is seen")
    was = os.stat(path)
    status, said = others.mutt(a, path, "<jump>2\\n<clear-flag>!<jump>2\\n"
        "<set-flag>r<sync-mailbox><exit>")
    now = os.stat(path)
    tap.ok(status == 0 and (was.st_size, was.st_mtime_ns, was.st_ino) ==
        (now.st_size, now.st_mtime_ns, now.st_ino) and was.st_ctime_ns !=
        now.st_ctime_ns, "(mutt changed it, and put size and time back)",
        (was, now, said[-500:]))
    while b"\\Answered" not in i.line():
        pass
    tap.ok(True, "IDLE is told of the flag")
    c.must("NOOP")
    before[1] = (before[1][0], {"\\Answered", "\\Seen"}, before[1][2])
    tap.equal(others.told(c, "letters")[2], before, "and NOOP, of that alone")


def main():
    need("mutt", "s-nail", "cc")
    host = server.Host()
    seen_by_them(host)
    for program, change in (("mutt", mutt_changes), ("s-nail",
            snail_changes)):
        for box, path in boxes(host.account()):
            for gone in (3, 1):
                for written in (False, True):
                    changed(host, program, change, box, path, gone, written)
    hidden(host)
    tap.equal(host.faults(), "", "no fault is reported")


run(main)
