# SPDX-License-Identifier: Apache-2.0
"""The test service tests/lib/echo_service.c on loopback: for tests of
server/, auth/ and ssl/ that need no protocol."""

import atexit
import os
import re
import signal
import socket
import subprocess
import tempfile

import certs
from server import (descendants, die_with_us, ended, free_port,
    is_nursery, listening, read, status as status_of)
from tap import ROOT, WAIT_SECS, remove_tree, wait_for

BUILD = os.path.join(ROOT, os.environ.get("BUILD", "build/gcc-plain"))
PROGRAM = os.environ.get("ECHOD", os.path.join(BUILD,
    "tests/lib/echo_service"))
SANITIZED = "san" in BUILD or "address" in BUILD
PASSWORD = "secret9"
UID = 54321


def crypt(password):
    return subprocess.run(["openssl", "passwd", "-6", password],
        stdout=subprocess.PIPE, check=True).stdout.decode().strip()


class Line:
    """A connection that is spoken to in lines."""

    def __init__(self, sock):
        self.sock, self.rest = sock, bytearray()
        sock.settimeout(WAIT_SECS)

    def get(self):
        """One line without its end; None where the other side has closed."""
        seen = 0
        while (end := self.rest.find(b"\n", seen)) == -1:
            seen = len(self.rest)
            try:
                more = self.sock.recv(1 << 18)
            except ConnectionResetError:
                more = b""
            if not more:
                return None
            self.rest += more
        line = bytes(self.rest[:end])
        del self.rest[:end + 1]
        return line.rstrip(b"\r").decode("latin-1")

    def put(self, text):
        if isinstance(text, str):
            text = text.encode("latin-1") + b"\r\n"
        try:
            self.sock.sendall(text)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def ask(self, text):
        self.put(text)
        return self.get()

    def secure(self, context, **kw):
        self.sock = context.wrap_socket(self.sock,
            server_hostname="localhost", **kw)
        return self

    def close(self):
        self.sock.close()


SPAWNER = os.path.join(ROOT, "tests/lib/spawner.py")


