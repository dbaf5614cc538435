#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A walk through all fault points (c-client/base/trip.h).  Each scenario is run
once to see which points it reaches, and then again and again, with the session
killed there, or its scribe, or both, and with ENOSPC, EDQUOT and EIO there; and
then what that run reached that was not reached before, once more in the same
way.  After each run a fresh session opens the mailbox, behind a delivery every
other time, and every message is there exactly once, byte for byte, with its
UID.  A point that no scenario reaches is a failure.

	walk.t [SCENARIO...]		PLAN=... runs one plan of it
"""

import glob
import multiprocessing
import os
import re
import shutil
import sys
import time
import traceback
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
import server
from imapc import Gone
from ledger import GONE, MAYBE, MUST, Book, Died, Writer, check
from place import KINDS, MIXED, cutting_dir, need_build, quick_dir
from tap import ROOT, run, tap, wait_for

ERRORS = ("edquot", "enospc", "eio")
WRITES = ("file.pwrite", "file.write")


# What every command passes by is walked through at each of its places where
# a scenario says so, and at the first one, with less, elsewhere.
COMMON = ("account.", "index", "mbox_lock.", "maildir_lock.")


class Scenario:
    """setup() makes what is there before, ready() is what the session does
    first, unwatched; act() is what is walked through.  All get the Run."""

    def __init__(self, name, act, setup=None, ready=None, always=(),
            conf="", watched=False, after=True, only="", each=False,
            every=False, brief=False, aged=False, lax=False, cuts=False,
            kind="unix", again=False):
        self.name, self.act, self.kind = name, act, kind
        self.setup, self.ready = setup or ordinary, ready
        self.always = tuple(always)     # lines that are armed in every run
        self.conf = conf
        self.watched = watched          # the session's start is walked too
        self.after = after              # mail is delivered behind a kill
        self.only = re.compile(only)    # names of points; others elsewhere
        self.each = each                # COMMON ones too, wherever they are
        self.every = every              # all of them, each time
        # Another one has all the errors, or the build is a slow one.
        self.brief = brief or server.sanitized()
        self.aged = aged                # mailboxes of an earlier second
        self.lax = lax                  # what is cut short may be doubled
        self.cuts = cuts                # on a disk that cuts out blocks
        # Another mailbox for code that another scenario walks through: what
        # only a kill leads to is not walked from here, and those who look at
        # the code alone, as a sanitizer does, see nothing new.
        self.again = again

    def where(self):
        return cutting_dir() if self.cuts else quick_dir()


class Run:
    """One pass through a scenario with something armed."""

    def __init__(self, scenario, where):
        self.scenario = scenario
        self.place = dict(KINDS, **MIXED)[scenario.kind](scenario.conf, where,
            tripped=True)
        self.book = Book(self.place.quoted, self.place.plain)
        self.first = self.second = []   # hits of the session, of the next
        self.trace = []
        scenario.setup(self)

    def writer(self, select="INBOX"):
        w = Writer(self.book, self.place.imap())
        self.trace.append(w)
        if select:
            w.select(select)
        return w

    def go(self, plan, then=(), deliver=False, backwards=False):
        """Returns complaints."""
        scenario, place = self.scenario, self.place
        bad, self.w = [], None
        # Where undoing fails too, there may be what was refused.
        self.book.refused = MAYBE if len(plan) > 1 else GONE
        self.book.lax = scenario.lax and len(plan) > 0
        try:
            if not scenario.watched:
                self.w = self.writer()
                self.w.learn()
            if scenario.ready:
                scenario.ready(self)
            place.hits()
            place.arm(*(scenario.always + tuple(plan)))
            if scenario.watched:
                self.w = self.writer(None)
            scenario.act(self)
            whole = True
        except (Died, Gone):
            whole = False
        # Else the next session meets the scribe at work.
        if "kill-parent" in " ".join(plan) and (len(plan) > 1 or not deliver):
            wait_for("the scribe to end", lambda: place.scribe() is None, 60)
        self.first = place.hits()
        place.disarm()
        if not whole and not any("kill" in line for line in plan):
            bad.append("a session ended by itself")
        # What a scribe does last depends on when it sees its session gone; how
        # often a directory is read where its stamp is in doubt, on the time.
        unmet = {p.split()[0] for p in plan} - {h[2] for h in self.first}
        if unmet and scenario.kind == "unix" and "kill-parent" not in \
                " ".join(plan):
            bad.append("armed, and not reached: %s" % unmet)
        if whole and self.w.s.child.returncode is None:
            bad += self.survivor()
        for s in place.sessions:
            s.end()
        place.hits()
        if deliver and scenario.after:
            self.book.deliver(place)
        if then:
            self.recover(then)
        bad += check(place, self.book, backwards)
        self.second = self.second or place.hits()
        if re.search(r"Sanitizer|runtime error|ssertion", place.logged()
                + server.read(place.dir + "/stderr")):
            bad.append(server.read(place.dir + "/stderr")[-2000:])
        return bad

    def survivor(self):
        """The session that met an error goes on with a true view."""
        w, bad = self.w, []
        try:
            if w.box is not None:
                # Another one may finish what this one could not.
                c = self.place.imap(trips=False)
                c.select(w.box, "EXAMINE")
                theirs = c.uids()
                c.end()
                w.cmd("NOOP")
                mine = w.s.uids()
                if mine != theirs and w.sticky:
                    bad.append("its view has %s, the store %s" % (mine,
                        theirs))
            w.cmd("LOGOUT")
        except (Died, Gone):
            bad.append("the session ended by itself: %s" % w.s.end())
        return bad

    def recover(self, then):
        """The next session is hit too."""
        self.place.arm(*then)
        try:
            w = self.writer()
            w.cmd("NOOP")
            w.cmd("LOGOUT")
        except (Died, Gone):
            pass
        for s in self.place.sessions:
            s.end()
        self.place.disarm()
        self.second = self.place.hits()

    def remove(self):
        self.place.remove()


# What is there before.

def ordinary(r):
    """Three letters that a delivery agent brought."""
    r.book.deliver(r.place, (200, 3000, 100))


def known(r, sizes=(200, 3000, 100, 500, 50)):
    """Letters that a session has seen and left: with flags, and with room
    for them in the file."""
    r.book.deliver(r.place, sizes)
    w = r.writer()
    w.learn()
    w.cmd("LOGOUT")
    w.s.end()


def long_ones(r):
    """Letters out of which whole blocks can be cut."""
    known(r, (9000, 200, 20000, 3000, 30000))


def other(r):
    """A second mailbox, with two letters."""
    ordinary(r)
    w = r.writer()
    w.create("other")
    w.append("other", 300)
    w.append("other", 40, "\\Flagged")
    w.cmd("LOGOUT")
    w.s.end()


def three_more(r):
    other(r)
    w = r.writer()
    for box in ("up/down/box", "first", "last"):
        w.create(box)
        w.append(box, 100, "\\Seen")
    w.cmd("LOGOUT")
    w.s.end()


def list_of_two(r):
    ordinary(r)
    w = r.writer(None)
    w.subscribe("INBOX")
    w.subscribe("one")
    w.cmd("LOGOUT")
    w.s.end()


def with_mbox(r):
    """A ~/mbox with letters that are known, and new mail in the spool."""
    with open(r.place.home + "/mbox", "w"):
        r.place.own(r.place.home + "/mbox")
    known(r)
    r.book.deliver(r.place, (300, 2000, 300000))


def no_inbox(r):
    os.unlink(r.place.spool)


def no_index(r):
    known(r)
    shutil.rmtree(r.place.home + "/.imapindex")
    forget_uids(r)


def many(r):
    other(r)
    r.book.deliver(r.place, (10,) * 8)


def doubles(r):
    """A file that is there by two names, one by another program's."""
    known(r)
    cur = r.place.path("INBOX") + "/cur/"
    name = sorted(os.listdir(cur))[0]
    os.link(cur + name, cur + name.partition(":")[0] + ":2,F")


