#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""mail.h as a program uses it, beside imapd: both say the same of a mailbox,
and each sees what the other does."""

import email.utils
import os
import re
import socket
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../lib"))
import mailgen
import room
from cprogram import Installed, did
from imapc import Imap
from server import BINARIES
from tap import need, run, skip_all, tap

HERE = os.path.dirname(os.path.abspath(__file__))
LETTER = b"From: Ann <ann@example.org>\r\nSubject: put there\r\n\r\nbody\r\n"

PLAIN = b"""Return-Path: <bounces@example.org>
Date: Tue, 2 Jan 2024 10:00:00 +0100
From: "Joe Q. Public" <joe@example.org>
Reply-To: joe-replies
To: friends: ann@example.org, bob@example.org;, carl@example.org
Subject: a plain one
Message-ID: <1@example.org>
References: <0@example.org>

one
two
"""
MIXED = b"""Date: Wed, 3 Jan 2024 11:00:00 -0330
From: ann@example.org
To: joe@example.org
Subject: parts
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=outer

preamble
--outer
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable
Content-Language: en, de

gr=C3=BC=C3=9Fe
--outer
Content-Type: message/rfc822
Content-Description: what was sent

From: inner@example.org
Subject: inner
Content-Type: multipart/alternative; boundary=inner

--inner

plain
--inner
Content-Type: text/html

<p>html</p>
--inner--
--outer
Content-Type: image/x-strange; name="a \\"b\\".png"
Content-Disposition: attachment; filename=b.png
Content-Transfer-Encoding: base64
Content-ID: <part3@example.org>

AAAA
--outer--
"""
INSIDE = b"""From: carl@example.org
Subject: a message is all of it
Content-Type: message/rfc822

Subject: what is in it

