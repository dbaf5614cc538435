# SPDX-License-Identifier: Apache-2.0
"""Wrong set-ups for --check: a machine on which all is well, in a room, ways to
break it, and what happens then: the check finds it and nothing else, the
command that it prints mends it, and all is well again.

A Setup is a row: how it is broken, which check says what.  Many rows are tried
one after another in one room; whatever a row touches by the World's methods is
put back behind it.
"""

import json
import os
import re
import shutil
import socket
import ssl
import subprocess

import mailgen
from server import listening, read, sanitized
from tap import tap, wait_for

HOST = "mail.example.org"


class Setup:
    """`wreck` is called with the World.  `check` finds it with evidence that
    matches `says`, as "failed" or "warning".  `mend` False: there is no
    command, only words.  `also`: checks that may find something too.
    `program`, `login`: how the check is asked.  `after` is called with the
    World when the command has run."""

    def __init__(self, name, wreck, check, says, state="failed", mend=True,
            also=(), program="imapd", login=False, after=None, args=()):
        self.name, self.wreck, self.check, self.says = name, wreck, check, says
        self.state, self.mend, self.also = state, mend, also
        self.program, self.login, self.after = program, login, after
        self.args = args


class Report:
    """What --check --json said."""

    def __init__(self, done):
        self.status = done.returncode
        self.text = done.stdout + done.stderr
        self.all = json.loads(done.stdout)["findings"]

    def found(self, check, says, state):
        """The findings that a row asks for."""
        return [f for f in self.all if f["check"] == check and
            f["state"] == state and re.search(says, f["evidence"])]

    def bad(self, leave=()):
        """What is not well."""
        return [f for f in self.all if f["state"] in ("failed", "warning")
            and f["check"] not in leave]

    def mend(self):
        """All commands, in order."""
        return [f["mend"] for f in self.all if f["mend"]]


class World:
    """A room in which all is as it should be: inetd serves four ports, the
    certificate is by an authority that the machine trusts, joe has mail."""

    def __init__(self, room):
        self.room = room
        self.undone = []
        self.saved = {}
        self.joe = room.add_user("joe")
        room.fill(self.joe, mailgen.to_mbox(mailgen.ordinary(2)))
        room.install()
        room.services()
        self.must("useradd", "-r", "-M", "-d", "/nonexistent", "-s",
            "/usr/sbin/nologin", "imapd")
        # A hash that costs less than the system's own.
        self.must("usermod", "-p", self.must("openssl", "passwd", "-6",
            self.joe.password).strip(), "joe")
        self.name_host()
        self.few_authorities()
        self.certify()
        self.quick()
        self.start_inetd()

    def name_host(self):
        socket.sethostname(HOST)
        with open("/etc/hosts", "w") as f:
            f.write("127.0.0.1 localhost\n127.0.1.1 %s mail\n::1 localhost\n"
                % HOST)

    def few_authorities(self):
        """Who asks the system's store reads all of it: that would be half of
        what a check costs."""
        path, end = "/etc/ssl/certs/ca-certificates.crt", \
            "-----END CERTIFICATE-----\n"
        first, there, _ = read(path).partition(end)
        if there:
            with open(path, "w") as f:
                f.write(first + end)

    def certify(self):
        """By imapd-tls ca, and the authority in the system's store."""
        self.must("imapd-tls", "ca", HOST)
        crt = self.authority()
        shutil.copy(crt, "/etc/ssl/certs/room-authority.pem")
        name = self.must("openssl", "x509", "-hash", "-noout", "-in",
            crt).strip()
        os.symlink("room-authority.pem", "/etc/ssl/certs/%s.0" % name)

    def authority(self):
        for where, _, files in os.walk("/etc/ssl"):
            for name in files:
                if name.endswith(".crt") and "imapd" in where + name:
                    return os.path.join(where, name)
        raise RuntimeError("imapd-tls ca left no authority")

    def quick(self):
        """A refused login costs no seconds."""
        with open("/etc/imapd.conf", "w") as f:
            f.write("# the room's\nfail_delay = 0\n")
        path = "/etc/pam.d/common-auth"
        text = read(path)
        with open(path, "w") as f:
            f.write(re.sub(r"(pam_unix\.so.*)", r"\1 nodelay", text))

    def start_inetd(self):
        with open("/etc/inetd.conf", "w") as f:
            for line, _, _ in self.room.readme_lines().values():
                f.write(line + "\n")
        self.room.start([shutil.which("inetd"), "-i", "/etc/inetd.conf"],
            cwd=self.room.dir)
        for port in self.room.ports.values():
            wait_for("inetd on port %d" % port, lambda: listening(port))

    @staticmethod
    def must(*args):
        done = subprocess.run(args, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            check=False)
        if done.returncode != 0:
            raise RuntimeError("%s: %s" % (" ".join(args), done.stdout))
        return done.stdout

    def report(self, program="imapd", login=True, args=(), drop=None):
        """Run --check; `drop` is for preexec_fn."""
        args = ["/usr/local/sbin/" + program, "--check", "--json", *args]
        if login:
            args += ["--login", self.joe.name]
        return Report(subprocess.run(args, input=self.joe.password + "\n"
            if login else "", stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, check=False, cwd="/",
            preexec_fn=drop))

    # What a row breaks things with.  All of it is put back.

    def keep(self, path):
        """`path` will be as it is now when the row is over."""
        if path not in self.saved:
            kept = None
            if os.path.lexists(path):
                kept = "%s/kept%d" % (self.room.dir, len(self.saved))
                self.must("cp", "-a", path, kept)
            self.saved[path] = kept
        return path

    def undo(self, action):
        """Will be called when the row is over."""
        self.undone.append(action)

    def write(self, path, text, mode=0o644):
        self.remove(path)
        with open(path, "w") as f:
            f.write(text)
        os.chmod(path, mode)

    def append(self, path, text):
        with open(self.keep(path), "a") as f:
            f.write(text)

    def edit(self, path, pattern, to):
        """Like sed; it must match."""
        text, n = re.subn(pattern, to, read(self.keep(path)), flags=re.M)
        if n == 0:
            raise RuntimeError("%s: no %s" % (path, pattern))
        with open(path, "w") as f:
            f.write(text)

    def chmod(self, path, mode):
        os.chmod(self.keep(path), mode)

    def chown(self, path, uid, gid):
        os.chown(self.keep(path), uid, gid)

    def remove(self, path):
        self.keep(path)
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        elif os.path.lexists(path):
            os.unlink(path)

    def configure(self, text):
        """Lines behind those of imapd.conf."""
        self.append("/etc/imapd.conf", text)

    def restore(self):
        self.joe.left()
        for action in reversed(self.undone):
            action()
        self.undone = []
        for path, kept in self.saved.items():
            self.put_back(path, kept)
        self.saved = {}

    def put_back(self, path, kept):
        """A directory keeps its identity: programs may be in it, and it may
        be a mount."""
        if kept and os.path.isdir(kept) and os.path.isdir(path):
            for name in os.listdir(path):
                self.must("rm", "-rf", os.path.join(path, name))
            self.must("cp", "-a", kept + "/.", path)
            self.must("rm", "-rf", kept)
            return
        self.must("rm", "-rf", path)
        if kept:
            self.must("mv", kept, path)