def torn(r):
    """Of several messages not all came to cur: the session was killed."""
    other(r)
    w = r.writer()
    w.learn()
    r.place.arm("maildir_append.rename 2 once kill any")
    try:
        w.transfer("COPY", idents(r), "other")
    except Died:
        pass
    w.s.end()
    r.place.disarm()


def forget_uids(r):
    for box in r.book.boxes.values():
        for e in box.values():
            e.uid = None
    r.book.validity = {}


# What is walked through.

def idents(r, box="INBOX"):
    return list(r.book.boxes[box])


def append_one(r):
    r.w.append()


def append_several(r):
    r.w.append(size=3000, flags="\\Seen blue")
    r.w.append()
    r.w.append(size=20, flags="\\Flagged")


def append_other(r):
    r.w.append("other", 5000)
    r.w.append("other", 5)


def append_big(r):
    r.w.append(size=4400000)


def first_open(r):
    if r.w.select():
        r.w.cmd("FETCH 1:* (FLAGS ENVELOPE BODYSTRUCTURE)")
    logout(r)


def new_mail(r):
    r.book.deliver(r.place, (100, 4000))
    r.w.cmd("NOOP")
    r.w.learn()
    r.book.deliver(r.place, (10,))
    if r.w.select():
        r.w.learn()


