#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What is to be proved, not believed: the index is used (octets read), no
process polls in IDLE (context switches), nobody asks the DNS (strace), no
lock is held while the client is silent (/proc/locks), a held lock of
procmail's does not stop us, and no record of TLS wakes a client for itself."""

import fcntl
import os
import re
import shutil
import subprocess
import sys
import threading
import time
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
import mailgen
import server
from tap import rest, run, tap, wait_for

BIG = 50_000_000
DELIVERY = mailgen.to_mbox([mailgen.head(9, b"delivered") + b"\n"
    + b"text\n" * 2000])


def big_mailbox(lines):
    """50 MB of mail with bodies of up to so many lines."""
    body = b"a line of sixty octets or so, as it is in many a letter....\n"
    out = [mailgen.to_mbox(mailgen.ordinary(30))]
    size, n = len(out[0]), 1000
    while size < BIG:
        m = mailgen.to_mbox([mailgen.head(n, b"big %d" % n) + b"\n"
            + body * (n * 7919 % lines)])
        out.append(m)
        size += len(m)
        n += 1
    return b"".join(out)


def read_by(host, *commands):
    """Octets that a session's processes read for SELECT INBOX."""
    c = host.imap()
    pids = host.sessions() or host.processes()
    before = {p: server.rchar(p) or 0 for p in host.processes()}
    c.must("SELECT INBOX")
    after = {p: server.rchar(p) or 0 for p in host.processes()}
    c.must("LOGOUT")
    wait_for("the session to end", lambda: not host.sessions())
    return sum(after[p] - before.get(p, 0) for p in after)


def index_used(lines):
    """Of the mailbox itself at most 64 KiB are read.  Beside it the index's
    records are: a few KiB for a few big messages, all of a bigger index."""
    host = server.Host()
    a = host.account()
    data = big_mailbox(lines)
    count = data.count(b"\nSubject: ")
    a.fill(data)
    time.sleep(0.05)    # a stamp younger than 20 ms is doubted by design
    what = "%d messages: " % count
    first = read_by(host)
    tap.ok(first <= 1.1 * len(data), what + "a first scan reads the file "
        "once", "%d of %d" % (first, len(data)))
    tap.ok(first > len(data) * 0.9, what + "(and the counter counts)", first)
    index = sum(os.path.getsize(os.path.join(a.index, f))
        for f in os.listdir(a.index)) if count > 300 else 0
    second = read_by(host)
    tap.ok(second < 65536 + index, what + "unchanged, under 64 KiB are read"
        + (" beside the index" if index else ""), second)
    a.deliver(DELIVERY)
    time.sleep(0.05)
    third = read_by(host)
    tap.ok(third < len(DELIVERY) + 65536 + index, what + "after a delivery, "
        "the delivery and under 64 KiB", "%d of %d" % (third,
        len(DELIVERY)))
    host.stop()


def read_at_opening(count):
    """Octets read for SELECT of so many messages: unchanged, and after a
    delivery."""
    host = server.Host()
    a = host.account()
    small = mailgen.to_mbox([mailgen.head(3, b"small") + b"\ntext\n"])
    a.fill(small * count)
    # Behind the first session, which makes room for flags, all is as it is
    # from then on.
    read_by(host)
    time.sleep(0.05)
    same = read_by(host)
    a.deliver(DELIVERY)
    time.sleep(0.05)
    delivered = read_by(host)
    host.stop()
    return same, delivered


def flat():
    """Neither grows with the mailbox, but for the height of a tree, once for
    each row: under six pages of the index.  The briefs of all blobs would be
    twelve."""
    few, many = read_at_opening(10000), read_at_opening(200000)
    for i, what in enumerate(("unchanged", "after a delivery")):
        tap.ok(many[i] < few[i] + 6 * 8192, "SELECT of 200,000 messages, %s, "
            "reads what that of 10,000 reads" % what, "%d, %d" % (many[i],
            few[i]))


