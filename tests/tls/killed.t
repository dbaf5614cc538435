#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""imapd-tls is killed before each program that changes a file, and these and
openssl fail or write half: imapd.pem is the old file or the new one, whole, the
authority is usable, and the next run leaves nothing behind."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../lib"))
import pki as authorities
from pki import openssl
from server import die_with_us
from tap import run, tap, wait_for
from tlstool import TOOL, Tool, read

CHANGES = ("mv", "ln", "cat", "chmod", "mkdir", "rm", "sync")
WRAPPER = """#!/bin/sh
echo >>"$STEP_COUNT"
if [ "$(wc -l <"$STEP_COUNT")" = "$STEP_AT" ]; then
	case $STEP_HOW in
	kill) kill -9 "-$STEP_GROUP" ;;
	term) kill -TERM "$STEP_GROUP" ;;
	fail) exit 1 ;;
	half) %s "$@" | head -c 100; exit 1 ;;
	esac
fi
exec %s "$@"
"""


class Stepper:
    """Runs the tool with wrappers of some programs in front of PATH."""

    def __init__(self, where, programs):
        self.bin = tempfile.mkdtemp(dir=where)
        self.count = os.path.join(self.bin, "count")
        for name in programs:
            path = os.path.join(self.bin, name)
            real = shutil.which(name)
            with open(path, "w") as f:
                f.write(WRAPPER % (real, real))
            os.chmod(path, 0o755)

    def run(self, at, how, *args):
        """Returns the status, and whether there was such a step."""
        open(self.count, "w").close()
        env = dict(os.environ, PATH=self.bin + ":" + os.environ["PATH"],
            STEP_COUNT=self.count, STEP_AT=str(at), STEP_HOW=how)
        # The shell tells the wrappers who it is, and becomes the tool.
        child = subprocess.Popen(["sh", "-c",
            "STEP_GROUP=$$; export STEP_GROUP; exec \"$@\"", "sh", TOOL,
            args[0], "--dir", t.dir, *args[1:]], env=env,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True,
            preexec_fn=die_with_us)
        status = child.wait()
        return status, read(self.count).count(b"\n") >= at


def left():
    return [x for x in os.listdir(t.dir) if x.startswith(".imapd-tls")]


def same_key(path):
    """Is the file whole: a key, and a certificate of it first?"""
    try:
        return openssl("pkey", "-in", path, "-pubout") == openssl("x509",
            "-in", path, "-noout", "-pubkey")
    except RuntimeError:
        return False


def walk(s, how, args, is_new, first=1, every=1):
    """Some steps in turn; returns how many there are."""
    old, bad = read(saved + "/imapd.pem"), []
    at = first
    while True:
        shutil.rmtree(t.dir)
        shutil.copytree(saved, t.dir, symlinks=True)
        status, there = s.run(at, how, *args)
        if not there:
            break
        if how == "kill" and status != -signal.SIGKILL:
            bad.append("step %d: not killed" % at)
        now = read(t.pem)
        if now != old and not is_new(now) or \
                os.stat(t.pem).st_mode & 0o777 != 0o400:
            bad.append("step %d: imapd.pem is neither" % at)
        last = t.pem + ".last"
        if os.path.exists(last) and read(last) != old:
            bad.append("step %d: the one before is not" % at)
        ca = t.dir + "/imapd-ca/ca.pem"
        if os.path.exists(ca) and not same_key(ca):
            bad.append("step %d: the authority" % at)
        if how == "term" and left():
            bad.append("step %d: left is %r" % (at, left()))
        at += every
    count = read(s.count).count(b"\n")
    tap.equal(bad, [], "%s, %s at %d of %d steps: the old file or the new one"
        % (args[0], how, (at - first) // every, count))
    tap.ok(status == 0 and is_new(read(t.pem)) and not left(),
        "and what is not disturbed succeeds", status)
    return count


def main():
    global p, t, saved
    top = tempfile.mkdtemp(prefix="tls.")
    try:
        p = authorities.three(top)
        p.make("new", "mid")
        t, saved = Tool(top + "/certs"), top + "/saved"
        changes, openssl_only = Stepper(top, CHANGES), Stepper(top,
            ("openssl",))
        t.good("install", *(p.path(x) for x in ("leaf.crt", "leaf.key",
            "mid.crt")))
        shutil.copytree(t.dir, saved, symlinks=True)
        args = ("install", *(p.path(x) for x in ("new.crt", "new.key",
            "mid.crt")))
        new = read(p.cat("wanted", "new.key", "new.crt", "mid.crt"))

        def is_new(now):
            return now == new
        steps = walk(changes, "kill", args, is_new)
        tap.ok(steps > 20, "the walk has gone through it", steps)
        # One was killed and left a key behind: the next one clears it away.
        shutil.rmtree(t.dir)
        shutil.copytree(saved, t.dir, symlinks=True)
        changes.run(steps // 2, "kill", *args)
        tap.ok(".imapd-tls.work" in left() and ".imapd-tls.lock" in left(),
            "a kill leaves the lock and keys behind", left())
        t.good(*args)
        tap.equal(left(), [], "the next run clears them away")
        walk(changes, "fail", args, is_new, 2, 5)
        walk(changes, "term", args, is_new, 1, 14)
        walk(openssl_only, "fail", args, is_new, 3, 9)
        walk(Stepper(top, ("cat",)), "half", args, is_new, 2, 4)
        walk(changes, "kill", ("ca", "--replace", "localhost"), made_whole,
            3, 7)
        patience(args, new)
    finally:
        shutil.rmtree(top)


def made_whole(now):
    """A new file with a key and its certificate."""
    with open(p.path("look"), "wb") as f:
        f.write(now)
    return same_key(p.path("look"))


def patience(args, new):
    """One at a time: the second waits for the first."""
    holder = subprocess.Popen(["sleep", "600"], preexec_fn=die_with_us)
    os.symlink(str(holder.pid), t.dir + "/.imapd-tls.lock")
    before = t.state()
    second = subprocess.Popen([TOOL, args[0], "--dir", t.dir, *args[1:]],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        preexec_fn=die_with_us)
    wait_for("the second to wait", lambda: b"sleep" in b"".join(
        read("/proc/%s/cmdline" % x) for x in children(second.pid)))
    tap.ok(t.state() == before and second.poll() is None,
        "while one is at work another waits")
    holder.kill()
    holder.wait()
    tap.ok(second.wait() == 0 and read(t.pem) == new and not left(),
        "and goes on when it has ended")


def children(pid):
    try:
        with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
            return f.read().split()
    except FileNotFoundError:
        return []


run(main)
