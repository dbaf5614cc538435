#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""wait mode under those who start servers: openbsd-inetd, inetutils-inetd,
xinetd and systemd's socket activation, with PAM; systemd's Accept=yes is nowait,
with the client as descriptor 3 or 0."""

import os
import shutil
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../lib"))
import mailgen
import room
import setuproom
from imapc import Imap
from server import descendants, ended, free_port, listening, status
from tap import run, tap, wait_for

PROGRAM = "/usr/local/sbin/imapd"
LINE = "%s stream tcp wait root %s imapd\n"


def imapds(child):
    """Processes of ours below a super-server."""
    return [pid for pid in descendants(child.pid)
        if (status(pid, "Name") or "").startswith("imapd")]


def works(r, name, child, port, leaves=True):
    for round_ in ("a client", "another, after it has left")[:1 + leaves]:
        c = Imap(port, r.crt)
        c.login(r.user.name, r.user.password)
        tap.equal(c.select(), 2, "%s: %s reads mail" % (name, round_))
        before = set(imapds(child))
        d = Imap(port, r.crt)
        # Acceptor and nursery are shared; monitor and front are new.
        tap.equal(len(set(imapds(child)) - before), 2,
            name + ": two processes more for one client more")
        d.close()
        c.must("LOGOUT")
        if leaves:
            wait_for("it to leave", lambda: not imapds(child))
    tap.ok("front was ended" not in r.log(), name + ": no front was ended")


def inetd(r, name, program, *args):
    conf = r.dir + "/" + name
    with open(conf, "w") as f:
        f.write(LINE % ("imaps", PROGRAM))
    child = r.start([program, *args, conf])
    wait_for(name, lambda: listening(993))
    works(r, name, child, 993)
    stop(child, 993)


def stop(child, port):
    left = descendants(child.pid)
    child.terminate()
    child.wait()
    for pid in left:
        try:
            os.kill(pid, signal.SIGTERM)
        except ProcessLookupError:
            pass
    wait_for("the port", lambda: not listening(port) and ended(left))


def xinetd(r):
    setuproom.unpacked("xinetd")
    conf = r.dir + "/xinetd"
    with open(conf, "w") as f:
        f.write("service imaps\n{\n socket_type = stream\n wait = yes\n"
            " user = root\n server = %s\n}\n" % PROGRAM)
    child = r.start(["/usr/sbin/xinetd", "-dontfork", "-f", conf])
    wait_for("xinetd", lambda: listening(993))
    works(r, "xinetd", child, 993)
    stop(child, 993)


def systemd(r):
    if shutil.which("systemd-socket-activate") is None:
        tap.skip("systemd", "not installed")
        return
    # Two sockets, one of them TLS by its port; it takes the program's place.
    child = r.start(["systemd-socket-activate", "-l", "127.0.0.1:993", "-l",
        "127.0.0.1:143", PROGRAM])
    wait_for("systemd", lambda: listening(993) and listening(143))
    works(r, "systemd, Accept=no", child, 993, leaves=False)
    c = Imap(143)
    tap.ok(b"STARTTLS" in c.greeting, "systemd: and in clear at the other "
        "socket")
    c.close()
    wait_for("it to leave", lambda: child.poll() is not None)
    tap.ok(True, "systemd, Accept=no: it leaves")
    for how in ((), ("--inetd",)):
        child = r.start(["systemd-socket-activate", "--accept", *how, "-l",
            "127.0.0.1:993", PROGRAM])
        wait_for("systemd", lambda: listening(993))
        c = Imap(993, r.crt)
        c.login(r.user.name, r.user.password)
        tap.equal(c.select(), 2, "systemd, Accept=yes %s" % " ".join(how))
        c.must("LOGOUT")
        stop(child, 993)


def main():
    r = room.enter()
    if not r.inside:
        tap.skip("super-servers", "no room, so the ports are not ours")
        return
    r.user = r.add_user("joe")
    r.fill(r.user, mailgen.to_mbox(mailgen.ordinary(2)))
    r.install()
    r.services()
    r.certificate()
    r.configure("idle_exit = 1\n")
    inetd(r, "openbsd-inetd", shutil.which("inetd"), "-i")
    setuproom.unpacked("inetutils-inetd")
    inetd(r, "inetutils-inetd", "/usr/sbin/inetutils-inetd", "-d")
    xinetd(r)
    systemd(r)


run(main)
