#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""FETCH and SEARCH of a real mailbox: pieces add up to the whole, a reader
that takes its time costs no memory, a message that another program removes is
never answered with other bytes, and searches find what is there."""

import email.header
import email.utils
import os
import re
import socket
import sys
import time
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
import mailgen
import server
from tap import run, tap, wait_for


def numbers(c, search, *literals):
    for r in c.must(search, *literals):
        m = re.match(rb"\* SEARCH((?: \d+)*)\r\n", r[0])
        if m:
            return [int(x) for x in m.group(1).split()]
    raise AssertionError("no SEARCH response to %r" % search)


def pieces(c, want):
    """Blocks as phones fetch them, header and text, sum up to the message."""
    bad = []
    for n, message in enumerate(want, 1):
        whole = b"".join(c.bodies(item, str(n)).get(n) or b""
            for item in ("BODY.PEEK[HEADER]", "BODY.PEEK[TEXT]"))
        if whole != message:
            bad.append("%d: header and text" % n)
        old = c.must("FETCH %d RFC822.HEADER" % n)[0]
        if len(old) > 1 and not message.startswith(old[1]):
            bad.append("%d: RFC822.HEADER" % n)
        got, size = b"", max(1, len(message) // 7)
        while True:
            piece = c.bodies("BODY.PEEK[]<%d.%d>" % (len(got), size),
                str(n)).get(n)
            if not piece:
                break
            got += piece
        if got != message:
            bad.append("%d: blocks" % n)
    tap.ok(not bad, "header and text, and blocks, add up to BODY[]",
        "\n".join(bad[:20]))


def parsed_twice(host, c):
    """From the index the same as from the message."""
    items = "FETCH 1:* (ENVELOPE BODY BODYSTRUCTURE)"
    first = c.must(items)
    tap.equal(c.must(items), first, "parsed data the same when kept")
    other = host.imap()
    other.select()
    tap.ok(other.must(items) == first, "and from the index, elsewhere")
    other.close()


def found(c, want):
    """What Python's email package reads in the headers is found."""
    bad = []
    for n, message in enumerate(want, 1):
        m = email.message_from_bytes(message)
        ident = (m["Message-ID"] or "").strip()
        if ident and ident.isascii() and '"' not in ident and \
                "\\" not in ident and "\n" not in ident:
            if n not in numbers(c, 'SEARCH HEADER message-id "%s"' % ident):
                bad.append("%d: message-id %s" % (n, ident))
        address = email.utils.parseaddr(m["From"] or "")[1]
        if re.match(r"[\w.-]+@[\w.-]+\Z", address, re.A):
            if n not in numbers(c, "SEARCH FROM %s" % address.upper()):
                bad.append("%d: from %s" % (n, address))
        try:
            subject = str(email.header.make_header(
                email.header.decode_header(m["Subject"] or "")))
        except (LookupError, UnicodeError, email.errors.HeaderParseError):
            continue
        for word in re.findall(r"[a-zA-Z]{4,}", subject)[:3]:
            for key in "SUBJECT", "TEXT":
                if n not in numbers(c, "SEARCH %s %s" % (key, word.upper())):
                    bad.append("%d: %s %s" % (n, key, word))
    tap.ok(not bad, "searches find ids, senders and subjects",
        "\n".join(bad[:20]))
    tap.equal(numbers(c, "SEARCH NOT ALL"), [], "nothing is not all")
    half = numbers(c, "SEARCH OR 1:5 LARGER 3000")
    tap.equal(half, [n for n, m in enumerate(want, 1)
        if n <= 5 or len(m) > 3000], "OR of numbers and sizes")


def bounds(c, count):
    every = list(range(1, count + 1))
    for what, expect in (("1:4294967295", every), ("*:*", [count]),
            ("4294967295:1", every), ("4294967295", [count] * 0)):
        got = c.must("UID FETCH %s UID" % what)
        tap.equal(len(got), len(expect), "UID FETCH " + what)
    many = ",".join("%d" % (2 * n + 1) for n in range(5000))
    tap.equal(len(c.must("UID FETCH %s UID" % many)),
        len([u for u in numbers(c, "UID SEARCH ALL") if u % 2 and u < 10000]),
        "a set of 5,000 pieces")
    for text in ("FETCH 1 BODY[%s]" % ".".join(["1"] * 500),
            "SEARCH %s ALL" % " ".join(["NOT"] * 500),
            "SEARCH %s" % " ".join(["OR"] * 500 + ["ALL"] * 501)):
        tap.equal(c.cmd(text)[0], "OK", text[:30] + "...")
    for text in ("SEARCH " + "(" * 5000, "FETCH 1 " + "(" * 5000,
            "SEARCH " + "NOT OR ALL " * 500 + "ALL",
            "FETCH 1 BODY[]<0.0>", "FETCH 1 BODY[]<4294967296.1>"):
        tap.equal(c.cmd(text)[0], "BAD", text[:30] + "...")
    status, line, _ = c.cmd("SEARCH CHARSET %s ALL" % ("x" * 10000))
    tap.ok(status == "NO" and b"[BADCHARSET (" in line, "BADCHARSET", line)
    tap.equal(c.cmd(b"SEARCH CHARSET UTF-8 TEXT {4}", b"\xff\xfe\xff\xff")[0],
        "BAD", "text that is not UTF-8")
    long = b"z" * 500000
    tap.equal(numbers(c, b"SEARCH TEXT {500000}", long), [],
        "a text of 500,000 octets")


