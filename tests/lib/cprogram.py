# SPDX-License-Identifier: Apache-2.0
"""Programs that know nothing of this tree but what `make install-dev` puts into
a directory, built as pkg-config says."""

import fcntl
import os
import subprocess

from room import CC, SAN, WORDS, plain_make
from tap import ROOT, tap

SANITIZE = ["-fsanitize=" + SAN] if SAN else []


def did(*args, **kw):
    return subprocess.run(args, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, check=False, **kw)


class Installed:
    """What is in `where` after `make install-dev`."""

    def __init__(self, where):
        self.where = where
        os.makedirs(os.path.join(ROOT, "build"), exist_ok=True)
        with open(os.path.join(ROOT, "build", "lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            done = did("make", "-C", ROOT, "install-dev", "DESTDIR=" + where,
                *WORDS, env=plain_make())
        tap.ok(done.returncode == 0, "make install-dev", done.stdout[-2000:])
        self.headers = sorted(os.listdir(where +
            "/usr/local/include/c-client"))

    def flags(self, *what):
        env = dict(os.environ, PKG_CONFIG_SYSROOT_DIR=self.where,
            PKG_CONFIG_PATH=self.where + "/usr/local/lib/pkgconfig")
        return did("pkg-config", *what, "libc-client", env=env).stdout.split()

    def build(self, source, program):
        """The program's path, or None."""
        program = os.path.join(self.where, program)
        done = did(CC, "-Wall", "-Werror", "-g", *SANITIZE, "-o", program, source,
            *self.flags("--cflags", "--libs", "--static"))
        tap.ok(done.returncode == 0, os.path.basename(source) + " builds",
            done.stdout[-3000:])
        return program if done.returncode == 0 else None
