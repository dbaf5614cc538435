#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""An index of random bytes, cut short, or deleted under open sessions
costs no mail and no crash, and the session after it is right."""

import glob
import os
import random
import sys
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
import mailgen
import server
from imapc import Gone
from tap import run, tap, wait_for

COUNT = 40


def index_files(a):
    return sorted(p for p in glob.glob(a.index + "/**", recursive=True)
        if os.path.isfile(p))


def bodies_right(c, want):
    got = c.bodies()
    return [got.get(n + 1) for n in range(len(want))] == want


def fresh(host, want, what):
    """A new session must serve every message; then flags must work."""
    try:
        c = host.imap()
        count = c.select()
        good = count == len(want) and bodies_right(c, want)
        c.must("STORE 1 +FLAGS (\\Flagged)")
        c.must("LOGOUT")
        wait_for("the session to end", lambda: not host.sessions())
        return tap.ok(good, what + ": a new session is right", count)
    except (Gone, AssertionError, OSError) as why:
        return tap.ok(False, what + ": a new session is right",
            "%r\n%s" % (why, host.log()[-1500:]))


def damage(host, want, rng):
    a = host.account()
    with open(a.spool, "rb") as f:
        before = f.read()
    ways = (
        ("random bytes", lambda data: rng.randbytes(len(data))),
        ("cut to half", lambda data: data[:len(data) // 2]),
        ("cut to 0", lambda data: b""),
        ("cut to 100", lambda data: data[:100]),
        ("one page of noise", lambda data: data[:4096] + rng.randbytes(4096)
            + data[8192:]),
        ("noise in every page", lambda data: b"".join(
            data[i:i + 2000] + rng.randbytes(32) + data[i + 2032:i + 4096]
            for i in range(0, len(data), 4096))),
        ("noise behind the schema", lambda data: data[:8192]
            + rng.randbytes(max(0, len(data) - 8192))),
    )
    for what, change in ways:
        files = index_files(a)
        if not tap.ok(files, what + ": there is an index"):
            return
        for path in files:
            with open(path, "rb") as f:
                data = f.read()
            with open(path, "wb") as f:
                f.write(change(data))
        fresh(host, want, what)
    for n in range(25):
        for path in index_files(a):
            with open(path, "rb+") as f:
                size = os.path.getsize(path)
                for _ in range(rng.randint(1, 40)):
                    if size:
                        f.seek(rng.randrange(size))
                        f.write(rng.randbytes(rng.randint(1, 64)))
        if not fresh(host, want, "random damage %d" % n):
            break
    with open(a.spool, "rb") as f:
        tap.ok(f.read() == before, "no byte of the mailbox has changed")


def under_session(host, want, rng):
    """The same under an open session: right answers or an end, no others."""
    a = host.account()

    def delete():
        for path in index_files(a):
            os.unlink(path)

    def noise():
        for path in index_files(a):
            with open(path, "rb+") as f:
                f.write(rng.randbytes(os.path.getsize(path)))

    def cut():
        for path in index_files(a):
            os.truncate(path, os.path.getsize(path) // 3)

    for what, change in (("deleted", delete), ("noise", noise),
            ("cut", cut)):
        fresh(host, want, what + ", before")
        c = host.imap()
        c.select()
        c.bodies("BODY.PEEK[]", "1:5")
        change()
        try:
            right = bodies_right(c, want)
            said = "answers"
            c.cmd("STORE 2 +FLAGS (\\Seen)")
            c.cmd("NOOP")
            right = right and bodies_right(c, want)
        except (Gone, AssertionError) as why:
            right, said = True, "ends or refuses: %r" % why
        tap.ok(right, what + " under an open session: it " + said[:60])
        c.close()
        host.left()
        fresh(host, want, what + " under an open session")


def main():
    rng = random.Random(1)
    host = server.Host()
    messages = [mailgen.quoted(m) for m in mailgen.ordinary(COUNT)]
    want = [mailgen.wire(m) for m in messages]
    host.account().fill(b"".join(mailgen.SEPARATOR + m + b"\n"
        for m in messages))
    fresh(host, want, "at first")
    damage(host, want, rng)
    under_session(host, want, rng)
    tap.equal(host.faults(), "", "no fault is reported")
    tap.ok(host.alive(), "the server is alive")


run(main)
