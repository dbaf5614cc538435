# SPDX-License-Identifier: Apache-2.0
"""Postfix with a queue and a configuration of its own, which listens nowhere:
mail comes by sendmail(1) and goes to the spool by local(8)."""

import atexit
import os
import re
import subprocess

from tap import WAIT_SECS, wait_for

# What local(8) puts before a message; a Return-Path that it had is gone.
ADDED = re.compile(rb"\A(Return-Path: .*\n)X-Original-To: .*\n"
    rb"Delivered-To: .*\nReceived: .*\n(?:[ \t].*\n)+")

MAIN = """compatibility_level = 3.6
queue_directory = %(dir)s/queue
data_directory = %(dir)s/data
mail_spool_directory = %(spool)s
inet_interfaces = loopback-only
inet_protocols = ipv4
myhostname = mail.example.org
mydestination = localhost
local_recipient_maps =
alias_maps =
alias_database =
default_transport = error
mailbox_command =
mailbox_delivery_lock = fcntl, dotlock
deliver_lock_attempts = 600
deliver_lock_delay = 1s
queue_run_delay = 1s
minimal_backoff_time = 1s
maximal_backoff_time = 1s
biff = no
syslog_name = postfix-test
"""

MASTER = """pickup unix n - n 1 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 1 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
showq unix n - n - - showq
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
local unix - n n - - local
"""


class Postfix:
    def __init__(self, where, spool):
        self.dir = os.path.join(where, "postfix")
        self.conf = os.path.join(self.dir, "conf")
        for path in (self.dir, self.conf, self.dir + "/queue"):
            os.mkdir(path)
            os.chmod(path, 0o755)
        for name, text in (("main.cf", MAIN), ("master.cf", MASTER)):
            with open(os.path.join(self.conf, name), "w") as f:
                f.write(text % {"dir": self.dir, "spool": spool})
        self.must("postfix", "start")
        atexit.register(self.stop)

    def run(self, program, *args, **kw):
        return subprocess.run([program, "-C" if program == "sendmail" else
            "-c", self.conf, *args], stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, timeout=WAIT_SECS * 3, **kw)

    def must(self, *args):
        done = self.run(*args)
        if done.returncode != 0:
            raise RuntimeError("%s: %s" % (" ".join(args),
                done.stdout.decode(errors="replace")))
        return done.stdout

    def send(self, user, message):
        """Into the queue, as root: (status, what it said)."""
        done = self.run("sendmail", "-i", "-f", "sender@example.org",
            user + "@localhost", input=message)
        return done.returncode, done.stdout[-500:]

    def queue(self):
        """What is not delivered yet."""
        return self.must("postqueue", "-j")

    def settle(self):
        """Waits until all has been delivered."""
        wait_for("the queue to be empty", lambda: not self.queue(),
            WAIT_SECS * 5)

    def stop(self):
        self.run("postfix", "stop")


def bare(message):
    """As it was sent, with its Return-Path in front."""
    return ADDED.sub(rb"\1", message)
