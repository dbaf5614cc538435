#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Maildirs beside Dovecot, mbsync and mutt: each opens what the other wrote
with the same UIDVALIDITY, UIDs, flags and keywords, without an index of its
own; what is in a maildir and is no message is left alone."""

import glob
import os
import re
import subprocess
import sys
import time
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
import mailgen
import others
import server
from tap import need, remove_tree, run, tap


def letter(n, lines=3):
    return mailgen.head(n, b"letter %d" % n) + b"\n" + (
        b"line of letter %d\n" % n) * lines


def state(c, box="INBOX", word="EXAMINE"):
    """(UIDVALIDITY, {UID: (flags, date, message)}) of a mailbox."""
    count = c.select(box, word)
    validity = c.code(b"UIDVALIDITY")
    out = {}
    if count:
        for r in c.must("FETCH 1:* (UID FLAGS INTERNALDATE BODY.PEEK[])"):
            text = b"".join(x for i, x in enumerate(r) if i != 1)
            uid = re.search(rb"UID (\d+)", text)
            if not uid or len(r) < 2:
                continue
            flags = re.search(rb"FLAGS \(([^)]*)\)", text).group(1).split()
            date = re.search(rb'INTERNALDATE "([^"]*)"', text).group(1)
            out[int(uid.group(1))] = (frozenset(
                f.lower() for f in flags if f != b"\\Recent"), date, r[1])
    return validity, out


def forget(account):
    """Our index, as if it had never been."""
    remove_tree(account.index)


def forget_theirs(account):
    """Dovecot's index; the list of UIDs stays."""
    for path in glob.glob(account.home + "/Maildir/**/dovecot.index*",
            recursive=True) + glob.glob(account.home
            + "/Maildir/.*/dovecot.index*"):
        os.unlink(path)


def from_dovecot(host, a, d):
    c = d.imap()
    for n in range(6):
        c.append("INBOX", mailgen.wire(letter(n)))
    c.select()
    c.must("STORE 1 +FLAGS (\\Seen \\Flagged $Work)")
    c.must("STORE 2 +FLAGS (\\Answered \\Draft two three)")
    c.must("STORE 4 +FLAGS (\\Deleted)")
    c.must("EXPUNGE")
    c.must("STORE 4 +FLAGS (\\Deleted three)")
    c.must("CREATE lists/a")
    c.must("CREATE \"lists/Entw&APw-rfe\"")
    c.must("COPY 1:3 lists/a")
    c.must("NOOP")
    theirs = state(c), state(c, "lists/a")
    c.must("LOGOUT")

    ours = host.imap()
    tap.equal(state(ours), theirs[0], "what Dovecot wrote: INBOX")
    tap.equal(state(ours, "lists/a"), theirs[1],
        "what Dovecot wrote: a Maildir++ folder")
    listed = sorted(b"".join(x).split(b" ", 2)[2] for x in
        ours.must('LIST "" *'))
    names = [re.search(rb'"/" "?([^"\r]*)"?\r', x).group(1) for x in listed]
    tap.equal(sorted(names), [b"INBOX", b"lists", b"lists/Entw&APw-rfe",
        b"lists/a"], "LIST shows the folders")
    text = b"".join(listed)
    tap.ok(re.search(rb"\(\\Noselect \\HasChildren\) \"/\" \"lists\"\r",
        text), "and what is above them", text)
    seen = [re.search(rb'"/" "?([^"\r]*)"?\r', b"".join(x)).group(1)
        for x in ours.must('LIST "" %')]
    tap.equal(sorted(seen), [b"INBOX", b"lists"], "LIST of one level")
    ours.must("LOGOUT")
    forget(a)
    ours = host.imap()
    tap.equal(state(ours), theirs[0], "again, without an index")
    ours.must("LOGOUT")