text
"""


class Session(Imap):
    """imapd as the user starts it himself."""

    def __init__(self, user):
        ours, theirs = socket.socketpair()
        self.child = subprocess.Popen([BINARIES["imapd"]], stdin=theirs,
            stdout=theirs, preexec_fn=user.drop, cwd=user.home,
            stderr=subprocess.DEVNULL)
        theirs.close()
        self.sock, self.left, self.tags = ours, b"", 0
        self.greeting = self.line()

    def end(self):
        self.must("LOGOUT")
        self.close()
        self.child.wait()


class Program:
    """tests/api/mailbox.c; each answer is a list of lines."""

    def __init__(self, path, user, become=None):
        self.child = subprocess.Popen([path], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, preexec_fn=become or user.drop,
            cwd=user.home)

    def ask(self, *words, stream=0, data=None):
        text = "\t".join([str(stream)] + [str(x) for x in words]).encode()
        if data is not None:
            text += b"\n" + data.hex().encode()
        self.child.stdin.write(text + b"\n")
        self.child.stdin.flush()
        out = []
        while True:
            line = self.child.stdout.readline()
            if line == b"":
                raise AssertionError("it ended at %r with %d after %r" % (text,
                    self.child.wait(), out))
            if line == b".\n":
                return out
            out.append(line.decode("utf-8", "backslashreplace").rstrip("\n"))

    def text(self, *words, stream=0):
        """The octets of a text that is asked for."""
        for line in self.ask(*words, stream=stream):
            m = re.fullmatch(r"text (\d+) 1 ([0-9a-f]*)", line)
            if m and len(m.group(2)) == 2 * int(m.group(1)):
                return bytes.fromhex(m.group(2))
        return None

    def end(self):
        self.child.stdin.close()
        return self.child.wait()


def fetched(imap, items, number):
    """What imapd says of a message now."""
    imap.must("NOOP")
    for r in imap.must("FETCH %d (%s)" % (number, items)):
        m = re.match(rb"\* \d+ FETCH \(\S+ (.*)\)\r\n", b"".join(r), re.S)
        if m:
            return m.group(1).decode()
    return None


def hidden(here):
    """The archive has the names that the headers have, and no others."""
    text = ""
    for name in here.headers:
        with open(here.where + "/usr/local/include/c-client/" + name) as f:
            text += f.read()
    names = did("nm", "-g", "--defined-only", "--format=posix", here.where
        + "/usr/local/lib/libc-client.a").stdout
    names = set(re.findall(r"(?m)^([a-z]\w+) [A-Z] ", names))
    tap.ok("mail_open" in names and not names - set(re.findall(r"\w+", text)),
        "no name but those of the headers", sorted(names))
    missing = set(re.findall(r"\b((?:mail|rfc822|utf8|fs)_\w+|cpystr|cpytxt)"
        r"\(", re.sub(r"(?s)/\*.*?\*/|#define\s(?:\\\n|.)*?\n", "", text)))
    tap.equal(missing - names, set(), "and all that they declare")


def opening(p, imap, user):
    said = p.ask("open", "INBOX", 0)
    n = imap.select()
    tap.equal(said, ["exists 3", "open INBOX unix 3 3 %d %d kwd"
        % (imap.code(b"UIDVALIDITY"), imap.code(b"UIDNEXT") - 1)],
        "INBOX opens, and is what imapd says it is")
    tap.equal(n, 3, "of as many messages")
    tap.equal(p.ask("parameters"), ["mbox maildir unix dummy %s %s 1"
        % (user.name, user.home)], "formats, user, home")


def structure(p, imap):
    """Envelope and structure, octet for octet."""
    for n in (1, 2, 3):
        env, body = p.ask("structure", n)
        tap.equal(env, fetched(imap, "ENVELOPE", n), "envelope %d" % n)
        tap.equal(body, fetched(imap, "BODYSTRUCTURE", n),
            "structure %d" % n)
        tap.ok(p.ask("structure", n) == [env, body], "the same again")
    whole = fetched(imap, "BODYSTRUCTURE", 2)
    for part in ("1", "2", "2.1", "2.2", "3"):
        said, = p.ask("part", 2, part)
        tap.ok(said in whole and said[0] == "(", "part %s is in it" % part,
            said)
    for part in ("4", "2.3", "1.1", "0", "x", "2.", "", "2.1.1", "9" * 30):
        tap.equal(p.ask("part", 2, part), ["no part"], "no part %r" % part)
    tap.equal(p.ask("part", 3, "1.1"), ['("TEXT" "PLAIN" ("CHARSET" '
        '"us-ascii") NIL NIL "7BIT" 6 1 NIL NIL NIL NIL)'],
        "a part of the message in a message")


def texts(p, imap):
    """Texts are as imapd sends them; \\Seen is set where it is to be."""
    def same(verb, n, section, item):
        want = imap.bodies("BODY.PEEK[%s]" % item, n)[n]
        got = p.text(verb, n, section)
        tap.equal(got, want, "%s %d %s is BODY[%s]" % (verb, n, section,
            item))

    for n in (1, 2, 3):
        same("header", n, "", "HEADER")
        same("peek", n, "", "TEXT")
        same("message", n, "", "")
        same("body", n, "", "")
        same("body", n, "0", "HEADER")
        same("body", n, "1", "1")
    for section in ("2.1", "2.2", "3", "2"):
        same("body", 2, section, section)
        same("mime", 2, section, section + ".MIME")
    same("header", 2, "2", "2.HEADER")
    same("peek", 2, "2", "2.TEXT")
    same("body", 2, "2.0", "2.HEADER")
    same("lines", 2, "subject", "HEADER.FIELDS (Subject)")
    same("otherlines", 2, "subject", "HEADER.FIELDS.NOT (Subject)")
    for verb, section in (("body", "9"), ("header", "1"), ("peek", "3"),
            ("mime", "")):
        tap.equal(p.ask(verb, 2, section), ["text 0 1 "],
            "%s %r is empty, and no complaint" % (verb, section))
    tap.ok("log 2" in " ".join(p.ask("body", 2, "1..2")),
        "a bad section is told")


def handed(p):
    """mailgets: a function of the program gets the text."""
    p.ask("gets", "on")
    said = p.ask("peek", 1)
    p.ask("gets")
    tap.ok(said[0].startswith("gets 10 one") and said[-1] == "text 5 1 "
        + b"one\r\n".hex(), "SET_GETS", said)


def seen(p, imap):
    tap.ok("seen" not in p.ask("elt", 1)[0].lower(), "nothing is \\Seen yet")
    tap.equal(p.ask("text", 1)[0], "flags 1 seen",
        "mail_fetch_text() sets it, and tells")
    tap.ok("\\Seen" in fetched(imap, "FLAGS", 1), "imapd sees it")


def elements(p, imap):
    """Size, date, flags, UID of each message."""
    for n in (1, 2, 3):
        said = p.ask("elt", n)[0]
        m = re.match(r'elt \d+ uid (\d+) size (\d+) date "(.*?)" (\d+) flags'
            r'(.*) (\w+ \w+ .* [-+]\d+)$', said)
        tap.equal(m and m.group(1), fetched(imap, "UID", n), "UID %d" % n)
        tap.equal(m.group(2), fetched(imap, "RFC822.SIZE", n), "size %d" % n)
        tap.equal('"%s"' % m.group(3), fetched(imap, "INTERNALDATE", n),
            "date %d" % n)
        when = email.utils.parsedate_to_datetime(m.group(3))
        tap.equal((m.group(4), m.group(6)), ("%d" % when.timestamp(),
            when.strftime("%a %b %e %H:%M:%S %Y %z")), "it in other forms")
        tap.equal(p.ask("msgno", m.group(1)), ["msgno %d" % n], "msgno")
        mine = {x for x in m.group(5).split() if x != "\\Recent"}
        theirs = set(fetched(imap, "FLAGS", n).strip("()").split())
        tap.equal(mine, theirs - {"\\Recent"}, "flags of %d" % n)
    for bad in (0, 4, 2 ** 32 + 1, 2 ** 63):
        said = p.ask("elt", bad)
        tap.ok(len(said) == 1 and said[0].startswith("log 2 There is no"),
            "no message %d" % bad, said)
        tap.ok(p.ask("text", bad) == said + ["text 0 1 "] and
            p.ask("structure", bad) == said, "nor its text and structure")
    for text, marked in (("1,3", "1 1 3"), ("2:*", "1 2 3"), ("*", "1 3"),
            ("1:4", "0 1 3"), ("x", "0 1 3"), ("", "0 1 3")):
        got = [x for x in p.ask("sequence", text) if x.startswith("ok")]
        if marked[0] == "0":
            tap.equal(got[0].split()[1], "0", "bad sequence %r" % text)
        else:
            tap.equal(got, ["ok " + marked], "sequence %r" % text)
    tap.equal(p.ask("uidsequence", "2:99"), ["ok 1 2 3"], "UIDs")
    tap.equal(p.ask("overview", "1:2"), ["overview 1 1 %s a plain one joe"
        % fetched(imap, "RFC822.SIZE", 1), "overview 2 2 %s parts ann"
        % fetched(imap, "RFC822.SIZE", 2)], "overviews")
    tap.equal(p.ask("from", 1) + p.ask("from", 2), ["[Joe Q. Publi][a plain o]",
        "[ann@example.][parts]"], "who from, what about")


def flags(p, imap):
    tap.equal(p.ask("setflag", "1:2", "\\Flagged work", 0), ["flags 1 seen",
        "flags 2"], "flags are set, and told")
    tap.equal(p.ask("setflag", "1:2", "(\\Flagged)", 0), [],
        "what was so already is not told")
    tap.equal(p.ask("setflag", "3", "\\Answered", 2), [], "nor ST_SILENT")
    for n, want in ((1, {"\\Seen", "\\Flagged", "work"}),
            (2, {"\\Flagged", "work"}), (3, {"\\Answered"})):
        tap.equal(set(fetched(imap, "FLAGS", n).strip("()").split())
            - {"\\Recent"}, want, "imapd sees the flags of %d" % n)
    p.ask("clearflag", "2", "work", 0)
    tap.ok("work" not in fetched(imap, "FLAGS", 2), "a keyword is taken away")
    tap.ok(p.ask("setflag", "1", "\\Nonsense", 0)[0].startswith("log 2"),
        "there is no such flag")
    imap.must("STORE 2 +FLAGS (\\Draft other)")
    tap.equal(p.ask("ping"), ["flags 2", "ok 1"], "imapd's change is told")
    said = p.ask("elt", 2)[0]
    tap.ok(" \\Draft " in said and " other " in said, "and known", said)


def searches(p, imap):
    for ours, theirs in (("ALL", None), ("FLAGGED", None), ("UNSEEN", None),
            ("KEYWORD work", None), ("UNKEYWORD work", None),
            ('FROM "joe"', None), ('SUBJECT "parts"', None),
            ('BODY "gr\u00fc\u00dfe"', 'CHARSET UTF-8 BODY "gr=C3"'),
            ("TEXT inner", None), ("SENTON 2-Jan-2024", None),
            ("SINCE 3-Jan-2024", None), ("BEFORE 3-Jan-2024", None),
            ("LARGER 400", None), ("SMALLER 400", None),
            ("ANSWERED UNSEEN", None), ("TO carl", None),
            ('HEADER "Message-ID" 1@', None), ("UNDELETED", None)):
        if theirs is None:
            said = imap.must("SEARCH " + ours)[0][0].split()[2:]
            want = [int(x) for x in said]
        else:
            want = [2]
        got = p.ask("search", ours)
        tap.equal(got, ["searched %d" % n for n in want] + ["ok 1"],
            "search " + ours)
    tap.equal(p.ask("search", "ALL", 1), ["searched %d" % n for n in (1, 2,
        3)] + ["ok 1"], "UIDs")
    tap.equal(p.ask("either", "FROM joe", "SUBJECT parts"),
        ["searched 1", "ok 1"], "or, and not")
    for bad in ("", "NONSENSE", "FROM", 'FROM "joe', "ON today",
            "LARGER many", "SINCE 31-Foo-2024"):
        said = p.ask("search", bad)
        tap.ok(said[0].startswith("log 2") and said[-1] == "ok 0",
            "bad criteria %r" % bad, said)


def copies(p, imap, user):
    """append, copy, move, and the folder in between."""
    said = p.ask("copy", "1", "saved", 0)
    tap.ok(said[0] == "notify 0 0 [TRYCREATE] There is no such mailbox" and
        said[1].startswith("log 2") and said[2] == "ok 0",
        "no such mailbox: TRYCREATE", said)
    tap.equal(p.ask("create", "saved"), ["ok 1"], "it is made")
    tap.equal(p.ask("copy", "1:2", "saved", 0), ["ok 1"], "copied")
    tap.equal(p.ask("append", "saved", "\\Seen kept",
        " 5-Feb-2023 12:00:00 +0200", data=LETTER), ["ok 1"], "appended")
    tap.equal(p.ask("append", "saved", "", "Sun, 5 Feb 2023 12:00 GMT",
        data=b"Subject: nul\r\n\r\na\0b\r\n"), ["ok 1"],
        "with a date as headers have it")
    tap.equal(p.ask("append", "saved", "", "", data=b"From: mailsync\n"
        b"Subject: one\n\nline\n"), ["ok 1"], "with the lines of a Unix file")
    for flags, date, data in (("\\Bad", "", LETTER), ("", "never", LETTER),
            ("", "", b"")):
        said = p.ask("append", "saved", flags, date, data=data)
        tap.ok(said[0].startswith("log 2") and said[-1] == "ok 0",
            "bad append %r" % ((flags, date),), said)
    imap.must("SELECT saved")
    tap.equal(len(imap.must("FETCH 1:* UID")), 5, "five are there")
    tap.equal(imap.bodies()[3], LETTER, "the letter as it was given")
    tap.equal(imap.bodies()[4][-7:], b"\r\na\x80b\r\n", "NUL as imapd has it")
    tap.equal(imap.bodies()[5], b"From: mailsync\r\nSubject: one\r\n\r\n"
        b"line\r\n", "lines have CRLF")
    tap.equal(fetched(imap, "INTERNALDATE", 3),
        '" 5-Feb-2023 12:00:00 +0200"', "with its date")
    tap.equal(set(fetched(imap, "FLAGS", 3).strip("()").split())
        - {"\\Recent"}, {"\\Seen", "kept"}, "and flags")
    tap.equal(set(fetched(imap, "FLAGS", 1).strip("()").split())
        - {"\\Recent"}, {"\\Seen", "\\Flagged", "work"},
        "a copy has the flags of the message")
    tap.equal(p.ask("copy", "3", "saved", 2), ["flags 3 deleted", "ok 1"],
        "CP_MOVE: and \\Deleted here")
    status = p.ask("status", "saved")
    theirs = imap.must("STATUS INBOX (MESSAGES)") and imap.must(
        "STATUS saved (MESSAGES UIDNEXT UIDVALIDITY)")[0][0].decode()
    got = status[0].split()
    tap.equal(re.findall(r"\d+", theirs), [got[2], got[5], got[6]],
        "status as imapd's")
    imap.select()


def expunges(p, imap, user):
    """Each sees what the other took away, and what is new."""
    imap.must("STORE 1 +FLAGS.SILENT \\Deleted")
    p.ask("ping")
    tap.equal(p.ask("expunge", "3", 1), ["expunged 3 of 3", "exists 2",
        "ok 1"], "a UID alone")
    imap.must("NOOP")
    tap.equal(len(imap.must("FETCH 1:* UID")), 2, "imapd saw it go")
    mailgen.deliver(user.spool, mailgen.to_mbox([LETTER.replace(b"\r", b"")]))
    tap.equal(p.ask("ping"), ["exists 3", "ok 1"], "new mail")
    imap.must("NOOP")
    imap.must("EXPUNGE")
    said = p.ask("peek", 2)
    tap.ok("put there" not in said and said[-1].startswith("text "),
        "numbers stay until the next ping", said)
    tap.equal(p.ask("peek", 1)[-1], "text 0 1 ", "what is gone is empty")
    tap.ok(p.ask("elt", 1)[0].startswith("elt 1 uid 1 "),
        "what was known of it stays known")
    tap.equal(p.ask("ping"), ["expunged 1 of 3", "exists 2", "ok 1"],
        "imapd's expunge is told")
    tap.ok(p.ask("elt", 1)[0].startswith("elt 1 uid 2 "), "and they moved up")
    p.ask("setflag", "1:*", "\\Deleted", 2)
    tap.equal(p.ask("expunge"), ["expunged 1 of 2", "expunged 1 of 1",
        "exists 0", "ok 1"], "all")
    tap.equal(p.ask("elt", 1)[0][:5], "log 2", "there is no message now")


def streams(p, imap):
    """Three of them on one mailbox."""
    tap.equal(p.ask("append", "INBOX", "", "", data=LETTER), ["ok 1"],
        "into the mailbox that is open")
    tap.equal(p.ask("ping"), ["exists 1", "ok 1"], "is news")
    one = p.ask("open", "inbox", 0, stream=1)
    two = p.ask("open", "INBOX", 2, stream=2)
    tap.ok(one[0] == two[0] == "exists 1" and "rdonly" in two[1] and
        "rdonly" not in one[1], "a second one, and one to read",
        one + two)
    tap.equal(p.ask("setflag", "1", "\\Deleted", 0, stream=1),
        ["flags 1 deleted"], "one changes")
    tap.equal(p.ask("ping"), ["flags 1 deleted", "ok 1"], "the other hears")
    for words in (("setflag", "1", "\\Seen", 0), ("expunge",),
            ("copy", "1", "saved", 2)):
        tap.ok(p.ask(*words, stream=2)[0].startswith("log 2"),
            "not by one that reads: " + words[0])
    tap.equal(p.ask("text", 1, stream=2)[0][:5], "text ", "reading sets "
        "nothing there")
    tap.equal(p.ask("close", 1, stream=1), [], "CL_EXPUNGE is silent")
    tap.equal(p.ask("ping", stream=2), ["expunged 1 of 1", "exists 0", "ok 1"],
        "the others hear")
    p.ask("close", 0, stream=2)
    p.ask("ping")


def names(p, imap, user):
    for words, want in ((("create", "dir/in side"), ["ok 1"]),
            (("create", "w&APw-nsche"), ["ok 1"]),
            (("rename", "dir/in side", "dir/out"), ["ok 1"]),
            (("subscribe", "dir/out"), ["ok 1"]),
            (("lsub", "", "*"), ["lsub / dir/out"]),
            (("valid", "dir/out"), ["valid unix"]),
            (("valid", "nowhere"), ["valid NIL"]),
            (("list", "", ""), ["list /  noselect"])):
        tap.equal(p.ask(*words)[-len(want):], want, " ".join(words))
    for words in (("valid", "nowhere", "try"), ("create", "INBOX"),
            ("delete", "INBOX"), ("open", "nowhere", 0),
            ("rename", "nowhere", "x"), ("status", "nowhere"),
            ("unsubscribe", "nowhere"), ("create", "../x"),
            ("create", "b&d"), ("list", "{mail.example.org}", "*"),
            ("open", "{mail.example.org}INBOX", 0),
            ("open", "{mail.example.org/\"", 0), ("open", "INBOX", 64),
            ("create", "{localhost}x"), ("append", "{localhost}x")):
        said = p.ask(*words, stream=1, data=LETTER if words[0] == "append"
            else None)
        tap.ok(said and said[0].startswith("log 2 "), "refused, and told: "
            + " ".join(str(x) for x in words), said)
        if "{" in words[1]:
            tap.ok("other hosts" in said[0], "for what it is", said)
    ours = sorted(x[len("list / "):].lower()
        for x in p.ask("list", "", "*"))
    theirs = sorted(re.sub(r'\* LIST \((.*)\) "/" "?(.*?)"?\r\n', r"\2 \1",
        r[0].decode()).lower().replace("\\", "").strip()
        for r in imap.must('LIST "" "*"') if r[0].startswith(b"* LIST"))
    tap.equal(ours, theirs, "list is imapd's")
    tap.equal(p.ask("unsubscribe", "dir/out") + p.ask("delete", "dir/out"),
        ["ok 1", "ok 1"], "and away")


def writes_back(p, path, user):
    """What it set is in the file itself when it has ended, and imapd reads
    it."""
    p.ask("append", "saved", "", "", data=LETTER)
    p.ask("open", "saved", 0)
    p.ask("setflag", "1", "\\Deleted later", 0)
    tap.equal(p.end(), 0, "the program ends well")
    user.left()
    for name in ("saved", "mail/saved"):
        if os.path.exists(os.path.join(user.home, name)):
            with open(os.path.join(user.home, name), "rb") as f:
                data = f.read()
    tap.ok(re.search(rb"(?m)^X-Keywords:.*later", data) and
        re.search(rb"(?m)^X-Status:.*D", data), "flags are in the file",
        data[:600])


def hostile(p, user):
    """Whatever a message is made of, it is read, and the program lives."""
    said = p.ask("open", "INBOX", 0)
    imap = Session(user)
    count = imap.select()
    tap.ok(said[-1].startswith("open INBOX unix %d " % count),
        "a mailbox of %d hostile messages" % count, said)
    bad = []
    for n in range(1, count + 1):
        said = p.ask("structure", n) + p.ask("from", n)
        want = imap.bodies("BODY.PEEK[]", n)[n]
        if len(said) < 3 or p.text("message", n) != want:
            bad.append((n, said))
        for section in ("1", "1.1", "2", "1.1.1.1.1"):
            p.ask("part", n, section)
            p.ask("body", n, section)
            p.ask("header", n, section)
    tap.equal(bad, [], "are all read, as imapd sends them")
    imap.end()


def configured(r, path, user):
    """The servers' configuration counts; nothing is opened with another
    user's rights."""
    r.configure("format = maildir\nnonsense = 1\n")
    p = Program(path, user)
    said = p.ask("create", "md")
    tap.ok(said[0].startswith("log 1 /etc/imapd.conf line ") and
        said[-1] == "ok 1", "a bad line is told, and that is all", said)
    p.ask("append", "md", "\\Seen", "", data=LETTER)
    said = p.ask("open", "md", 0)
    tap.ok(said[0] == "exists 1" and "open md maildir 1 1 " in said[1],
        "format = maildir", said)
    tap.equal(p.ask("setflag", 1, "\\Deleted", 2) + p.ask("expunge"),
        ["expunged 1 of 1", "exists 0", "ok 1"], "in which mail is removed")
    tap.equal(p.end(), 0, "and all is well")
    p = Program(path, user, lambda: os.setresuid(user.uid, 0, 0))
    said = p.ask("open", "INBOX", 0)
    tap.ok("another user's rights" in said[-1], "set-user-id is refused",
        said)
    tap.equal(p.end(), 0, "which is no end of the program")