def look(r):
    if r.w.select():
        r.w.learn()


def copy(r):
    r.w.transfer("COPY", idents(r), "other")


def store(r):
    a, b, c = idents(r)
    r.w.store([a, b], "+", "\\Seen green")
    r.w.store([c], "+", "\\Flagged \\Answered")
    r.w.store([a], "-", "\\Seen")


def names(r):
    r.w.create("made")
    r.w.append("made")
    r.w.rename("first", "a/b/made")
    r.w.delete("last")
    r.w.create("last")


def directories(r):
    there = r.w.rename("up", "over/there")
    r.w.cmd("CREATE empty/")
    r.w.cmd("DELETE empty")
    r.w.delete("over/there/down/box" if there else "up/down/box")


def maildir_names(r):
    r.w.create("made")
    r.w.append("made")
    r.w.rename("first", "a/b/made")
    r.w.delete("last")
    r.w.create("last")
    r.w.rename("up/down/box", "away")


def other_opened(r):
    if r.w.select("other"):
        r.w.learn()


def doubles_seen(r):
    r.w.select()
    r.w.cmd("NOOP")


def subscribe(r):
    r.w.subscribe("two")
    r.w.subscribe("one", "UNSUBSCRIBE")


def pop(r):
    s = r.place.pop()
    if s.greeting.startswith(b"+OK"):
        for command in ("STAT", "LIST 1", "QUIT"):
            s.cmd(command)


def mark(*which):
    """ready(): those letters are \\Deleted, as the others see."""
    def ready(r):
        all_of = idents(r, r.w.box)
        r.w.store([all_of[n] for n in which or range(len(all_of))], "+",
            "\\Deleted")
    return ready


def mark_other(r):
    r.w.select("other")
    r.w.learn()
    mark(0)(r)


def mark_all_other(r):
    r.w.select("other")
    r.w.learn()
    mark()(r)


def expunge(r):
    r.w.expunge()


def uid_expunge(r):
    r.w.uid_expunge(idents(r)[:2])


def close(r):
    r.w.close()


def move(r):
    r.w.transfer("MOVE", idents(r)[:2], "other")


def move_same(r):
    """Copies take the places of the first two: they get other UIDs."""
    which = [r.w.entries()[i] for i in idents(r)[:2]]
    uids = ",".join(str(e.uid) for e in which)
    for e in which:
        e.uid = None
    r.w.cmd("UID MOVE %s INBOX" % uids)


def flag(r):
    a, b = idents(r)[:2]
    r.w.store([a, b], "+", "\\Seen \\Flagged green")
    r.w.store([a], "-", "\\Flagged")


def check_it(r):
    r.w.cmd("CHECK")


def logout(r):
    r.w.cmd("LOGOUT")
    r.w.s.end()


