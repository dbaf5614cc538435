#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""An EXPUNGE that takes seconds, because the disk does (tests/lib/slowdisk.c),
says so by INPROGRESS (RFC 9585) before its answer; a client that knows nothing
of that, Python's imaplib, is not disturbed; the others wait, and find what
there is then.  A long search says so too, and ends soon when its client has
gone."""

import imaplib
import os
import re
import sys
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
import mailgen
import server
from place import Place, need_build, quick_dir, spawn
from tap import run, tap

# What goes is 5 MB, so what stays moves in seven pieces of that.
GAP, LETTERS, SIZE = 5 << 20, 8, 4 << 20
MSECS = 700
# To be searched: each is a read or more, and so all of them are half a minute.
MANY, MANY_SIZE, READ_MSECS = 64, 300 << 10, 500
PROGRESS = re.compile(rb'\* OK \[INPROGRESS \("(\w+)" (\d+) (\d+)\)\] ')


def letter(n, size):
    line = b"line of letter %d\n" % n
    return mailgen.head(n, b"letter %d" % n) + b"\n" + line * (size
        // len(line))


class Pair(imaplib.IMAP4):
    """imaplib over a session that is there already."""

    def __init__(self, sock):
        self.given = sock
        imaplib.IMAP4.__init__(self)

    def _create_socket(self, timeout):
        return self.given


def slow_place():
    place = Place("lock_timeout = 60\n", quick_dir())
    place.env["LD_PRELOAD"] += ":" + server.preload("slowdisk", place.dir)
    place.env["SLOW_MSECS"] = str(MSECS)
    letters = [letter(0, GAP)] + [letter(n, SIZE)
        for n in range(1, LETTERS + 1)]
    place.fill(mailgen.to_mbox(letters))
    return place, letters


def told():
    place, letters = slow_place()
    c, other = place.imap(timeout=120), place.imap(timeout=120)
    for s in (c, other):
        s.select()
    c.must("STORE 1 +FLAGS.SILENT (\\Deleted)")
    c.send(b"long EXPUNGE\r\n")
    status, line, seen = c.until(b"long")
    tap.equal(status, "OK", "EXPUNGE is done")
    said = [r[0] for r in seen]
    rows = [PROGRESS.match(s) for s in said if b"INPROGRESS" in s]
    tap.ok(rows and all(rows), "INPROGRESS is told before (%d times)"
        % len(rows), said)
    tap.equal({m.group(1) for m in rows}, {b"long"}, "of that command")
    done = [int(m.group(2)) for m in rows]
    tap.ok(done == sorted(done) and all(int(m.group(2)) < int(m.group(3))
        for m in rows), "it goes on, and is never above its goal", said)
    tap.ok(b"* 1 EXPUNGE\r\n" in said, "and then what was removed", said)
    other.must("NOOP")
    for s in (c, other):
        got = s.bodies()
        tap.ok([got[n] for n in sorted(got)] == [mailgen.wire(m)
            for m in letters[1:]], "all others are as they were")
        s.kill()    # without writing back, which would take as long
        s.end()
    place.remove()


def ignored():
    place, letters = slow_place()
    sock, child = spawn(place, "imapd", False, False, ())
    sock.settimeout(120)
    m = Pair(sock)
    tap.equal(m.select()[1], [b"%d" % (LETTERS + 1)], "imaplib selects")
    m.store("1", "+FLAGS", "\\Deleted")
    tap.equal(m.expunge(), ("OK", [b"1"]), "its EXPUNGE is as ever")
    tap.ok(m.untagged_responses.get("INPROGRESS"), "it was told, too",
        m.untagged_responses)
    tap.ok(m.fetch("1", "(BODY.PEEK[])")[1][0][1] == mailgen.wire(letters[1]),
        "and goes on")
    tap.equal(m.logout()[0], "BYE", "to the end")
    tap.equal(child.wait(60), 0, "the session ends by itself")
    place.remove()


def searched():
    """What was read is counted: two seconds until it is told, and one or two
    until a line that is told can't be sent."""
    place = Place("", quick_dir())
    counted = os.path.join(place.dir, "reads")
    with open(counted, "w"):
        place.own(counted)
    place.fill(mailgen.to_mbox([letter(n, MANY_SIZE) for n in range(MANY)]))
    first = place.imap()
    first.select()
    first.end()
    place.env["LD_PRELOAD"] += ":" + server.preload("slowdisk", place.dir)
    place.env["SLOW_READ_MSECS"] = str(READ_MSECS)
    place.env["SLOW_READS"] = counted
    c = place.imap(timeout=120)
    c.select(word="EXAMINE")
    os.truncate(counted, 0)
    c.send(b"long SEARCH BODY nowhere\r\n")
    line = c.line()
    m = PROGRESS.match(line)
    tap.ok(m and m.group(1) == b"long" and int(m.group(2)) < int(m.group(3))
        == MANY, "a search that takes long says so", line)
    c.end()
    reads = os.path.getsize(counted)
    tap.ok(0 < reads < MANY // 2, "its client has gone: it ends, after %d reads "
        "for %d messages" % (reads, MANY), place.logged()[-500:])
    place.remove()


def main():
    need_build()
    told()
    ignored()
    searched()


run(main)
