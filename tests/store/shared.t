#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""One mailbox of #shared/ and two users, each with an index of his own: they
see the same UIDs, flags and UIDVALIDITY, whoever looks first, since these are
in the file before they are told (docs/ARCHITECTURE, decision 1)."""

import os
import re
import shutil
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
import mailgen
from server import Host
from tap import run, skip_all, tap, wait_for
from transcript import message, messages

BOX = '"#shared/box"'
BOTH = ("joe", "ann")
DELIVERIES = 40

host = None


def path(name="box"):
    return os.path.join(host.dir, "shared", name)


def fill(data, mode=0o666):
    """Somebody else's file, as all that is common may be."""
    with open(path(), "wb") as f:
        f.write(data)
    os.chmod(path(), mode)


def deliver(data):
    mailgen.deliver(path(), data)


def contents():
    with open(path(), "rb") as f:
        return f.read()


def forget(*names):
    wait_for("the end of all sessions", lambda: not host.processes())
    for name in names:
        shutil.rmtree(host.account(name).index, ignore_errors=True)


def opened(*names, word="SELECT"):
    out = [host.imap(name, timeout=60) for name in names]
    for c in out:
        c.select(BOX, word)
    return out


def uids(c):
    """{Message-ID: UID} as the session sees it."""
    out = {}
    for r in c.must("UID FETCH 1:* (UID BODY.PEEK[HEADER.FIELDS "
            "(Message-ID)])"):
        m = re.search(rb"UID (\d+)", r[0])
        if m and len(r) > 1:
            out[r[1].strip()] = int(m.group(1))
    return out


def flags(c):
    return [sorted(set(re.search(rb"FLAGS \((.*?)\)", r[0]).group(1).split())
        - {b"\\Recent"}) for r in c.must("FETCH 1:* FLAGS")]


def same(what, *clients):
    seen = [uids(c) for c in clients]
    tap.ok(seen[0] and all(s == seen[0] for s in seen), what, seen)
    return seen[0]


def first_sight():
    fill(messages(1, 3))
    joe, = opened("joe")
    tap.ok(b"[READ-WRITE]" in joe.cmd("SELECT " + BOX)[1], "read-write")
    ann, = opened("ann")
    tap.equal(joe.code(b"UIDVALIDITY"), ann.code(b"UIDVALIDITY"),
        "the same UIDVALIDITY")
    same("the same UIDs", joe, ann)
    text = contents()
    tap.ok(b"X-IMAPbase: %d 3" % joe.code(b"UIDVALIDITY") in
        re.sub(rb" 0+", b" ", text) and len(re.findall(rb"(?m)^X-UID: \d+",
        text)) == 3, "and the file says them", text)
    return joe, ann


def arrivals(joe, ann):
    for n, (first, second) in enumerate(((joe, ann), (ann, joe), (ann, joe),
            (joe, ann))):
        deliver(message(10 + n))
        first.must("NOOP")
        second.must("NOOP")
        same("mail %d: the same UID, whoever sees it first" % n, first,
            second)
    for n in range(5):
        deliver(message(20 + n))
        run_all(lambda: joe.must("NOOP"), lambda: ann.must("NOOP"))
        same("both at once, %d" % n, joe, ann)


def run_all(*functions):
    faults = []

    def guarded(f):
        try:
            f()
        except Exception as why:    # told by the caller
            faults.append(repr(why))
    threads = [threading.Thread(target=guarded, args=(f,), daemon=True)
        for f in functions]
    for t in threads:
        t.start()
    for t in threads:
        t.join(100)
    if faults:
        raise AssertionError("; ".join(faults))


def changes(joe, ann):
    joe.must("STORE 1 +FLAGS (\\Answered $Work)")
    tap.ok(re.search(rb"(?m)^X-Status: A", contents()),
        "a flag is in the file before it is told", contents()[:600])
    ann.must("NOOP")
    tap.equal(flags(joe), flags(ann), "and the other user sees it")
    tap.equal(flags(ann)[0], [b"$Work", b"\\Answered"], "with its keyword")
    ann.must("STORE 2 +FLAGS.SILENT (\\Flagged)")
    deliver(message(30))
    joe.must("NOOP")
    tap.ok(b"\\Flagged" in flags(joe)[1], "flags, and mail behind them")
    line = joe.append(BOX, b"Message-ID: <a@x>\r\n\r\nappended\r\n")
    told = re.search(rb"APPENDUID (\d+) (\d+)", line)
    ann.must("NOOP")
    tap.ok(told and int(told.group(1)) == ann.code(b"UIDVALIDITY"),
        "APPENDUID", line)
    tap.equal(uids(ann)[b"Message-ID: <a@x>"], int(told.group(2)),
        "is what the other user sees")
    before = same("the same", joe, ann)
    ann.must("STORE 1,3 +FLAGS.SILENT (\\Deleted)")
    ann.must("EXPUNGE")
    joe.must("NOOP")
    after = same("after an EXPUNGE", joe, ann)
    tap.equal(sorted(after.items()), sorted((k, v) for k, v in
        before.items() if v not in (1, 3)), "all others have kept theirs")
    # The last one: its UID is not given again.
    last = max(after.values())
    joe.must("UID STORE %d +FLAGS.SILENT (\\Deleted)" % last)
    joe.must("EXPUNGE")
    deliver(message(31))
    ann.must("NOOP")
    joe.must("NOOP")
    now = same("after the last one has gone", joe, ann)
    tap.ok(max(now.values()) > last, "its UID is not given again", now)
    return now, joe.code(b"UIDVALIDITY")