def to_dovecot(host, a, d, what):
    c = host.imap()
    c.select()
    for n in range(10, 14):
        c.append("INBOX", mailgen.wire(letter(n)), "\\Seen $New")
    c.must("NOOP")
    count = c.select()
    c.must("STORE %d +FLAGS (\\Flagged $Work four)" % count)
    c.must("STORE %d +FLAGS (\\Deleted)" % (count - 1))
    c.must("EXPUNGE")
    c.must("STORE 1 -FLAGS (\\Flagged two)")
    c.must("CREATE made/" + what)
    c.must("COPY 2:4 made/" + what)
    c.must("CHECK")
    ours = state(c), state(c, "made/" + what)
    c.must("LOGOUT")
    theirs = d.imap()
    tap.equal(state(theirs), ours[0], "what we wrote, by Dovecot " + what
        + ": INBOX")
    tap.equal(state(theirs, "made/" + what), ours[1],
        "what we wrote, by Dovecot " + what + ": a folder")
    theirs.must("LOGOUT")


def both_ways(host, a, d):
    """Sessions of both at a time."""
    ours, theirs = host.imap(), d.imap()
    ours.select()
    theirs.select()
    ours.append("INBOX", mailgen.wire(letter(20)))
    theirs.append("INBOX", mailgen.wire(letter(21)))
    ours.must("NOOP")
    theirs.must("NOOP")
    last = max(state(ours)[1])
    ours.select()
    theirs.select()
    ours.must("UID STORE %d +FLAGS (\\Answered)" % last)
    theirs.must("UID STORE %d +FLAGS (\\Flagged)" % last)
    ours.must("CHECK")
    theirs.must("CHECK")
    time.sleep(0.05)    # Dovecot looks by the time of the directory
    want = state(ours)
    tap.ok({b"\\answered", b"\\flagged"} <= set(want[1][last][0]),
        "flags of both are merged", want[1][last][0])
    got = state(theirs)
    tap.equal(got, want, "both see the same")
    ours.must("LOGOUT")
    theirs.must("LOGOUT")


MBSYNCRC = """
MaildirStore here
SubFolders Maildir++
Inbox ~/Maildir

MaildirStore there
SubFolders Maildir++
Inbox ~/there

Channel all
Far :there:
Near :here:
Patterns INBOX
Create Both
Sync All
Expunge Both
SyncState ~/
"""


