# SPDX-License-Identifier: Apache-2.0
"""imapd-tls, run for a test with a directory of its own."""

import os
import subprocess

from tap import ROOT, tap

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


def read(path):
    with open(path, "rb") as f:
        return f.read()