def forgotten(now, validity):
    """Without an index, and with an old one."""
    forget("ann")
    deliver(message(40))
    ann, = opened("ann")
    joe, = opened("joe")
    seen = same("an index that was lost", ann, joe)
    tap.ok({k: seen[k] for k in now} == now and
        ann.code(b"UIDVALIDITY") == validity, "costs no UID", (seen, now))
    for c in (joe, ann):
        c.close()
    forget(*BOTH)
    run_all(*[lambda name=name: opened(name)[0].close() for name in BOTH])
    same("both lost, opened at once", *opened(*BOTH))


def new_at_once():
    """Two who see a mailbox without metadata for the first time, at once."""
    for n in range(4):
        forget(*BOTH)
        fill(messages(1, 5))
        clients = [host.imap(name, timeout=60) for name in BOTH]
        run_all(*[lambda c=c: c.select(BOX) for c in clients])
        # Who was second finds that the mailbox has got its numbers
        # meanwhile, at the latest now.
        for i, c in enumerate(clients):
            status, line, _ = c.cmd("SELECT " + BOX)
            tap.ok(status == "OK" and b"READ-WRITE" in line,
                "at once, %d: opened" % n, line)
            c.select(BOX)
        tap.equal(clients[0].code(b"UIDVALIDITY"),
            clients[1].code(b"UIDVALIDITY"), "the same UIDVALIDITY")
        same("and UIDs", *clients)
        for c in clients:
            c.close()


def readers():
    """Who may not write."""
    forget(*BOTH)
    fill(messages(1, 2), 0o644)
    joe, = opened("joe")
    text = b"".join(b"".join(r) for r in joe.selected)
    tap.ok(b"[UIDNOTSTICKY]" in text, "no UIDs in the file, and no way to "
        "write them: UIDNOTSTICKY", text)
    tap.ok(b"[READ-ONLY]" in joe.cmd("SELECT " + BOX)[1], "and read-only")
    joe.close()
    os.chmod(path(), 0o666)
    ann, = opened("ann")
    os.chmod(path(), 0o644)
    joe, = opened("joe")
    text = b"".join(b"".join(r) for r in joe.selected)
    tap.ok(b"UIDNOTSTICKY" not in text, "with UIDs in the file they stick",
        text)
    same("and are the same", joe, ann)
    for c in (joe, ann):
        c.close()
    forget(*BOTH)
    os.chmod(path(), 0o666)
    fill(messages(1, 2))
    joe, = opened("joe", word="EXAMINE")
    text = b"".join(b"".join(r) for r in joe.selected)
    tap.ok(b"UIDNOTSTICKY" not in text and b"X-UID:" in contents(),
        "EXAMINE gives UIDs that others see", text)
    same("and they do", joe, *opened("ann"))


def rights():
    """What one user makes there, others can use."""
    joe, ann = host.imap("joe"), host.imap("ann")
    joe.must('CREATE "#shared/dir/new"')
    line = ann.append('"#shared/dir/new"', b"A: b\r\n\r\nx\r\n")
    tap.ok(b"APPENDUID" in line, "a new mailbox is for all", line)
    tap.equal(oct(os.stat(path("dir/new")).st_mode & 0o777), "0o666",
        "as its directory is")
    joe.must('DELETE "#shared/dir/new"')


def crowd():
    """Four sessions and a delivery agent."""
    forget(*BOTH)
    fill(messages(1, 2))
    clients = opened(*(BOTH * 2))
    done = threading.Event()

    def agent():
        for n in range(DELIVERIES):
            deliver(message(100 + n))
            if n % 5 == 4:
                clients[0].must("NOOP")
        done.set()

    def look(c, n):
        while not done.is_set():
            c.must("NOOP")
            if n == 2:
                c.must("STORE 1 +FLAGS.SILENT (\\Seen)")
                c.must("STORE 1 -FLAGS.SILENT (\\Seen)")

    run_all(agent, *[lambda c=c, n=n: look(c, n) for n, c in
        enumerate(clients) if n > 0])
    for c in clients:
        c.must("NOOP")
    seen = same("four sessions beside deliveries: all the same", *clients)
    tap.equal(len(seen), 2 + DELIVERIES, "and nothing is lost")
    tap.equal(len(set(seen.values())), 2 + DELIVERIES, "or has the UID of "
        "another")
    tap.ok(not re.search("UIDs of", host.log()), "nobody gave up",
        re.findall(".*UIDs of.*", host.log())[-3:])


def main():
    global host
    if os.geteuid() != 0:
        skip_all("two users need root")
    host = Host(users=BOTH, conf="shared_dir = {dir}/shared\n"
        "lock_timeout = 30\n", programs=())
    os.mkdir(path(""))
    os.chmod(path(""), 0o777)
    host.start("imapd")
    joe, ann = first_sight()
    arrivals(joe, ann)
    now, validity = changes(joe, ann)
    for c in (joe, ann):
        c.close()
    forgotten(now, validity)
    for part in (new_at_once, readers, rights, crowd):
        part()
    tap.ok(host.alive(), "the server is alive")
    tap.equal(host.faults(), "", "no fault is reported")


run(main, 300)