def with_mbsync(host, a):
    a.write(".mbsyncrc", MBSYNCRC.encode())
    c = host.imap()
    before = state(c)

    def sync():
        done = subprocess.run(["mbsync", "-c", a.home + "/.mbsyncrc", "-a"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=a.home,
            env={"HOME": a.home, "PATH": "/usr/bin:/bin"},
            preexec_fn=a.drop)
        tap.equal(done.returncode, 0, "mbsync runs: "
            + done.stdout.decode(errors="replace"))

    def there():
        return [mailgen.unwire(server.read(p).encode()) for p in
            glob.glob(a.home + "/there/*/*")
            if os.path.basename(p)[0] != "."
            and os.path.dirname(p)[-3:] in ("cur", "new")]
    sync()
    names = os.listdir(a.home + "/Maildir/cur")
    tap.ok(all(",U=" in n for n in names), "it puts its UIDs into names",
        names[:3])
    tap.equal(state(c), before, "and no message has another UID")
    c.select()
    c.must("STORE 2 +FLAGS (\\Flagged)")
    c.must("STORE 3 +FLAGS (\\Deleted)")
    c.must("EXPUNGE")
    c.append("INBOX", mailgen.wire(letter(30)))
    c.must("CHECK")
    count = len(there())
    sync()
    tap.equal(len(there()), count, "one came, one went")
    path = [p for p in glob.glob(a.home + "/there/*/*")
        if b"letter 30\n" in server.read(p).encode()][0]
    os.unlink(path)
    a.write("there/new/1.a.b", letter(31))
    sync()
    texts = [t for _, _, t in state(c)[1].values()]
    tap.equal(len(texts), count, "one went, one came from there")
    tap.ok(mailgen.wire(letter(30)) not in texts, "a removal comes back")
    tap.equal(sum(b"letter 31\r\n" in t for t in texts), 1,
        "and a new message")
    c.must("LOGOUT")


def with_mutt(host, a):
    """mutt tags all, flags them, deletes one."""
    c = host.imap()
    before = state(c)
    status, said = others.mutt(a, a.home + "/Maildir",
        "<tag-pattern>~A<enter><tag-prefix><set-flag>!"
        "<first-entry><delete-message><sync-mailbox><quit>")
    tap.ok(status == 0, "mutt runs", said[-900:])
    after = state(c)
    tap.equal(after[0], before[0], "mutt: the same UIDVALIDITY")
    tap.equal(len(after[1]), len(before[1]) - 1, "mutt removes one")
    tap.ok(set(after[1]) < set(before[1]), "the others keep their UIDs",
        (sorted(before[1]), sorted(after[1])))
    tap.ok(all(b"\\flagged" in f for f, _, _ in after[1].values()),
        "its flags are seen")
    tap.ok(all(f - {b"\\flagged", b"\\seen"} == before[1][u][0]
        - {b"\\flagged", b"\\seen"} for u, (f, _, _) in after[1].items()),
        "and the keywords stay")
    c.must("LOGOUT")


def between_formats(host, a):
    c = host.imap()
    c.must("CREATE #driver.unix/file")
    c.must("CREATE tree/")
    c.must("CREATE #driver.maildir/tree/dir")
    tap.ok(os.path.isfile(a.home + "/mail/file") and os.path.isdir(
        a.home + "/mail/tree/dir/cur"), "#driver.NAME/ makes what it says")
    status, line, _ = c.cmd("CREATE #driver.mh/no")
    tap.ok(status == "NO", "a format that is not there is refused", line)
    date = ' "01-Feb-2003 04:05:06 +0200"'
    for n in range(3):
        m = mailgen.wire(letter(40 + n))
        c.must("APPEND file (\\Seen $Kept)%s {%d}" % (date, len(m)), m)
    before = list(state(c, "file")[1].values())
    c.select("file")
    c.must("COPY 1:3 tree/dir")
    got = list(state(c, "tree/dir")[1].values())
    tap.equal(got, before, "COPY from a file to a maildir keeps all")
    c.select("tree/dir")
    c.must("MOVE 1:2 file")
    tap.equal(list(state(c, "file")[1].values()), before + before[:2],
        "MOVE back does too")
    tap.equal(list(state(c, "tree/dir")[1].values()), before[2:],
        "and takes them away")
    c.must("LOGOUT")


def configured():
    """INBOX is a file, and new mailboxes are to be maildirs, or not."""
    for conf, is_dir in (("", False), ("format = unix\n", False),
            ("format = maildir\n", True)):
        host = server.Host(conf=conf)
        c = host.imap()
        c.must("CREATE a/b")
        path = host.account().home + "/a/b"
        tap.equal((os.path.isdir(path + "/cur"), os.path.isfile(path)),
            (is_dir, not is_dir), "CREATE with %r" % conf)
        tap.equal(c.select("a/b"), 0, "and it can be selected")
        c.must("LOGOUT")
        host.stop()


def names(host, a):
    c = host.imap()

    def listed(pattern="*"):
        return {re.search(rb'"/" "?([^"\r]*)"?\r', b"".join(x)).group(1):
            re.search(rb"\((.*?)\)", x[0]).group(1) for x in
            c.must('LIST "" %s' % pattern)}
    c.must("CREATE tree/dir/below")
    tap.ok(os.path.isdir(a.home + "/mail/tree/dir/below/new"),
        "below a maildir there are maildirs")
    got = listed("tree/dir*")
    tap.equal(sorted(got), [b"tree/dir", b"tree/dir/below"],
        "a maildir's own directories are no mailboxes")
    tap.ok(b"\\HasChildren" in got[b"tree/dir"] and b"\\Noselect" not in
        got[b"tree/dir"] and b"\\HasNoChildren" in got[b"tree/dir/below"],
        "attributes are right", got)
    for bad in ("SELECT tree/dir/cur", "DELETE tree/dir/cur", "RENAME tree/dir/new x",
            "CREATE tree/dir/cur/x", "CREATE tree/dir/tmp", "DELETE tree/dir/tmp",
            "SELECT tree/dir/dovecot-uidlist", "DELETE tree/dir/dovecot-uidlist",
            "RENAME tree/dir/dovecot-uidlist x", "CREATE #driver.unix/tree/dir/file"):
        status, line, _ = c.cmd(bad)
        tap.equal(status, "NO", bad + " is refused")
    count = c.select("tree/dir")
    c.must("CLOSE")
    c.must("RENAME tree/dir tree/moved")
    tap.equal(c.select("tree/moved"), count, "RENAME takes messages along")
    tap.equal(c.select("tree/moved/below"), 0, "and what is below")
    c.must("CLOSE")
    a.write("mail/tree/moved/keep.txt", b"mine")
    c.must("DELETE tree/moved")
    tap.ok(os.path.exists(a.home + "/mail/tree/moved/keep.txt")
        and os.path.isdir(a.home + "/mail/tree/moved/below/cur")
        and not os.path.exists(a.home + "/mail/tree/moved/cur"),
        "DELETE removes nothing but the mailbox's own parts")
    tap.ok(b"\\Noselect" in listed()[b"tree/moved"], "it is a directory now")
    c.must("DELETE tree/moved/below")
    tap.ok(not os.path.exists(a.home + "/mail/tree/moved/below"),
        "an empty one goes whole")
    c.must("CREATE other/one")
    c.must("CREATE other/one/two")
    c.must("RENAME other/one elsewhere")
    tap.ok(os.path.isdir(a.home + "/Maildir/.elsewhere.two"),
        "folders below a Maildir++ folder are renamed with it",
        sorted(os.listdir(a.home + "/Maildir")))
    c.must("DELETE elsewhere")
    tap.ok(os.path.isdir(a.home + "/Maildir/.elsewhere.two") and not
        os.path.exists(a.home + "/Maildir/.elsewhere"),
        "and stay when it is deleted")
    c.must("LOGOUT")


def hostile(host, a):
    """What is no message is passed over; a broken list is mended."""
    c = host.imap()
    c.must("CREATE #driver.maildir/tree/odd")
    top = a.home + "/mail/tree/odd"
    for n in range(3):
        c.append("tree/odd", mailgen.wire(letter(50 + n)))
    before = state(c, "tree/odd")
    os.mkfifo(top + "/cur/fifo:2,S")
    os.symlink("/etc/passwd", top + "/cur/link:2,")
    os.symlink("/dev/zero", top + "/new/zero")
    os.mkdir(top + "/cur/directory")
    a.write("mail/tree/odd/new/delivered", letter(60))
    a.write("mail/tree/odd/tmp/left", b"x")
    a.write("mail/tree/odd/tmp/fresh", b"x")
    os.utime(top + "/tmp/left", (1, time.time() - 40 * 3600))
    got = state(c, "tree/odd")
    tap.equal({u: x for u, x in got[1].items() if u in before[1]}, before[1],
        "links, FIFOs and directories are no messages")
    tap.equal(len(got[1]), 4, "a delivery is one")
    tap.ok(os.path.exists(top + "/new/delivered")
        and os.path.exists(top + "/tmp/left"), "EXAMINE moves nothing")
    tap.equal(state(c, "tree/odd", "SELECT"), got, "SELECT shows the same")
    tap.ok(os.path.exists(top + "/cur/delivered:2,") and not
        os.path.exists(top + "/new/delivered"), "and moves it to cur")
    tap.ok(not os.path.exists(top + "/tmp/left") and os.path.exists(
        top + "/tmp/fresh"), "what is old in tmp is removed")
    c.must("LOGOUT")
    lines = server.read(top + "/dovecot-uidlist").splitlines()
    for what, text in (
            ("cut in a line", "\n".join(lines)[:-9]),
            ("without an end of the header", lines[0]),
            ("with lines turned round", "\n".join([lines[0]]
                + lines[:0:-1]) + "\n"),
            ("with names that lead out", "\n".join(lines[:2]
                + ["2 :../../../etc/passwd", "3 :/dev/zero", "x",
                "4294967296 :a", ":", "9 "] + lines[3:]) + "\n")):
        a.write("mail/tree/odd/dovecot-uidlist", text.encode())
        c = host.imap()
        tap.equal(state(c, "tree/odd"), got, "a list " + what + ": the index "
            "knows better")
        c.must("LOGOUT")
        mended = server.read(top + "/dovecot-uidlist").splitlines()
        tap.equal((mended[0].split()[:2], len(mended)),
            (lines[0].split()[:2], len(lines)), "and it is mended")
    for what, text in (
            ("that is no list", b"hello\n\xff\n"), ("that is empty", b""),
            ("with no numbers left", b"3 V%d N4294967295\n4294967290 :x\n"
                % got[0])):
        a.write("mail/tree/odd/dovecot-uidlist", text)
        forget(a)
        c = host.imap()
        after = state(c, "tree/odd")
        tap.ok(sorted(m for _, _, m in after[1].values()) == sorted(
            m for _, _, m in got[1].values()) and after[0] != 0,
            "a list " + what + " costs UIDs, and no message", after)
        c.must("LOGOUT")


def doubles(host, a):
    """Two files of one base, and a file that is there by two names."""
    top = a.home + "/mail/tree/odd"
    c = host.imap()
    before = state(c, "tree/odd")[1]
    a.write("mail/tree/odd/cur/same.base:2,", letter(70))
    a.write("mail/tree/odd/cur/same.base:2,S", letter(71))
    a.write("mail/tree/odd/cur/linked:2,", letter(72))
    os.link(top + "/cur/linked:2,", top + "/cur/linked:2,F")
    got = state(c, "tree/odd", "SELECT")[1]
    texts = [m for _, _, m in got.values()]
    tap.equal(len(got), len(before) + 3, "each message once")
    tap.ok(all(mailgen.wire(letter(n)) in texts for n in (70, 71, 72)),
        "and none is lost")
    tap.equal(state(c, "tree/odd", "SELECT")[1], got, "the next time too")
    c.must("LOGOUT")


def quick():
    """Two deliveries so soon after each other that no time of the directory
    changes with the second: IDLE tells of both, with no look at the mailbox
    that it would take some time."""
    host = server.Host(programs=())
    host.env.update(LD_PRELOAD=server.preload("hurry", host.dir),
        HURRY_EVENTS="yes")
    host.start("imapd")
    a = host.account()
    os.mkdir(a.home + "/mail")
    a.own(a.home + "/mail")
    top = a.home + "/mail/tree/quick"
    c, other = host.imap(), host.imap()
    other.must("CREATE #driver.maildir/tree/quick")
    c.select("tree/quick")
    c.send(b"i IDLE\r\n")
    c.line()
    a.write("mail/tree/quick/tmp/x", letter(1))
    told = 0
    for n in range(100):
        for half in range(2):
            os.link(top + "/tmp/x", top + "/new/%d.%d" % (n, half))
            time.sleep(0.0007 * (1 - half))
        while c.line() != b"* %d EXISTS\r\n" % (2 * n + 2):
            pass
        told += 2
    tap.equal(told, 200, "IDLE hears of deliveries within one tick")
    for s in c, other:
        s.close()
    host.stop()


def main():
    need("dovecot", "mbsync", "mutt")
    host = server.Host()
    a = host.account()
    os.unlink(a.spool)
    os.mkdir(a.home + "/mail")
    a.own(a.home + "/mail")
    d = others.Dovecot(host, maildir=True)
    from_dovecot(host, a, d)
    to_dovecot(host, a, d, "with-index")
    forget_theirs(a)
    to_dovecot(host, a, d, "without-index")
    both_ways(host, a, d)
    with_mbsync(host, a)
    with_mutt(host, a)
    between_formats(host, a)
    configured()
    names(host, a)
    hostile(host, a)
    doubles(host, a)
    quick()
    tap.equal(host.faults(), "", "no fault is reported")


run(main)
