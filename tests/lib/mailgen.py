# SPDX-License-Identifier: Apache-2.0
"""Mail for tests: ordinary, hostile, and the corpus; mbox files of it.

Messages are bytes with LF line ends, as a delivery agent writes them.  What
is generated is the same on each run: the seed is fixed.
"""

import fcntl
import glob
import os
import random
import re

from tap import ROOT

SEPARATOR = b"From sender@example.org Sat Oct  3 01:05:34 2026\n"
HIDDEN = (b"status", b"x-status", b"x-keywords", b"x-uid", b"x-imap",
    b"x-imapbase")
FROM_LINE = re.compile(rb"^(>*From )", re.M)


def corpus_dir():
    """Where the shared corpus lies, or None (then its tests are SKIP)."""
    path = os.environ.get("CORPUS",
        os.path.join(os.path.dirname(ROOT), "shared", "corpus"))
    return path if os.path.isdir(path) else None


def corpus_messages():
    """Every single message of the corpus: (path, bytes), sorted."""
    top = corpus_dir()
    out = []
    for room in ("messages", "lists"):
        for path in sorted(glob.glob(os.path.join(top, room, "**"),
                recursive=True)):
            if os.path.isfile(path):
                with open(path, "rb") as f:
                    out.append((os.path.relpath(path, top), f.read()))
    return out


def quoted(message):
    """As a delivery agent stores it: From-lines quoted, a last line end."""
    message = FROM_LINE.sub(rb">\1", message)
    if message and not message.endswith(b"\n"):
        message += b"\n"
    return message


def to_mbox(messages, separator=SEPARATOR):
    """A mailbox file; the messages are quoted as quoted() does."""
    return b"".join(separator + quoted(m) + b"\n" for m in messages)


def deliver(path, data):
    """Appends to a mailbox file as a delivery agent does, at once, under
    fcntl and without a dot-lock."""
    with open(path, "ab") as f:
        fcntl.lockf(f, fcntl.LOCK_EX)
        f.write(data)


def without_hidden(message):
    """The message less the metadata headers (field.md 1.10), which clients
    are never shown."""
    if message.startswith(b"\n"):
        return message
    cut = message.find(b"\n\n")
    head, body = ((message, b"") if cut < 0
        else (message[:cut + 1], message[cut + 1:]))
    keep = []
    dropping = False
    for line in head.splitlines(keepends=True):
        if line[:1] in (b" ", b"\t"):
            if not dropping:
                keep.append(line)
            continue
        dropping = line.split(b":")[0].strip().lower() in HIDDEN
        if not dropping:
            keep.append(line)
    return b"".join(keep) + body


def wire(message):
    """What BODY[] is for a stored message: line ends CRLF, and no more."""
    return re.sub(rb"\r?\n", b"\r\n", without_hidden(message))


def unwire(data):
    """Line ends back to LF, for comparing what a client stored."""
    return data.replace(b"\r\n", b"\n")