def threads(p):
    """A stream a thread, all on one mailbox."""
    p.ask("create", "work")
    said = p.ask("threads")
    tap.equal(said[1:-1], ["thread 12 added 1 1 logs 0"] * 4,
        "four threads work and hear of their own streams")
    tap.equal((said[0], said[-1]), ("forks before 1", "forks 0"),
        "and none forks, as a program without threads does")
    said = p.ask("open", "work", 0)[-1].split()
    # Twelve times the first was removed, if not by two at once.
    tap.ok(said[6] == "48" and 36 <= int(said[3]) < 48,
        "no message is lost", said)


def lost(p):
    """A mailbox that goes away while it is open."""
    p.ask("create", "gone")
    p.ask("append", "gone", "", "", data=LETTER)
    p.ask("open", "gone", 0)
    tap.equal(p.ask("delete", "gone")[-1], "ok 0", "not while it is open "
        "here")
    tap.equal(p.ask("delete", "gone", stream=1), ["ok 1"],
        "but by somebody else")
    said = p.ask("ping")
    tap.ok(said[0].startswith("notify 0 4 ") and said[-1] == "ok 0",
        "the mailbox is lost", said)
    for words in (("ping",), ("elt", 1), ("peek", 1), ("structure", 1),
            ("setflag", 1, "\\Seen", 0), ("search", "ALL"), ("expunge",),
            ("copy", 1, "saved", 0), ("sequence", "1"), ("overview", "1"),
            ("part", 1, "1"), ("check",), ("gc",), ("from", 1)):
        said = p.ask(*words)
        tap.ok("ok 1" not in said and not any(x.startswith("flags")
            for x in said),
            words[0] + " of what is lost does nothing", said)
    for words in (("ping",), ("elt", 1), ("peek", 1), ("structure", 1),
            ("setflag", 1, "\\Seen", 0), ("search", "ALL"), ("expunge",),
            ("copy", 1, "saved", 0), ("sequence", "1")):
        if words[0] != "sequence":
            p.ask(*words, stream=2)
    tap.equal(p.end(), 0, "nor does it without a stream")


