#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Session tickets: each connection is a process of its own, and who comes
again is known all the same, also when the keys have changed meanwhile; a file
of keys that is missing, torn, old, held or readable by others harms nobody."""

import fcntl
import glob
import os
import ssl
import struct
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../lib"))
import certs
from echod import SANITIZED, Server
from tap import run, tap

ROW = 200 if SANITIZED else 1000    # connections, one after the other
CROWD = 50                          # at once
KEYS, KEY, HEAD = 3, 88, 8          # octets of the file: head, then the keys
GENERATION = 6 * 60 * 60
OWN = None if os.geteuid() == 0 else os.getuid()


def context_of(server, version=None):
    context = certs.trusting(server.crt)
    if version:
        context.minimum_version = context.maximum_version = version
    return context


def visit(server, context, session=None):
    """A connection; the session it gives and whether it resumed this one."""
    line = server.connect(tls=True, context=Resuming(context, session))
    # Tickets come before the first octet of the service.
    assert line.get() == "HELLO tls"
    assert "STATE" in line.ask("STATE")
    out = line.sock.session, line.sock.session_reused
    line.close()
    return out


class Resuming:
    """A context that offers a session."""

    def __init__(self, context, session):
        self.context, self.session = context, session

    def wrap_socket(self, sock, **kw):
        return self.context.wrap_socket(sock, session=self.session, **kw)


def state(server):
    with open(server.path("state"), "rb") as f:
        return f.read()


def put_state(server, data):
    path = server.path("state")
    st = os.stat(server.dir)
    with open(path + ".new", "wb") as f:
        f.write(data)
    os.chmod(path + ".new", 0o600)
    os.chown(path + ".new", st.st_uid, st.st_gid)
    os.rename(path + ".new", path)


def made(data):
    return [struct.unpack_from("=q", data, HEAD + KEY * n)[0]
        for n in range(KEYS)]


def age(server, secs):
    """All keys become so much older."""
    data = bytearray(state(server))
    for n, when in enumerate(made(data)):
        if when:
            struct.pack_into("=q", data, HEAD + KEY * n, when - secs)
    put_state(server, bytes(data))


def resumption(server):
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = context_of(server, version)
        session, reused = visit(server, context)
        tap.ok(not reused, "%s: the first time" % version.name)
        session, reused = visit(server, context, session)
        tap.ok(reused, "%s: another process knows who it is" % version.name)
        age(server, GENERATION)
        newer, reused = visit(server, context, session)
        tap.ok(reused, "%s: under the key before" % version.name)
        tap.equal(sum(1 for when in made(state(server)) if when), 2,
            "%s: and there is a new one" % version.name)
        age(server, 3 * GENERATION)
        _, reused = visit(server, context, newer)
        tap.ok(not reused, "%s: a ticket that is too old costs a handshake"
            % version.name)
        tap.equal(sum(1 for when in made(state(server)) if when), 1,
            "%s: old keys are gone" % version.name)


def row(server):
    context = context_of(server)
    session, good = visit(server, context)[0], 0
    for n in range(ROW):
        if n % (ROW // 5) == ROW // 10:
            age(server, GENERATION)
        session, reused = visit(server, context, session)
        good += reused
    tap.ok(good > ROW * 0.99, "%d in a row, through five keys: over 99 in 100 "
        "are resumed" % ROW, good)


def crowd(server):
    context = context_of(server)
    session = visit(server, context)[0]
    found = []

    def one():
        mine = session
        for _ in range(4):
            mine, reused = visit(server, context, mine)
            found.append(reused)
    age(server, GENERATION)
    threads = [threading.Thread(target=one) for _ in range(CROWD)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(120)
    tap.equal(len(found), 4 * CROWD, "%d at once: all are served" % CROWD)
    tap.ok(sum(found) > len(found) * 0.99, "and resumed, while the key "
        "changes", sum(found))
    tap.equal(sum(1 for when in made(state(server))[1:] if when
        and made(state(server))[0] - when < GENERATION), 0,
        "one of them made the new key")


def held(server):
    """Whoever was to make the new key was stopped, or killed."""
    context = context_of(server)
    session = visit(server, context)[0]
    age(server, GENERATION)
    before = state(server)
    with open(server.path("state"), "rb") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        session, reused = visit(server, context, session)
        tap.ok(reused, "a writer that hangs holds up nobody")
        tap.equal(state(server), before, "and the old key serves")
    with open(server.path(".imapnew-1-2"), "wb") as f:
        f.write(before[:100])
    session, reused = visit(server, context, session)
    tap.ok(reused and state(server) != before, "one that was killed neither")


def damaged(server):
    context = context_of(server)
    for name, data in (("empty", b""), ("torn", state(server)[:100]),
            ("of random octets", os.urandom(6000))):
        session = visit(server, context)[0]
        put_state(server, data)
        session, reused = visit(server, context, session)
        tap.ok(not reused, "a file that is %s: a whole handshake" % name)
        _, reused = visit(server, context, session)
        tap.ok(reused, "and it is made anew")
    os.unlink(server.path("state"))
    session = visit(server, context)[0]
    tap.ok(visit(server, context, session)[1], "so is one that was removed")
    for name, spoil in (("others may read",
            lambda p: os.chmod(p, 0o640)), ("is a link", lambda p: (
            os.rename(p, p + ".there"), os.symlink(p + ".there", p)))):
        spoil(server.path("state"))
        session = visit(server, context)[0]
        tap.ok(not visit(server, context, session)[1],
            "one that %s is not used" % name)
        if OWN is None:
            server.logged("no session tickets: .*state")
        os.unlink(server.path("state"))
        visit(server, context)
    for left in glob.glob(server.path("state.*")):
        os.unlink(left)


def none():
    server = Server(uid=OWN, conf="tls_state =\n", mode="nowait")
    context = context_of(server)
    session = visit(server, context)[0]
    tap.ok(not visit(server, context, session)[1]
        and not os.path.exists(server.path("state")),
        "tls_state with no file: no tickets")
    server.stop()


def main():
    server = Server(uid=OWN, mode="nowait")
    for part in (resumption, row, crowd, held, damaged):
        part(server)
    server.stop()
    none()


run(main)
