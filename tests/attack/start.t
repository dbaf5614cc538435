#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Being started: what descriptor 0 is decides; what is inherited does no
harm; nothing reaches the client that isn't the protocol's; no name server is
asked, ever."""

import os
import pty
import re
import signal
import socket
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../lib"))
import echod
from echod import PROGRAM, UID, Line, Server, children
from server import descendants, die_with_us
from tap import have, run, tap, wait_for

IS_ROOT = os.geteuid() == 0


def start(*args, stdin=subprocess.DEVNULL, uid=None, **kw):
    def become():
        if uid is not None and IS_ROOT:
            os.setgroups([])
            os.setgid(uid)
            os.setuid(uid)
        die_with_us()
    return subprocess.Popen([PROGRAM, *args], stdin=stdin,
        preexec_fn=become, **kw)


def output(*args, **kw):
    """Exit status and the lines that it printed."""
    p = start(*args, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **kw)
    out = p.communicate(timeout=60)[0].decode()
    return p.returncode, out.splitlines()


def test_arguments(server):
    for args, pattern in (
            (("--xyzzy",), r"unknown argument --xyzzy; --help"),
            (("-d",), r"unknown argument -d"),
            (("extra",), r"unknown argument extra"),
            (("--listen",), r"--listen needs a value"),
            (("--tls=1",), r"--tls takes no value"),
            (("--listen", "localhost:1"), r"want ADDRESS:PORT"),
            (("--listen", "127.0.0.1"), r"want ADDRESS:PORT"),
            (("--listen", "127.0.0.1:65536"), r"want ADDRESS:PORT"),
            (("--listen", "127.0.0.1:"), r"want ADDRESS:PORT"),
            (("--listen", "::1:99"), r"want ADDRESS:PORT"),
            (("--listen", "127.0.0.1:0,ssl"), r"is tls or plain"),
            (("--listen", "127.0.0.1:0\n"), r"want ADDRESS:PORT")):
        status, lines = output(*args)
        tap.ok(status == 64 and len(lines) == 1 and
            re.search("^echod: .*" + pattern, lines[0]),
            "%r: one line, exit 64" % (args,), (status, lines))
    status, lines = output("--help")
    tap.ok(status == 0 and any("--listen" in line for line in lines),
        "--help")
    status, lines = output("--version")
    tap.ok(status == 0 and re.match(r"echod \d", lines[0]), "--version")
    status, lines = output("--config", "/nonexistent", "--listen",
        "127.0.0.1:0")
    tap.ok(status == 78 and "/nonexistent" in "".join(lines),
        "a named configuration must be there", (status, lines))


def test_bind():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        port = s.getsockname()[1]
        status, lines = output("--listen", "127.0.0.1:%d" % port)
        tap.ok(status == 69 and re.search(r"can't listen on 127\.0\.0\.1:%d: "
            r"Address already in use, held by \S+ \(pid %d\)" % (port,
            os.getpid()), lines[0]), "a port that is taken, and by whom",
            (status, lines))
    status, lines = output("--listen", "192.0.2.1:0")
    tap.ok(status == 69 and "can't listen on 192.0.2.1:0: Cannot assign" in
        lines[0], "an address that isn't ours", (status, lines))


def test_owner():
    """A pipe or a terminal: the session at once for a user, none for root."""
    if not IS_ROOT:
        tap.skip("sessions of other users", "not root")
        return
    status, lines = output(stdin=subprocess.PIPE)
    tap.ok(status == 64 and len(lines) == 1 and "root has no mailbox here"
        in lines[0], "root on a pipe", (status, lines))
    master, slave = pty.openpty()
    status, lines = output(stdin=slave)
    tap.ok(status == 64 and len(lines) == 1, "root on a terminal",
        (status, lines))
    nobody = 65534
    p = start("--config", conf_of_owner(), stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, uid=nobody)
    out = p.communicate(b"WHO\r\nEXIT 5\r\n", timeout=60)[0].decode()
    tap.ok("OK nobody" in out and "preauth=1" in out and
        "client=local" in out and p.returncode == 5, "a user on a pipe",
        (out, p.returncode))
    p = start("--config", conf_of_owner(), stdin=slave, stdout=slave,
        stderr=subprocess.DEVNULL, uid=nobody)
    os.close(slave)
    os.write(master, b"WHO\nQUIT\n")
    out = b""
    while b"BYE" not in out:
        out += os.read(master, 4096)
    tap.ok(b"preauth=1" in out and p.wait(60) == 0, "a user on a terminal",
        out)
    a, b = socket.socketpair()
    p = start("--config", conf_of_owner(), stdin=b, stdout=b, stderr=b,
        uid=nobody)
    b.close()
    line = Line(a)
    tap.equal(line.get(), "OK nobody", "a user on a Unix socket")
    p.send_signal(signal.SIGTERM)
    tap.equal(line.get(), "BYE signal", "SIGTERM")
    p.wait(60)


def conf_of_owner():
    return owner.conf


def inetd(server, uid=None, args=(), **kw):
    """The server as inetd starts it: the socket is 0, 1 and 2."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        client = socket.create_connection(s.getsockname())
        conn = s.accept()[0]
    p = start("--config", server.conf, *args, stdin=conn, stdout=conn,
        stderr=conn, uid=uid, **kw)
    conn.close()
    return p, Line(client)


