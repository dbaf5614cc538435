#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A server in wait mode leaves when nobody is there, and not before; no
connection is lost in that moment, however often there is one; and what its end
means for those who are there."""

import os
import shutil
import signal
import sys
import tempfile
import threading

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../lib"))
import echod
import waiter
from server import descendants, ended, read
from tap import run, tap, wait_for

THREADS, VISITS = 4, 60


def starts(server):
    return [int(line.split()[2]) for line in
        read(server.path("stdout")).splitlines()]


def leaves():
    server = waiter.start(mode="wait", conf="idle_exit = 1\n")
    tap.equal(waiter.visit(server), "HELLO clear starttls", "a client")
    acceptor, = server.acceptors()
    wait_for("the acceptor's end", lambda: ended([acceptor]))
    wait_for("the end of all", lambda: not descendants(server.process.pid))
    tap.ok(True, "it leaves, and so does its nursery")
    tap.equal(waiter.visit(server, True), "HELLO tls", "who comes then has "
        "another one started")
    tap.equal(len(starts(server)), 2, "that is two starts")
    server.stop()


def stays():
    server = waiter.start(mode="wait", conf="idle_exit = 0\n")
    line = waiter.greeted(server)
    line.ask("LOGIN joe " + echod.PASSWORD)
    before = server.acceptors()
    for _ in range(3):
        other = waiter.greeted(server)
        pids = set(server.connections())
        other.close()
        wait_for("the other's end", lambda: len(server.connections()) == 1)
    tap.equal(server.acceptors(), before, "it stays while a session lives")
    tap.equal(line.ask("ECHO yes"), "ECHO yes", "which goes on")
    line.close()
    wait_for("its end", lambda: ended(before))
    tap.ok(True, "and leaves at once when it is over, as it is told to")
    tap.ok(len(pids) >= 2, "(the others had processes)")
    server.stop()


def hammered():
    """Clients who come in just that moment."""
    server = waiter.start(mode="wait", conf="idle_exit = 0\nmax_per_address = 0\n")
    lost = []

    def client(n):
        for i in range(VISITS):
            try:
                got = waiter.visit(server, tls=n % 2 == 1)
            except OSError as e:
                got = repr(e)
            if not str(got).startswith("HELLO "):
                lost.append(got)
            # Sometimes all have gone, and sometimes one is left.
            if i % 3 == n % 3:
                wait_for("nobody", lambda: len(server.connections()) <= 1)

    crowd = [threading.Thread(target=client, args=(n,))
        for n in range(THREADS)]
    for t in crowd:
        t.start()
    for t in crowd:
        t.join()
    tap.equal(lost, [], "%d connections while it leaves again and again: "
        "none is lost" % (THREADS * VISITS))
    tap.ok(len(starts(server)) > 20, "it has left, often",
        len(starts(server)))
    server.stop()


def asked():
    """SIGTERM: sessions are asked to end.  SIGKILL: they go on, and another
    acceptor takes the socket."""
    server = waiter.start(mode="wait")
    session, waiting = (waiter.greeted(server, True) for _ in range(2))
    session.ask("LOGIN joe " + echod.PASSWORD)
    acceptor, = server.acceptors()
    os.kill(acceptor, signal.SIGTERM)
    tap.equal([session.get(), session.get()], ["BYE signal", None],
        "SIGTERM: a session hears of it")
    tap.equal(waiting.get(), "BYE unavailable", "so does a dialogue")
    server.logged("no longer listening; 2 sessions were asked to end")
    wait_for("its end", lambda: ended([acceptor]))
    session = waiter.greeted(server, True)
    session.ask("LOGIN joe " + echod.PASSWORD)
    old, = server.acceptors()
    nursery = server.nursery()
    os.kill(old, signal.SIGKILL)
    wait_for("its end", lambda: ended([old, nursery]))
    tap.equal(session.ask("ECHO on"), "ECHO on", "SIGKILL: a session goes on")
    tap.equal(waiter.visit(server, True), "HELLO tls",
        "and the next client is served")
    session.close()
    server.stop()


def replaced():
    """A newer program is in its place: the next client gets that, and who is
    there goes on."""
    where = tempfile.mkdtemp(prefix="program.")
    os.chmod(where, 0o755)
    program = where + "/service"
    shutil.copy(echod.PROGRAM, program)
    server = waiter.start(mode="wait", program=program)
    session = waiter.greeted(server, True)
    session.ask("LOGIN joe " + echod.PASSWORD)
    old = server.acceptors()
    tap.equal((waiter.visit(server, True), server.acceptors()),
        ("HELLO tls", old), "as long as its program is there it serves")
    shutil.copy(program, program + ".new")
    os.rename(program + ".new", program)
    tap.equal(waiter.visit(server, True), "HELLO tls", "the program is "
        "replaced: the next client is served")
    # The visitor's may not be over.
    server.logged("the program was replaced: leaving, and [12] sessions go on")
    wait_for("its end", lambda: ended(old))
    tap.ok(server.acceptors() not in ([], old), "by another process",
        server.acceptors())
    tap.equal(session.ask("ECHO on"), "ECHO on", "and a session goes on")
    session.close()
    server.stop()
    shutil.rmtree(where)


def main():
    leaves()
    stays()
    hammered()
    asked()
    replaced()


run(main)
