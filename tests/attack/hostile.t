#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Generated hostile mail (mailgen.hostile(), a fixed seed): served byte for
byte where mbox can hold it, described without a crash, its parts recounted,
and in time that grows with its size and not faster."""

import os
import re
import sys
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "store"))
import mailgen
import mime_recount
import server
from imapc import Gone
from tap import run, tap

# A header of BOUND_MIME_HEADER, and what is made of it.
MOST_KIB = 128 * 1024
BEYOND = ("depth 10,000", "20000 empty parts", "160000 empty parts")
ITEMS = ("ENVELOPE", "BODYSTRUCTURE", "BODY", "RFC822.SIZE",
    "BODY.PEEK[HEADER.FIELDS (SUBJECT CC)]", "BODY.PEEK[1]",
    "BODY.PEEK[1.MIME]", "BODY.PEEK[TEXT]<5.100>", "BODY.PEEK[1.1.1.1]")


def served(host, rows):
    """The rows by APPEND (any octets) and by delivery (as mbox)."""
    a = host.account()
    stored = [mailgen.quoted(m) for _, m in rows]
    a.fill(b"".join(mailgen.SEPARATOR + m + b"\n" for m in stored))
    c = host.imap(timeout=120)
    tap.equal(c.select(), len(rows), "all hostile messages are there")
    got = c.bodies()
    for n, (what, message) in enumerate(rows):
        want = mailgen.wire(stored[n])
        have = got.get(n + 1) or b""
        # A NUL can't be sent in IMAP (RFC 3501 4.3): 0x80 is.  Where no
        # empty line ends the header, the one before the next separator does.
        want = want.replace(b"\0", b"\x80")
        if b"\r\n\r\n" not in want and not want.startswith(b"\r\n"):
            want += b"\r\n"
        if not tap.ok(have == want,
                "served: " + what, difference(have, want)):
            continue
        for item in ITEMS:
            try:
                status, line, seen = c.cmd("FETCH %d %s" % (n + 1, item))
                if status != "OK":
                    tap.ok(False, "%s of %s" % (item, what), line)
                if item == "BODYSTRUCTURE":
                    recount(what, have, b"".join(b"".join(x)
                        for x in seen))
            except (Gone, OSError) as why:
                tap.ok(False, "%s of %s" % (item, what), "%r %s" % (why,
                    host.faults()[-1500:]))
                c = host.imap(timeout=120)
                c.select()
    c.must("SEARCH OR BODY nothing TEXT nothing")
    c.must("SEARCH SUBJECT hostile SENTBEFORE 1-Jan-2020")
    return got


def difference(have, want):
    at = next((i for i, (a, b) in enumerate(zip(have, want)) if a != b),
        min(len(have), len(want)))
    lo = max(0, at - 40)
    return "%d and %d octets, from %d: got %r want %r" % (len(have),
        len(want), at, have[lo:at + 80], want[lo:at + 80])


def recount(what, have, told):
    """The numbers against the bytes.  Beyond a MIME limit the rest is shown
    as one leaf, which the recount knows nothing of: there, only the grammar
    is checked."""
    try:
        value, end = mime_recount.parse_response(told,
            told.index(b"BODYSTRUCTURE ") + 14)
        mime_recount.check_body(value)
    except Exception as why:
        tap.ok(False, "BODYSTRUCTURE of %s can be read" % what, "%r: %.300r"
            % (why, told))
        return
    if what.startswith(BEYOND):
        return
    faults, ranges = mime_recount.recount(have, value)
    tap.ok(not faults, "recounted: " + what, "\n".join(faults[:3]))


def by_pop(host, rows):
    p = host.pop()
    bad = []
    stored = [mailgen.wire(mailgen.quoted(m)) for _, m in rows]
    for n, want in enumerate(stored):
        have = b"".join(p.lines("RETR %d" % (n + 1)))
        if have.replace(b"\0", b"\x80") not in (want,
                want.replace(b"\0", b"\x80"),
                want.replace(b"\0", b"\x80") + b"\r\n"):
            bad.append(rows[n][0] + ": " + difference(have, want))
    tap.ok(not bad, "the same by POP3", "\n".join(bad))
    p.cmd("QUIT")


def by_append(host, rows):
    """APPEND takes CRLF mail; what is in it comes back."""
    c = host.imap(timeout=120)
    c.must("CREATE taken")
    kept = []
    for what, message in rows:
        data = re.sub(rb"\r?\n", b"\r\n", message)
        status, line, _ = c.cmd("APPEND taken {%d}" % len(data), data)
        if status == "OK":
            kept.append(what)
        elif b"\0" not in data and data:
            tap.ok(False, "APPEND of " + what, line)
    tap.equal(c.select("taken"), len(kept), "APPEND: none lost, none split")
    c.must("FETCH 1:* (ENVELOPE BODYSTRUCTURE)")


def timed(host, message):
    """Seconds of processor time that first ENVELOPE, BODYSTRUCTURE and
    SEARCH take."""
    host.account().fill(mailgen.to_mbox([message]))
    c = host.imap(timeout=120)
    c.select()
    c.must("FETCH 1 (ENVELOPE BODYSTRUCTURE)")
    c.must("SEARCH BODY nothing")
    took = server.cpu_secs(host.sessions())
    c.close()
    host.left()
    return took


def linear(host):
    """8 times the size: under 24 times the time (or under 0.4 s)."""
    rows = list(zip(mailgen.hostile(1), mailgen.hostile(8)))
    for (what, little), (_, much) in rows:
        if len(much) < 4 * len(little):
            continue
        a = min(timed(host, little) for _ in range(2))
        b = timed(host, much)
        if b >= 0.4 and b > 24 * a:
            b = timed(host, much)
        tap.ok(b < 0.4 or b < 24 * a, "linear: %s, %d KB" % (what,
            len(much) // 1000), "%.3f s, then %.3f s" % (a, b))


def huge():
    """What no sender needs: (what, message)."""
    h = mailgen.head(0, b"huge")
    million = range(1000000)
    yield ("1,000,000 parts", h + b"Content-Type: multipart/mixed; "
        b"boundary=b\n\n" + b"--b\n\n" * 1000000 + b"--b--\n")
    yield ("1,000,000 addresses", h + b"To: " + b",\n ".join(b"a%d@example.org"
        % n for n in million) + b"\n\nbody\n")
    yield ("1,000,000 header lines", h + b"".join(b"X-%d: y\n" % n
        for n in million) + b"\nbody\n")
    yield ("1,000,000 parameters", h + b"Content-Type: text/plain" + b"".join(
        b";\n a*%d=v" % n for n in million) + b"\n\nbody\n")
    yield ("a header of 100 MB", h + b"X-Long: " + (b"z" * 99 + b"\n ")
        * 1000000 + b"\n\nbody\n")
    yield ("1,000,000 comments in one", h + b"Cc: " + b"(" * 1000000
        + b" a@example.org\n\nbody\n")


def bounded(host):
    """Answered, in memory that has a bound."""
    for what, message in huge():
        host.account().fill(mailgen.to_mbox([message]))
        c = host.imap(timeout=300)
        c.select()
        pids = host.sessions()
        for item in ("ENVELOPE", "BODYSTRUCTURE", "RFC822.SIZE",
                "BODY.PEEK[HEADER.FIELDS (SUBJECT)]", "BODY.PEEK[1]<0.9>"):
            status, line, _ = c.cmd("FETCH 1 " + item)
            if status != "OK":
                tap.ok(False, "%s of %s" % (item, what), line)
        peak = max(int((server.status(p, "VmHWM") or "0").split()[0])
            for p in pids)
        tap.ok(server.sanitized() or peak < MOST_KIB,
            "%s: answered, with at most %d MiB" % (what, peak // 1024))
        c.close()
        host.left()


def main():
    host = server.Host(programs=("imapd", "ipop3d"))
    rows = mailgen.hostile()
    served(host, rows)
    by_pop(host, rows)
    by_append(host, rows)
    linear(host)
    bounded(host)
    tap.ok(host.alive(), "the servers are alive")
    tap.equal(host.faults(), "", "no fault is reported")


run(main)
