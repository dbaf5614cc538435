#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What may lie where a mailbox, its lock, its index or .mailboxlist should
be: FIFOs, devices, sockets, links out of the mail root, directories.  Nothing
hangs, nothing outside is read or written, and what is refused is said."""

import os
import signal
import socket
import stat
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
import mailgen
from imapc import Gone
from server import Host, rss_kib, sanitized
from tap import remove_tree, run, tap

IS_ROOT = os.geteuid() == 0
LETTER = b"Subject: put there\r\n\r\nbody\r\n"
SECRET = mailgen.to_mbox([b"Subject: secret\n\nnobody else's\n"])


def put(a, path, kind, outside):
    """Makes such a thing; False where it can't be made."""
    if kind == "FIFO":
        os.mkfifo(path)
    elif kind == "socket":
        s = socket.socket(socket.AF_UNIX)
        s.bind(path)
        s.close()
    elif kind == "device":
        if not IS_ROOT:
            return False
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 5))
    elif kind == "link to /dev/tty":
        os.symlink("/dev/tty", path)
    elif kind == "link to a file outside":
        os.symlink(outside, path)
    elif kind == "link that loops":
        os.symlink(os.path.basename(path), path)
    elif kind == "link to nowhere":
        os.symlink(outside + ".none", path)
    elif kind == "directory":
        os.mkdir(path, 0o700)
    elif kind == "hard link to a file outside":
        os.link(outside, path)
        return True
    elif kind == "another's file":
        if not IS_ROOT:
            return False
        with open(path, "xb") as f:
            f.write(b"1\n")
        return True
    if not os.path.islink(path):
        a.own(path)
    return True


KINDS = ("FIFO", "socket", "device", "link to /dev/tty",
    "link to a file outside", "link that loops", "link to nowhere",
    "directory")


# What liblockfile may believe to be another program's lock.
REGULAR = ("hard link to a file outside", "another's file")


def outside_of(host):
    path = os.path.join(host.dir, "outside")
    with open(path, "wb") as f:
        f.write(SECRET)
    os.chmod(path, 0o666)
    return path


def mailboxes(host):
    a, outside = host.account(), outside_of(host)
    a.fill(mailgen.to_mbox(mailgen.ordinary(1)))
    for kind in KINDS:
        path = os.path.join(a.home, "box")
        if not put(a, path, kind, outside):
            tap.skip("mailbox: " + kind, "not root")
            continue
        c = host.imap()
        c.select()
        bad = []
        for command in ("STATUS box (MESSAGES UIDNEXT)", "EXAMINE box",
                "SELECT box", "COPY 1 box", "LIST \"\" *", "CREATE box",
                "RENAME box INBOX", "LSUB \"\" *"):
            if command.startswith("COPY"):
                c.select()
            try:
                status, line, seen = c.cmd(command)
            except (Gone, OSError) as why:
                bad.append((command, repr(why)))
                c = host.imap()
                continue
            if status == "OK" and not command.startswith(("L", "COPY")):
                bad.append((command, line))
            elif status == "OK" and command.startswith("COPY"):
                bad.append((command, line))
        status, line, _ = c.cmd("APPEND box {%d}" % len(LETTER), LETTER)
        if status == "OK":
            bad.append(("APPEND", line))
        tap.ok(not bad, "mailbox: %s: all is refused" % kind, bad)
        with open(outside, "rb") as f:
            tap.ok(f.read() == SECRET and not os.path.exists(outside +
                ".none"), "mailbox: %s: nothing outside is changed" % kind)
        status, line, _ = c.cmd("DELETE box")
        with open(outside, "rb") as f:
            tap.equal(f.read(), SECRET, "and DELETE says %s" % status)
        c.close()
        remove(path)


def remove(path):
    if os.path.isdir(path) and not os.path.islink(path):
        remove_tree(path)
    elif os.path.lexists(path):
        os.unlink(path)


