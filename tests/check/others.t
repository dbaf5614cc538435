#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What --check finds between xinetd, inetutils-inetd or systemd and the
servers, and that what it prints mends it.  systemd itself doesn't run in a
room: systemd-socket-activate listens in its place, and what is looked at is
units."""

import os
import re
import shutil
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
import room
import setuproom
from server import listening, read
from setups import Setup, World, served, try_all
from tap import ROOT, need, run, tap, wait_for

IMAPD, POP3D = "/usr/local/sbin/imapd", "/usr/local/sbin/ipop3d"
X, G = "/etc/xinetd.d/imapd", "/etc/inetd.d/imapd"
UNITS = "/etc/systemd/system/"


class Others(World):
    """No super-server at first; use() sets one up in the place of another."""
    program = None

    def start_inetd(self):
        os.unlink("/etc/inetd.conf")
        for path in ("/usr/sbin/inetd", "/usr/sbin/xinetd",
                "/usr/sbin/inetutils-inetd"):
            if os.path.lexists(path):
                os.unlink(path)
        self.super = []

    def end(self):
        for child in self.super:
            child.kill()
            child.wait()
        self.super = []
        for port in (993, 995):
            wait_for("port %d to close" % port, lambda: not listening(port))

    def anew(self):
        self.end()
        for command in self.commands:
            self.super.append(self.room.start(command))
        for port in (993, 995):
            wait_for("port %d" % port, lambda: listening(port))

    def use(self, name, commands, files):
        """`files`: those of etc/ and where they go."""
        self.end()
        if name:
            setuproom.unpacked(name)
        for sample, path in files.items():
            os.makedirs(os.path.dirname(path), exist_ok=True)
            shutil.copy(os.path.join(ROOT, "etc", sample), path)
        self.commands = commands
        self.anew()

    def restore(self):
        super().restore()
        self.anew()

    def tell(self):
        self.super[0].send_signal(signal.SIGHUP)

    def change(self, path, pattern, to):
        """Of the first service; whoever is to know is told."""
        text, n = re.subn(pattern, to, read(self.keep(path)), count=1,
            flags=re.M)
        if n != 1:
            raise RuntimeError("%s: no %s" % (path, pattern))
        with open(path, "w") as f:
            f.write(text)


def row(name, wreck, says, **kw):
    kw.setdefault("also", ("login",))
    kw.setdefault("after", served)
    kw.setdefault("login", False)
    return Setup(name, wreck, kw.pop("check", "superserver"), says, **kw)


def changed(name, path, pattern, to, says, **kw):
    """The super-server is another one, that knows nothing of before."""
    def wreck(w):
        w.change(path, pattern, to)
        w.tell()
    return row(name, wreck, says, **kw)


def address(w):
    w.must("ip", "addr", "add", "2001:db8::1/64", "dev", "lo")
    w.undo(lambda: w.must("ip", "addr", "del", "2001:db8::1/64", "dev",
        "lo"))


# --- xinetd --------------------------------------------------------------------

def x_off(w):
    w.change(X, r"^\tsocket_type", "\tdisable = yes\n\tsocket_type")
    w.tell()
    wait_for("port 993 to close", lambda: not listening(993))


def x_none(w):
    """It serves POP3 alone."""
    w.edit(X, r"(?s)^service imaps$.*?^}", "")
    w.edit(X, r"(?s)^service imap2$.*?^}", "")
    w.tell()
    wait_for("port 993 to close", lambda: not listening(993))


def x_not_told(w):
    x_off(w)
    w.change(X, r"^\tdisable = yes\n", "")


def x_ipv4(w):
    address(w)
    w.change(X, r"^\tflags.*\n", "")
    w.end()
    w.super = [w.room.start(c) for c in w.commands]
    wait_for("port 993", lambda: listening(993))


def x_both(w):
    w.write("/etc/inetd.conf", "imaps stream tcp nowait.1000 root %s imapd\n"
        % IMAPD)
    w.keep("/usr/sbin/inetd")
    shutil.copy("/bin/true", "/usr/sbin/inetd")


def x_wrapped(w):
    w.write("/usr/sbin/tcpd", "#!/bin/sh\nexec \"$0\"\n", 0o755)
    w.change(X, r"^\tserver\t.*$", "\tserver = /usr/sbin/tcpd\n"
        "\tserver_args = %s" % IMAPD)
    w.change(X, r"^\tflags\t.*$", "\tflags = NAMEINARGS IPv6")
    w.tell()


XINETD = (
    row("switched off", x_off, r"/imapd:\d+: the entry for imapd is switched"),
    row("no entry", x_none, "nothing starts imapd"),
    row("not told", x_not_told, r"xinetd \(pid \d+\) does not listen"),
    changed("no user", X, r"^\tuser.*\n", "", "the user is missing"),
    changed("a user who may not", X, r"^\tuser.*$", "\tuser = nobody",
        "it is started as nobody"),
    changed("a path that isn't there", X, r"^\tserver\t.*$",
        "\tserver = /usr/sbin/imapd", "which is not there"),
    changed("argv[0] among the arguments", X, r"^\tuser",
        "\tserver_args = imapd\n\tuser", "ends at once for its arguments"),
    changed("a service that there isn't", X, r"^service imaps$",
        "service imapds", 'no service has the name "imapds"'),
    changed("xinetd's usual limit", X, r"^\tcps.*\n", "",
        "beyond 3000 connections a minute", state="warning"),
    changed("few instances", X, r"^\tuser", "\tinstances = 10\n\tuser",
        "no more than 10 connections at a time", state="warning"),
    changed("few from one address", X, r"^\tuser",
        "\tper_source = 5\n\tuser", "no more than 5 connections from one",
        state="warning"),
    row("IPv4 only, and there is IPv6", x_ipv4, "over IPv4 only",
        state="warning"),
    row("a line for inetd as well", x_both, "are for the same port"),
    row("tcpd", x_wrapped, "tcpd stands between", state="warning"),
)


# --- inetutils-inetd -------------------------------------------------------------

def g_limit(w):
    w.change(G, r"^(imaps.*)nowait\.1000", r"\1nowait")


def g_ipv4(w):
    address(w)
    w.change(G, r"^(imaps.*)tcp6", r"\1tcp")
    w.end()
    w.super = [w.room.start(c) for c in w.commands]
    wait_for("port 993", lambda: listening(993))


GNU = (
    row("its usual limit", g_limit, "beyond 40 connections a minute",
        state="warning"),
    row("IPv4 only, and there is IPv6", g_ipv4, "over IPv4 only",
        state="warning"),
    changed("no argv[0]", G, r"^(imaps.*)\timapd$", r"\1",
        "its name is missing"),
    changed("a protocol that it doesn't know", G, r"^(imaps.*)tcp6",
        r"\1tcp46", "protocol tcp46 is not known"),
)


# --- systemd -----------------------------------------------------------------------

def s_off(w):
    w.keep(UNITS + "sockets.target.wants")
    w.must("systemctl", "disable", "imapd.socket")


def s_unit(name, unit, pattern, to, says, **kw):
    def wreck(w):
        for path in ("imapd.socket.d", "imapd@.service.d"):
            w.keep(UNITS + path)
        w.change(UNITS + unit, pattern, to)
    return row(name, wreck, says, **kw)


SERVICE, SOCKET = "imapd@.service", "imapd.socket"
SYSTEMD = (
    row("not enabled", s_off, "the entry for imapd is switched off"),
    s_unit("no connection", SERVICE, r"^StandardInput.*\n", "",
        "without StandardInput=socket"),
    s_unit("a path that isn't there", SERVICE, r"^ExecStart=.*$",
        "ExecStart=-/usr/sbin/imapd", "/usr/sbin/imapd, which is not there"),
    s_unit("argv[0] among the arguments", SERVICE, r"^ExecStart=.*$",
        "ExecStart=-%s imapd" % IMAPD, "ends at once for its arguments"),
    s_unit("a user who may not", SERVICE, r"^StandardInput",
        "User=nobody\nStandardInput", "it is started as nobody"),
    s_unit("systemd's usual limit", SOCKET, r"^MaxConnections.*\n", "",
        "no more than 64 connections", state="warning"),
    s_unit("no service of that name", SOCKET, r"^Accept=yes", "Accept=no",
        "with Accept=no there has to be a imapd.service"),
)


def activate(port, program):
    return ["systemd-socket-activate", "--accept", "--inetd",
        "--listen=%d" % port, program]


def main():
    need("systemd-socket-activate", "systemctl", "ip")
    world = Others(room.enter())
    tap.diag("xinetd")
    world.use("xinetd", [["/usr/sbin/xinetd", "-dontfork"]],
        {"imapd.xinetd": X})
    try_all(world, XINETD)
    for path in ("/etc/xinetd.conf", X, "/usr/sbin/xinetd"):
        os.unlink(path)
    tap.diag("inetutils-inetd")
    world.use("inetutils-inetd", [["/usr/sbin/inetutils-inetd", "-d"]],
        {"inetutils.conf": G})
    try_all(world, GNU)
    for path in (G, "/usr/sbin/inetutils-inetd"):
        os.unlink(path)
    tap.diag("systemd")
    world.use(None, [activate(993, IMAPD), activate(995, POP3D)],
        {name: UNITS + name for name in ("imapd.socket", "imapd@.service",
        "ipop3d.socket", "ipop3d@.service")})
    world.must("systemctl", "enable", "imapd.socket", "ipop3d.socket")
    try_all(world, SYSTEMD)
    world.end()


run(main)