def main():
    need("pkg-config", "g++")
    r = room.enter()
    if not r.inside:
        skip_all("the library reads /etc/imapd.conf")
    user = r.add_user("joe")
    here = Installed(r.dir + "/installed")
    tap.equal(here.headers, ["c-client.h", "linkage.c", "linkage.h", "mail.h",
        "rfc822.h"], "the headers")
    path = here.build(HERE + "/mailbox.c", "mailbox")
    done = did("g++", "-x", "c++", "-Wall", "-Werror", "-fsyntax-only",
        "-fno-operator-names", *here.flags("--cflags"), HERE + "/types.cc")
    tap.ok(done.returncode == 0, "C++ takes the headers", done.stdout)
    hidden(here)
    if path is None:
        return
    r.fill(user, mailgen.to_mbox([PLAIN, MIXED, INSIDE]))
    p, imap = Program(path, user), Session(user)
    opening(p, imap, user)
    structure(p, imap)
    texts(p, imap)
    handed(p)
    seen(p, imap)
    elements(p, imap)
    flags(p, imap)
    searches(p, imap)
    copies(p, imap, user)
    expunges(p, imap, user)
    streams(p, imap)
    names(p, imap, user)
    imap.end()
    writes_back(p, path, user)
    r.fill(user, mailgen.to_mbox([m for _, m in mailgen.hostile()]))
    p = Program(path, user)
    hostile(p, user)
    threads(p)
    lost(p)
    configured(r, path, user)


run(main)