def directory_links(host):
    """A directory that a link leads out of the root."""
    a = host.account()
    other = os.path.join(host.dir, "elsewhere")
    os.mkdir(other)
    os.chmod(other, 0o777)
    path = os.path.join(other, "box")
    with open(path, "wb") as f:
        f.write(SECRET)
    os.chmod(path, 0o666)
    os.symlink(other, os.path.join(a.home, "way"))
    os.mkdir(os.path.join(a.home, "deep"), 0o700)
    a.own(os.path.join(a.home, "deep"))
    os.symlink("..", os.path.join(a.home, "deep", "up"))
    c = host.imap()
    bad = []
    for command in ("SELECT way/box", "STATUS way/box (MESSAGES)",
            "CREATE way/new", "RENAME way/box mine", "DELETE way/box",
            "CREATE mine2/", "RENAME mine2 way/mine2"):
        status, line, _ = c.cmd(command)
        if status == "OK" and command != "CREATE mine2/":
            bad.append((command, line))
    names = b"".join(b"".join(x) for x in c.must('LIST "" *'))
    tap.ok(b"way/box" not in names and b"up/deep" not in names,
        "LIST goes through no link, and round no circle", names)
    tap.ok(not bad, "a link to a directory outside: all is refused", bad)
    tap.equal(os.listdir(other), ["box"], "and nothing is changed there")
    c.close()
    os.unlink(os.path.join(a.home, "way"))
    host.left()


def locks(host):
    """Something else has the name of the dot-lock."""
    a, outside = host.account(), outside_of(host)
    for kind in KINDS + REGULAR:
        a.write("locked", mailgen.to_mbox(mailgen.ordinary(1)))
        c = host.imap()
        tap.equal(c.select("locked"), 1, "lock: %s: SELECT before it" % kind)
        lock = os.path.join(a.home, "locked.lock")
        if not put(a, lock, kind, outside):
            c.close()
            continue
        tap.equal(c.select("locked"), 1, "lock: %s: SELECT" % kind)
        status, line, _ = c.cmd("APPEND locked {%d}" % len(LETTER), LETTER)
        if kind in REGULAR:
            tap.ok(status == "NO" and b"[INUSE]" in line,
                "lock: %s: respected, and not waited for for ever" % kind,
                line)
        else:
            tap.ok(status in ("OK", "NO"),
                "lock: %s: APPEND is answered (%s)" % (kind, status), line)
        with open(outside, "rb") as f:
            tap.ok(f.read() == SECRET and os.path.lexists(lock) and not
                os.path.exists(outside + ".none"),
                "lock: %s: nothing is made of it" % kind)
        c.close()
        remove(lock)
        # Who leaves locks it as well, to write what is in the index only.
        host.left()
        remove(os.path.join(a.home, "locked"))


def state_files(host):
    """.imapindex and .mailboxlist."""
    a, outside = host.account(), outside_of(host)
    a.fill(mailgen.to_mbox(mailgen.ordinary(2)))
    for name in (".imapindex", ".mailboxlist"):
        for kind in KINDS:
            path = os.path.join(a.home, name)
            remove(path)
            if not put(a, path, kind, outside):
                continue
            c = host.imap()
            tap.equal(c.select(), 2, "%s: %s: mail is read" % (name, kind))
            c.bodies()
            for command in ('LSUB "" *', "SUBSCRIBE x", "UNSUBSCRIBE x"):
                c.cmd(command)
            p = host.pop()
            tap.ok(p.cmd("STAT").startswith(b"+OK 2 "), "by POP3 too")
            p.close()
            with open(outside, "rb") as f:
                tap.ok(f.read() == SECRET and not os.path.exists(outside +
                    ".none"), "%s: %s: nothing outside is changed" % (name,
                    kind))
            c.close()
            host.left()
            remove(path)


def much_subscribed(host):
    """A .mailboxlist of many megabytes: said or refused, in bounded memory."""
    a = host.account()
    path = os.path.join(a.home, ".mailboxlist")
    a.write(path, b"".join(b"Mail/box%d\n" % n for n in range(2000000)))
    c = host.imap()
    for command in ('LSUB "" *', "SUBSCRIBE x", "UNSUBSCRIBE Mail/box7",
            'LSUB "" %'):
        tap.ok(c.cmd(command)[0] in ("OK", "NO"), "2,000,000 subscriptions: "
            + command)
    most = max(rss_kib(p) for p in host.processes())
    tap.ok(sanitized() or most < 64 * 1024, "in bounded memory",
        "%d KiB" % most)
    c.close()
    remove(path)


def main():
    host = Host(conf="lock_timeout = 1\n", programs=("imapd", "ipop3d"))
    for part in (mailboxes, directory_links, locks, state_files,
            much_subscribed):
        part(host)
    tap.ok(host.alive(), "the servers are alive")
    tap.equal(host.faults(), "", "no fault is reported")


run(main)
