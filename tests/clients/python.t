#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Python's imaplib and poplib: all messages over TLS and STARTTLS/STLS,
flags, APPEND, SEARCH, TOP and UIDL."""

import imaplib
import os
import poplib
import sys
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
import certs
from clientroom import ClientRoom
from tap import run, tap


def imap_all(c):
    typ, data = c.fetch("1:*", "(UID BODY.PEEK[])")
    return [d[1] for d in data if isinstance(d, tuple)]


def imap(r, c, what):
    c.login(r.user.name, r.user.password)
    typ, data = c.select("INBOX")
    tap.equal((typ, int(data[0])), ("OK", len(r.messages)),
        what + ": select")
    r.compare(imap_all(c), what, only_set=False)
    typ, data = c.store("2:3", "+FLAGS", r"(\Seen \Flagged)")
    tap.ok(typ == "OK" and len(data) == 2, what + ": store", data)
    typ, data = c.search(None, "FLAGGED", "SEEN")
    tap.equal(data[0].split(), [b"2", b"3"], what + ": search")
    typ, data = c.store("2:3", "-FLAGS", r"(\Flagged)")
    typ, data = c.search("UTF-8", "SUBJECT", '"test 7 of"')
    tap.equal(data[0].split(), [b"8"], what + ": search for a subject")
    typ, data = c.list()
    tap.ok(any(b"INBOX" in d for d in data), what + ": list", data)
    c.create("saved")
    body = b"Subject: appended\r\n\r\nby imaplib\r\n"
    typ, data = c.append("saved", r"(\Seen)", None, body)
    tap.ok(typ == "OK", what + ": append", data)
    c.select("saved")
    tap.equal(imap_all(c)[-1], body, what + ": what was appended")
    typ, data = c.copy("1", "INBOX.none")
    tap.ok(typ == "NO" and b"TRYCREATE" in data[0], what + ": TRYCREATE",
        data)
    c.logout()


def pop(r, p, what):
    p.user(r.user.name)
    p.pass_(r.user.password)
    count, size = p.stat()
    tap.equal(count, len(r.messages), what + ": stat")
    got, octets = [], 0
    for n in range(count):
        resp, lines, n_octets = p.retr(n + 1)
        got.append(b"\n".join(lines) + b"\n")
        octets += sum(len(l) + 2 for l in lines)
    r.compare(got, what, only_set=False)
    tap.equal(octets, size, what + ": STAT counts what RETR sends")
    sizes = [int(l.split()[1]) for l in p.list()[1]]
    tap.equal(sum(sizes), size, what + ": LIST adds up to STAT")
    ids = [l.split()[1] for l in p.uidl()[1]]
    tap.ok(len(set(ids)) == count and all(len(i) == 16 for i in ids),
        what + ": UIDL", ids[:3])
    lines = p.top(9, 2)[1]
    cut = lines.index(b"")
    tap.ok(len(lines) == cut + 3, what + ": TOP 2", lines[cut:])
    p.quit()


def main():
    r = ClientRoom()
    context = certs.trusting(r.crt)
    imap(r, imaplib.IMAP4_SSL("localhost", r.ports["imaps"],
        ssl_context=context, timeout=60), "imaps")
    c = imaplib.IMAP4("localhost", r.ports["imap"], timeout=60)
    c.starttls(context)
    imap(r, c, "STARTTLS")
    p = poplib.POP3_SSL("localhost", r.ports["pop3s"], context=context,
        timeout=60)
    pop(r, p, "pop3s")
    p = poplib.POP3("localhost", r.ports["pop3"], timeout=60)
    tap.ok("STLS" in p.capa() and "UIDL" in p.capa(), "CAPA", p.capa())
    p.stls(context)
    pop(r, p, "STLS")
    r.quiet_log()


run(main)
