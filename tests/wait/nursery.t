#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The nursery: killed, it costs no connection; certificates that change are
another nursery, one that is broken is none, and each local address and server
name has its own."""

import os
import signal
import ssl
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../lib"))
import certs
import echod
import waiter
from echod import status
from server import ended
from tap import run, tap, wait_for
from waiter import Certificate, put, shown

KILLS = 20


def ready(server, before):
    """The nursery, when it is behind its walls.  A front has its name too, for
    a moment, but is younger; when one of `before` is gone, so are its own."""
    pids = [pid for pid in server.roles()[2] if pid not in before]
    if len(pids) != 1 or status_of(pids[0]) != ["2"]:
        return False
    return server.roles()[2] == pids and pids[0]


def status_of(pid):
    try:
        return status(pid)["Seccomp"]
    except (FileNotFoundError, ProcessLookupError):
        return None


def killed():
    server = waiter.start("max_per_address = 0\n")
    line = waiter.greeted(server, True)
    line.ask("LOGIN joe " + echod.PASSWORD)
    nursery = server.nursery()
    os.kill(nursery, signal.SIGKILL)
    wait_for("its end", lambda: ended([nursery]))
    server.logged("the nursery was ended by signal 9")
    tap.equal(line.ask("ECHO on"), "ECHO on", "killed: sessions go on")
    tap.equal([waiter.visit(server, tls) for tls in (True, False)],
        ["HELLO tls", "HELLO clear starttls"], "and clients are served")
    lost, over = [], []

    def client(n):
        while not over:
            try:
                got = waiter.visit(server, tls=n % 2 == 0)
            except OSError as e:
                got = repr(e)
            if not str(got).startswith("HELLO "):
                lost.append(got)

    crowd = [threading.Thread(target=client, args=(n,)) for n in range(4)]
    for t in crowd:
        t.start()
    before = set()
    for _ in range(KILLS):
        nursery = wait_for("a nursery", lambda: ready(server, before))
        os.kill(nursery, signal.SIGKILL)
        before.add(nursery)
        waiter.visit(server)
    over.append(True)
    for t in crowd:
        t.join()
    tap.ok(not lost, "killed %d times while clients come: none is lost" %
        KILLS, (lost, server.log()[-4000:]))
    tap.equal(line.ask("ECHO still"), "ECHO still", "the session goes on")
    server.stop()


def changed():
    server = waiter.start()
    first, second, third = (Certificate(server, n) for n in "abc")
    first.put()
    tap.equal(shown(server.tls), first.print, "the certificate")
    line = waiter.greeted(server)
    nursery = server.nursery()
    second.put()
    tap.equal(shown(server.tls), second.print, "a new one: the next client is "
        "shown that")
    wait_for("the old one's end", lambda: ended([nursery]))
    tap.equal(line.ask("STATE"), "STATE tls=0 offer=1 plaintext=1",
        "who was there goes on")
    nursery = server.nursery()
    for what, data in (("garbage", b"no certificate"), ("empty", b""),
            ("half", open(second.path, "rb").read()[:300])):
        before = server.log().count("stays in use")
        put(server, "imapd.pem", data)
        tap.equal(shown(server.tls), second.print, what + ": the one before "
            "stays in use")
        wait_for("the lines", lambda: server.log().count("stays in use") ==
            before + 1)
        tap.ok("certificate %s: " % server.path("imapd.pem") in
            server.log().split("stays in use")[before],
            what + ": a line names the file")
    os.unlink(server.path("imapd.pem"))
    tap.equal(shown(server.tls), second.print, "none: neither")
    wait_for("one nursery", lambda: server.roles()[2] == [nursery])
    tap.equal([shown(server.tls) for _ in range(5)], [second.print] * 5,
        "whoever comes after that too")
    third.put()
    tap.equal(shown(server.tls), third.print, "a good one: it is shown")
    nursery = server.nursery()
    os.kill(server.acceptors()[0], signal.SIGHUP)
    wait_for("another nursery", lambda: ended([nursery]))
    tap.equal(shown(server.tls), third.print, "SIGHUP: another nursery")
    server.stop()


def names():
    """By local address and by server name; what is broken among them holds up
    no other, unless it worked before."""
    server = waiter.start()
    common, mine, other, new = (Certificate(server, n) for n in "abcd")
    common.put()
    mine.put("imapd-mail.example.org.pem")
    other.put("imapd-127.0.0.1.pem")
    put(server, "imapd-bad.example.org.pem", b"bad")
    tap.equal(shown(server.tls), other.print, "by address")
    tap.equal(shown(server.tls, "mail.example.org"), mine.print, "by name")
    tap.equal(shown(server.tls, "bad.example.org"), other.print,
        "a name whose file is bad")
    new.put("imapd-mail.example.org.pem")
    tap.equal(shown(server.tls, "mail.example.org"), new.print,
        "a new one for a name, beside one that was bad before")
    put(server, "imapd-mail.example.org.pem", b"bad too")
    tap.equal(shown(server.tls, "mail.example.org"), new.print,
        "a bad one for a name: the one before stays")
    os.unlink(server.path("imapd-mail.example.org.pem"))
    os.unlink(server.path("imapd-127.0.0.1.pem"))
    tap.equal(shown(server.tls, "mail.example.org"), common.print,
        "removed: the common one")
    server.stop()


def late():
    """None at first."""
    server = waiter.start("plaintext = tls\n", cert=False)
    tap.equal(waiter.visit(server), "HELLO clear", "no certificate: no "
        "STARTTLS")
    server.logged(r"certificate \S+/imapd\.pem: there is no such file")
    tap.equal(shown(server.tls), None, "and no TLS")
    one = Certificate(server, "a")
    one.put()
    tap.equal(waiter.visit(server), "HELLO clear starttls", "then there is "
        "one")
    tap.equal(shown(server.tls), one.print, "which is shown")
    server.stop()


def resumed():
    """Tickets are good for other fronts, other nurseries and other
    acceptors."""
    server = waiter.start(mode="wait")
    context = certs.trusting(server.crt)
    context.maximum_version = ssl.TLSVersion.TLSv1_2

    def again(session):
        line = echod.Line(echod.socket.create_connection(("127.0.0.1",
            server.tls)))
        line.secure(context, session=session)
        line.get()
        out = line.sock.session, line.sock.session_reused
        line.close()
        return out

    session, reused = again(None)
    tap.ok(not reused, "the first time")
    tap.ok(again(session)[1], "resumed by another front")
    nursery = server.nursery()
    os.kill(server.acceptors()[0], signal.SIGHUP)
    wait_for("another nursery", lambda: ended([nursery]))
    tap.ok(again(session)[1], "and by another nursery's")
    acceptor, = server.acceptors()
    os.kill(acceptor, signal.SIGKILL)
    tap.ok(again(session)[1], "and by another acceptor's")
    server.stop()


def main():
    killed()
    changed()
    names()
    late()
    resumed()


run(main)