def greeted():
    context = ssl.create_default_context()
    try:
        with socket.create_connection(("127.0.0.1", 993)) as s:
            with context.wrap_socket(s, server_hostname=HOST) as t:
                return t.recv(4) == b"* OK"
    except OSError:
        return False


def served(_world):
    """For `after`: the super-server has the right entry, and a client is
    greeted."""
    wait_for("a greeting on port 993", greeted)


def well(report):
    return not report.bad() and report.status == 0


def attempt(world, row):
    """One row, two results: found, and mended."""
    row.wreck(world)
    report = world.report(row.program, row.login, row.args)
    found = report.found(row.check, row.says, row.state)
    others = [f for f in report.bad(row.also) if f not in found]
    good = tap.ok(found and not others, row.name + ": found, and nothing else",
        "wanted %s %s %r\n%s" % (row.check, row.state, row.says, json.dumps(
        report.bad(), indent=1) + report.text[-400:]))
    if not row.mend:
        tap.ok(found and not found[0]["mend"], row.name + ": in words")
        return
    commands = [f["mend"] for f in found if f["mend"]]
    said = ""
    for command in commands:
        done = subprocess.run(["sh", "-c", command], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            check=False, cwd="/")
        said += "$ %s\n%sexit %d\n" % (command, done.stdout, done.returncode)
        if done.returncode != 0:
            good = False
    if row.after:
        row.after(world)
    report = world.report(row.program, row.login, row.args)
    tap.ok(good and commands and well(report), row.name + ": mended",
        said + json.dumps(report.bad(), indent=1))


def try_all(world, rows):
    """Nothing is wrong at first; then each row.  A sanitizer, which is slow,
    sees every sixth: what differs between rows is what is on the disk."""
    if sanitized():
        rows = rows[::6]
    for program in ("imapd", "ipop3d"):
        report = world.report(program)
        tap.ok(well(report), program + ": at first all is well",
            json.dumps(report.bad(), indent=1) + report.text[-900:])
    for row in rows:
        try:
            attempt(world, row)
        finally:
            world.restore()
    report = world.report()
    tap.ok(well(report), "in the end all is well", json.dumps(report.bad(),
        indent=1))
