# SPDX-License-Identifier: Apache-2.0
"""A room: namespaces in which a test may be root, own /etc, /home and the
spool, add users and listen on port 993, and leave nothing behind.

enter() runs the calling script again inside `unshare`.  Where the kernel
refuses that, the same tests run on loopback high ports with users imaptest*
that are removed at the end (ROOM=loopback asks for that).  Without root the
script is SKIP.  Nothing here knows a client.
"""

import atexit
import fcntl
import grp
import os
import pwd
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile

import certs
import mailgen
from server import BINARIES, listening, parents, read, status
from tap import ROOT, need, skip_all, tap, wait_for, watchdog

UNSHARE = ["unshare", "-mnpuif", "--mount-proc", "--kill-child"]
PORTS = {"imap": 143, "imaps": 993, "pop3": 110, "pop3s": 995}
INETD_LINE = re.compile(
    r"^\s*(imap2?|imaps|pop-?3|pop3s|143|993|110|995)\s+"
    r"(stream\s+tcp[46]?\s+(nowait\S*)\s+(\S+)\s+(/\S+)\s+(\S.*?))\s*$")
NAMES = {"143": "imap", "993": "imaps", "110": "pop3", "995": "pop3s",
    "imap2": "imap", "pop-3": "pop3"}


def quiet(*args, **kw):
    return subprocess.run(args, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, **kw)


def must(*args, **kw):
    done = quiet(*args, **kw)
    if done.returncode != 0:
        raise RuntimeError("%s: %s" % (" ".join(args),
            done.stdout.decode(errors="replace")))
    return done.stdout


# How what is tested was built, as the name of its directory says.
BUILD = os.environ.get("BUILD", "build/gcc-plain")
CC, SAN = re.fullmatch(r"([^-]+)-(.*?)(?:-trips)?",
    os.path.basename(BUILD)).groups()
SAN = "" if SAN == "plain" else SAN.replace("-", ",")
# The words by which make builds that.
WORDS = ("CC=" + CC, "SAN=" + SAN)


def plain_make():
    """The environment without the words of the make that runs the test."""
    return {k: v for k, v in os.environ.items()
        if k not in ("MAKEFLAGS", "MFLAGS", "MAKEOVERRIDES", "MAKELEVEL")}


def enter():
    """Returns the Room that this script now runs in."""
    if os.geteuid() != 0:
        skip_all("a room needs root")
    how = os.environ.pop("ROOM", None)
    if how is None:
        if quiet(*UNSHARE, "true").returncode != 0:
            tap.diag("unshare refused: on loopback instead of in a room")
            how = "loopback"
        else:
            env = dict(os.environ, ROOM="inside")
            os.execvpe(UNSHARE[0], UNSHARE + [sys.executable,
                os.path.abspath(sys.argv[0])] + sys.argv[1:], env)
    if how == "inside":
        become_init()
    return Room(how)


def become_init():
    """Process 1 reaps what is orphaned; the script goes on in a child."""
    watchdog(0)
    child = os.fork()
    if child == 0:
        watchdog(900)
        return
    status = 1
    while True:
        pid, got = os.wait()
        if pid == child:
            status = os.waitstatus_to_exitcode(got)
            break
    sys.stdout.flush()
    os._exit(status if 0 <= status < 256 else 1)


def loopback_up():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        fcntl.ioctl(s, 0x8914, struct.pack("16sH14s", b"lo", 0x41, b""))


def inetd_lines(text):
    """(name, rest, user, program, argv) of each line that starts us."""
    out = {}
    for line in text.splitlines():
        m = INETD_LINE.match(line)
        if m:
            name = NAMES.get(m.group(1), m.group(1))
            out.setdefault(name, (line.strip(), m.group(5), m.group(6)))
    return out


def running(uid):
    """The living processes of a user that this test made."""
    return [pid for pid in parents()
        if (status(pid, "Uid") or "0").split()[0] == str(uid)
        and not (status(pid, "State") or "Z").startswith("Z")]


def kill_all(uid):
    """Kills what a user that this test made still runs; True if nothing."""
    mine = running(uid)
    for pid in mine:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    return not mine