def no_polling():
    host = server.Host(programs=("imapd", "ipop3d"))
    a = host.account()
    a.fill(mailgen.to_mbox(mailgen.ordinary(5)))
    idle = []
    for tls in (False, True):
        # The one look a minute comes later, and can't be what tells.
        c = host.imap(tls=tls, timeout=40)
        c.select()
        c.send(b"i IDLE\r\n")
        c.line()
        idle.append(c)
    pids = host.processes() + [c.pid for c in host.children]
    tap.ok(rest(lambda: server.switches(pids), 5) and len(pids) > 3,
        "5 s of IDLE: no process of %d has run" % len(pids))
    start = time.monotonic()
    a.deliver(mailgen.to_mbox([mailgen.head(1, b"news") + b"\nx\n"]))
    for c in idle:
        line = c.line()
        while b"EXISTS" not in line:
            line = c.line()
        tap.equal(line, b"* 6 EXISTS\r\n", "and yet IDLE hears a delivery")
    tap.diag("heard after %.1f ms" % ((time.monotonic() - start) * 1000))
    os.rename(a.spool, a.spool + ".away")
    a.fill(mailgen.to_mbox(mailgen.ordinary(8)))
    heard = []
    for c in idle:
        line = b""
        try:
            while b" EXISTS" not in line:
                line = c.line()
                heard.append(line)
        except OSError:
            break
        tap.ok(b"8 EXISTS" in line, "IDLE hears of a file put in its place",
            heard)
    host.stop()


def our_locks(host):
    inodes = {str(os.stat(p).st_ino) for p in [host.account().spool]}
    return [l for l in server.read("/proc/locks").splitlines()
        if l.split()[5 if "->" not in l else 6].split(":")[-1] in inodes]


def silent_locks():
    host = server.Host(programs=("imapd", "ipop3d"))
    a = host.account()
    a.fill(mailgen.to_mbox(mailgen.ordinary(5)))
    c = host.imap()
    c.select()
    for command in ("FETCH 1:* BODY[]", "STORE 1 +FLAGS (\\Seen)",
            "CHECK", "NOOP", "SEARCH BODY seven"):
        c.must(command)
        tap.equal(our_locks(host), [], "no lock after " + command)
    c.append("INBOX", b"Subject: x\r\n\r\nbody\r\n")
    tap.equal(our_locks(host), [], "no lock after APPEND")
    c.send(b"z APPEND INBOX {100000}\r\n")
    c.line()
    c.send(b"Subject: half\r\n\r\n" + b"x" * 5000)
    p = host.pop()
    tap.equal(our_locks(host), [], "no lock in the midst of a literal, or "
        "in a POP3 session")
    tap.ok(not os.path.exists(a.spool + ".lock"), "no dot-lock either")
    with open(a.spool, "rb+") as f:
        fcntl.lockf(f, fcntl.LOCK_EX)
        tap.ok(len(our_locks(host)) == 1, "(and this way finds a lock)")
    host.stop()


def held_locks():
    """As procmail: dot-lock first, then fcntl, each held 10 ms."""
    host = server.Host()
    a = host.account()
    a.fill(mailgen.to_mbox(mailgen.ordinary(5)))
    stop = threading.Event()
    counts = [0]

    def procmail():
        while not stop.is_set():
            try:
                os.close(os.open(a.spool + ".lock", os.O_CREAT | os.O_EXCL,
                    0o644))
            except FileExistsError:
                time.sleep(0.001)
                continue
            try:
                with open(a.spool, "rb+") as f:
                    fcntl.lockf(f, fcntl.LOCK_EX)
                    time.sleep(0.01)
                    f.seek(0, 2)
                    f.write(mailgen.to_mbox([mailgen.head(3, b"pm")
                        + b"\nx\n"]))
                    f.flush()
                    counts[0] += 1
            finally:
                os.unlink(a.spool + ".lock")
            time.sleep(0.005)
    t = threading.Thread(target=procmail, daemon=True)
    t.start()
    c = host.imap(timeout=30)
    c.select()
    for n in range(15):
        c.append("INBOX", b"Subject: ours %d\r\n\r\nbody\r\n" % n)
        c.must("NOOP")
        c.must("FETCH 1:* (UID BODY.PEEK[HEADER])")
    stop.set()
    t.join(10)
    tap.ok(not t.is_alive() and counts[0] > 5,
        "15 APPENDs beside %d deliveries that hold locks: no deadlock"
        % counts[0])
    c.must("NOOP")
    status, line, seen = c.cmd("STATUS INBOX (MESSAGES)")
    got = re.search(rb"MESSAGES (\d+)", b"".join(b"".join(x)
        for x in seen)).group(1)
    tap.equal(int(got), 5 + 15 + counts[0], "nothing lost, nothing doubled")
    host.stop()


