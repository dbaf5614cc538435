# SPDX-License-Identifier: Apache-2.0
"""The book of what must be in mailboxes: a session that was told OK is held
to it, one that died in a command may have done it or not, but wholly.

A Writer sends commands and keeps the book; check() opens everything with a
fresh session and compares, and reads the files as other programs do.
"""

import bisect
import itertools
import os
import re

import mailgen
from imapc import Gone

ID = re.compile(rb"^X-Test-Id: (\S+)\r?$", re.M)
FETCHED = re.compile(rb"\* (\d+) FETCH \((.*)", re.S)
MUST, MAYBE, GONE = "must", "maybe", "gone"


class Died(Exception):
    """The session is gone; the book has what may have become of it."""


def letter(ident, size=200):
    """A message that says who it is, in lines of its own, with one that looks
    like a separator."""
    line = b"letter %s, a line of it, and no other's" % ident
    line = line * (1 if size < 10000 else 200) + b"\n"
    return (mailgen.head(len(ident), b"letter " + ident,
        b"X-Test-Id: %s\n" % ident) + b"\n" + line
        + line * (size // len(line))
        + b"\nFrom joe@example.org Sat Oct  3 01:05:34 2026\nthe end of "
        + ident + b"\n")


def wire(text):
    """As BODY[] has it; mailgen.wire() does more, and slowly."""
    return mailgen.without_hidden(text).replace(b"\n", b"\r\n")


class Entry:
    def __init__(self, text, state, uid=None, flags=None):
        self.text = text        # as BODY[] has it
        self.state = state
        self.uid = uid
        self.flags = flags      # a list of sets that it may have, or None


class Book:
    """.boxes: {name: {id: Entry}}; a name that is in .doubtful may be there
    or not: also where the answer was NO because a directory could not be
    synced, when the name had changed already."""

    def __init__(self, quoted=mailgen.quoted, plain=False):
        self.quoted = quoted    # what a format makes of lines in a message
        self.plain = plain      # letters have no such lines
        self.boxes = {"INBOX": {}}
        self.doubtful = set()
        self.moves = []         # (from, to): one of the names has it
        self.groups = []        # [(box, ids)]: all of them, or none
        self.either = []        # [(box, box, ids)]: in one of them
        self.validity = {}
        self.subscribed = {}    # name: MUST, MAYBE or GONE
        self.refused = GONE     # what NO means for a message
        self.lax = False        # octets may be there twice
        self.counter = itertools.count(1)

    def new(self, size=200):
        """(id, message) of a letter that is nowhere yet."""
        ident = b"id-%06d" % next(self.counter)
        text = letter(ident, size)
        return ident, text.replace(b"\nFrom ", b"\nfrom ") if self.plain \
            else text

    def add(self, box, ident, text, state=MUST, **kw):
        self.boxes[box][ident] = Entry(wire(self.quoted(text)),
            state, **kw)

    def deliver(self, place, sizes=(200,), box="INBOX"):
        """Letters that an MDA brings."""
        for size in sizes:
            ident, text = self.new(size)
            place.deliver(text, box)
            self.add(box, ident, text)


def flag_set(text):
    return frozenset(f for f in text.split() if f.lower() != b"\\recent")


def codes(line, name):
    """The UIDs of [APPENDUID v set] or the two sets of [COPYUID v a b]."""
    m = re.search(rb"\[" + name + rb" (\d+) ([\d:,]+)(?: ([\d:,]+))?\]",
        line)
    if not m:
        return None
    return [expand(x) for x in m.groups()[1:] if x is not None]


def expand(uids):
    out = []
    for piece in uids.split(b","):
        a, _, b = piece.partition(b":")
        out += range(int(a), int(b or a) + 1)
    return out


class Writer:
    """A session that keeps the book.  Its commands are answered by OK or NO,
    or raise Died."""

    def __init__(self, book, session):
        self.book, self.s = book, session
        self.box = None
        self.sticky = True
        self.said = []          # (command, answer)

    def cmd(self, text, *literals):
        try:
            status, line, seen = self.s.cmd(text, *literals)
        except Gone:
            raise Died(text)
        self.said.append((text, line))
        if status == "BAD":
            raise AssertionError("%r: %r" % (text, line))
        return status == "OK", line, seen

    def entries(self, box=None):
        return self.book.boxes[box or self.box]

    def select(self, box="INBOX", word="SELECT"):
        self.box = None
        good, line, seen = self.cmd("%s %s" % (word, box))
        if not good:
            return False
        text = b"".join(r[0] for r in seen)
        self.sticky = b"UIDNOTSTICKY" not in text
        m = re.search(rb"\[UIDVALIDITY (\d+)", text)
        if self.sticky:
            self.book.validity.setdefault(box, int(m.group(1)))
        self.box = box
        return True

    def learn(self):
        """Takes down the UIDs that the client is told."""
        good, _, seen = self.cmd(
            "FETCH 1:* (UID BODY.PEEK[HEADER.FIELDS (X-Test-Id)])")
        for r in seen:
            m = re.search(rb"UID (\d+)", b"".join(r))
            ident = ID.search(r[1]) if len(r) > 1 else None
            if m and ident and self.sticky:
                self.entries()[ident.group(1)].uid = int(m.group(1))
        return good

    def uid_of(self, ident):
        return self.entries()[ident].uid

    def append(self, box="INBOX", size=200, flags=""):
        ident, text = self.book.new(size)
        wanted = [flag_set(flags.encode())]
        self.book.add(box, ident, text, MAYBE, flags=wanted)
        e = self.book.boxes[box][ident]
        data = text.replace(b"\n", b"\r\n")
        good, line, _ = self.cmd("APPEND %s %s{%d}" % (box,
            flags and "(%s) " % flags, len(data)), data)
        e.state = MUST if good else self.book.refused
        uids = codes(line, b"APPENDUID")
        if good and uids:
            e.uid = uids[0][0]
        return good

    def transfer(self, word, idents, to):
        """COPY and MOVE, by UID."""
        source = self.entries()
        target = self.book.boxes[to]
        old = {i: target.get(i) for i in idents}
        states = {i: source[i].state for i in idents}
        for i in idents:
            target[i] = Entry(source[i].text, MAYBE, flags=source[i].flags)
            if word == "MOVE":
                source[i].state = MAYBE
        self.book.groups.append((to, list(idents)))
        if word == "MOVE":
            self.book.either.append((self.box, to, list(idents)))
        good, line, seen = self.cmd("UID %s %s %s" % (word, ",".join(
            str(source[i].uid) for i in idents), to))
        uids = codes(line, b"COPYUID")
        for r in seen:
            uids = uids or codes(r[0], b"COPYUID")
        for i in idents:
            if good:
                target[i].state = MUST
                if word == "MOVE":
                    source[i].state = GONE
            elif word == "COPY":
                target[i].state = self.book.refused
                source[i].state = states[i]
                if old[i] is not None:
                    target[i] = old[i]
        # A refused MOVE that came as far as to the removal takes back the
        # copies of what is in its place still.
        if not good and word == "MOVE":
            self.book.groups.pop()
        if good and uids:
            where = dict(zip(*uids))
            for i in idents:
                target[i].uid = where.get(source[i].uid)
        return good

    def store(self, idents, op, flags):
        """op is "+", "-" or ""."""
        change = flag_set(flags.encode())
        before = {}
        for i in idents:
            e = self.entries()[i]
            before[i] = e.flags
            old = e.flags if e.flags is not None else [frozenset()]
            new = [f | change if op == "+" else f - change if op == "-"
                else change for f in old]
            e.flags = list(set(old + new))
        good, _, _ = self.cmd("UID STORE %s %sFLAGS.SILENT (%s)" % (",".join(
            str(self.uid_of(i)) for i in idents), op, flags))
        for i in idents:
            e = self.entries()[i]
            if good:
                old = (before[i] if before[i] is not None
                    else [frozenset()])
                e.flags = list({f | change if op == "+" else f - change
                    if op == "-" else change for f in old})
            else:
                e.flags = before[i]
        return good

    def deleted(self):
        return [i for i, e in list(self.entries().items()) if e.state != GONE
            and e.flags and any(b"\\Deleted" in f for f in e.flags)]

    def remove(self, command, idents):
        """A command that removes these."""
        states = {i: self.entries()[i].state for i in idents}
        box = self.box
        for i in idents:
            self.book.boxes[box][i].state = MAYBE
        good, _, seen = self.cmd(command)
        # CLOSE closes, and warns where it could not remove.
        warned = any(r[0].startswith(b"* NO") for r in seen)
        for i in idents:
            e = self.book.boxes[box][i]
            sure = states[i] == MUST and all(b"\\Deleted" in f for f in
                e.flags)
            e.state = GONE if good and sure and not warned else MAYBE
        return good

    def expunge(self):
        return self.remove("EXPUNGE", self.deleted())

    def uid_expunge(self, idents):
        return self.remove("UID EXPUNGE " + ",".join(str(self.uid_of(i))
            for i in idents), [i for i in idents if i in self.deleted()])

    def close(self):
        good = self.remove("CLOSE", self.deleted())
        if good:
            self.box = None
        return good

    def create(self, box):
        self.book.boxes.setdefault(box, {})
        self.book.doubtful.add(box)
        good, _, _ = self.cmd("CREATE " + box)
        if good:
            self.book.doubtful.discard(box)
        return good

    def delete(self, box):
        self.book.doubtful.add(box)
        good, _, _ = self.cmd("DELETE " + box)
        if good:
            self.forget(box)
        return good

    def forget(self, box):
        del self.book.boxes[box]
        self.book.doubtful.discard(box)
        self.book.validity.pop(box, None)

    def rename(self, box, to):
        self.book.moves.append((box, to))
        good, _, _ = self.cmd("RENAME %s %s" % (box, to))
        if good:
            self.book.moves.remove((box, to))
            self.moved(box, to)
        return good

    def moved(self, box, to):
        b = self.book
        for name in [n for n in b.boxes if n == box
                or n.startswith(box + "/")]:
            new = to + name[len(box):]
            b.boxes[new] = b.boxes.pop(name)
            if name in b.validity:
                b.validity[new] = b.validity.pop(name)

    def rename_inbox(self, to):
        """The messages move to a new mailbox (RFC 3501 6.3.5)."""
        source = self.book.boxes["INBOX"]
        self.book.doubtful.add(to)
        target = self.book.boxes[to] = {}
        for i, e in source.items():
            target[i] = Entry(e.text, MAYBE, flags=e.flags)
            e.state = MAYBE
        self.book.either.append(("INBOX", to, list(target)))
        good, _, _ = self.cmd("RENAME INBOX " + to)
        if good:
            self.book.doubtful.discard(to)
            for i, e in source.items():
                e.state, target[i].state = GONE, MUST
        return good

    def subscribe(self, name, word="SUBSCRIBE"):
        b = self.book.subscribed
        b[name] = MAYBE
        good, _, _ = self.cmd("%s %s" % (word, name))
        if good:
            b[name] = MUST if word == "SUBSCRIBE" else GONE
        return good


def fetch_all(c):
    """[(uid, flags, text)] in the order of message numbers."""
    out = []
    for r in c.must("FETCH 1:* (UID FLAGS BODY.PEEK[])"):
        m = FETCHED.match(r[0])
        if not m or b"BODY[" not in r[0]:
            continue
        head = m.group(2) + b"".join(r[2:])
        out.append((int(re.search(rb"UID (\d+)", head).group(1)),
            flag_set(re.search(rb"FLAGS \(([^)]*)\)", head).group(1)),
            r[1] if len(r) > 1 else b""))
    return out


def check_mailbox(c, book, box, bad):
    """Compares what a session shows; returns the ids that are there."""
    entries = book.boxes[box]
    count = c.select(box)
    want = book.validity.get(box)
    if want is not None and c.code(b"UIDVALIDITY") != want:
        bad.append("%s: UIDVALIDITY %s was %s" % (box,
            c.code(b"UIDVALIDITY"), want))
    seen, last = [], 0
    got = fetch_all(c) if count else []
    if len(got) != count:
        bad.append("%s: %d EXISTS, %d fetched" % (box, count, len(got)))
    for uid, flags, text in got:
        m = ID.search(text)
        ident = m.group(1) if m else None
        if uid <= last:
            bad.append("%s: UID %d behind %d" % (box, uid, last))
        last = uid
        e = entries.get(ident)
        if e is None:
            bad.append("%s: UID %d is none of ours: %.300r" % (box, uid,
                text))
            continue
        if ident in seen:
            bad.append("%s: %s is there twice" % (box, ident))
        seen.append(ident)
        if text != e.text:
            bad.append("%s: %s has other octets: %r, not %r" % (box, ident,
                *differ(text, e.text)))
        if e.state == GONE:
            bad.append("%s: %s was removed (or refused) and is there"
                % (box, ident))
        if e.uid is not None and e.uid != uid:
            bad.append("%s: %s had UID %d, has %d" % (box, ident, e.uid,
                uid))
        if e.flags is not None and flags not in e.flags:
            bad.append("%s: %s has flags %s, not of %s" % (box, ident,
                sorted(flags), [sorted(f) for f in e.flags]))
        e.uid, e.flags = uid, [flags]
    for ident, e in entries.items():
        if e.state == MUST and ident not in seen:
            bad.append("%s: %s is LOST" % (box, ident))
    for where, ids in book.groups:
        there = [i for i in ids if i in seen]
        if (where == box and there and len(there) < len(ids) and
                all(entries[i].state == MAYBE for i in ids)):
            bad.append("%s: only %s of %s" % (box, there, ids))
    # From now on the book says what was found.
    for ident in list(entries):
        if ident in seen:
            entries[ident].state = MUST
        else:
            del entries[ident]
    return seen


def differ(a, b):
    """The two around the place where they begin to differ."""
    n = bisect.bisect_left(range(1, min(len(a), len(b)) + 1), True,
        key=lambda n: a[:n] != b[:n])
    return a[max(0, n - 30):n + 60], b[max(0, n - 30):n + 60]


def check_file(place, book, box, seen, bad):
    """What other programs read: the same messages in the same order."""
    got = []
    for text in place.shown(box):
        m = ID.search(text)
        ident = m.group(1) if m else None
        got.append(ident)
        e = book.boxes[box].get(ident)
        if e is not None and wire(text) != e.text:
            bad.append("%s: in the file %s has other octets: %r, not %r" % (
                box, ident, *differ(wire(text), e.text)))
    if got != seen:
        bad.append("%s: the file has %s, sessions see %s" % (box, got, seen))


def settle(place, book, names):
    """What a session that died in a RENAME or DELETE left: one of the two
    names, or none.  The index may not have come along: it is a cache."""
    bad = []
    for box, to in book.moves:
        there = [n for n in (box, to) if n in names]
        # Where the kernel has no renameat2() the new name is made first.
        if len(there) == 2 and os.path.samefile(place.path(box),
                place.path(to)):
            os.unlink(place.path(box))
            names.discard(box)
            there = [to]
        if there == [to]:
            Writer(book, None).moved(box, to)
            for name in book.boxes:
                if name == to or name.startswith(to + "/"):
                    for e in book.boxes[name].values():
                        e.uid = e.flags = None
        elif there != [box]:
            bad.append("RENAME %s %s left %s" % (box, to, there))
    book.moves = []
    for box in list(book.doubtful):
        if box not in names:
            Writer(book, None).forget(box)
        book.doubtful.discard(box)
    return bad


def check_octets(place, book):
    """Where nothing could be noted down a rewrite that was cut short leaves
    some octets twice, and none out."""
    with open(place.spool, "rb") as f:
        data = f.read().replace(b"\n", b"\r\n")
    return ["octets of %s are LOST" % i for i, e in
        book.boxes["INBOX"].items() if e.state == MUST
        and e.text[e.text.index(b"\r\n\r\n"):] not in data]


def check(place, book, backwards=False):
    """Opens all mailboxes with a fresh session, INBOX first or last; [] or
    what is wrong."""
    c = place.imap()
    if book.lax:
        c.select()
        c.must("LOGOUT")
        c.end()
        return check_octets(place, book)
    names = {re.sub(rb'^.*"/" "?(.*?)"?\r\n$', rb"\1", b"".join(r)).decode()
        for r in c.must('LIST "" "*"')}
    names.add("INBOX")
    bad = settle(place, book, names)
    seen = {}
    boxes = list(book.boxes)
    for box in reversed(boxes) if backwards else boxes:
        if box not in names:
            bad.append("mailbox %s is LOST" % box)
        else:
            seen[box] = check_mailbox(c, book, box, bad)
    for a, b, ids in book.either:
        for i in ids:
            if i not in seen.get(a, []) and i not in seen.get(b, []):
                bad.append("%s is LOST between %s and %s" % (i, a, b))
            if i in seen.get(a, []) and i in seen.get(b, []):
                bad.append("%s is in %s and in %s" % (i, a, b))
    book.groups, book.either = [], []
    if book.subscribed:
        listed = {re.sub(rb'^.*"/" "?(.*?)"?\r\n$', rb"\1",
            b"".join(r)).decode() for r in c.must('LSUB "" "*"')}
        for name, state in book.subscribed.items():
            if state != MAYBE and (name in listed) != (state == MUST):
                bad.append("subscription of %s: %s, LSUB has %s" % (name,
                    state, listed))
    for box in seen:
        # Nobody had to lock what had not changed; whoever has to breaks the
        # lock of a dead process.
        if os.path.exists(place.lock(box)):
            w = Writer(book, c)
            w.append(box, 10)
            seen[box] = seen[box] + list(book.boxes[box])[-1:]
    c.must("LOGOUT")
    c.end()
    for box in seen:
        check_file(place, book, box, seen[box], bad)
    # The lock of a mailbox that has lost its name is in nobody's way.
    left = [n for n in place.leftovers() if not n.endswith(".lock")
        or os.path.exists(os.path.join(place.dir, n[:-5]))]
    if left:
        bad.append("left over: %s" % left)
    return bad