def test_inetd(server):
    p, line = inetd(server)
    tap.equal(line.get(), "HELLO clear starttls", "nowait")
    tap.equal(line.ask("LOGIN joe " + echod.PASSWORD), "OK joe", "login")
    pid = p.pid
    tap.equal(sorted(echod.descriptors(pid))[:3], [0, 1, 2], "0 to 2 open")
    tap.ok(all("null" in echod.descriptors(pid)[n] for n in (1, 2)),
        "1 and 2 are not the client's", echod.descriptors(pid))
    line.put("EXIT 3")
    tap.equal([line.get(), line.get()], ["BYE session", None], "the end")
    tap.equal(p.wait(60), 3, "the session's exit status")
    p, line = inetd(server, args=["--xyzzy"])
    tap.equal(line.get(), None, "a wrong argument says nothing to a client")
    tap.equal(p.wait(60), 64, "and is an exit status")
    p, line = inetd(server, args=["--tls"])
    import certs
    line.secure(certs.trusting(server.crt))
    tap.equal(line.get(), "HELLO tls", "--tls")
    line.close()
    p.wait(60)
    with open(server.conf, "a") as f:
        f.write("xyzzy = 1\nlogg = /x\nlogin_tries = many\nlog = stderr\n")
    p, line = inetd(server)
    tap.equal(line.get(), "HELLO clear starttls",
        "faults of the configuration aren't told to the client")
    line.close()
    p.wait(60)


def test_inherited(server):
    """Ignored and blocked signals, open files: none is kept."""
    with open("/etc/passwd") as extra:
        os.set_inheritable(extra.fileno(), True)

        def dirty():
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            signal.signal(signal.SIGCHLD, signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 32))
            os.umask(0)
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            s.listen()
            line = Line(socket.create_connection(s.getsockname()))
            conn = s.accept()[0]
        p = subprocess.Popen([PROGRAM, "--config", server.conf],
            stdin=conn, stdout=conn, stderr=conn, close_fds=False,
            preexec_fn=dirty)
        conn.close()
        tap.equal(line.get(), "HELLO clear starttls", "it starts")

        def signals():
            st = echod.status(p.pid)
            # 32 and 33 are libc's own: nobody else can set them.
            return (st["SigBlk"], int(st["SigIgn"][0], 16) &
                ~(1 << 31 | 1 << 32))
        clean = (["0" * 16], 1 << (signal.SIGPIPE - 1))
        if not echod.SANITIZED:
            # libc blocks them for a moment when it forks.
            try:
                wait_for("clean signals", lambda: signals() == clean)
            except TimeoutError:
                pass
            tap.equal(signals(), clean, "signals are the default ones")
        tap.ok(not any(target == "/etc/passwd" for target in
            echod.descriptors(p.pid).values()), "no inherited file")
        tap.equal(echod.status(p.pid)["Umask"], ["0077"], "umask")
        line.close()
        p.wait(60)


