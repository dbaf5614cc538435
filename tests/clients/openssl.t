#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""openssl s_client: a dialogue typed by hand, TLS from the first byte and by
STARTTLS/STLS, TLS 1.2 and 1.3; and what must not be offered."""

import os
import re
import sys
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from clientroom import ClientRoom
from tap import run, tap


def talk(r, port, script, *more):
    return r.user.run("openssl", "s_client", "-quiet", "-crlf", "-CAfile",
        r.crt, "-verify_return_error", "-servername", "localhost",
        "-connect", "localhost:%d" % port, *more,
        input=script.encode()).stdout


def literals(text):
    out = []
    while True:
        m = re.search(rb"BODY\[\] \{(\d+)\}\r\n", text)
        if not m:
            return out
        size = int(m.group(1))
        out.append(text[m.end():m.end() + size])
        text = text[m.end() + size:]


def pop_messages(text):
    """The multi-line answers; single +OK lines are followed by another.
    (s_client prints NULs behind the answer to STLS.)"""
    out, lines = [], text.replace(b"\0", b"").split(b"\n")
    at = 0
    while at + 1 < len(lines):
        if lines[at].startswith(b"+OK") and not (
                lines[at + 1].startswith(b"+OK") or lines[at + 1] == b""):
            end = lines.index(b".\r", at)
            out.append(b"".join(re.sub(rb"^\.", b"", line) + b"\n"
                for line in lines[at + 1:end]))
            at = end
        at += 1
    return out


def main():
    r = ClientRoom("openssl")
    login = '%s "%s"' % (r.user.name, r.user.password)
    imap = ("a LOGIN %s\nb SELECT INBOX\nc FETCH 1:* BODY.PEEK[]\n"
        "d LOGOUT\n" % login)
    pop = "USER %s\nPASS %s\n%sQUIT\n" % (r.user.name, r.user.password,
        "".join("RETR %d\n" % (n + 1) for n in range(len(r.messages))))
    for what, port, more in (("imaps", "imaps", ()),
            ("imaps with TLS 1.2", "imaps", ("-tls1_2",)),
            ("imaps with TLS 1.3", "imaps", ("-tls1_3",)),
            ("STARTTLS", "imap", ("-starttls", "imap"))):
        text = talk(r, r.ports[port], imap, *more)
        r.compare(literals(text), what, only_set=False)
        tap.ok(b"\r\nd OK" in text and b"* BYE" in text,
            what + ": goodbye", text[-300:])
    for what, port, more in (("pop3s", "pop3s", ()),
            ("STLS", "pop3", ("-starttls", "pop3"))):
        text = talk(r, r.ports[port], pop, *more)
        r.compare(pop_messages(text), what, only_set=False)
    text = talk(r, r.ports["imaps"], "a LOGOUT\n", "-tls1_1", "-cipher",
        "ALL:@SECLEVEL=0")
    tap.ok(b"a OK" not in text, "TLS 1.1 is refused", text)
    text = talk(r, r.ports["imaps"], "a CAPABILITY\nb LOGOUT\n")
    tap.ok(b"STARTTLS" not in text and b"AUTH=PLAIN" in text,
        "under TLS: no STARTTLS, AUTH=PLAIN", text)
    r.quiet_log()


run(main)
