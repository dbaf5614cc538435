#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A long literal keeps its octets, whatever becomes of the mailbox while a slow
client takes it: another session expunges the message, or another program
empties or replaces the file.  And nobody waits for that client."""

import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, os.pardir, "lib"))

import server    # noqa: E402
from tap import run, tap, wait_for    # noqa: E402
from transcript import message    # noqa: E402

SIZE = 20 << 20
host = None


def long_message():
    """A mailbox file of one message, and the message on the wire."""
    lines = b"".join(b"%015d\n" % n for n in range(SIZE // 16))
    text = b"From: a@example.org\nSubject: long\n\n" + lines
    return (b"From a@example.org Mon Jan  1 10:00:00 2024\n" + text + b"\n",
        text.replace(b"\n", b"\r\n"))


def expunge():
    c = host.imap()
    c.select()
    c.must("STORE 1 +FLAGS.SILENT (\\Deleted)")
    c.must("EXPUNGE")
    tap.equal(c.select(), 1, "another session has expunged it")
    c.close()


def empty():
    os.truncate(host.account().spool, 0)


def replace():
    new = host.account().write("new", message(9) * 1000)
    os.rename(new, host.account().spool)


CHANGES = (("expunged", expunge), ("emptied", empty), ("replaced", replace))


def imap_literal(tls):
    """Half of the literal is taken, then the mailbox changes."""
    data, wire = long_message()
    for name, change in CHANGES:
        host.account().fill(data + message(2))
        c = host.imap(tls=tls)
        c.select()
        c.send(b"a FETCH 1 (BODY.PEEK[])\r\n")
        head = c.line()
        size = int(re.search(rb"\{(\d+)\}", head).group(1))
        tap.equal(size, len(wire), "its size")
        got = c.take(size // 2)
        change()
        got += c.take(size - len(got))
        tap.ok(got == wire, "%s: the rest of the literal is its own" % name)
        tap.equal(c.line(), b")\r\n", "and ends")
        status, _, _ = c.until(b"a")
        tap.ok(status in ("OK", "NO") or c.sock is None,
            "the session goes on (%s)" % status)
        c.close()
        wait_for("the end", lambda: not host.processes())


def pop_retr():
    data, wire = long_message()
    for name, change in CHANGES:
        host.account().fill(data + message(2))
        c = host.pop()
        c.send(b"RETR 1\r\n")
        tap.ok(c.line().startswith(b"+OK %d octets" % len(wire)),
            "POP3 says its size")
        got = c.take(len(wire) // 2)
        change()
        got += c.take(len(wire) - len(got))
        tap.ok(got == wire, "%s: the rest comes by POP3" % name)
        tap.equal(c.line(), b".\r\n", "and ends")
        c.must("NOOP")
        c.close()
        wait_for("the end", lambda: not host.processes())


def pieces():
    """A few lines of it, and pieces of all sizes."""
    data, wire = long_message()
    host.account().fill(data + message(2))
    c = host.imap()
    c.select()
    for first, count in ((0, 1), (5, 100000), (1 << 20, 5 << 20),
            (len(wire) - 7, 100), (3, len(wire))):
        got = c.bodies("BODY.PEEK[]<%d.%d>" % (first, count), "1")
        tap.ok(got[1] == wire[first:first + count],
            "octets %d and %d behind" % (first, count))
    got = c.must("FETCH 1 (BODY.PEEK[TEXT] BODY.PEEK[]<7.6000000>)")[0]
    tap.ok(got[1] == wire[wire.index(b"\r\n\r\n") + 4:] and
        got[3] == wire[7:6000007], "two at once")
    c.close()
    c = host.pop()
    head = wire[:wire.index(b"\r\n\r\n") + 4]
    for lines in (0, 3, 300000):
        got = b"".join(c.lines("TOP 1 %d" % lines))
        tap.ok(got == wire[:len(head) + 17 * lines], "TOP of %d" % lines)
    c.close()


def main():
    global host
    host = server.Host(programs=("imapd", "ipop3d"))
    imap_literal(False)
    imap_literal(True)
    pop_retr()
    pieces()
    tap.ok(not host.faults(), "no fault was reported", host.faults())


run(main, 300)
