# SPDX-License-Identifier: Apache-2.0
"""imapd-tls, run for a test with a directory of its own, and what the servers
of a Host make of it."""

import os
import re
import shutil
import subprocess
import tempfile

from server import Host
from tap import ROOT, need, tap

TOOL = os.path.join(ROOT, "ssl/imapd-tls")


class Tool:
    def __init__(self, where):
        self.dir = where
        self.pem = os.path.join(where, "imapd.pem")

    def run(self, command, *args, path=None, **kw):
        """The CompletedProcess, with text.  `path` goes before PATH."""
        env = dict(os.environ, **kw.pop("env", {}))
        if path:
            env["PATH"] = path + ":" + env["PATH"]
        return subprocess.run((TOOL, command, "--dir", self.dir) + args,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL, text=True, env=env, check=False, **kw)

    def good(self, *args, **kw):
        """It must succeed; returns what it said."""
        done = self.run(*args, **kw)
        if done.returncode != 0:
            raise RuntimeError("imapd-tls %s: %s" % (" ".join(args),
                done.stderr))
        return done.stdout + done.stderr

    def refused(self, what, needles, *args, status=1, **kw):
        """It fails with one line that has each of `needles`, and what is in
        place stays as it is."""
        before = self.state()
        done = self.run(*args, **kw)
        lines = [x for x in done.stderr.splitlines() if ": warning: " not in x]
        tap.ok(done.returncode == status and len(lines) == 1 and
            lines[0].startswith("imapd-tls: ") and
            all(n in lines[0] for n in needles) and not done.stdout and
            self.state() == before, "refused: " + what,
            "status %d\n%s%s\nwanted %r\n%s" % (done.returncode, done.stdout,
            done.stderr, needles, self.state() == before))

    def state(self):
        """Every file below the directory with its mode and octets."""
        out = {}
        for where, dirs, files in os.walk(self.dir):
            for name in dirs + files:
                path = os.path.join(where, name)
                st = os.lstat(path)
                if os.path.islink(path):
                    out[path] = os.readlink(path)
                elif os.path.isfile(path):
                    out[path] = (st.st_mode, read(path))
                else:
                    out[path] = st.st_mode
        return out

    def empty(self):
        for name in os.listdir(self.dir):
            path = os.path.join(self.dir, name)
            shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)


class Clients:
    """Those of a Host whose certificates are the tool's."""

    def __init__(self, host, tool):
        self.host, self.tool = host, tool

    def fetched(self, crt):
        """Does curl read mail over imaps with this certificate alone?"""
        done = subprocess.run(["curl", "-sS", "--cacert", crt, "--user",
            "joe:" + self.host.account().password, "imaps://localhost:%d/" %
            self.host.ports["imapds"]], stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, check=False)
        return b"INBOX" in done.stdout or done.stdout

    def handshake(self, crt, program="ipop3d", name="localhost", more=()):
        """openssl verifies everything: the subjects that were sent, or what
        it says."""
        done = subprocess.run(["openssl", "s_client", "-verify_return_error",
            "-verify_hostname", name, "-CAfile", crt, "-showcerts",
            "-connect", "127.0.0.1:%d" % self.host.ports[program + "s"],
            *more], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode != 0 or \
                "Verify return code: 0 (ok)" not in done.stdout:
            return done.stdout[-900:]
        return re.findall(r"^ *\d+ s:CN = (.*)$", done.stdout, re.M)

    def trusted(self, what, crt, chain):
        """Both servers serve it, with that chain, and it is in place as it
        has to be."""
        tap.equal(self.fetched(crt), True, what + ": curl reads mail over "
            "imaps")
        tap.equal(self.handshake(crt), chain, what + ": openssl verifies "
            "pop3s")
        pop = os.path.join(self.tool.dir, "ipop3d.pem")
        tap.ok(os.lstat(self.tool.pem).st_mode & 0o7777 == 0o400 and
            os.readlink(pop) == "imapd.pem",
            what + ": mode 0400, and ipop3d.pem is a link")


def with_servers(certificates, parts):
    """Each part as part(pki, tool, clients), with what certificates(directory)
    makes, beside both servers."""
    need("curl")
    host = Host(programs=("imapd", "ipop3d"))
    top = tempfile.mkdtemp(prefix="tls.")
    try:
        tool = Tool(host.certdir)
        three = certificates(top), tool, Clients(host, tool)
        for part in parts:
            part(*three)
        tap.equal(host.faults(), "", "no faults in the servers")
    finally:
        shutil.rmtree(top)


def write(path, data):
    with open(path, "wb") as f:
        f.write(data)
    return path


def read(path):
    with open(path, "rb") as f:
        return f.read()