def test_datagrams(server):
    with socket.socket(type=socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        status, lines = output("--config", server.conf, stdin=s)
    tap.equal(status, 78, "a datagram socket")


def test_listen_end(server):
    """SIGTERM ends the listener and asks its sessions, and only those."""
    line = server.connect()
    line.get()
    line.ask("LOGIN joe " + echod.PASSWORD)
    other = server.connect()
    other.get()
    server.process.terminate()
    tap.equal(line.get(), "BYE signal", "the session hears of it")
    tap.equal(other.get(), "BYE unavailable", "so does a dialogue")
    tap.equal(server.process.wait(60), 0, "exit 0")
    tap.ok("no longer listening" in server.log(), "one line in the log")


def test_crowd():
    """Connections beyond the bound are turned away, and counted down."""
    server = Server(uid=None if IS_ROOT else os.getuid())
    crowd = [server.connect() for _ in range(60)]
    tap.ok(all(line.get() == "HELLO clear starttls" for line in crowd),
        "60 at once")
    tap.equal([len(pids) for pids in server.roles()[:2]], [60, 60],
        "two processes each")
    for line in crowd:
        line.close()
    wait_for("the end of all, and no zombies", lambda:
        children(server.process.pid) == [server.nursery()])
    server.stop()


def test_full_house():
    """Beyond max_sessions a connection is told so and closed; when others
    leave or are killed there is room again."""
    bound = 20 if echod.SANITIZED else 200
    server = Server("max_sessions = %d\nmax_per_address = 0\n" % bound,
        uid=None if IS_ROOT else os.getuid())
    crowd = [server.connect() for _ in range(bound)]
    greeted = sum(line.get() == "HELLO clear starttls" for line in crowd)
    tap.equal(greeted, bound, "%d at once" % bound)
    line = server.connect()
    tap.equal([line.get(), line.get()], ["CROWDED", None], "one more")
    server.logged(r"max_sessions is %d: 1 turned away" % bound)
    for line in crowd[:5]:
        line.close()
    for pid in server.roles()[0][-5:]:
        os.kill(pid, signal.SIGKILL)
    wait_for("room", lambda: len(server.roles()[0]) <= bound - 10)
    line = server.connect()
    tap.equal(line.get(), "HELLO clear starttls", "room again")
    for line in crowd:
        line.close()
    server.stop()


def test_no_dns():
    """strace over a whole login: no internet socket but the client's, no
    resolver's file."""
    if echod.SANITIZED:
        return      # its leak check can't run under strace; gcc's run has it
    if have("strace"):
        tap.skip("no DNS", "no strace")
        return
    trace = "/tmp/trace.%d" % os.getpid()
    server = Server(uid=None if IS_ROOT else os.getuid(), wrap=("strace",
        "-f", "-qq", "-o", trace, "-e",
        "trace=socket,connect,sendto,sendmmsg,open,openat"))
    try:
        for text in ("LOGIN joe " + echod.PASSWORD, "LOGIN joe x",
                "LOGIN nosuch x"):
            line = server.connect()
            line.get()
            line.ask(text)
            line.close()
        wait_for("the end of all", lambda:
            server.log().count("service init from") == 3 and
            not server.connections())
        server.stop()
        with open(trace) as f:
            lines = f.read().splitlines()
    finally:
        if os.path.exists(trace):
            os.unlink(trace)
    for name, least in (("/imapd.pem", 1), ("/users", 3)):
        seen = sum(name in line for line in lines)
        tap.ok(seen >= least, "(%s was seen to be opened)" % name, seen)
    bad = [line for line in lines if re.search(r"resolv\.conf|/etc/hosts|"
        r"connect\(.*AF_INET|socket\(AF_INET6?, SOCK_DGRAM|"
        r"sendto\(.*AF_INET", line)]
    tap.equal(bad, [], "nothing of a name server's")


def main():
    global owner
    server = Server(uid=None if IS_ROOT else os.getuid())
    owner = server
    if IS_ROOT:
        os.chmod(server.conf, 0o644)
    test_arguments(server)
    test_bind()
    test_owner()
    test_inherited(server)
    test_datagrams(server)
    test_listen_end(server)
    server = Server(uid=None if IS_ROOT else os.getuid())
    test_inetd(server)
    test_crowd()
    test_full_house()
    test_no_dns()


owner = None
run(main)
