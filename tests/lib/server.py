# SPDX-License-Identifier: Apache-2.0
"""Our servers on loopback ports of their own, with a users file: for tests
that need no room.  IMAPD= and IPOP3D= name other binaries.  As root the
users have uids of their own, else they are the caller."""

import atexit
import ctypes
import fcntl
import os
import random
import re
import signal
import socket
import subprocess
import tempfile
import weakref

import certs
import mailgen
from imapc import Imap, Pop, Wire
from tap import ROOT, WAIT_SECS, remove_tree, tap, wait_for

BINARIES = {
    "imapd": os.environ.get("IMAPD", os.path.join(ROOT, "imapd/imapd")),
    "ipop3d": os.environ.get("IPOP3D", os.path.join(ROOT, "ipopd/ipop3d")),
}
PASSWORD = "open sesame"
FIRST_UID = 54321


reserved = []


def free_port():
    """A port that stays ours until this script ends.  It is none of those
    that the kernel gives to outgoing connections, and a name in the abstract
    namespace keeps other scripts from it."""
    low, high = map(int, read(
        "/proc/sys/net/ipv4/ip_local_port_range").split())
    while True:
        port = random.randrange(12000, 65536)
        if low <= port <= high and high - low < 50000:
            continue
        mark = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            mark.bind("\0imapd-test-port-%d" % port)
            with socket.socket() as s:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                s.bind(("127.0.0.1", port))
        except OSError:
            mark.close()
            continue
        reserved.append(mark)
        return port


def die_with_us():
    """For preexec_fn: end when the test does (prctl PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def preload(name, where):
    """tests/lib/NAME.c as a library for LD_PRELOAD, made in `where`."""
    path = os.path.join(where, name + ".so")
    subprocess.run(["cc", "-shared", "-fPIC", "-D_GNU_SOURCE", "-o", path,
        os.path.join(ROOT, "tests/lib", name + ".c"), "-ldl"], check=True)
    return path


class Account:
    def __init__(self, host, name, uid, gid):
        self.host, self.name, self.password = host, name, PASSWORD
        self.uid, self.gid = uid, gid
        self.home = os.path.join(host.dir, "home-" + name)
        self.spool = os.path.join(host.spool, name)
        self.index = os.path.join(self.home, ".imapindex")

    def own(self, path):
        if os.geteuid() == 0:
            os.chown(path, self.uid, self.gid)

    def drop(self):
        """For preexec_fn: be this user."""
        if os.geteuid() == 0:
            os.setgroups([])
            os.setgid(self.gid)
            os.setuid(self.uid)

    def write(self, path, data, mode=0o600):
        """A file of the user's; a relative path is in the home."""
        self.host.left()
        path = os.path.join(self.home, path)
        with open(path, "wb") as f:
            f.write(data)
        os.chmod(path, mode)
        self.own(path)
        return path

    def fill(self, data):
        """The spool anew, under the locks that mail programs take."""
        lock = self.spool + ".lock"
        wait_for("the dot-lock of the spool", lambda: made(lock))
        try:
            with open(self.spool, "ab") as f:
                fcntl.lockf(f, fcntl.LOCK_EX)
                return self.write(self.spool, data)
        finally:
            os.unlink(lock)

    def deliver(self, data):
        mailgen.deliver(self.spool, data)


def made(path):
    """Is the file new, and ours?"""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
        return True
    except FileExistsError:
        return False


