#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""curl reads the whole spool over imaps:// and pop3s://, and over imap://
and pop3:// with STARTTLS and STLS; DELE and EXPUNGE leave
the rest in the spool."""

import os
import re
import sys
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from clientroom import ClientRoom
from tap import run, tap


def fetch(r, url, name):
    """All messages of a URL with [1-N] in it, in order."""
    done = r.user.run("curl", "-sS", "--fail", "--ssl-reqd", "--cacert",
        r.crt, "--user", "%s:%s" % (r.user.name, r.user.password),
        "-o", name + "-#1", url)
    tap.ok(done.returncode == 0, name + ": curl says 0", done.text[-2000:])
    got = []
    for n in range(1, len(r.messages) + 1):
        path = os.path.join(r.user.home, "%s-%d" % (name, n))
        if os.path.exists(path):
            with open(path, "rb") as f:
                got.append(f.read())
    return got


def ask(r, url, *args):
    """A command of its own, for which no message comes back."""
    return r.user.run("curl", "-sS", "--cacert", r.crt, "--user",
        "%s:%s" % (r.user.name, r.user.password), *args, url)


def removing(r):
    url = "pop3s://localhost:%d/" % r.ports["pop3s"]
    done = ask(r, url + "3", "-I", "-X", "DELE")
    tap.ok(done.returncode == 0, "DELE: curl says 0", done.text[-2000:])
    r.remove(b"test 2 of a set")
    r.left("DELE")
    r.compare(fetch(r, url + "[1-%d]" % len(r.messages), "pop3-after"),
        "pop3s after it", only_set=False)
    url = "imaps://localhost:%d/INBOX" % r.ports["imaps"]
    for command in ("STORE 1,5 +FLAGS (\\Deleted)", "EXPUNGE"):
        done = ask(r, url, "-X", command)
        tap.ok(done.returncode == 0, command + ": curl says 0",
            done.text[-2000:])
    r.remove(b"test 0 of a set", b"test 5 of a set")
    r.left("EXPUNGE")
    c = r.imap()
    uids = [int(n) for n in re.findall(rb"UID (\d+)", b"".join(b"".join(x)
        for x in c.must("FETCH 1:* UID")))]
    tap.equal(uids[:3], [2, 4, 5], "UIDs stay with their messages")
    r.compare(list(c.bodies().values()), "imaps after it", only_set=False)


def main():
    r = ClientRoom("curl")
    count = len(r.messages)
    for scheme, tail in (("imaps", "INBOX;UID=[1-%d]"),
            ("pop3s", "[1-%d]"), ("imap", "INBOX;UID=[1-%d]"),
            ("pop3", "[1-%d]")):
        url = "%s://localhost:%d/%s" % (scheme, r.ports[scheme],
            tail % count)
        r.compare(fetch(r, url, scheme), scheme, only_set=False)
    removing(r)
    done = r.user.run("curl", "-sS", "--cacert", r.crt, "--user",
        "%s:%s" % (r.user.name, "wrong"),
        "imaps://localhost:%d/" % r.ports["imaps"])
    tap.ok(done.returncode == 67, "a wrong password is login denied (67)",
        done.returncode)
    r.quiet_log()


run(main)
