#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""INBOX in ~/mbox (EXTRADRIVERS=mbox, which the build with fault points has):
IDLE hears of mail that comes to the spool, POP3 has it too, and while mail is
delivered and sessions are killed at random each message comes once."""

import os
import random
import re
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
import mailgen
import mboxfile
from imapc import Gone
from place import MboxPlace, need_build, quick_dir
from tap import run, tap, wait_for

DELIVERIES = 120
IDENT = re.compile(rb"^X-Test-Id: (\S+)", re.M)


def letter(n):
    return (b"From: a@example.org\nSubject: letter %d\nX-Test-Id: %d\n\n"
        % (n, n) + b"a line of letter %d\n" % n * (1 + n * 37 % 400))


def idents(path):
    with open(path, "rb") as f:
        return [int(i) for i in IDENT.findall(f.read())]


def with_mbox():
    place = MboxPlace(where=quick_dir())
    mbox = place.path("INBOX")
    with open(mbox, "wb") as f:
        f.write(mailgen.to_mbox([letter(0)]))
    return place, mbox


def heard():
    place, mbox = with_mbox()
    place.deliver(letter(1))
    c = place.imap()
    tap.equal(c.select(), 2, "what is in both is in INBOX")
    tap.equal((idents(mbox), os.path.getsize(place.spool)), ([0, 1], 0),
        "and in ~/mbox alone")
    tap.ok(re.search(r"Moved \d+ bytes of new mail to mbox from spool host= "
        r"\S", place.logged()), "which is logged", place.logged())
    c.send(b"i IDLE\r\n")
    tap.ok(c.line().startswith(b"+"), "in IDLE")
    place.deliver(letter(2))
    tap.equal(c.line(), b"* 3 EXISTS\r\n", "mail in the spool is heard of")
    c.line()
    with open(mbox, "ab") as f:
        f.write(mailgen.to_mbox([letter(3)]))
    tap.equal(c.line(), b"* 4 EXISTS\r\n", "and mail in ~/mbox")
    c.send(b"DONE\r\n")
    c.until(b"i")
    place.deliver(letter(4))
    p = place.pop()
    tap.ok(p.cmd("STAT").startswith(b"+OK 5 "), "POP3 has it all")
    p.cmd("QUIT")
    names = b"".join(b"".join(r) for r in c.must('LIST "" *'))
    tap.ok(b"mbox" not in names, "~/mbox has no other name", names)
    for command in ("SELECT mbox", "DELETE mbox", "RENAME mbox x",
            "CREATE mbox", "APPEND mbox {3+}\r\nabc"):
        tap.equal(c.cmd(command)[0], "NO", command.split("{")[0])
    c.select()
    c.must("STORE 1 +FLAGS (\\Deleted)")
    c.must("EXPUNGE")
    c.end()
    tap.equal(idents(mbox), [1, 2, 3, 4], "EXPUNGE removes from it")
    os.unlink(mbox)
    place.deliver(letter(5))
    c = place.imap()
    tap.equal(c.select(), 1, "without ~/mbox INBOX is in the spool")
    c.end()
    place.remove()


def killed(seed):
    place, mbox = with_mbox()
    chance = random.Random(seed)
    done = threading.Event()

    def agent():
        for n in range(1, DELIVERIES + 1):
            place.deliver(letter(n))
        done.set()

    t = threading.Thread(target=agent, daemon=True)
    t.start()
    kills = 0
    while not done.is_set() or kills < 30:
        sessions = []
        try:
            for _ in range(2):
                c = place.imap()
                sessions.append(c)
                c.select()
            for _ in range(chance.randrange(4)):
                sessions[0].must("NOOP")
        except Gone:
            pass
        victim = chance.choice(sessions)
        victim.send(b"x NOOP\r\ny SELECT INBOX\r\n")
        if chance.random() < 0.5:
            try:
                victim.line()
            except Gone:
                pass
        victim.child.kill()
        kills += 1
        for c in sessions:
            c.end()
    t.join()
    c = place.imap()
    count = c.select()
    c.end()
    seen = idents(mbox)
    want = list(range(DELIVERIES + 1))
    tap.equal((sorted(seen), count), (want, len(want)),
        "%d kills beside %d deliveries (seed %d): each message once"
        % (kills, DELIVERIES, seed))
    tap.equal(seen, want, "and in their order")
    with open(mbox, "rb") as f:
        texts = mboxfile.messages(f.read())
    bad = [n for n, text in enumerate(texts) if mailgen.without_hidden(text)
        .rstrip(b"\n") != letter(n).rstrip(b"\n")]
    tap.equal(bad, [], "byte for byte")
    tap.equal(os.path.getsize(place.spool), 0, "the spool is empty")
    place.remove()


def main():
    need_build()
    heard()
    killed(random.SystemRandom().randrange(1 << 30))


run(main, 300)
