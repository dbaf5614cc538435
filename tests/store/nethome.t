#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A home on NFS (tests/lib/nethome.c says so): the index is not in it but in
/var/cache/imapd/UID, which root made for the user and nobody else; where that
can't be had it is kept in memory, and the log says so."""

import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
import mailgen
import room
from server import FIRST_UID, Host, preload
from tap import run, tap, wait_for

CACHE = "/var/cache/imapd"


def session(host, what):
    c = host.imap()
    tap.equal(c.select(), 3, what + ": mail is read")
    c.cmd("STORE 1 +FLAGS (\\Flagged)")
    uids = b"".join(b"".join(x) for x in c.must("FETCH 1:* (UID FLAGS)"))
    c.must("LOGOUT")
    wait_for("the end", lambda: not host.processes())
    return uids


def main():
    r = room.enter()
    if not r.inside:
        tap.skip("homes on a network", "needs /var/cache of its own")
        return
    room.must("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs",
        "/var/cache")
    library = preload("nethome", r.dir)
    host = Host(programs=(), where="/run/room")
    a = host.account()
    host.env.update(LD_PRELOAD=library, NETHOME=a.home)
    host.start("imapd")
    a.fill(mailgen.to_mbox(mailgen.ordinary(3)))
    mine = "%s/%d" % (CACHE, FIRST_UID)
    first = session(host, "a home on NFS")
    tap.ok(not os.path.exists(a.index), "no index in the home")
    tap.ok(os.path.isdir(mine) and os.listdir(mine), "but in the cache")
    st = os.stat(CACHE)
    tap.equal((st.st_uid, st.st_mode & 0o7777), (0, 0o755),
        "the directory of all is root's")
    st = os.stat(mine)
    tap.equal((st.st_uid, st.st_mode & 0o7777), (FIRST_UID, 0o700),
        "the user's is his alone")
    second = session(host, "once more")
    tap.ok(b"\\Flagged" in second and b"\\Flagged" in first,
        "flags are kept", second)

    def hostile(what, make):
        shutil.rmtree(CACHE, ignore_errors=True)
        make()
        at = len(host.log())
        session(host, what)
        tap.ok("indexes are kept in memory" in host.log()[at:] and
            not os.path.exists(a.index), what + ": in memory, and logged",
            host.log()[at:])

    def anothers():
        os.mkdir(CACHE, 0o755)
        os.mkdir(mine, 0o777)

    def link():
        os.mkdir(CACHE, 0o755)
        os.mkdir("/run/room/target", 0o700)
        os.symlink("/run/room/target", mine)

    def top():
        os.mkdir(CACHE)
        os.chmod(CACHE, 0o777)
    hostile("another's directory of that name", anothers)
    hostile("a link of that name", link)
    st = os.stat("/run/room/target")
    tap.ok(st.st_uid == 0 and not os.listdir("/run/room/target"),
        "what it leads to is not the user's now")
    hostile("a directory of all that others can write to", top)
    tap.ok(not os.path.exists(mine), "nothing is made in it")
    tap.equal(host.faults(), "", "no fault is reported")


run(main)