class User:
    def __init__(self, name, password, home, spool):
        self.name, self.password, self.home = name, password, home
        entry = pwd.getpwnam(name)
        self.uid, self.gid = entry.pw_uid, entry.pw_gid
        self.spool = os.path.join(spool, name)

    def drop(self, gid=None):
        """For preexec_fn: become this user, of his group or another."""
        os.setgroups([])
        os.setgid(self.gid if gid is None else gid)
        os.setuid(self.uid)
        os.umask(0o077)

    def drop_to_mail(self):
        """As who runs a program that is setgid to mail; but LD_PRELOAD is
        obeyed."""
        self.drop(grp.getgrnam("mail").gr_gid)

    def left(self):
        """Waits until the user's sessions are gone: they write as they go."""
        wait_for("the sessions of %s to end" % self.name,
            lambda: not running(self.uid))

    def run(self, *args, secs=60, **kw):
        """Runs a program as the user in his home with a clean environment;
        returns the CompletedProcess (text, both streams in stdout)."""
        env = {"HOME": self.home, "USER": self.name, "LOGNAME": self.name,
            "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
            "LANG": "C.UTF-8", "TERM": "xterm", "SHELL": "/bin/sh"}
        env.update(kw.pop("env", {}))
        done = subprocess.run(args, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, stdin=kw.pop("stdin",
            subprocess.DEVNULL) if "input" not in kw else None,
            timeout=secs, env=env, cwd=self.home,
            preexec_fn=self.drop, **kw)
        done.text = done.stdout.decode(errors="replace")
        return done

    def write(self, name, text, mode=0o600):
        """A file in the home."""
        path = os.path.join(self.home, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(text if isinstance(text, bytes) else text.encode())
        os.chmod(path, mode)
        own_tree(self.home, self.uid, self.gid)
        return path


def own_tree(top, uid, gid):
    for where, dirs, files in os.walk(top):
        os.chown(where, uid, gid)
        for f in files:
            os.lchown(os.path.join(where, f), uid, gid)


class Room:
    def __init__(self, kind):
        self.kind = kind
        self.inside = kind == "inside"
        self.users = []
        self.children = []
        self.programs = {}
        self.crt = None
        if self.inside:
            self.furnish()
        else:
            self.improvise()
        os.environ["PATH"] = ("/usr/local/sbin:/usr/local/bin:/usr/sbin:"
            "/usr/bin:/sbin:/bin")

    # The real room.

    def furnish(self):
        must("mount", "--make-rprivate", "/")
        loopback_up()
        must("mount", "-t", "tmpfs", "tmpfs", "/mnt")
        keep = self.keep()
        for path, mode in (("/var/mail", "2775"), ("/home", "755"),
                ("/run", "755"), ("/tmp", "1777"), ("/var/log", "755")):
            os.makedirs(path, exist_ok=True)
            must("mount", "-t", "tmpfs", "-o", "mode=" + mode, "tmpfs", path)
        for kept, path in keep:
            os.makedirs(path, exist_ok=True)
            must("mount", "--bind", kept, path)
        must("chgrp", "mail", "/var/mail")
        os.chmod("/var/mail", 0o2775)
        self.dir, self.spool = "/run/room", "/var/mail"
        os.mkdir(self.dir)
        for path in ("/etc", "/usr/local", "/usr/sbin"):
            self.writable(path)
        self.own_dev()
        self.ports = dict(PORTS)
        self.certdir = "/etc/ssl/certs"
        self.config = "/etc/imapd.conf"
        self.syslog = self.dir + "/syslog"
        self.start_log()
        os.chdir(ROOT)

    def keep(self):
        """The checkout and the corpus stay visible, wherever they lie."""
        out = []
        for path in filter(None, (ROOT, mailgen.corpus_dir())):
            path = os.path.realpath(path)
            if re.match(r"/(var/mail|home|run|tmp|var/log)/", path):
                kept = "/mnt/keep%d" % len(out)
                os.mkdir(kept)
                must("mount", "--bind", path, kept)
                out.append((kept, path))
        return out

    def writable(self, path):
        """Changes to `path` are ours alone: an overlay, else a copy."""
        base = self.dir + "/over" + path.replace("/", "_")
        for part in ("upper", "work"):
            os.makedirs(os.path.join(base, part))
        if quiet("mount", "-t", "overlay", "overlay", "-o",
                "lowerdir=%s,upperdir=%s/upper,workdir=%s/work"
                % (path, base, base), path).returncode == 0:
            return
        must("cp", "-a", path + "/.", base + "/upper")
        must("mount", "--bind", base + "/upper", path)

    def own_dev(self):
        nodes = {}
        for name in ("null", "zero", "full", "random", "urandom"):
            nodes[name] = os.stat("/dev/" + name).st_rdev
        os.mkdir("/mnt/dev")
        must("mount", "--rbind", "/dev", "/mnt/dev")
        must("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/dev")
        for name, number in nodes.items():
            path = "/dev/" + name
            try:
                os.mknod(path, 0o20666, number)
                open(path).close()
            except OSError:
                open(path, "a").close()
                must("mount", "--bind", "/mnt/dev/" + name, path)
            else:
                os.chmod(path, 0o666)
        tty = "/dev/tty"
        try:
            os.mknod(tty, 0o20666, os.makedev(5, 0))
            os.chmod(tty, 0o666)
        except OSError:
            open(tty, "a").close()
            must("mount", "--bind", "/mnt/dev/tty", tty)
        os.mkdir("/dev/pts")
        os.mkdir("/dev/shm")
        must("mount", "-t", "devpts", "-o",
            "newinstance,ptmxmode=0666,mode=620", "devpts", "/dev/pts")
        must("mount", "-t", "tmpfs", "-o", "mode=1777", "tmpfs", "/dev/shm")
        for name, to in (("ptmx", "pts/ptmx"), ("fd", "/proc/self/fd"),
                ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")):
            os.symlink(to, "/dev/" + name)

    def start_log(self):
        """/dev/log: every datagram becomes a line of self.syslog."""
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        sock.bind("/dev/log")
        os.chmod("/dev/log", 0o666)
        open(self.syslog, "w").close()
        if os.fork() != 0:
            sock.close()
            return
        with open(self.syslog, "ab", buffering=0) as out:
            while True:
                out.write(sock.recv(65536).rstrip(b"\n\0") + b"\n")

    # Where there can be no room.

    def improvise(self):
        self.dir = tempfile.mkdtemp(prefix="room.", dir="/tmp")
        os.chmod(self.dir, 0o755)
        atexit.register(self.leave)
        self.spool = self.dir + "/mail"
        os.mkdir(self.spool)
        must("chgrp", "mail", self.spool)
        os.chmod(self.spool, 0o2775)
        self.certdir = self.dir + "/certs"
        os.mkdir(self.certdir)
        self.ports = {name: port + 10000 for name, port in PORTS.items()}
        for name in self.ports:
            while listening(self.ports[name]):
                self.ports[name] += 100
        self.syslog = self.dir + "/syslog"
        self.config = self.dir + "/imapd.conf"
        self.pam_made = []
        for name in ("imap", "pop"):
            to = "/etc/pam.d/" + name
            ours = os.path.join(ROOT, "etc/pam.d", name)
            if not os.path.exists(to) and os.path.exists(ours):
                shutil.copy(ours, to)
                self.pam_made.append(to)
        with open(self.config, "w") as f:
            f.write("cert_dir = %s\nkey_dir = %s\nmail_spool = %s\n"
                "log = %s\ntls_state = %s/state\n" % (self.certdir,
                self.certdir, self.spool, self.syslog, self.dir))

    def leave(self):
        for child in self.children:
            child.terminate()
            child.wait()
        for user in self.users:
            wait_for("the user's processes to end", lambda: kill_all(
                user.uid))
            must("userdel", user.name)
        for path in self.pam_made:
            os.unlink(path)
        shutil.rmtree(self.dir, ignore_errors=True)

    # Both.

    def add_user(self, name, password="s3cret word"):
        """A real user: useradd, chpasswd, a home, an empty spool file."""
        if not self.inside:
            name = "imaptest" + re.sub(r"\W", "", name)
        home = (("/home/" if self.inside else self.dir + "/home-") + name)
        os.makedirs(home)
        must("useradd", "-l", "-M", "-d", home, "-s", "/bin/sh", name)
        must("chpasswd", input=("%s:%s\n" % (name, password)).encode())
        user = User(name, password, home, self.spool)
        self.users.append(user)
        os.chown(home, user.uid, user.gid)
        os.chmod(home, 0o700)
        self.fill(user, b"")
        return user

    def fill(self, user, data):
        """The user's spool file now holds `data`, as Debian keeps it; no
        session of his may be alive."""
        user.left()
        with open(user.spool, "wb") as f:
            f.write(data)
        must("chown", user.name + ":mail", user.spool)
        os.chmod(user.spool, 0o660)

    def configure(self, text):
        """Adds lines to imapd.conf."""
        with open(self.config, "a") as f:
            f.write(text)

    def certificate(self):
        if self.crt is None:
            self.crt = certs.make(self.certdir + "/imapd.pem")
        return self.crt

    def install(self):
        """What README's lines name is where they name it: by `make
        install` in a room, by lines that name the checkout elsewhere."""
        if self.programs:
            return
        if self.inside:
            lines = self.readme_lines()
            prefix = os.path.dirname(os.path.dirname(lines["imaps"][1]))
            with open(self.build_lock(), "w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                must("make", "-C", ROOT, "install", "PREFIX=" + prefix,
                    "DESTDIR=", "PROGRAMS=%s %s/imapd-tls" % (" ".join(
                    BINARIES.values()), BUILD), *WORDS, env=plain_make())
            for name, (line, program, argv) in lines.items():
                if not os.access(program, os.X_OK):
                    raise RuntimeError("make install did not make " + program)
        self.programs = {"imap": BINARIES["imapd"],
            "pop": BINARIES["ipop3d"]}

    def build_lock(self):
        """Two rooms must not run make in one directory at a time."""
        os.makedirs(os.path.join(ROOT, "build"), exist_ok=True)
        return os.path.join(ROOT, "build", "lock")

    def readme_lines(self):
        lines = {}
        for name in ("README", "etc/inetd.conf"):
            path = os.path.join(ROOT, name)
            if os.path.exists(path):
                with open(path, errors="replace") as f:
                    for key, value in inetd_lines(f.read()).items():
                        lines.setdefault(key, value)
        for key in PORTS:
            if key not in lines:
                raise RuntimeError("README has no inetd line for " + key)
        return lines

    def inetd(self):
        """openbsd-inetd runs README's lines, verbatim in a room."""
        need("inetd")
        if os.environ.get("STANDIN") == "dovecot":
            return self.standin()
        self.install()
        self.certificate()
        if self.inside:
            self.services()
        conf = self.dir + "/inetd.conf"
        with open(conf, "w") as f:
            for name, (line, program, argv) in self.readme_lines().items():
                f.write((line if self.inside
                    else self.loopback_line(name, line, argv)) + "\n")
        self.start([shutil.which("inetd"), "-i", conf])
        for port in self.ports.values():
            wait_for("inetd on port %d" % port, lambda: listening(port))

    def services(self):
        """On a small Debian /etc/services is missing; README then says to
        take ours."""
        have = read("/etc/services")
        if not all(re.search(r"(?m)^%s\s" % name, have)
                for name in ("imap2", "imaps", "pop3", "pop3s")):
            with open("/etc/services", "a") as f:
                f.write(read(os.path.join(ROOT, "etc/services")))

    def loopback_line(self, name, line, argv):
        program = self.programs["imap" if name[0] == "i" else "pop"]
        flow = re.search(r"nowait\S*", line).group(0)
        return "127.0.0.1:%d stream tcp %s root %s %s%s --config %s" % (
            self.ports[name], flow, program, argv,
            " --tls" if name.endswith("s") else "", self.config)

    def start(self, args, **kw):
        """A program that ends with the room; returns its Popen."""
        log = open(os.path.join(self.dir, "stderr"), "ab")
        child = subprocess.Popen(args, stdout=log, stderr=log,
            stdin=subprocess.DEVNULL, **kw)
        log.close()
        self.children.append(child)
        return child

    def standin(self):
        """Debian's Dovecot in our place, to try the test scripts (and the
        tests' own reading of what clients do) on another server."""
        import dovecot
        self.certificate()
        self.start(dovecot.command(self.dir + "/dovecot", self.ports,
            self.certdir + "/imapd.pem",
            inbox="mbox:~/mail:INBOX=%s/%%u" % self.spool, pam="dovecot"))
        for port in self.ports.values():
            wait_for("Dovecot on port %d" % port, lambda: listening(port))

    def log(self):
        """What was logged so far, a string."""
        return read(self.syslog)

    def stderr(self):
        return read(os.path.join(self.dir, "stderr"))