def hang_up(r):
    """EOF instead of LOGOUT."""
    r.w.s.end()


def pop_dele(r):
    a, b = idents(r)[1:3]
    s = r.place.pop()
    if not s.greeting.startswith(b"+OK"):
        return
    gone = [i for n, i in ((2, a), (3, b))
        if s.cmd("DELE %d" % n).startswith(b"+OK")]
    for i in gone:
        r.book.boxes["INBOX"][i].state = MAYBE
    if s.cmd("QUIT").startswith(b"+OK"):
        for i in gone:
            r.book.boxes["INBOX"][i].state = GONE


def rename_inbox(r):
    r.w.rename_inbox("renamed")


SCENARIOS = [
    Scenario("append_one", append_one, each=True),
    Scenario("append_several", append_several, known, brief=True, again=True),
    Scenario("append_other", append_other, other, brief=True),
    Scenario("append_big", append_big, only="^append[.]|file[.]unn|_append"),
    Scenario("append_big_named", append_big, only="file[.]unnamed",
        always=["file.unnamed 1 once einval any"]),
    Scenario("append_no_inbox", append_one, no_inbox),
    Scenario("first_open", first_open, watched=True, each=True,
        only="^(account|index|mbox_lock)", brief=True),
    Scenario("no_index", first_open, no_index, watched=True,
        only="^(account|index|mbox_lock)", conf="mail_root = mail\n"),
    Scenario("new_mail", new_mail, each=True, brief=True,
        only="^(index|mbox_lock)"),
    Scenario("copy", copy, other, brief=True),
    Scenario("store", store, brief=True),
    Scenario("names", names, three_more, aged=True, each=True),
    Scenario("names_linked", names, three_more, aged=True,
        always=["file.rename_new 1 on einval any"],
        only="mbox_names|^file[.]link"),
    Scenario("directories", directories, three_more, aged=True),
    Scenario("subscribe", subscribe, list_of_two),
    Scenario("pop", pop, known),
    Scenario("expunge_first", expunge, known, mark(0), brief=True, again=True),
    Scenario("expunge_middle", expunge, known, mark(1, 3), each=True),
    Scenario("expunge_last", expunge, known, mark(4), brief=True, again=True),
    Scenario("expunge_all", expunge, known, mark(), brief=True, again=True),
    Scenario("expunge_fresh", expunge, ordinary, mark(0), brief=True,
        again=True),
    Scenario("expunge_other", expunge, other, mark_other, brief=True,
        again=True),
    Scenario("expunge_all_other", expunge, other, mark_all_other, brief=True,
        again=True),
    Scenario("expunge_no_redo", expunge, known, mark(0, 1), lax=True,
        always=["mbox_redo.create 1 on enospc any"]),
    Scenario("expunge_cut", expunge, long_ones, mark(0, 2), brief=True,
        cuts=True),
    Scenario("uid_expunge", uid_expunge, known, mark(0, 3), brief=True,
        again=True),
    Scenario("close", close, known, mark(1), brief=True, again=True),
    Scenario("move", move, other, every=True),
    Scenario("check_room", check_it, known, flag),
    Scenario("check_no_room", check_it, ordinary, flag),
    Scenario("logout_room", logout, known, flag, again=True),
    Scenario("logout_no_room", logout, ordinary, flag, again=True),
    Scenario("logout_no_fallocate", logout, ordinary, flag,
        always=["mbox_rewrite.allocate 1 on eopnotsupp any",
        "mbox_redo.allocate 1 on eopnotsupp any"], brief=True),
    Scenario("hang_up", hang_up, ordinary, flag, brief=True, again=True),
    Scenario("pop_dele", pop_dele, known),
    Scenario("mbox_open", look, with_mbox, watched=True,
        only="mboxinbox|mbox_lock"),
    Scenario("mbox_new_mail", new_mail, with_mbox, only="mboxinbox"),
    Scenario("mbox_undo", look, with_mbox, watched=True, only="undo",
        always=["mboxinbox_move.sync 1 once enospc any"]),
    Scenario("rename_inbox", rename_inbox, other),
]


