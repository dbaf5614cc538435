#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A maildir when the power is lost: what was committed softly is not in the
index any more, and all that was synced is there.  The index is put back to what
it was after each earlier step, or its log is cut somewhere; then fresh sessions
open everything.  Every message has the UID that a client was told, under the
same UIDVALIDITY, and its flags; no UID means another message; new ones are
above all that were told.  The list of UIDs is synced; with one from before it
is so, too, as long as nothing was removed since."""

import os
import re
import shutil
import subprocess
import sys
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
import ledger
import server
from place import MaildirPlace, need_build, quick_dir
from tap import need, run, tap

CUTS = 24       # places in the logs
LIST = "dovecot-uidlist"
BOXES = ("INBOX", "other")


def copy(source, target):
    subprocess.run(["cp", "-aT", source, target], check=True)


class Story:
    """What a session does until the power is lost; .states are copies of the
    home after each step, the last one is what is on the disk."""

    def __init__(self):
        self.place = MaildirPlace(where=quick_dir())
        self.texts = {}
        self.told = {box: {} for box in BOXES}      # id: UID
        self.flagged = {box: set() for box in BOXES}
        self.top = {box: 0 for box in BOXES}
        self.validity, self.states = {}, []
        self.removed_until = 0      # nothing is removed behind this state
        c = self.place.imap()
        c.must("CREATE other")
        for box in BOXES:
            self.append(c, box)
            self.look(c, box)
        c.must("LOGOUT")
        c.end()
        self.c = self.place.imap()
        self.look(self.c, "INBOX")
        for step in (self.appends, self.deliveries, self.copies, self.appends,
                self.flags, self.removals, self.moves, self.deliveries,
                self.appends, self.copies, self.deliveries, self.appends):
            step()
            self.states.append("%s/state-%d" % (self.place.dir,
                len(self.states)))
            copy(self.place.home, self.states[-1])
        self.c.kill()
        self.c.end()

    def letter(self):
        ident = b"id-%03d" % (len(self.texts) + 1)
        self.texts[ident] = ledger.letter(ident)
        return ident, self.texts[ident]

    def saw(self, box, ident, uid):
        self.told[box][ident] = uid
        self.top[box] = max(self.top[box], uid)

    def look(self, c, box):
        c.select(box)
        self.validity[box] = c.code(b"UIDVALIDITY")
        for uid, _, text in ledger.fetch_all(c):
            self.saw(box, ledger.ID.search(text).group(1), uid)

    def append(self, c, box):
        ident, text = self.letter()
        line = c.append(box, text.replace(b"\n", b"\r\n"))
        self.saw(box, ident, ledger.codes(line, b"APPENDUID")[0][0])

    def transfer(self, word, idents):
        mine = self.told["INBOX"]
        status, line, seen = self.c.cmd("UID %s %s other" % (word, ",".join(
            str(mine[i]) for i in idents)))
        said = b"".join(r[0] for r in seen) + line
        for old, new in zip(*ledger.codes(said, b"COPYUID")):
            ident = next(i for i in idents if mine[i] == old)
            self.saw("other", ident, new)
            if ident in self.flagged["INBOX"]:
                self.flagged["other"].add(ident)

    def only_here(self):
        return [i for i in self.told["INBOX"] if i not in self.told["other"]]

    # The steps.

    def appends(self):
        for box in BOXES:
            self.append(self.c, box)

    def deliveries(self):
        for box in reversed(BOXES):
            for _ in range(2):
                self.place.deliver(self.letter()[1], box)
            self.look(self.c, box)

    def copies(self):
        self.transfer("COPY", self.only_here()[-2:])

    def moves(self):
        these = self.only_here()[-2:]
        self.transfer("MOVE", these)
        for ident in these:
            del self.told["INBOX"][ident]
        self.removed_until = len(self.states)

    def flags(self):
        self.c.must("STORE 1:* +FLAGS.SILENT (\\Flagged)")
        self.c.must("CHECK")
        self.flagged["INBOX"] = set(self.told["INBOX"])

    def removals(self):
        """Of those with the highest numbers."""
        for box in reversed(BOXES):
            self.look(self.c, box)
            last = max(self.told[box], key=self.told[box].get)
            self.c.must("UID STORE %d +FLAGS.SILENT (\\Deleted)"
                % self.told[box].pop(last))
            self.c.must("EXPUNGE")
        self.removed_until = len(self.states)

    # After the power was lost.

    def lists(self, home):
        return [path for path in (os.path.join(home, os.path.relpath(
            self.place.path(box), self.place.home), LIST) for box in BOXES)]

    def index(self, home):
        return os.path.join(home, ".imapindex")

    def boot(self, state=None, lists=False, cut=None):
        """The index, and perhaps the lists, of an earlier state; or the logs,
        up to a part of them.  What the sessions shared in memory is gone."""
        home = self.place.home
        shutil.rmtree(home)
        copy(self.states[-1], home)
        if state is not None:
            shutil.rmtree(self.index(home))
            copy(self.index(self.states[state]), self.index(home))
        if lists:
            for old, new in zip(self.lists(self.states[state]),
                    self.lists(home)):
                copy(old, new)
        for name in os.listdir(self.index(home)):
            path = os.path.join(self.index(home), name)
            if name.endswith("-shm"):
                os.unlink(path)
            if name.endswith("-wal") and cut is not None:
                os.truncate(path, int(os.path.getsize(path) * cut))

    def check(self):
        """Complaints."""
        bad = []
        c = self.place.imap()
        for box in BOXES:
            c.select(box)
            if c.code(b"UIDVALIDITY") != self.validity[box]:
                bad.append("%s: another UIDVALIDITY" % box)
            found = {}
            for uid, flags, text in ledger.fetch_all(c):
                ident = ledger.ID.search(text).group(1)
                found[ident] = uid
                if text != ledger.wire(self.texts[ident]):
                    bad.append("%s: %s has other octets" % (box, ident))
                if ident in self.flagged[box] and b"\\Flagged" not in flags:
                    bad.append("%s: %s lost its flag" % (box, ident))
            if found != self.told[box]:
                bad.append("%s: %s, told %s" % (box, found, self.told[box]))
            uids = ledger.codes(c.append(box, b"Subject: new\r\n\r\nnew\r\n"),
                b"APPENDUID")[0]
            if uids[0] <= self.top[box]:
                bad.append("%s: UID %d again" % (box, uids[0]))
        c.must("LOGOUT")
        c.end()
        if re.search("crash|signal|ssert", self.place.logged()):
            bad.append(self.place.logged()[-500:])
        return bad


def synced():
    """That the message, its name and its line in the list are on the disk
    before a client is told."""
    place = MaildirPlace(where=quick_dir())
    trace = os.path.join(place.home, "trace")
    # LeakSanitizer can't work under strace.
    place.env["ASAN_OPTIONS"] = place.env.get("ASAN_OPTIONS", "") \
        + ":detect_leaks=0"
    c = place.imap(timeout=60, wrap=("strace", "-qq", "-e",
        "trace=fsync,fdatasync,write,renameat", "-o", trace))
    c.select()
    for _ in range(2):
        c.append("INBOX", ledger.letter(b"id-001").replace(b"\n", b"\r\n"))
    c.must("LOGOUT")
    c.end()
    # The client has descriptor 1.
    calls = [" ".join(re.findall(r"(?m)^\w+", part)) for part in re.split(
        r"(?m)^(?=write\(1, )", server.read(trace))]
    last = [part for part in calls if "renameat" in part][-1]
    # Who is slow looks at the directory once more, for which he writes a lock.
    tap.ok(re.search("write fdatasync .*renameat fsync .*write fdatasync"
        "( write)?$", last), "APPEND waits for message, name and list", last)
    place.remove()


def main():
    need("strace")
    need_build()
    synced()
    s = Story()
    tap.ok(not s.check(), "before that all is as it should be")
    last = len(s.states) - 1
    for n in range(last + 1):
        s.boot(n)
        bad = s.check()
        tap.ok(not bad, "the index of %d steps before" % (last - n),
            "\n".join(bad))
    for n in range(s.removed_until, last + 1):
        s.boot(n, lists=True)
        bad = s.check()
        tap.ok(not bad, "index and lists of %d steps before" % (last - n),
            "\n".join(bad))
    for n in range(CUTS):
        s.boot(cut=n / CUTS)
        bad = s.check()
        tap.ok(not bad, "%d/%d of the logs" % (n, CUTS), "\n".join(bad))
    s.place.remove()


run(main)