class Host:
    """Directories, certificate, configuration and the servers asked for.
    {dir} in `conf` is the directory of all."""

    def __init__(self, users=("joe",), conf="", programs=("imapd",),
            wrap=(), where=None, env=None):
        self.dir = tempfile.mkdtemp(prefix="host.", dir=where)
        os.chmod(self.dir, 0o755)
        self.children, self.wires = [], weakref.WeakSet()
        atexit.register(self.stop)
        self.spool = os.path.join(self.dir, "spool")
        os.mkdir(self.spool)
        os.chmod(self.spool, 0o1777)
        self.certdir = os.path.join(self.dir, "certs")
        os.mkdir(self.certdir)
        self.crt = certs.make(os.path.join(self.certdir, "imapd.pem"))
        self.accounts = {}
        crypt = subprocess.run(["openssl", "passwd", "-6", PASSWORD],
            stdout=subprocess.PIPE, check=True).stdout.decode().strip()
        root = os.geteuid() == 0
        with open(os.path.join(self.dir, "users"), "w") as f:
            for n, name in enumerate(users):
                uid = FIRST_UID + n if root else os.getuid()
                gid = FIRST_UID + n if root else os.getgid()
                a = Account(self, name, uid, gid)
                self.accounts[name] = a
                os.mkdir(a.home, 0o700)
                a.own(a.home)
                a.fill(b"")
                f.write("%s:%s:%d:%d:%s\n" % (name, crypt, uid, gid, a.home))
        os.chmod(os.path.join(self.dir, "users"), 0o600)
        self.logfile = os.path.join(self.dir, "log")
        self.conf = os.path.join(self.dir, "imapd.conf")
        with open(self.conf, "w") as f:
            f.write("auth = users:%s/users\nplaintext = always\n"
                "cert_dir = %s\nkey_dir = %s\nmail_spool = %s\nlog = %s\n"
                "fail_delay = 0\nlock_timeout = 10\ntls_state = %s/state\n"
                "max_sessions = 2000\nmax_per_address = 0\n%s"
                % (self.dir, self.certdir, self.certdir, self.spool,
                self.logfile, self.dir, conf.replace("{dir}", self.dir)))
        self.ports = {}
        self.env = dict(os.environ, **(env or {}))
        for program in programs:
            self.start(program, wrap)

    def account(self, name="joe"):
        return self.accounts[name]

    def start(self, program, wrap=()):
        """The server listens in clear on ports[program] and under TLS on
        ports[program + "s"]."""
        clear, tls = free_port(), free_port()
        self.ports[program], self.ports[program + "s"] = clear, tls
        with open(os.path.join(self.dir, "stderr"), "ab") as err:
            child = subprocess.Popen(list(wrap) + [BINARIES[program],
                "--listen", "127.0.0.1:%d,plain" % clear,
                "--listen", "127.0.0.1:%d,tls" % tls,
                "--config", self.conf], stdin=subprocess.DEVNULL,
                stdout=err, stderr=err, preexec_fn=die_with_us,
                env=self.env)
        self.children.append(child)
        for port in (clear, tls):
            wait_for("%s on port %d (%s)" % (program, port, self.stderr()),
                lambda: child.poll() is not None or listening(port))
        if child.poll() is not None:
            raise RuntimeError("%s ended: %s" % (program, self.stderr()))
        return child

    def stop(self):
        left = self.processes()
        for child in self.children:
            for pid in descendants(child.pid):
                try:
                    os.kill(pid, signal.SIGTERM)
                except ProcessLookupError:
                    pass
            child.terminate()
            try:
                child.wait(WAIT_SECS)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        self.children = []
        wait_for("the sessions' end", lambda: ended(left))
        if not os.environ.get("KEEP"):
            remove_tree(self.dir)

    def log(self):
        return read(self.logfile)

    def stderr(self):
        return read(os.path.join(self.dir, "stderr"))

    def faults(self):
        """What a sanitizer or an assertion said, in log and stderr."""
        return "\n".join(l for l in (self.stderr() + self.log()).splitlines()
            if re.search(r"Sanitizer|runtime error|[Aa]ssert|SIGSEGV|SIGABRT",
            l))

    def wire(self, program="imapd", tls=False, kind=Wire, **kw):
        """A connection on which nothing was said yet."""
        w = kind(self.ports[program + "s" if tls else program],
            self.crt if tls else None, **kw)
        self.wires.add(w)
        return w

    def imap(self, name="joe", tls=False, login=True, **kw):
        c = self.wire("imapd", tls, Imap, **kw)
        if login:
            c.login(name, PASSWORD)
        return c

    def pop(self, name="joe", tls=False, login=True, **kw):
        c = self.wire("ipop3d", tls, Pop, **kw)
        if login:
            c.login(name, PASSWORD)
        return c

    def left(self):
        """Waits until the sessions of closed connections are gone: they write
        as they go."""
        clients = sum(w.sock.fileno() != -1 for w in self.wires)
        wait_for("the sessions' end", lambda: sum(len(self.sessions(name))
            for name in self.accounts) <= clients)

    def alive(self):
        return all(c.poll() is None for c in self.children)

    def processes(self):
        """Pids of all that descends from the listeners, but for nurseries."""
        out = []
        for child in self.children:
            out += [pid for pid in descendants(child.pid)
                if not is_nursery(pid)]
        return out

    def sessions(self, name="joe"):
        """Pids of processes that hold the user's index or mailbox open."""
        a = self.account(name)
        out = []
        for pid in self.processes():
            for link in links(pid):
                if link.startswith((a.home + "/", a.spool)):
                    out.append(pid)
                    break
        return out


