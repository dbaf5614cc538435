# SPDX-License-Identifier: Apache-2.0
"""What the client tests share: a room with inetd, one user whose spool holds
known mail, and the comparison of what a client has with what the spool has.
Each client's own file knows the client."""

import glob
import os
import re

import mailgen
import mboxfile
import room
import server
from imapc import Gone, Imap
from tap import need, tap, wait_for


class ClientRoom:
    def __init__(self, *programs, corpus=True, only=None):
        need(*programs)
        self.room = room.enter()
        self.user = self.room.add_user("reader")
        self.messages = [mailgen.quoted(m) for n, m in
            enumerate(mailgen.ordinary()) if only is None or n in only]
        if corpus and mailgen.corpus_dir():
            self.messages += [mailgen.quoted(m) for _, m in
                mailgen.corpus_messages()[::7] if m.strip()
                and not m.startswith(b"\n") and not m.startswith(b"From ")]
        self.room.fill(self.user, self.mbox())
        self.room.inetd()
        self.crt = self.room.certificate()
        self.ports = self.room.ports
        self.referees = []

    def mbox(self):
        return b"".join(mailgen.SEPARATOR + m + b"\n"
            for m in self.messages)

    def imap(self):
        """Our own plain client, logged in, INBOX open: the referee."""
        c = Imap(self.ports["imaps"], self.crt)
        c.login(self.user.name, self.user.password)
        c.select("INBOX")
        self.referees.append(c)
        return c

    def remove(self, *subjects):
        """These messages are not to be there any more."""
        lines = [b"Subject: " + s + b"\n" for s in subjects]
        self.messages = [m for m in self.messages
            if not any(l in mailgen.unwire(m) for l in lines)]

    def settle(self):
        """All sessions have ended, and so have written what they write."""
        for c in self.referees:
            try:
                c.cmd("LOGOUT")
            except (Gone, OSError):
                pass
            c.close()
        self.referees = []
        uid = str(self.user.uid)
        wait_for("the sessions' end", lambda: not any(server.status(pid,
            "Name") in ("imapd", "ipop3d") and uid in (server.status(pid,
            "Uid") or "").split() for pid in server.parents()))

    def left(self, what, added=()):
        """The spool has the messages, byte for byte, in their order, and
        nothing else; a client may have added header fields."""
        self.settle()
        with open(self.user.spool, "rb") as f:
            data = f.read()
        have = [plain(mailgen.without_hidden(m), added)
            for m in mboxfile.messages(data)]
        want = [plain(mailgen.without_hidden(m), added)
            for m in self.messages]
        return tap.ok(have == want, what + ": the spool has what it should, "
            "and nothing else", (len(have), len(want), [x for x in zip(have,
            want) if x[0] != x[1]][:1]))

    def compare(self, got, what, added=(), only_set=True):
        """Every message equals the spool's but for line ends and the header
        fields `added`, which this client is known to put in."""
        have = [plain(m, added) for m in got]
        want = [plain(mailgen.without_hidden(m), added)
            for m in self.messages]
        if only_set:
            have.sort()
            want.sort()
        if not tap.equal(len(have), len(want), what + ": as many messages"):
            return False
        bad = [(h, w) for h, w in zip(have, want) if h != w]
        diag = None
        if bad:
            h, w = bad[0]
            at = next((i for i, (a, b) in enumerate(zip(h, w)) if a != b),
                min(len(h), len(w)))
            lo = max(0, at - 100)
            diag = "%d differ; first at %d:\ngot:  %r\nwant: %r" % (
                len(bad), at, h[lo:at + 200], w[lo:at + 200])
        return tap.ok(not bad, what + ": byte for byte"
            + (" but for " + ", ".join(added) if added else ""), diag)

    def quiet_log(self):
        """Nothing in the log looks like a crash, and nothing is refused."""
        bad = [l for l in self.room.log().splitlines()
            if re.search(r"crash|signal 11|signal 6|Assertion|looping|"
            r"refused", l) and "chpasswd" not in l]
        tap.ok(not bad, "nothing alarming is logged", "\n".join(bad[:9]))


def plain(message, added):
    """LF line ends, without the header fields named."""
    message = mailgen.unwire(message)
    names = {a.lower().encode() for a in added}
    cut = message.find(b"\n\n")
    head, body = ((message, b"") if cut < 0
        else (message[:cut + 1], message[cut + 1:]))
    keep, dropping = [], False
    for line in head.splitlines(keepends=True):
        if line[:1] not in (b" ", b"\t"):
            dropping = line.split(b":")[0].strip().lower() in names
        if not dropping:
            keep.append(line)
    return b"".join(keep) + body


def maildir(top):
    """{file name: bytes} of a Maildir's messages."""
    out = {}
    for path in (glob.glob(os.path.join(top, "cur", "*"))
            + glob.glob(os.path.join(top, "new", "*"))):
        with open(path, "rb") as f:
            out[path] = f.read()
    return out