def head(n, subject, extra=b""):
    return (b"Return-Path: <sender@example.org>\n"
        b"From: Sender <sender@example.org>\n"
        b"To: Reader <reader@example.net>\n"
        b"Subject: " + subject + b"\n"
        b"Date: Sat, 3 Oct 2026 01:%02d:%02d +0000\n" % (n // 60 % 60, n % 60)
        + b"Message-ID: <t%d@tests.example>\n" % n + extra)


def ordinary(count=30):
    """A mixed set that real clients must all carry unharmed: MIME, UTF-8,
    quoted From-lines, dots at line starts, no body, long header lines."""
    rng = random.Random(20261003)
    words = ("the a mailbox letter harbour stone walks reads quickly under "
        "green old lamp seven grüße façade naïve").split()
    out = []
    for n in range(count):
        text = b""
        for _ in range(rng.randint(1, 40)):
            text += " ".join(rng.choice(words)
                for _ in range(rng.randint(0, 12))).encode() + b"\n"
        kind = n % 10
        extra = (b"MIME-Version: 1.0\n"
            b"Content-Type: text/plain; charset=utf-8\n"
            b"Content-Transfer-Encoding: 8bit\n")
        if kind == 1:
            text = b".\n..\n.dots\n" + text + b".\n"
        elif kind == 2:
            text = b"From the start\n\nFrom here on\n>From quoted\n" + text
        elif kind == 3:
            text = b""
        elif kind == 4:
            extra = b"X-Long: " + b"word " * 90 + b"\n" + extra
        elif kind == 5:
            edge = b"=_edge%d" % n
            extra = (b"MIME-Version: 1.0\nContent-Type: multipart/mixed;\n"
                b"\tboundary=\"" + edge + b"\"\n")
            text = (b"preamble\n--" + edge
                + b"\nContent-Type: text/plain; charset=utf-8\n\n" + text
                + b"\n--" + edge + b"\nContent-Type: application/octet-stream"
                + b"\nContent-Transfer-Encoding: base64\n\n"
                + b"QUJD" * 19 + b"\n--" + edge + b"--\nepilogue\n")
        elif kind == 6:
            extra = b"Subject-Note: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\n" + extra
        elif kind == 7:
            text += b"  trailing blanks  \n\t\n\n\n"
        elif kind == 8:
            text = b"x" * 990 + b"\n" + text
        out.append(head(n, b"test %d of a set" % n, extra) + b"\n" + text)
    return out


def hostile(scale=1):
    """Mail nobody should send: (what, bytes).  `scale` multiplies the sizes
    of the rows that are about time linear in size."""
    rng = random.Random(6502)
    h = head(0, b"hostile")
    k = scale
    rows = [
        ("no bytes", b""),
        ("only an empty line", b"\n"),
        ("no header, only body", b"\nbody\n"),
        ("header without an end", h.rstrip(b"\n")),
        ("NUL in header and body", h + b"X-N: a\0b\n\nbody\0\0end\n"),
        ("bare CR", h + b"X-C: a\rb\n\none\rtwo\r\rthree\n\r\n"),
        ("CRLF all over", (h + b"\nline\nline\n").replace(b"\n", b"\r\n")),
        ("CR at the very end", h + b"\nline\r"),
        ("8-bit in every header",
            h + b"X-8: \xff\xfe\x80\n\n\xe4\xf6\xfc\xff\n"),
        ("random octets", bytes(rng.choice([c for c in range(256)])
            for _ in range(20000))),
        ("line of %d octets" % (100000 * k), h + b"\n" + b"y" * 100000 * k
            + b"\n"),
        ("header line of %d octets" % (100000 * k),
            h + b"X-Long: " + b"z" * 100000 * k + b"\n\nbody\n"),
        ("%d header lines" % (20000 * k),
            h + b"".join(b"X-%d: y\n" % i for i in range(20000 * k))
            + b"\nbody\n"),
        ("%d addresses" % (20000 * k),
            h + b"Cc: " + b",\n ".join(b"a%d@example.org" % i
            for i in range(20000 * k)) + b"\n\nbody\n"),
        ("nested comments in an address",
            h + b"Cc: " + b"(" * 50000 * k + b" a@example.org\n\nbody\n"),
        ("unbalanced quotes", h + b"Cc: \"a\\\", <b@, c@[d, \"\n\nbody\n"),
        ("parameters a*0 to a*%d" % (20000 * k),
            h + b"Content-Type: text/plain"
            + b"".join(b";\n a*%d=v" % i for i in range(20000 * k))
            + b"\n\nbody\n"),
        ("open boundary", h + b"Content-Type: multipart/mixed; boundary=b\n"
            b"\n--b\nContent-Type: multipart/mixed; boundary=bb\n\n--bb\n"
            b"\nx\n--b"),
        ("boundary that is another's prefix",
            h + b"Content-Type: multipart/mixed; boundary=b\n\n--b\n"
            b"Content-Type: multipart/mixed; boundary=b1\n\n--b1\n\nx\n"
            b"--b1--\n--b--\n"),
        ("empty boundary",
            h + b"Content-Type: multipart/mixed; boundary=\"\"\n\n--\n\nx\n"),
        ("%d empty parts" % (20000 * k),
            h + b"Content-Type: multipart/mixed; boundary=b\n\n"
            + b"--b\n\n" * (20000 * k) + b"--b--\n"),
        ("depth 10,000", deep(10000)),
        ("depth 10,000 of message/rfc822",
            h + b"Content-Type: message/rfc822\n\n" * 10000 + b"\nend\n"),
        ("forged metadata", h + b"Status: RO\nX-Status: D\nX-UID: 4294967295\n"
            b"X-IMAPbase: 4294967295 4294967295 a b\nX-Keywords: "
            + b"k" * 10000 + b"\n\nbody\n"),
        ("Content-Length lies", h + b"Content-Length: 999999999999\n\nbody\n"),
        ("encoded words without end",
            h + b"X-E: " + b"=?utf-8?B?" * 10000 * k + b"\n\nbody\n"),
        ("References flood", h + b"References:" + b"".join(
            b"\n <%d@example.org>" % i for i in range(10000 * k))
            + b"\n\nbody\n"),
    ]
    for n in range(30):
        rows.append(("mutation %d" % n, mutate(rng, ordinary(10)[n % 10])))
    return rows


def deep(levels):
    """multipart in multipart, `levels` deep; quadratic if a parser looks
    for every open boundary at every line."""
    text = head(0, b"deep")
    for n in range(levels):
        text += (b"Content-Type: multipart/mixed; boundary=d%d\n\n--d%d\n"
            % (n, n))
    return text + b"\nend\n"


def mutate(rng, message):
    data = bytearray(message)
    for _ in range(rng.randint(1, 60)):
        at = rng.randrange(len(data) + 1)
        what = rng.randrange(5)
        if what == 0 and at < len(data):
            data[at] = rng.randrange(256)
        elif what == 1:
            data[at:at] = bytes([rng.choice(b"\0\r\n\"\\()<>;:=?\xff")])
        elif what == 2:
            del data[at:at + rng.randint(1, 9)]
        elif what == 3:
            data[at:at] = data[at:at + 40]
        else:
            data[at:at] = b"\n--=_edge5\n"
    return bytes(data)