def read(path):
    try:
        with open(path, errors="replace") as f:
            return f.read()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def listening(port):
    """Is there a listener?  Read from /proc: no connection is made."""
    want = ":%04X" % port
    for name in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in read(name).splitlines()[1:]:
            part = line.split()
            if part[1].endswith(want) and part[3] == "0A":
                return True
    return False


def unread(port):
    """Octets on their way in connections with that port: sent and not yet
    read by the program at the other end."""
    end = ":%04X" % port
    total = 0
    for line in read("/proc/net/tcp").splitlines()[1:]:
        part = line.split()
        if part[3] == "01" and (part[1].endswith(end)
                or part[2].endswith(end)):
            total += sum(int(n, 16) for n in part[4].split(":"))
    return total


def links(pid):
    """Where the descriptors of a process lead."""
    out = []
    try:
        for fd in os.listdir("/proc/%d/fd" % pid):
            try:
                out.append(os.readlink("/proc/%d/fd/%s" % (pid, fd)))
            except OSError:
                pass
    except OSError:
        pass
    return out


def parents():
    """{pid: parent's pid} of all processes."""
    out = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            stat = read("/proc/%s/stat" % name)
            if stat:
                out[int(name)] = int(stat.rpartition(")")[2].split()[1])
    return out


def descendants(pid):
    of = parents()
    out, todo = [], [pid]
    while todo:
        at = todo.pop()
        below = [p for p, parent in of.items() if parent == at]
        out += below
        todo += below
    return out


def ended(pids):
    """Has each of them ended?  One that nobody has reaped has, too."""
    return all((status(pid, "State") or "Z")[0] == "Z" for pid in pids)


def is_nursery(pid):
    """Is it the one that makes fronts?  It stays when clients have gone."""
    return (status(pid, "Name") or "").endswith("-nursery")


def status(pid, key):
    """A field of /proc/PID/status as text, or None."""
    try:
        with open("/proc/%d/status" % pid) as f:
            for line in f:
                if line.startswith(key + ":"):
                    return line.split(":", 1)[1].strip()
    except (FileNotFoundError, ProcessLookupError):
        pass
    return None


def rss_kib(pid):
    text = status(pid, "VmRSS")
    return int(text.split()[0]) if text else 0


def private_kib(pid):
    """What a process shares with no other."""
    return sum(int(n) for n in re.findall(r"(?m)^Private_\w+:\s+(\d+)",
        read("/proc/%d/smaps_rollup" % pid)))


def rchar(pid):
    for line in read("/proc/%d/io" % pid).splitlines():
        if line.startswith("rchar:"):
            return int(line.split()[1])
    return None


def cpu_secs(pids):
    """Seconds of processor time that they have used: other than a clock's
    they don't grow by what else runs on the machine."""
    return sum(int((read("/proc/%d/schedstat" % pid) or "0").split()[0])
        for pid in pids) / 1e9


def switches(pids):
    """How often each has given up the processor, or was taken from it."""
    return {pid: (status(pid, "voluntary_ctxt_switches"),
        status(pid, "nonvoluntary_ctxt_switches")) for pid in pids}


def sanitized(program="imapd"):
    """Is the binary a sanitizer build?  Its memory is no measure."""
    with open(BINARIES[program], "rb") as f:
        return b"__asan_init" in f.read()