class Server:
    """`conf` is added to the configuration; `uid` runs it without root.
    `mode`: how it is started, by --listen or by tests/lib/spawner.py."""

    def __init__(self, conf="", users=None, uid=None, wrap=(), cert=True,
            program=PROGRAM, mode="listen", env=None):
        self.mode = mode
        self.dir = tempfile.mkdtemp(prefix="echod.")
        os.chmod(self.dir, 0o755)
        atexit.register(self.stop)
        self.process, self.wrapped = None, bool(wrap)
        self.uid = UID if uid is None else uid
        self.home = self.path("home")
        self.spool = self.path("spool")
        for d in (self.home, self.spool):
            os.mkdir(d, 0o755)
        if os.geteuid() == 0:
            os.chown(self.home, self.uid, self.uid)
        if users is None:
            users = "joe:%s:%d:%d:%s\n" % (crypt(PASSWORD), self.uid,
                self.uid, self.home)
        self.write("users", users, 0o600)
        self.pem = self.path("imapd.pem")
        self.crt = certs.make(self.pem, certs.RSA) if cert else None
        self.log_path = self.path("log")
        self.conf = self.write("conf", "auth = users:%s\ncert_dir = %s\n"
            "key_dir = %s\nmail_spool = %s\nlog = %s\nfail_delay = 0\n"
            "plaintext = always\ntls_state = %s\n%s" %
            (self.path("users"), self.dir, self.path("private"), self.spool,
            self.log_path, self.path("state"), conf))
        if uid is not None and os.geteuid() == 0:
            for name in os.listdir(self.dir):
                os.chown(self.path(name), uid, uid)
            os.chown(self.dir, uid, uid)
        command = [*wrap, program, "--config", self.conf]
        if mode == "listen":
            command += ["--listen", "127.0.0.1:0,plain",
                "--listen", "127.0.0.1:0,tls"]
        else:
            self.clear, self.tls = free_port(), free_port()
            command = ["/usr/bin/python3", SPAWNER, mode,
                "%d,--no-tls" % self.clear, "%d,--tls" % self.tls,
                "--"] + command
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL,
            stdout=open(self.path("stdout"), "wb"),
            stderr=open(self.path("stderr"), "wb"), close_fds=False,
            preexec_fn=lambda: self.become(uid),
            env=dict(os.environ, **(env or {})))
        if mode == "listen":
            self.clear, self.tls = wait_for("the server", self.ports)
        else:
            wait_for("the spawner", lambda: listening(self.clear) and
                listening(self.tls))

    def become(self, uid):
        if uid is not None and os.geteuid() == 0:
            os.setgroups([])
            os.setgid(uid)
            os.setuid(uid)
        die_with_us()

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, text, mode=0o644):
        path = self.path(name)
        with open(path, "w") as f:
            f.write(text)
        os.chmod(path, mode)
        return path

    def log(self):
        try:
            with open(self.log_path, errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def ports(self):
        if self.process.poll() is not None:
            raise RuntimeError("echod ended: " +
                open(self.path("stderr"), errors="replace").read())
        found = dict((how, int(port)) for port, how in re.findall(
            r"listening on 127\.0\.0\.1:(\d+) \((tls|plain)\)", self.log()))
        return len(found) == 2 and (found["plain"], found["tls"])

    def connect(self, tls=False, context=None):
        line = Line(socket.create_connection(("127.0.0.1",
            self.tls if tls else self.clear)))
        return line.secure(context or certs.trusting(self.crt)) if tls \
            else line

    def acceptors(self):
        """The processes that take connections for themselves."""
        if self.mode == "nowait":
            return []
        return children(self.process.pid) if self.mode == "wait" or \
            self.wrapped else [self.process.pid]

    def roles(self):
        """(monitors or sessions, fronts, nurseries): processes of each.  A
        front that is not behind its walls yet counts as a monitor: ask when
        the server has greeted."""
        found = [], [], []
        acceptors = self.acceptors()
        for pid in descendants(self.process.pid):
            walled = status_of(pid, "Seccomp")
            if pid not in acceptors and walled is not None:
                found[2 if is_nursery(pid) else walled == "2"].append(pid)
        return found

    def connections(self):
        """The processes of connections: monitors, sessions and fronts."""
        monitors, fronts, _ = self.roles()
        return monitors + fronts

    def session(self):
        """The monitor or session of the one connection; the processes of
        those that were closed before it may take a moment to end."""
        def one():
            monitors, fronts, _ = self.roles()
            return len(monitors) == 1 and len(fronts) <= 1 and monitors[0]
        return wait_for("one connection", one)

    def front(self):
        """The front of the one connection."""
        def one():
            fronts = self.roles()[1]
            return len(fronts) == 1 and fronts[0]
        return wait_for("one front", one)

    def nursery(self):
        def one():
            nurseries = self.roles()[2]
            return len(nurseries) == 1 and nurseries[0]
        return wait_for("one nursery", one)

    def logged(self, pattern):
        """Waits until a line of the log matches."""
        return wait_for("a log line %r" % pattern,
            lambda: re.search(pattern, self.log(), re.M))

    def stop(self):
        if self.process is not None:
            left = descendants(self.process.pid)
            if self.wrapped:    # strace ends behind what it traces
                for pid in children(self.process.pid):
                    try:
                        os.kill(pid, signal.SIGTERM)
                    except ProcessLookupError:
                        pass
            else:
                self.process.terminate()
            self.process.wait()
            self.process = None
            wait_for("the sessions' end", lambda: ended(left))
        remove_tree(self.dir)


def children(pid):
    """Process ids of the children of `pid`; none where it has ended."""
    return [int(word) for word in read("/proc/%d/task/%d/children" % (pid,
        pid)).split()]


def status(pid):
    """/proc/PID/status as a dictionary."""
    with open("/proc/%d/status" % pid) as f:
        return dict((line.split(":", 1)[0], line.split(":", 1)[1].split())
            for line in f)


def descriptors(pid):
    """Number and target of what the process has open."""
    where = "/proc/%d/fd" % pid
    found = {}
    try:
        for n in os.listdir(where):
            try:
                found[int(n)] = os.readlink(os.path.join(where, n))
            except FileNotFoundError:
                pass        # closed since
    except (FileNotFoundError, ProcessLookupError):
        pass                # ended since
    return found