def maildir(name, act, *args, **kw):
    return Scenario("maildir_" + name, act, *args, kind="maildir",
        only="^maildir|^file[.]|^transit", **kw)


SCENARIOS += [
    maildir("append", append_several, known, each=True),
    maildir("append_other", append_other, other, again=True),
    maildir("first_open", first_open, watched=True),
    maildir("new_mail", new_mail),
    maildir("copy", copy, other, again=True),
    maildir("copy_many", copy, many),
    maildir("torn", other_opened, torn),
    maildir("doubles", doubles_seen, doubles, watched=True),
    maildir("names", maildir_names, three_more, aged=True),
    maildir("expunge", expunge, known, mark(1, 3)),
    Scenario("maildir_move", move, other, kind="maildir", every=True,
        brief=True),
    Scenario("move_unix_maildir", move, other, kind="unix-maildir",
        every=True, brief=True),
    Scenario("move_maildir_unix", move, other, kind="maildir-unix",
        every=True, brief=True),
    Scenario("move_same", move_same, brief=True),
    maildir("move_same", move_same),
    maildir("check", check_it, known, flag),
    maildir("logout", logout, ordinary, flag, again=True),
    maildir("rename_inbox", rename_inbox, other),
]


# The walk.

def points():
    """{name: whether the call can be made to fail} of the sources."""
    out = {}
    for path in glob.glob(os.path.join(ROOT, "c-client/*/*.c")):
        with open(path) as f:
            for word, name in re.findall(r'\b(TRIP|TRIP_KILL)\("([^"]+)"\)',
                    f.read()):
                out[name] = out.get(name, False) or word == "TRIP"
    return out


def line(hit, action):
    return "%s %d once %s %s" % (hit[1], hit[2], action, hit[0])


