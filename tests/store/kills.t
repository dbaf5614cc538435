#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A session that appends, flags, expunges, copies and moves is killed at a
random moment, or the scribe that works for it, or both, beside deliveries by
procmail and by a program that knows fcntl locks only; then everything is
looked at, and the next one begins.  Nothing is lost or doubled, ever.

	KILLS=1000 SEED=7 tests/store/kills.t [FORMAT]

FORMAT is unix, maildir or mbox; without it, unix, and a quarter of that for
maildir.
"""

import os
import random
import sys
import threading
import time
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
import server
from ledger import MAYBE, MUST, Book, Died, Writer, check
from imapc import Gone
from place import KINDS, need_build, quick_dir
from tap import need, run, tap

KILLS = int(os.environ.get("KILLS",
    "40" if server.sanitized() else "120"))
SEED = int(os.environ.get("SEED", str(random.randrange(1 << 32))))
FEW, MANY = 8, 25       # letters in the INBOX


class Deliverer(threading.Thread):
    """Delivers while it is not held back; each letter is in the book before
    it is sent, and must be there when the program ended well."""

    def __init__(self, place, book, rng):
        threading.Thread.__init__(self, daemon=True)
        self.place, self.book, self.rng = place, book, rng
        self.open = threading.Event()
        self.busy = threading.Lock()
        self.done = self.failed = 0

    def run(self):
        while True:
            self.open.wait()
            with self.busy:
                if self.open.is_set():
                    self.one()
            time.sleep(self.rng.uniform(0, 0.1))

    def one(self):
        ident, text = self.book.new(self.rng.choice((30, 400, 5000)))
        self.book.add("INBOX", ident, text, MAYBE)
        good = True
        if self.rng.random() < 0.75:
            self.place.deliver(text)
        else:
            good = self.place.procmail(text).wait(120) == 0
        if good:
            self.book.boxes["INBOX"][ident].state = MUST
        self.done += good
        self.failed += not good

    def hold(self):
        self.open.clear()
        self.busy.acquire()

    def go_on(self):
        self.busy.release()
        self.open.set()


class Killer(threading.Thread):
    """Kills, after a random while, what is there then."""

    def __init__(self, place, session, rng):
        threading.Thread.__init__(self, daemon=True)
        self.place, self.session = place, session
        self.wait = rng.expovariate(1 / 0.02)
        self.who = rng.choice(("session", "session", "scribe", "both"))
        self.killed = None

    def run(self):
        time.sleep(self.wait)
        end = time.monotonic() + 2
        scribe = None
        while self.who != "session" and scribe is None:
            scribe = self.place.scribe()
            if time.monotonic() > end or self.session.child.poll() is not None:
                break
            time.sleep(0.001)
        self.killed = "session" if scribe is None else self.who
        if self.killed != "scribe":
            self.session.kill()
        if scribe is not None:
            self.place.kill(scribe)


def step(w, rng, boxes):
    """One command of those that change something."""
    here = [i for i, e in list(w.entries().items()) if e.state == MUST
        and e.uid is not None and e.flags is not None]
    some = rng.sample(here, min(len(here), rng.randint(1, 3)))
    choice = rng.random()
    if len(here) > MANY or (choice < 0.25 and some):
        count = len(here) - FEW if len(here) > MANY else len(some)
        w.store(rng.sample(here, count), "+", "\\Deleted")
        w.expunge()
    elif choice < 0.5 or not some:
        w.append(size=rng.choice((20, 700, 6000)),
            flags=rng.choice(("", "\\Seen", "\\Flagged red")))
    elif choice < 0.7:
        w.store(some, rng.choice("+-"), rng.choice(("\\Seen", "\\Flagged",
            "\\Answered green", "blue")))
    elif choice < 0.8:
        w.cmd("CHECK")
    elif choice < 0.9:
        fresh = [i for i in some if i not in boxes["other"]]
        if fresh:
            w.transfer("COPY", fresh, "other")
    else:
        fresh = [i for i in some if i not in boxes["other"]]
        if fresh:
            w.transfer("MOVE", fresh, "other")


def tidy(place, book):
    """The second mailbox doesn't grow for ever."""
    w = Writer(book, place.imap())
    w.select("other")
    if len(w.entries()) > MANY:
        w.store(list(w.entries()), "+", "\\Deleted")
        w.expunge()
    w.cmd("LOGOUT")
    w.s.end()


def one_kill(place, book, rng):
    """Returns what was killed."""
    w = Writer(book, place.imap())
    place.hits()
    killer = Killer(place, w.s, rng)
    try:
        killer.start()
        w.select()
        while killer.is_alive() or killer.killed == "session":
            step(w, rng, book.boxes)
        w.cmd("LOGOUT")
    except (Died, Gone):
        pass
    killer.join()
    status = w.s.end()
    if status not in (0, -9):
        tap.ok(False, "the session ends by itself: %d" % status,
            place.logged()[-2000:])
    return "%s, %s" % (killer.killed, w.said[-1:] and w.said[-1][0][:40])


def unlock(place, book):
    """Whoever wants the lock of a dead process breaks it; procmail would wait
    for longer than a test should take."""
    w = Writer(book, place.imap())
    w.append(size=10)
    w.cmd("LOGOUT")
    w.s.end()


def main():
    need("procmail")
    need_build(tripped=True)
    print("# SEED=%d KILLS=%d" % (SEED, KILLS), flush=True)
    for kind in sys.argv[1:] or ("unix", "maildir"):
        kills(kind, KILLS if sys.argv[1:] or kind == "unix" else KILLS // 4)


def kills(kind, count):
    rng = random.Random(SEED)
    place = KINDS[kind](where=quick_dir(), tripped=True)
    book = Book(place.quoted)
    w = Writer(book, place.imap())
    w.create("other")
    w.select()
    for _ in range(FEW):
        w.append(size=300, flags="\\Seen")
    w.cmd("LOGOUT")
    w.s.end()
    deliverer = Deliverer(place, book, random.Random(SEED + 1))
    deliverer.start()
    deliverer.open.set()
    counts, start = {}, time.monotonic()
    for n in range(count):
        what = one_kill(place, book, rng)
        word = what.split(",")[0]
        counts[word] = counts.get(word, 0) + 1
        unlock(place, book)
        deliverer.hold()
        bad = check(place, book)
        if not tap.ok(not bad, "%s: kill %d, of %s" % (kind, n, what),
                "\n".join(bad[:10]) + "\n" + place.logged()[-2000:]):
            break
        tidy(place, book)
        deliverer.go_on()
    else:
        deliverer.hold()
    tap.diag("killed: %s; delivered: %d, refused: %d; %.1f s" % (counts,
        deliverer.done, deliverer.failed, time.monotonic() - start))
    if os.environ.get("KEEP"):
        tap.diag("kept: " + place.dir)
    else:
        place.remove()


run(main, max(1500, 6 * KILLS))
