#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A session that is stopped (SIGSTOP).  With a lock in its hands: to what needs
that lock the others get NO [INUSE] when lock_timeout is over, the rest is done,
and none hangs; when it goes on, all is there that was begun.  While it waits
for its client: nobody notices, and one in IDLE is told at once."""

import concurrent.futures
import os
import shutil
import signal
import sys
import threading
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
import server
from ledger import Book, Writer, check
from place import KINDS, need_build, quick_dir
from tap import run, tap, wait_for

# In which command the session, or the scribe that works for it, is stopped, at
# which fault point, and what others can't do then.
FILE = ("fetch", "append", "expunge", "select", "pop")
LIST = ("append", "expunge")
INDEX = ("store", "append", "expunge")
HELD = (
    ("unix", "append", "mbox_append.sync", "session", FILE),
    ("unix", "check", "mbox_flush.sync", "session", FILE),
    ("unix", "expunge", "mbox_rewrite.truncate", "scribe", FILE),
    ("unix", "store", "index.commit", "session", INDEX),
    ("maildir", "append", "maildir_append.rename", "session", LIST),
    ("maildir", "expunge", "maildir_expunge.taken", "session", FILE),
    ("maildir", "store", "index.commit", "session", INDEX),
    ("mbox", "noop", "mboxinbox_move.copied", "session", FILE),
    ("mbox", "append", "mbox_append.sync", "session", FILE),
)
# A mailbox that was changed just now is looked at again, with the locks.
READING = ("fetch", "select", "pop")
LETTERS = 5
SECS = 60       # what takes longer hangs
# More than the socket takes that a client does not read.
BIG = 3000000


def state(pid):
    return (server.status(pid, "State") or "Z")[0]


class Session(Writer):
    """Does what has a name; .answer has the lines of the last answer."""

    def __init__(self, scene, armed=False):
        Writer.__init__(self, scene.book, scene.place.imap(timeout=SECS,
            armed=armed))

    def cmd(self, text, *literals):
        good, line, seen = Writer.cmd(self, text, *literals)
        self.answer = [r[0] for r in seen] + [line]
        return good, line, seen

    def do(self, what):
        """The fate of a command: "done", or "in use"; else the answer."""
        some = list(self.book.boxes["INBOX"])[2:3]
        {"append": self.append, "expunge": self.expunge,
            "store": lambda: self.store(some, "+", "\\Flagged"),
            "fetch": lambda: self.cmd("FETCH 1:* (FLAGS BODY.PEEK[])"),
            "select": self.select}.get(what, lambda: self.cmd(what.upper()))()
        # SELECT and CLOSE say it in an untagged NO.
        if any(b" NO [INUSE] " in line for line in self.answer):
            return "in use"
        return "done" if b" OK " in self.answer[-1] else self.answer[-1]

    def leave(self):
        self.cmd("LOGOUT")
        self.s.end(SECS)


def pop(place):
    s = place.pop(timeout=SECS, armed=False)
    if s.greeting.startswith(b"-ERR [IN-USE]"):
        return "in use"
    said = [s.greeting, s.cmd("STAT"), s.cmd("RETR 1")]
    s.end()
    return "done" if all(x.startswith(b"+OK") for x in said) else said


class Scene:
    """An INBOX with letters, one of which is \\Deleted."""

    def __init__(self, kind, timeout=1):
        self.place = KINDS[kind]("lock_timeout = %d\n" % timeout,
            quick_dir(), tripped=True)
        self.book = Book(self.place.quoted)
        self.results = []
        w = Session(self)
        for _ in range(LETTERS):
            w.append(size=3000, flags="\\Seen")
        w.select()
        w.learn()
        # It gets room for metadata, and then is written in place.
        w.cmd("CHECK")
        self.deleted = list(self.book.boxes["INBOX"])[1]
        w.store([self.deleted], "+", "\\Deleted")
        w.leave()

    def ok(self, good, name, diag=None):
        self.results.append((good, name, diag))

    def equal(self, got, want, name):
        self.ok(got == want, name, "got %r, want %r" % (got, want))

    def done(self):
        self.place.disarm()
        bad = check(self.place, self.book)
        self.ok(not bad, "then every letter is there, once", "\n".join(bad))
        self.place.remove()
        return self.results


def held(kind, what, point, who, refused):
    """One session is stopped at a fault point; what others are told."""
    scene = Scene(kind)
    place = scene.place
    other, held = Session(scene), Session(scene, armed=True)
    for s in (other, held):
        s.select()
    if what == "noop":
        scene.book.deliver(place)
    elif what == "check":
        held.do("store")
    place.arm("%s 1 once stop %s" % (point, who))
    fates = []
    t = threading.Thread(target=lambda: fates.append(held.do(what)),
        daemon=True)
    t.start()
    pids = wait_for("a process to be stopped", lambda: [p for p in
        [held.s.pid] + held.s.scribes() if state(p) == "T"])
    fresh = Session(scene)

    def told(command, fate):
        if command in refused:
            scene.equal(fate, "in use", command)
        elif command in READING:
            scene.ok(fate in ("in use", "done"), command, fate)
        else:
            scene.equal(fate, "done", command)

    other.do("noop")
    scene.ok(b" OK " in other.answer[-1], "NOOP is OK", other.answer)
    for command in ("fetch", "store", "append", "expunge"):
        told(command, other.do(command))
    told("select", fresh.do("select"))
    scene.ok(b" OK " in fresh.answer[-1], "which is OK", fresh.answer)
    told("pop", pop(place))
    scene.equal(fates, [], "and it is still stopped")
    for pid in pids:
        os.kill(pid, signal.SIGCONT)
    t.join(SECS)
    scene.equal(fates, ["done"], "it goes on, and does it")
    for s in (held, other, fresh):
        scene.equal(s.do("noop"), "done", "NOOP is done")
    views = [s.s.uids() for s in (held, other, fresh)]
    scene.ok(views[0] == views[1] == views[2], "all see the same", views)
    for s in (held, other, fresh):
        s.leave()
    return scene.done()


def making():
    """One is stopped while it makes the first index of the mailbox."""
    scene = Scene("unix")
    shutil.rmtree(scene.place.home + "/.imapindex")
    held, other = Session(scene, armed=True), Session(scene)
    scene.place.arm("index_file.created 1 once stop session")
    held.s.send(b"x SELECT INBOX\r\n")
    wait_for("it to be stopped", lambda: state(held.s.pid) == "T")
    scene.equal(other.do("select"), "in use", "select")
    held.s.kill(signal.SIGCONT)
    scene.equal(held.s.until(b"x")[0], "OK", "it goes on, and does it")
    scene.equal(other.do("select"), "done", "select again")
    for s in (held, other):
        s.leave()
    return scene.done()


def waiting(kind):
    """Four are stopped: between two commands, in IDLE, in a literal that
    comes, and in one that goes."""
    scene = Scene(kind, SECS)
    writer = Session(scene)
    writer.append(size=BIG)
    quiet, idle, taking, giving, other, told = all_of = [Session(scene)
        for _ in range(6)]
    for s in all_of:
        s.select()
    for s in (idle, told):
        s.s.send(b"i IDLE\r\n")
        while not s.s.line().startswith(b"+"):
            pass
    ident, text = scene.book.new(5000)
    data = text.replace(b"\n", b"\r\n")
    taking.s.send(b"x APPEND INBOX (\\Seen) {%d+}\r\n%s" % (len(data),
        data[:1000]))
    giving.s.send(b"x FETCH %d BODY.PEEK[]\r\n" % (LETTERS + 1))
    giving.s.sock.recv(1)
    stopped = quiet, idle, taking, giving
    for s in stopped:
        wait_for("the session to sleep", lambda: state(s.s.pid) == "S")
        s.s.kill(signal.SIGSTOP)
        wait_for("it to be stopped", lambda: state(s.s.pid) == "T")
    for command, want in (("noop", None), ("fetch", None), ("store",
            b"* 3 FETCH (FLAGS (\\Flagged"), ("append", b"* %d EXISTS"
            % (LETTERS + 2)), ("check", None), ("expunge", b"* 2 EXPUNGE")):
        scene.equal(other.do(command), "done", command)
        while want and not told.s.line().startswith(want):
            pass
    fresh = Session(scene)
    scene.equal(fresh.do("select"), "done", "select")
    scene.equal(pop(scene.place), "done", "pop")
    for s in stopped:
        s.s.kill(signal.SIGCONT)
    for s in (idle, told):
        s.s.send(b"DONE\r\n")
        s.s.until(b"i")
    scene.book.add("INBOX", ident, text)
    taking.s.send(data[1000:] + b"\r\n")
    scene.equal(taking.s.until(b"x")[0], "OK", "the rest of a literal comes")
    giving.s.left = b"*" + giving.s.left
    _, line, seen = giving.s.until(b"x")
    scene.ok(b" OK " in line and len(seen[0]) > 1 and len(seen[0][1]) > BIG,
        "and the rest of one that goes", line)
    for s in all_of + [fresh]:
        scene.equal(s.do("noop"), "done", "NOOP is done")
    views = [s.s.uids() for s in all_of + [fresh]]
    scene.ok(all(v == views[0] for v in views), "all see the same", views)
    for s in all_of + [fresh, writer]:
        s.leave()
    return scene.done()


def main():
    need_build(tripped=True)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        todo = [("%s, %s, %s" % row[:3],
            pool.submit(held, *row)) for row in HELD]
        todo.append(("unix, first index", pool.submit(making)))
        todo += [("%s, waiting" % kind, pool.submit(waiting, kind))
            for kind in KINDS]
        for name, future in todo:
            for good, what, diag in future.result():
                tap.ok(good, "%s: %s" % (name, what), diag)


run(main)
