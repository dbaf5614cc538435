#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""mutt in a pseudo-terminal: opens imaps://, reads a message, flags it,
copies everything into a Maildir, leaves; then the same reading by pops://.
Then it deletes and purges, by imaps:// and by pops://.
mutt adds Status, Content-Length and Lines to what it copies."""

import os
import pty
import re
import select
import struct
import sys
import time
import fcntl
import termios
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from clientroom import ClientRoom, maildir
from tap import WAIT_SECS, run, tap, wait_for

RC = """
set certificate_file=%(crt)s
set ssl_ca_certificates_file=%(crt)s
set ssl_verify_host=yes
set imap_user="%(user)s" imap_pass="%(password)s"
set pop_user="%(user)s" pop_pass="%(password)s"
set mbox_type=Maildir
set folder=~
set record="" postponed=~/postponed
set confirmcreate=no confirmappend=no delete=no quit=yes move=no
set header_cache="" message_cachedir=""
set wait_key=no beep=no mark_old=no sort=mailbox-order sleep_time=0
set pager_index_lines=0 markers=no check_new=yes timeout=5
set status_format="Ready %%f [%%m]"
"""


class Screen:
    """A program in a pty of 40 lines; what it wrote is kept in .text."""

    def __init__(self, user, *args):
        self.text = ""
        env = {"HOME": user.home, "USER": user.name, "LANG": "C.UTF-8",
            "LOGNAME": user.name, "TERM": "vt100", "SHELL": "/bin/sh",
            "PATH": "/usr/bin:/bin"}
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ,
                struct.pack("HHHH", 40, 120, 0, 0))
            user.drop()
            os.chdir(user.home)
            os.execve("/usr/bin/mutt", ["mutt", "-n", *args], env)

    def read(self, secs):
        ready, _, _ = select.select([self.fd], [], [], secs)
        if ready:
            try:
                got = os.read(self.fd, 65536)
            except OSError:
                got = b""
            if not got:
                return False
            self.text += re.sub("\x1b\\[[0-9;?]*[A-Za-z]|\x1b[()].|\x1b[=>]"
                "|\x0f|\x0e", " ", got.decode("utf-8", "replace"))
        return True

    def expect(self, pattern, what):
        """Waits until the pattern is on what was written since; the text
        up to there is dropped."""
        end = time.monotonic() + WAIT_SECS
        while time.monotonic() < end:
            m = re.search(pattern, self.text)
            if m:
                self.text = self.text[m.end():]
                return tap.ok(True, what)
            if not self.read(0.2):
                break
        return tap.ok(False, what, self.text[-1500:])

    def keys(self, text):
        os.write(self.fd, text.encode())

    def leave(self):
        end = time.monotonic() + WAIT_SECS
        while time.monotonic() < end and self.read(0.2):
            pass
        try:
            pid, got = wait_for("mutt to end", self.ended)
        except TimeoutError:
            os.kill(self.pid, 9)
            os.waitpid(self.pid, 0)
            return tap.ok(False, "mutt leaves", self.text[-1500:])
        return tap.equal(got, 0, "mutt leaves")

    def ended(self):
        """(pid, status) once it is a zombie, else None."""
        pid, got = os.waitpid(self.pid, os.WNOHANG)
        return (pid, got) if pid else None


def purge(r, url, what, *numbers):
    """Deletes these messages, and syncs."""
    s = Screen(r.user, "-F", ".muttrc", "-e", "set delete=yes", "-f", url)
    # What was read already is not where mutt begins.
    s.expect(r"Ready", what + ": the index")
    s.keys("=")
    for n in numbers:
        s.keys("D~s 'test %d of'\n" % n)
    s.keys("$")
    s.keys("q")
    s.leave()
    r.remove(*[b"test %d of a set" % n for n in numbers])
    r.left(what)


def copy_all(r, s, name, scheme):
    """Everything into a new Maildir, which has then what the spool has."""
    s.keys("T.\n")
    s.expect(r"Tagged|\*", "everything is tagged")
    s.keys(";C")
    s.expect(r"Copy", "mutt asks where to copy to")
    s.keys("\x15~/%s\n" % name)
    path = os.path.join(r.user.home, name)
    end = time.monotonic() + WAIT_SECS
    while time.monotonic() < end and len(maildir(path)) < len(r.messages):
        s.read(0.05)
    r.compare(maildir(path).values(), "copied from " + scheme,
        ["Status", "Content-Length", "Lines"])


def main():
    r = ClientRoom("mutt")
    r.user.write(".muttrc", RC % {"crt": r.crt, "user": r.user.name,
        "password": r.user.password})
    s = Screen(r.user, "-F", ".muttrc", "-f",
        "imaps://localhost:%d/INBOX" % r.ports["imaps"])
    s.expect(r"test 0 of a set", "mutt shows the index")
    s.keys("1\n")
    s.keys("\n")
    s.expect(r"To:.*Reader", "mutt shows a message")
    s.keys("q")
    s.expect(r"Ready", "back at the index")
    s.keys("F")
    copy_all(r, s, "copy", "imaps")
    s.keys("$")
    s.keys("q")
    s.leave()
    c = r.imap()
    flags = b"".join(c.must("FETCH 1 FLAGS")[-1])
    tap.ok(b"\\Flagged" in flags and b"\\Seen" in flags,
        "message 1 is \\Seen and \\Flagged", flags)

    s = Screen(r.user, "-F", ".muttrc", "-f",
        "pops://localhost:%d/" % r.ports["pop3s"])
    s.expect(r"test 0 of a set", "mutt shows the index over pops")
    copy_all(r, s, "copy2", "pops")
    s.keys("q")
    s.leave()
    purge(r, "imaps://localhost:%d/INBOX" % r.ports["imaps"],
        "purged by imaps", 3, 8)
    purge(r, "pops://localhost:%d/" % r.ports["pop3s"], "purged by pops", 1,
        6, 29)
    r.quiet_log()


run(main)