def seen(c):
    got = b"".join(c.must("FETCH 2 BODY[HEADER.FIELDS (Subject)]")[0])
    tap.ok(b"FLAGS (" in got and rb"\Seen" in got,
        "setting \\Seen is told in the same answer", got)
    again = c.must("FETCH 2 BODY[HEADER.FIELDS (Subject)]")
    tap.ok(b"FLAGS" not in b"".join(again[0]), "and once only", again)
    tap.ok(2 not in numbers(c, "SEARCH UNSEEN"), "SEARCH knows it")


def long_message(megabytes):
    text = mailgen.head(1, b"long") + b"\n"
    line = b"%07d abcdefghijklmnopqrstuvwxyz 0123456789 abcdefghijklmnop\n"
    body = b"".join(line % n for n in range(megabytes * 1000000 // 64))
    return text + body


def big(host):
    """Messages over 4 MiB are sent in pieces."""
    message = long_message(60)
    want = mailgen.wire(message)
    host.account().fill(mailgen.to_mbox([message, b"Subject: b\n\nsmall\n"]))
    c = host.imap(timeout=120)
    c.select()
    tap.ok(c.bodies()[1] == want, "a message of 60 MB as it is")
    tap.equal(c.bodies("BODY.PEEK[]<59999990.30>", "1")[1],
        want[59999990:60000020], "a piece far inside")
    tap.equal(numbers(c, 'SEARCH BODY "0937498 ABC"'), [1], "found at its end")
    tap.equal(numbers(c, "SEARCH BODY nothing-like-it"), [], "nothing found")
    pids = host.sessions()
    c.sock.setsockopt(socket.SOL_SOCKET,
        socket.SO_RCVBUF, 65536)
    c.send(b"slow FETCH 1 BODY.PEEK[]\r\n")
    c.take(100000)
    most = 0
    for _ in range(50):
        time.sleep(0.01)
        most = max([most] + [server.rss_kib(p) for p in pids])
    if not server.sanitized():
        tap.ok(0 < most < 24 * 1024, "a slow reader costs no memory",
            "%d KiB" % most)
    c.until(b"slow")
    c.close()

    # Now another program takes it away in the middle of the literal.
    c = host.imap(timeout=120)
    c.select()
    c.send(b"gone FETCH 1 BODY.PEEK[]\r\n")
    head = c.line()
    got = c.take(100000)
    # What was promised is in a file of the session's own by now.
    new = host.account().write(host.account().spool + ".new",
        mailgen.to_mbox([b"Subject: other\n\n" + b"OTHER\n" * 10000]))
    os.rename(new, host.account().spool)
    got += c.take(len(want) - len(got))
    tap.ok(got == want, "a literal is never completed from elsewhere", head)
    tap.equal(c.until(b"gone")[0], "OK", "and the command is answered")
    c.close()


def gone(host):
    """A message that another program removed: [EXPUNGEISSUED]."""
    mails = [b"Subject: m%d\nMessage-ID: <m%d@x>\n\n%s\n" % (n, n,
        b"body %d " % n * 50) for n in range(1, 7)]
    host.account().fill(mailgen.to_mbox(mails))
    c = host.imap()
    c.select()
    host.account().fill(mailgen.to_mbox(mails[:2] + mails[4:]))
    status, line, got = c.cmd("FETCH 1:6 BODY.PEEK[]")
    told = {int(r[0].split()[1]): r[1] for r in got if len(r) > 1}
    tap.ok(status == "NO" and b"[EXPUNGEISSUED]" in line,
        "some of the messages are gone", line)
    tap.equal(told, {n: mailgen.wire(mails[n - 1]) for n in (1, 2, 5, 6)},
        "the others are answered, under their numbers")
    tap.ok(not [r for r in got if b"EXPUNGE" in r[0]],
        "no EXPUNGE during FETCH")
    tap.equal([r[0] for r in c.must("NOOP") if b"EXPUNGE" in r[0]],
        [b"* 3 EXPUNGE\r\n", b"* 3 EXPUNGE\r\n"], "but with NOOP")
    tap.equal(numbers(c, "SEARCH TEXT body"), [1, 2, 3, 4],
        "searching goes on")
    c.close()


def main():
    host = server.Host()
    mails = mailgen.ordinary(30)
    mails = [m if isinstance(m, bytes) else m[1] for m in mails]
    if mailgen.corpus_dir():
        mails += [m for _, m in mailgen.corpus_messages()][:150]
    stored = [mailgen.quoted(m) for m in mails]
    want = [mailgen.wire(m) for m in stored]
    host.account().fill(b"".join(mailgen.SEPARATOR + m + b"\n"
        for m in stored))
    c = host.imap(timeout=120)
    count = c.select()
    tap.equal(count, len(want), "all are there")
    pieces(c, want)
    parsed_twice(host, c)
    found(c, want)
    bounds(c, count)
    seen(c)
    c.close()
    big(host)
    gone(host)
    tap.equal(host.faults(), "", "no fault is reported")


run(main)
