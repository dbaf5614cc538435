#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""How many there may be in wait mode, in all and from one address, and what
those hear for whom there is no room; who talks slowly holds up nobody."""

import os
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../lib"))
import echod
import waiter
from tap import run, tap, wait_for

FAREWELLS = 16


def connect(port, source):
    return echod.Line(socket.create_connection(("127.0.0.1", port),
        source_address=(source, 0)))


def in_all():
    server = waiter.start("max_sessions = 4\n")
    here = [waiter.greeted(server, tls) for tls in (0, 1, 0, 1)]
    tap.equal([line.greeting for line in here], ["HELLO clear starttls",
        "HELLO tls"] * 2, "as many as there may be")
    for tls in (False, True):
        line = server.connect(tls)
        tap.equal([line.get(), line.get()], ["CROWDED", None],
            "one more hears of it, TLS %d" % tls)
        line.close()
    server.logged(r"4 connections are open, and max_sessions is 4: 1 turned "
        r"away, host=\[127\.0\.0\.1\]")
    tap.equal(server.log().count("turned away"), 1, "one line for both")
    tap.equal(here[1].ask("STATE"), "STATE tls=1 offer=0 plaintext=1",
        "those who are here go on")
    for line in here:
        line.close()
    wait_for("room", lambda: waiter.visit(server) == "HELLO clear starttls")
    tap.ok(True, "then there is room again")
    server.stop()


def farewells():
    """Clients who are to be told over TLS and say nothing are few."""
    server = waiter.start("max_sessions = 1\n")
    one = waiter.greeted(server)
    silent = [socket.create_connection(("127.0.0.1", server.tls))
        for _ in range(FAREWELLS)]
    wait_for("their fronts", lambda: len(server.roles()[1]) ==
        FAREWELLS + 1)
    line = connect(server.tls, "127.0.0.1")
    tap.equal(line.get(), None, "one more is closed without a word")
    tap.equal(waiter.visit(server), "CROWDED", "in clear there is a word")
    for s in silent:
        s.close()
    wait_for("the fronts' end", lambda: len(server.roles()[1]) == 1)
    tap.equal(waiter.visit(server, True), "CROWDED", "and then there is one "
        "over TLS too")
    tap.equal(one.ask("STATE"), "STATE tls=0 offer=1 plaintext=1",
        "who is here goes on")
    server.stop()


def by_address():
    server = waiter.start("max_per_address = 2\n")
    here = [waiter.greeted(server) for _ in range(2)]
    tap.equal(waiter.visit(server), "CROWDED", "a third from one address")
    server.logged(r"max_per_address is 2, and as many connections are open: "
        r"1 turned away, host=\[127\.0\.0\.1\]")
    others = [connect(server.clear, "127.0.0.2") for _ in range(3)]
    tap.equal([line.get() for line in others], ["HELLO clear starttls"] * 2 +
        ["CROWDED"], "another address has as many")
    for line in here + others:
        line.close()
    wait_for("room", lambda: waiter.visit(server) == "HELLO clear starttls")
    tap.ok(True, "room again")
    server.stop()


def slow():
    """Handshakes that don't go on: others are served, who have that much time
    on a busy machine."""
    server = waiter.start("login_timeout = 5\n")
    silent = [socket.create_connection(("127.0.0.1", server.tls))
        for _ in range(100)]
    for s in silent[::2]:
        s.send(b"\x16\x03")
    tap.equal([waiter.visit(server, tls) for tls in (True, False)],
        ["HELLO tls", "HELLO clear starttls"],
        "100 handshakes that don't go on hold up nobody")
    server.logged(r"Unable to accept SSL connection, host=\[127\.0\.0\.1\]: "
        r"it took too long")
    for s in silent:
        s.settimeout(60)
        try:
            tap.ok(s.recv(1) == b"", "closed") if s is silent[0] else \
                s.recv(1)
        except ConnectionResetError:
            pass
        s.close()
    wait_for("the end of all", lambda: not server.connections())
    tap.ok(True, "and each of them ends")
    server.stop()


def main():
    in_all()
    farewells()
    by_address()
    slow()


run(main)