def no_dns():
    strace = shutil.which("strace")
    if not strace:
        tap.skip("no DNS", "strace is not installed")
        return
    if server.sanitized():
        tap.diag("a sanitizer build under strace: LeakSanitizer is off")
    host = server.Host(programs=())
    trace = os.path.join(host.dir, "trace")
    for program in ("imapd", "ipop3d"):
        host.start(program, wrap=(strace, "-f", "-qq", "-e",
            "trace=connect,sendto,sendmsg,sendmmsg,openat,open", "-o",
            trace + "." + program))
    c = host.imap(tls=True)
    c.select()
    c.must("LOGOUT")
    p = host.pop(tls=True)
    p.must("QUIT")
    host.imap(login=False).cmd("LOGIN joe wrong")
    text = ""
    for program in ("imapd", "ipop3d"):
        text += server.read(trace + "." + program)
    asked = [l for l in text.splitlines()
        if re.search(r"AF_INET6?|resolv\.conf|/etc/hosts|nss_dns", l)]
    tap.ok(not asked, "no process asks the DNS", "\n".join(asked[:9]))
    tap.ok("openat" in text, "(and the trace is one)")
    host.stop()


def syncs(conf):
    """How often the disk is waited for in ten APPENDs and ten STOREs."""
    host = server.Host(conf=conf, programs=())
    trace = os.path.join(host.dir, "trace")
    host.start("imapd", wrap=("strace", "-f", "-qq", "-e",
        "trace=fsync,fdatasync,sync_file_range,syncfs,pwrite64", "-o",
        trace))
    host.account().fill(mailgen.to_mbox(mailgen.ordinary(10)))
    c = host.imap()
    c.select()
    before = server.read(trace).count("sync(")
    for i in range(10):
        c.append("INBOX", mailgen.head(50 + i, b"one") + b"\ntext\n")
        c.must("STORE %d +FLAGS (\\Flagged)" % (i + 1))
    text = server.read(trace)
    c.must("LOGOUT")
    host.stop()
    tap.ok("pwrite64" in text, "%s: (the trace is one)" % (conf.strip()
        or "fsync unset"))
    return text.count("sync(") - before


def fsync_key():
    if not shutil.which("strace"):
        tap.skip("fsync", "strace is not installed")
        return
    for conf in ("", "fsync = always\n"):
        n = syncs(conf)
        tap.ok(n >= 20, "%s: each APPEND and STORE waits for the disk" % (
            conf.strip() or "no key"), n)
    tap.equal(syncs("fsync = relaxed\n"), 0,
        "fsync = relaxed: none waits for it")


def records():
    """A download over TLS: TCP is told that more follows, but not at the end,
    which would come a fifth of a second late."""
    if not shutil.which("strace"):
        tap.skip("records", "strace is not installed")
        return
    host = server.Host(programs=())
    trace = os.path.join(host.dir, "trace")
    host.start("imapd", wrap=("strace", "-f", "-qq", "-e", "trace=sendto",
        "-o", trace))
    host.account().fill(mailgen.to_mbox([mailgen.head(1, b"long") + b"\n" +
        b"a line of the message\n" * 20000]))
    c = host.imap(tls=True)
    c.select()
    before = len(server.read(trace))
    c.must("FETCH 1 BODY.PEEK[]")
    sent = re.findall(r"sendto\(.*, (\d+), (MSG_\S+),", server.read(trace)
        [before:])
    more = [int(n) for n, flags in sent if "MSG_MORE" in flags]
    tap.ok(len(set(more)) == 1 and more[0] > 8192 and len(more) >
        3 * (len(sent) - len(more)), "TLS: of full records most say that "
        "more follows, and no others", sent)
    tap.ok(sent and "MSG_MORE" not in sent[-1][1], "and the last one does "
        "not", sent[-3:])
    c.close()
    host.stop()


def main():
    index_used(60000)
    index_used(300)
    flat()
    no_polling()
    silent_locks()
    held_locks()
    no_dns()
    fsync_key()
    records()


run(main)