def choose(hits, failing, scenario):
    """Plans of one line for what was hit: (who, name, count)."""
    counts = {}
    whole = scenario.each or scenario.every
    for _, who, name, count in hits:
        if scenario.only.search(name):
            counts.setdefault((who, name), []).append(count)
    out = []
    for (who, name), n in counts.items():
        errors = ERRORS[-1:] if scenario.brief else ERRORS
        if name.startswith(COMMON) and not whole:
            # What those scenarios show a sanitizer it need not see again.
            if scenario.again or server.sanitized():
                continue
            n, errors = n[:1], ERRORS[-1:]
        # A sanitizer sees in the first one what it would see in all; between
        # any two writes the file may be found.
        chosen = {n[0], n[len(n) // 2], n[-1]}
        if scenario.each and name in WRITES:
            chosen = set(n[:40])
        elif server.sanitized():
            chosen = {n[0]}
        elif scenario.every:
            chosen = set(n)
        out += [line((who, name, at), "kill") for at in sorted(chosen)]
        if who == "scribe":
            out.append(line((who, name, n[0]), "kill-both"))
        # The scribe goes on wherever its session ends.
        if who == "scribe" and not scenario.brief:
            out.append(line((who, name, n[0]), "kill-parent"))
        if failing.get(name):
            out += [line((who, name, n[0]), e) for e in errors]
            if n[-1] != n[0] and not scenario.brief:
                out.append(line((who, name, n[-1]), "enospc"))
    return out


class Walk:
    def __init__(self, scenario, where):
        self.scenario, self.where = scenario, where
        self.failing = points()
        self.runs, self.reached, self.faults = 0, set(), []
        self.met, self.ready = set(), []

    def prepared(self):
        """A mailbox that is younger than a second is renamed and removed
        when that is over: many are made, and age together."""
        if not self.scenario.aged:
            return Run(self.scenario, self.where)
        if not self.ready:
            self.ready = [Run(self.scenario, self.where) for _ in range(50)]
            time.sleep(1)
        return self.ready.pop()

    def once(self, plan, then=()):
        r = self.prepared()
        self.runs += 1
        try:
            bad = r.go(plan, then, deliver=self.runs % 2 == 1,
                backwards=self.runs % 4 > 1)
        except Exception:
            bad = [traceback.format_exc()]
        if bad:
            self.faults.append((plan, then, self.runs % 2 == 1, bad,
                r.place.logged()[-600:]))
        self.reached |= {h[2] for h in r.first + r.second}
        r.remove()
        return r

    def fresh(self, key):
        new = key not in self.met
        self.met.add(key)
        return new

    def further(self, plan, r, base):
        """What only this run reached is hit as well, in turn."""
        if self.scenario.again:
            return
        usual = {h[1:3] for h in base.first}
        for hit in r.first:
            if hit[1:3] in usual or hit[3] != 1:
                continue
            for action in ("kill", "eio") if self.failing.get(
                    hit[2]) else ("kill",):
                if self.fresh((hit[1:3], action)):
                    self.once(plan + (line(hit[1:], action),))
        # What a kill left undone the next session does as this one would.
        usual |= {h[1:3] for h in base.second}
        for hit in r.second:
            if hit[1:3] in usual or hit[3] != 1:
                continue
            for action in ("kill", "eio") if self.failing.get(
                    hit[2]) else ("kill",):
                if self.fresh((hit[1:3], action, "next")):
                    self.once(plan, (line(hit[1:], action),))

    def all(self):
        base = self.once(())
        for plan in choose(base.first, self.failing,
                self.scenario):
            self.further((plan,), self.once((plan,)), base)
        for r in self.ready:
            r.remove()
        return self


def be_the_user():
    """A process that starts hundreds of others as somebody else would be
    copied for each of them; one that is that user is not."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(server.FIRST_UID)
        os.setuid(server.FIRST_UID)
    server.die_with_us()


def walk(name):
    try:
        start = time.monotonic()
        scenario = next(s for s in SCENARIOS if s.name == name)
        w = Walk(scenario, scenario.where()).all()
        return name, w.runs, w.reached, w.faults, time.monotonic() - start
    except Exception:
        return name, 0, set(), [((), (), False, [traceback.format_exc()],
            "")], 0


def report(name, runs, faults, secs):
    tap.ok(not faults, "%s: %d runs, %.1f s" % (name, runs, secs))
    tap.diag("%d of its runs failed" % len(faults)) if faults else None
    for plan, then, delivered, bad, log in faults[:5]:
        tap.diag("PLAN='%s' THEN='%s'%s tests/store/walk.t %s" % (
            ";".join(plan), ";".join(then), " DELIVER=1" if delivered else
            "", name))
        for b in bad[:6]:
            tap.diag("    " + str(b)[:1500])
        tap.diag(log)


def one_plan(name):
    """What the command line asks for, and nothing else."""
    scenario = next(s for s in SCENARIOS if s.name == name)
    w = Walk(scenario, scenario.where())
    w.runs = 0 if os.environ.get("DELIVER") else 1

    def lines(key):
        return tuple(x for x in os.environ.get(key, "").split(";") if x)
    r = w.once(lines("PLAN"), lines("THEN"))
    for hit in r.first:
        tap.diag("hit: %s %s %d" % hit[1:])
    report(name, 1, w.faults, 0)


def main():
    need_build(tripped=True)
    if "PLAN" in os.environ:
        return one_plan(sys.argv[1])
    wanted = sys.argv[1:] or [s.name for s in SCENARIOS
        if not (s.again and server.sanitized())]
    reached = set()
    if cutting_dir() is None:
        tap.skip("cutting out blocks", "no file system here can do it")
        wanted = [n for n in wanted if n != "expunge_cut"]
        reached.add("mbox_rewrite.collapse")
    # Most of the time they wait, for what was killed and for locks.
    with multiprocessing.Pool(6, be_the_user) as pool:
        for name, runs, got, faults, secs in pool.imap_unordered(walk,
                wanted):
            reached |= got
            report(name, runs, faults, secs)
    if len(sys.argv) == 1:
        tap.equal(sorted(set(points()) - reached), [],
            "every fault point was reached")


run(main, 1800)
