#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What a transcript can't say of a session: its memory while hostile or huge
input comes, that it sleeps in IDLE, and how signals and hang-ups end it."""

import os
import random
import re
import signal
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, os.pardir, "lib"))

import server    # noqa: E402
from imapc import Gone    # noqa: E402
from tap import rest, run, tap, wait_for    # noqa: E402
from transcript import messages    # noqa: E402

MIB = 1 << 20
host = None


def growth_kib(before, pids):
    return max(server.rss_kib(p) - before.get(p, 0) for p in pids)


def bounded(name, limit_kib, pids, before):
    """No process of the connection has grown by more than that."""
    grown = growth_kib(before, pids)
    if server.sanitized():
        tap.ok(True, name + " (memory is no measure in this build)")
    else:
        tap.ok(grown < limit_kib, "%s: %d KiB" % (name, grown))


def measured(c):
    c.cmd("NOOP")
    pids = host.processes()
    return pids, {p: server.rss_kib(p) for p in pids}


def send_much(c, count, piece=b"x" * 65535 + b"\n"):
    while count > 0:
        c.send(piece[:min(count, len(piece))])
        count -= len(piece)


def refused_literal():
    """RFC 7888 4: what is refused and sent all the same is thrown away."""
    c = host.imap()
    pids, before = measured(c)
    c.send(b"a APPEND no-such {%d+}\r\n" % (128 * MIB))
    send_much(c, 128 * MIB)
    c.send(b"\r\nb NOOP\r\n")
    tap.equal(c.line(), b"a NO [TRYCREATE] No such mailbox\r\n",
        "128 MiB for a mailbox that is not there")
    tap.equal(c.line(), b"b OK NOOP completed\r\n", "in step behind it")
    bounded("128 MiB thrown away", 1024, pids, before)
    c.send(b"c APPEND INBOX {%d+}\r\n" % ((1 << 30) + 1))
    send_much(c, (1 << 30) + 1)
    c.send(b"\r\nd NOOP\r\n")
    tap.equal(c.line(), b"c NO [TOOBIG] The message is too large\r\n",
        "a message of 1 GiB and one octet")
    tap.equal(c.line(), b"d OK NOOP completed\r\n", "in step behind it")
    bounded("thrown away as well", 1024, pids, before)
    c.close()


def on_disk(pids):
    """Octets of the files that those have open and nobody else can see."""
    total = 0
    for pid in pids:
        for fd in os.listdir("/proc/%d/fd" % pid):
            path = "/proc/%d/fd/%s" % (pid, fd)
            if "(deleted)" in os.readlink(path):
                total += os.stat(path).st_blocks * 512
    return total


def streamed_append():
    """The largest message there may be is in memory never as a whole, and on
    disk once while it comes."""
    size = 1 << 30
    c = host.imap()
    pids, before = measured(c)
    c.send(b"a APPEND INBOX {%d+}\r\n" % size)
    send_much(c, size - 2)
    wait_for("it to be read", lambda: not server.unread(host.ports["imapd"]))
    kept = on_disk(host.sessions())
    tap.ok(size // 2 < kept < size * 1.05 and
        os.path.getsize(host.account().spool) == 0,
        "1 GiB is kept once while it comes", kept)
    c.send(b"\r\n\r\n")
    got = c.line()
    tap.ok(b"a OK [APPENDUID " in got, "1 GiB appended", got)
    bounded("1 GiB appended", 12 * 1024, pids, before)
    tap.equal(on_disk(host.sessions()), 0, "nothing is kept besides")
    tap.equal(c.must("STATUS INBOX (MESSAGES)"),
        [[b'* STATUS "INBOX" (MESSAGES 1)\r\n']], "it is there")
    c.close()
    host.account().fill(b"")


def junk():
    c = host.imap()
    pids, before = measured(c)
    c.send(b"a SEARCH " + b"(" * (8 * MIB) + b"\r\n")
    tap.ok(c.line().startswith(b"a BAD "), "8 MiB of parentheses")
    c.send(b"x" * (8 * MIB) + b"\r\n")
    tap.ok(c.line().startswith(b"* BAD "), "8 MiB that are no tag")
    tap.equal(c.cmd("NOOP")[0], "OK", "in step behind it")
    bounded("8 MiB lines", 1024, pids, before)
    c.close()


def junk_before_login():
    """Bounded before login, and soon over."""
    for name, data in (("letters", b"x"), ("NUL", b"\0"), ("literals",
            b"a ID ({1+}\r\n"), ("blank lines", b"\r\n")):
        c = host.imap(login=False)
        try:
            for _ in range(64):
                c.send(data * (65536 // len(data)))
            c.rest()
        except (Gone, ConnectionError):
            pass
        wait_for("the end", lambda: not host.processes())
        tap.ok(True, "%s before login: closed" % name)
        c.close()


def held_before_login():
    """What may stay unfinished before login costs little."""
    literals = b"".join(b" \"f%d\" {4096+}\r\n%s" % (n, b"v" * 4096)
        for n in range(7))
    for name, data in (("a line", b"x" * 8192),
            ("a literal", b"a LOGIN joe {4096+}\r\n" + b"p" * 4095),
            ("literals", b"a ID (" + literals[1:]),
            ("a response", b"a AUTHENTICATE PLAIN\r\n" + b"A" * 4096)):
        c = host.imap(login=False)
        # Who waits for a login may still be starting when a client is
        # greeted.
        pids = host.processes()
        rest(lambda: server.switches(pids), 1)
        before = {p: server.rss_kib(p) for p in pids}
        c.send(data)
        rest(lambda: (server.unread(host.ports["imapd"]),
            server.switches(pids)), 1)
        tap.equal(sorted(host.processes()), sorted(pids),
            "%s: waited for" % name)
        bounded(name + " without end before login", 256, pids, before)
        c.close()
        wait_for("the end", lambda: not host.processes())


CROWD = 200


def crowd_before_login():
    """Each connection holds all that it may before login; what one costs is
    bounded, so the whole is by the number of connections."""
    literals = b"".join(b" \"f%d\" {4096+}\r\n%s" % (n, b"v" * 4096)
        for n in range(7))
    kinds = [b"x" * 8192, b"a LOGIN joe {4096+}\r\n" + b"p" * 4095,
        b"a ID (" + literals[1:], b"a AUTHENTICATE PLAIN\r\n" + b"A" * 4096]
    for tls in (False, True):
        crowd = []
        for n in range(CROWD):
            c = host.imap(login=False, tls=tls)
            c.send(kinds[n % len(kinds)])
            crowd.append(c)
        pids = host.processes()
        tap.equal(len(pids), 2 * CROWD, "%d connections%s" % (CROWD,
            " over TLS" if tls else ""))
        rest(lambda: server.unread(host.ports["imapds" if tls else "imapd"]),
            1)
        each = sum(server.private_kib(p) for p in pids) // CROWD
        if server.sanitized():
            tap.ok(True, "memory is no measure in this build")
        else:
            tap.ok(each < 1024, "each has under 1 MiB of its own: %d KiB"
                % each)
        for c in crowd:
            c.close()
        wait_for("the end", lambda: not host.processes())


def idle_sleeps():
    """decisions.md: no polling.  RFC 2177."""
    host.account().fill(messages(1, 3))
    # The one look a minute comes later than that, and can't be what tells.
    c = host.imap(tls=True, timeout=40)
    c.cmd("SELECT INBOX")
    c.send(b"i IDLE\r\n")
    tap.equal(c.line(), b"+ idling\r\n", "in IDLE")
    pids = host.processes()
    tap.ok(rest(lambda: server.switches(pids), 5),
        "nobody wakes up in 5 s of IDLE (%d processes)" % len(pids))
    host.account().deliver(messages(4, 4))
    tap.equal(c.line(), b"* 4 EXISTS\r\n", "told of new mail")
    tap.equal(c.line(), b"* 4 RECENT\r\n", "and that it is recent")
    c.send(b"DONE\r\n")
    tap.equal(c.line(), b"i OK IDLE completed\r\n", "ended")
    c.close()


def keep_alive():
    """Something is said in IDLE every two minutes: tests/lib/hurry.c makes
    two seconds of them."""
    fast = server.Host(programs=(), conf="login_timeout = 3600\n")
    fast.env.update(LD_PRELOAD=server.preload("hurry", fast.dir), HURRY="60")
    fast.start("imapd")
    fast.account().fill(messages(1, 2))
    c = fast.imap()
    for command in ("NOOP", "SELECT INBOX"):
        c.must(command)
        c.send(b"i IDLE\r\n")
        tap.equal([c.line() for _ in range(3)], [b"+ idling\r\n",
            b"* OK Still here\r\n", b"* OK Still here\r\n"],
            "IDLE after %s: a word every two minutes" % command)
        c.send(b"DONE\r\n")
        tap.equal(c.line(), b"i OK IDLE completed\r\n", "ended")
    c.close()
    fast.stop()


def signals():
    """SIGTERM and SIGHUP end a session with BYE (RFC 3501 7.1.5)."""
    for number, bye, word in (
            (signal.SIGTERM, b"* BYE Server shutting down\r\n",
            "Killed \\(terminated\\)"),
            (signal.SIGHUP, b"* BYE Server hangup\r\n", "Hangup")):
        for idle in (False, True):
            wait_for("quiet", lambda: not host.processes())
            c = host.imap()
            c.cmd("SELECT INBOX")
            if idle:
                c.send(b"i IDLE\r\n")
                c.line()
            os.kill(host.sessions()[0], number)
            tap.equal(c.rest(), bye, "%s%s" % (signal.Signals(number).name,
                " in IDLE" if idle else ""))
            c.close()
        wait_for("a log line", lambda: re.search(
            word + r" user=joe host=\[127\.0\.0\.1\]", host.log()))
        tap.ok(True, "logged")


def storm():
    """Signals at any moment of an APPEND: the session may end, and a message
    is there whole or not at all."""
    numbers = (signal.SIGUSR1, signal.SIGUSR2, signal.SIGHUP, signal.SIGTERM,
        signal.SIGALRM, signal.SIGCHLD, signal.SIGWINCH, signal.SIGPIPE,
        signal.SIGQUIT, signal.SIGINT)
    rng = random.Random(28)
    host.account().fill(b"")
    letter = b"Subject: %d\r\n\r\n" + b"a line of it\r\n" * 9000
    said, sent, ended = 0, 0, 0
    c = None
    while sent < 60:
        if c is None:
            c = host.imap()
            victims = host.sessions() or host.processes()
        sent += 1
        timer = threading.Timer(rng.random() / 50, strike, (victims,
            rng.choice(numbers)))
        timer.start()
        try:
            said += c.cmd("APPEND INBOX {%d+}\r\n%s" % (len(letter % sent),
                (letter % sent).decode()))[0] == "OK"
            c.must("NOOP")
        except (Gone, OSError, AssertionError):
            ended += 1
            c.close()
            c = None
        timer.join()
    # The last signal may have ended it after all was said.
    if c:
        c.close()
    c = host.imap()
    there = c.select()
    bodies = c.bodies().values()
    tap.ok(ended > 3 and said <= there <= sent, "%d signals: %d sessions "
        "ended, %d APPENDs said OK, %d of %d messages are there" % (sent,
        ended, said, there, sent))
    tap.ok(all(b == letter % int(b.split(b"\r\n")[0].split()[1])
        for b in bodies) and len(set(bodies)) == there,
        "each is whole, and there once")
    c.close()


def strike(pids, number):
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass


def hang_up():
    """Half a message is no message."""
    c = host.imap()
    c.cmd("CREATE half")
    c.send(b"a APPEND half {1000}\r\n")
    tap.ok(c.line().startswith(b"+ "), "asked for the message")
    c.send(b"Subject: half\r\n\r\n")
    c.close()
    wait_for("a log line", lambda: "Unexpected client disconnect, while "
        "reading line user=joe host=[127.0.0.1]" in host.log())
    c = host.imap()
    tap.equal(c.cmd("STATUS half (MESSAGES)")[2],
        [[b'* STATUS "half" (MESSAGES 0)\r\n']], "nothing was appended")
    c.close()


def main():
    global host
    host = server.Host()
    for part in (refused_literal, streamed_append, junk, junk_before_login,
            held_before_login, crowd_before_login, idle_sleeps, keep_alive,
            signals, storm, hang_up):
        part()
        wait_for("the end of all sessions", lambda: not host.processes())
    tap.ok(not host.faults(), "no fault was reported", host.faults())


run(main)
