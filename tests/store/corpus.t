#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""All of the corpus served: BODY[] equals the file, part ranges add up to
it, octets and lines recounted by mime_recount.py; the mailboxes that the old
toolkit wrote keep their UIDs and flags."""

import glob
import os
import re
import sys
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import mailgen
import mime_recount
import server
from tap import run, skip_all, tap


def compare(c, want, names, what):
    got = c.bodies()
    tap.equal(len(got), len(want), what + ": as many messages")
    bad = [names[n] for n in range(len(want))
        if (got.get(n + 1) or b"") != want[n]]
    tap.ok(not bad, what + ": BODY[] equals the file", "\n".join(bad[:20]))
    sizes = b"".join(b"".join(x) for x in c.must("FETCH 1:* RFC822.SIZE"))
    told = [int(x) for x in re.findall(rb"RFC822.SIZE (\d+)", sizes)]
    tap.equal(told, [len(w) for w in want], what + ": RFC822.SIZE is true")


def recount(c, want, names, what):
    """BODYSTRUCTURE's numbers against the bytes, and every section that the
    recount finds against what the server sends for it."""
    bad, sections = [], 0
    for n in range(len(want)):
        data = b"".join(b"".join(x) for x in c.must(
            "FETCH %d BODYSTRUCTURE" % (n + 1)))
        at = data.index(b"BODYSTRUCTURE ") + 14
        try:
            value, end = mime_recount.parse_response(data, at)
            faults, ranges = mime_recount.recount(want[n], value)
        except Exception as why:
            bad.append("%s: %r" % (names[n], why))
            continue
        bad += ["%s: %s" % (names[n], f) for f in faults[:3]]
        for section, (offset, length) in ranges.items():
            sections += 1
            got = c.bodies("BODY.PEEK[%s]" % section, str(n + 1))[n + 1]
            if (got or b"") != want[n][offset:offset + length]:
                bad.append("%s: section [%s]" % (names[n], section))
    tap.ok(not bad, what + ": octets and lines recounted",
        "\n".join(bad[:20]))
    tap.ok(sections > len(want), what + ": %d sections compared" % sections)


def pop(host, want, what):
    p = host.pop()
    bad = []
    for n in range(len(want)):
        data = b"".join(p.lines("RETR %d" % (n + 1)))
        if data != want[n]:
            bad.append("%d: %r" % (n + 1, data[-60:]))
    tap.ok(not bad, what + ": the same by POP3", "\n".join(bad[:20]))
    p.cmd("QUIT")


def answers(host, name):
    """The FETCH lines the old server gave for a mailbox."""
    path = os.path.join(mailgen.corpus_dir(), "written", name)
    with open(path, "rb") as f:
        box = f.read()
    with open(path + ".answers", "rb") as f:
        told = [l for l in f.read().splitlines() if b" FETCH (" in l]
        f.seek(0)
        status = re.findall(rb"STATUS %s \(.*\)" % name.encode(), f.read())
    host.account().write("%s/%s" % (host.account().home, name), box)
    c = host.imap()
    c.select(name, "EXAMINE")
    got = [x[0].rstrip() for x in c.must(
        "FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE)")]
    bad = []
    if len(got) != len(told):
        bad.append("%d of %d" % (len(got), len(told)))
    for g, t in zip(got, told):
        for field in (rb"UID (\d+)", rb'INTERNALDATE ("[^"]+")',
                rb"RFC822.SIZE (\d+)"):
            a, b = re.search(field, g), re.search(field, t)
            if b and (not a or a.group(1) != b.group(1)):
                bad.append("%r: %r" % (g, t))
        flags = [{x for x in re.search(rb"FLAGS \(([^)]*)\)", l).group(1)
            .split() if x != rb"\Recent"} for l in (g, t)]
        if flags[0] != flags[1]:
            bad.append("%r: %r" % (g, t))
    tap.ok(not bad, "written/%s: UIDs, flags, dates, sizes as the old server"
        " told them" % name, "\n".join(bad))
    for s in status:
        for word in (rb"UIDVALIDITY", rb"UIDNEXT"):
            m = re.search(word + rb" (\d+)", s)
            if m:
                tap.equal(c.code(word), int(m.group(1)),
                    "written/%s: %s" % (name, word.decode()))


def main():
    if not mailgen.corpus_dir():
        skip_all("the corpus is not beside the checkout")
    messages = mailgen.corpus_messages()
    names = [n for n, _ in messages]
    stored = [mailgen.quoted(m) for _, m in messages]
    want = [mailgen.wire(m) for m in stored]
    host = server.Host(programs=("imapd", "ipop3d"))
    host.account().fill(b"".join(mailgen.SEPARATOR + m + b"\n"
        for m in stored))
    c = host.imap(timeout=120)
    c.select()
    compare(c, want, names, "corpus")
    recount(c, want, names, "corpus")
    pop(host, want, "corpus")
    for path in sorted(glob.glob(os.path.join(mailgen.corpus_dir(),
            "written", "*.answers"))):
        answers(host, os.path.basename(path)[:-len(".answers")])
    tap.equal(host.faults(), "", "no fault is reported")


run(main)
