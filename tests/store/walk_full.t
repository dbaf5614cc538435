#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A disk that is really full: mailbox, index and redo file on a small ext4 of
their own, with from no octet to some hundred thousand left.  Whatever is
answered OK is there when there is room again, and nothing else is lost."""

import os
import subprocess
import sys
import tempfile
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from imapc import Gone
from ledger import Book, Died, Writer, check, fetch_all
from place import Place, need_build
from tap import need, run, skip_all, tap

KIB = 1024
LEFT = (0, 4, 12, 24, 48, 96, 256, 1024)


def enter():
    """In a mount namespace of its own the script goes on."""
    if os.geteuid() != 0:
        skip_all("mounting a file system needs root")
    if "FULL_INSIDE" in os.environ:
        return
    unshare = ["unshare", "-m", "--propagation", "private"]
    if subprocess.run(unshare + ["true"], stderr=subprocess.DEVNULL
            ).returncode != 0:
        skip_all("no mount namespace is to be had")
    os.execvpe("unshare", unshare + [sys.executable, os.path.abspath(
        __file__)], dict(os.environ, FULL_INSIDE="1"))


def mounted():
    """An empty file system of 8 MiB: ext4, or where no loop device is to be
    had (in a chroot), tmpfs."""
    image = tempfile.NamedTemporaryFile(prefix="full.")
    image.truncate(8 << 20)
    top = tempfile.mkdtemp(prefix="full.")
    ways = (
        (["mkfs.ext4", "-q", "-m", "0", "-b", "4096", "-O", "^has_journal",
            image.name], ["mount", "-o", "loop", image.name, top]),
        (["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", top],),
    )
    for commands in ways:
        done = [subprocess.run(command, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT) for command in commands]
        if all(d.returncode == 0 for d in done):
            return image, top
        tap.diag(done[-1].stdout.decode().strip())
    os.rmdir(top)
    skip_all("no file system can be mounted")

def fill(path, left):
    """Writes as many octets as there is room for, less `left`."""
    with open(path, "wb", buffering=0) as f:
        try:
            while f.write(b"x" * KIB):
                pass
        except OSError:
            pass
        f.truncate(max(0, f.tell() - left))
        os.fsync(f.fileno())


def idents(book):
    return list(book.boxes["INBOX"])


def appends(w, book):
    w.append(size=300)
    w.append(size=9000, flags="\\Seen")
    w.append(size=40000)


def expunges(w, book):
    all_of = idents(book)
    if w.store(all_of[1:4], "+", "\\Deleted"):
        w.expunge()
    if w.store(all_of[5:6], "+", "\\Deleted"):
        w.close()


def flags(w, book):
    w.store(idents(book)[::2], "+", "\\Flagged green")
    w.cmd("CHECK")


def moves(w, book):
    w.transfer("COPY", idents(book)[:2], "other")
    w.transfer("MOVE", idents(book)[2:5], "other")


def names(w, book):
    if w.create("made"):
        w.append("made")
    w.rename("other", "elsewhere")
    w.subscribe("made")


def deed(top, act, known, left):
    """Complaints after one of the above with so many octets left."""
    place, book = Place(where=top), Book()
    filler = os.path.join(top, "filler")
    book.deliver(place, (200, 3000, 500, 20000, 100, 1000, 40, 3000))
    w = Writer(book, place.imap())
    w.create("other")
    w.select()
    w.learn()
    if known:
        w.cmd("LOGOUT")
        w.s.end()
        w = Writer(book, place.imap())
        w.select()
    fill(filler, left)
    bad = []
    try:
        act(w, book)
        w.cmd("LOGOUT")
    except (Died, Gone):
        bad.append("the session ended by itself")
    bad.append(w.s.end())
    said = [line.split()[1] for _, line in w.said]
    bad = [b for b in bad if b]
    # It is full still, and mail is read.
    c = place.imap()
    c.select()
    texts = {e.text for e in book.boxes["INBOX"].values()}
    if any(text not in texts for _, _, text in fetch_all(c)):
        bad.append("other octets while the disk is full")
    c.must("LOGOUT")
    c.end()
    os.unlink(filler)
    bad += check(place, book)
    if bad:
        bad.append(place.logged()[-2000:])
    place.remove()
    return bad, said


def main():
    need("mkfs.ext4")
    need_build()
    enter()
    image, top = mounted()
    try:
        for act in (appends, expunges, flags, moves, names):
            for known in (False, True):
                refused = 0
                for left in LEFT:
                    bad, said = deed(top, act, known, left * KIB)
                    refused += b"NO" in said
                    tap.ok(not bad, "%s%s, %d KiB left" % (act.__name__,
                        " where there is room in headers" if known else "",
                        left), "\n".join(str(b) for b in bad))
                tap.diag("%d times a command was refused" % refused)
    finally:
        subprocess.run(["umount", top])
        os.rmdir(top)
        image.close()


run(main, 900)
