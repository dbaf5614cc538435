# SPDX-License-Identifier: Apache-2.0
"""A machine: a fresh Debian that systemd has booted, for tests that want one.

enter() runs the calling script again where mounts are its own; Machine makes a
system with tests/lib/fresh.sh, boots it with tests/lib/boot.sh, and runs
commands in it.  boot() also takes the script itself to the machine's loopback
interface, which is all that the machine has of a network.
"""

import atexit
import ctypes
import os
import shutil
import subprocess
import sys
import tempfile

from server import status
from tap import ROOT, skip_all, wait_for

NAME = "mail.example.org"
# Units that want what a container has not, or set what is the kernel's.
MASKED = ("console-getty.service", "systemd-journald-audit.socket",
    "sys-kernel-debug.mount", "sys-kernel-tracing.mount",
    "apt-daily.timer", "apt-daily-upgrade.timer")
CLONE_NEWNET = 0x40000000


def enter():
    if os.geteuid() != 0:
        skip_all("a machine needs root")
    if os.environ.pop("MACHINE", None) == "inside":
        return
    command = ["unshare", "--mount", "--propagation", "private"]
    if subprocess.run(command + ["true"], check=False).returncode != 0:
        skip_all("this machine refuses mounts")
    os.execvpe(command[0], command + [sys.executable,
        os.path.abspath(sys.argv[0])] + sys.argv[1:],
        dict(os.environ, MACHINE="inside"))


def children(pid):
    with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
        return [int(x) for x in f.read().split()]


class Machine:
    def __init__(self, *packages):
        self.dir = tempfile.mkdtemp(prefix="machine.", dir="/tmp")
        atexit.register(self.end)
        self.root = self.dir + "/root"
        os.mkdir(self.root)
        self.process, self.init, self.groups = None, None, []
        subprocess.run(["sh", ROOT + "/tests/lib/fresh.sh", self.root,
            *packages], check=True, stdout=sys.stderr)
        self.write("/etc/hostname", NAME + "\n")
        self.write("/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n"
            "127.0.1.1 %s mail\n" % NAME)
        self.write("/etc/resolv.conf", "")
        for unit in MASKED:
            os.symlink("/dev/null", self.root + "/etc/systemd/system/" + unit)

    def write(self, path, text):
        os.makedirs(os.path.dirname(self.root + path), exist_ok=True)
        with open(self.root + path, "w") as f:
            f.write(text)

    def read(self, path):
        with open(self.root + path) as f:
            return f.read()

    def boot(self):
        """Returns what the system is when it is up: running, or degraded."""
        self.process = subprocess.Popen(["sh", ROOT + "/tests/lib/boot.sh",
            self.root, NAME], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.groups.append("%s.%d" % (NAME, self.process.pid))
        self.init = wait_for("process 1", self.find_init)
        fd = os.open("/proc/%d/ns/net" % self.init, os.O_RDONLY)
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.setns(fd, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")
        os.close(fd)
        wait_for("the system's bus", lambda: os.path.exists(
            "/proc/%d/root/run/systemd/private" % self.init))
        return self.run("systemctl is-system-running --wait").out.strip()

    def find_init(self):
        """boot.sh becomes unshare, whose child becomes systemd."""
        if self.process.poll() is not None:
            raise RuntimeError("no boot: " +
                self.process.stderr.read().decode())
        for pid in children(self.process.pid):
            if (status(pid, "Name") or "") == "systemd":
                return pid
        return None

    def run(self, command, text=""):
        """A line for the machine's shell, as its root; .out is both streams."""
        done = subprocess.run(["nsenter", "-t", str(self.init), "-m", "-u",
            "-i", "-n", "-p", "-C", "-r", "-w", "env", "-i", "HOME=/root",
            "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:"
            "/bin", "LANG=C.UTF-8", "TERM=dumb", "SYSTEMD_PAGER=",
            "DEBIAN_FRONTEND=noninteractive", "sh", "-c", command],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            input=text, timeout=300, check=False)
        done.out = done.stdout
        return done

    def must(self, command, text=""):
        """It must succeed; returns what it said."""
        done = self.run(command, text)
        if done.returncode != 0:
            raise RuntimeError("%s: %s" % (command, done.out))
        return done.out

    def show(self, unit, what):
        """A property of a unit."""
        return self.must("systemctl show --value -p %s %s" % (what,
            unit)).strip()

    def log(self, match="-t imapd -t ipop3d"):
        return self.must("journalctl --sync; journalctl -q --no-pager -o cat "
            + match)

    def off(self):
        """As who presses the button; returns when all has ended."""
        self.run("systemctl poweroff")
        self.process.wait()
        self.process.stderr.close()

    def end(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.tidy()
        shutil.rmtree(self.dir, ignore_errors=True)

    def tidy(self):
        """Removes the control groups, when all of theirs has ended."""
        top = self.dir + "/cgroup"
        os.makedirs(top, exist_ok=True)
        if subprocess.run(["mount", "-t", "cgroup2", "none", top],
                check=False).returncode != 0:
            return
        for name in self.groups:
            for where, _, _ in os.walk(os.path.join(top, name),
                    topdown=False):
                wait_for("the end of " + where, lambda: gone(where))
        subprocess.run(["umount", top], check=True)


def gone(path):
    try:
        os.rmdir(path)
    except FileNotFoundError:
        pass
    except OSError:
        return False
    return True
