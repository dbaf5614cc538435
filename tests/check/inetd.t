#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What --check finds between inetd and the servers: names of ports, lines of
inetd.conf, who listens; and that what it prints mends it, with openbsd-inetd
running."""

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
import room
import setuproom
from server import listening
from setups import Setup, World, served, try_all
from tap import need, run, tap, wait_for

CONF = "/etc/inetd.conf"
IMAPD = "/usr/local/sbin/imapd"
# What logs in sees the same from the other side.
ALSO = ("login",)


class Inetd(World):
    """A new inetd for each row: one that is told of a file in which a number
    became a name keeps the socket, and gets no second one."""

    def start_inetd(self):
        super().start_inetd()
        self.inetd = self.room.children[-1]

    def hup(self):
        self.inetd.send_signal(signal.SIGHUP)

    def restore(self):
        super().restore()
        self.anew()
        for port in (993, 143, 110):
            wait_for("port %d" % port, lambda: listening(port))

    def line(self, new, pattern=r"^imaps\t.*$"):
        """The line for imaps is this one now."""
        self.edit(CONF, pattern, new.replace(" ", "\t"))
        self.hup()

    def anew(self, port=995):
        """Another inetd, which knows nothing of before."""
        self.inetd.kill()
        self.inetd.wait()
        self.inetd = self.room.start([shutil.which("inetd"), "-i", CONF])
        wait_for("port %d" % port, lambda: listening(port))

    def closed(self, port=993):
        self.hup()
        wait_for("port %d to close" % port, lambda: not listening(port))


def row(name, wreck, check, says, **kw):
    kw.setdefault("also", ALSO)
    kw.setdefault("after", served)
    kw.setdefault("login", False)
    return Setup(name, wreck, check, says, **kw)


def line(name, new, says, **kw):
    """A wrong line for imaps."""
    return row(name, lambda w: w.line(new), "superserver", says, **kw)


# --- /etc/services -----------------------------------------------------------

def no_name(w):
    w.edit("/etc/services", r"^imaps\s.*\n", "")
    w.anew()


def wrong_number(w):
    w.edit("/etc/services", r"^imaps\s+993/tcp", "imaps\t994/tcp")
    w.anew()


def no_file(w):
    """All names are gone; lines with numbers are still good."""
    for name, port in (("imap2", 143), ("pop3", 110), ("pop3s", 995)):
        w.edit(CONF, r"^%s\t" % name, "%d\t" % port)
    w.remove("/etc/services")
    w.anew()


def switched_elsewhere(w):
    w.edit("/etc/nsswitch.conf", r"^services:.*$", "services: db")
    for name, port in (("imap2", 143), ("pop3", 110), ("pop3s", 995)):
        w.edit(CONF, r"^%s\t" % name, "%d\t" % port)
    w.anew()


# --- inetd.conf --------------------------------------------------------------

def commented(w):
    w.edit(CONF, r"^imap", "#imap")
    w.closed(143)
    wait_for("port 993 to close", lambda: not listening(993))


def one_commented(w):
    w.edit(CONF, r"^imaps", "#<off># imaps")
    w.closed()


def no_line(w):
    w.edit(CONF, r"^imap.*\n", "")
    w.closed(143)
    wait_for("port 993 to close", lambda: not listening(993))


def not_read(w):
    """The line is there, and inetd was not told."""
    w.edit(CONF, r"^imaps\t", "#imaps\t")
    w.closed()
    w.edit(CONF, r"^#imaps\t", "imaps\t")


def not_running(w):
    """Somebody started an inetd of his own behind it, which isn't ours to
    end but by its file."""
    w.inetd.terminate()
    w.inetd.wait()
    wait_for("port 993 to close", lambda: not listening(993))
    w.undo(lambda: end_daemon())


def end_daemon():
    subprocess.run(["start-stop-daemon", "--stop", "--quiet", "--retry",
        "10", "--exec", "/usr/sbin/inetd"], check=True)


def wrapped(w):
    w.line("imaps stream tcp nowait.1000 root /usr/sbin/tcpd " + IMAPD)


def no_wrapper(w):
    w.remove("/usr/sbin/tcpd")
    w.line("imaps stream tcp nowait.1000 root /usr/sbin/tcpd " + IMAPD)


def copy(w):
    w.write("/usr/local/lib/imapd", "")
    shutil.copy(IMAPD, "/usr/local/lib/imapd")
    w.line("imaps stream tcp nowait.1000 root /usr/local/lib/imapd imapd")


def no_program_bit(w):
    copy(w)
    os.chmod("/usr/local/lib/imapd", 0o644)


def twice(w):
    w.append(CONF, "993 stream tcp nowait.1000 root %s imapd\n" % IMAPD)
    w.hup()


def another_program(w):
    w.append(CONF, "imaps stream tcp nowait.1000 root /usr/bin/true true\n")
    w.hup()


def two_superservers(w):
    w.keep("/usr/sbin/xinetd")
    setuproom.unpacked("xinetd")
    w.write("/etc/xinetd.conf", "includedir /etc/xinetd.d\n")
    os.makedirs(w.keep("/etc/xinetd.d"), exist_ok=True)
    w.write("/etc/xinetd.d/mail", "service imaps\n{\n\tsocket_type = stream\n"
        "\twait = no\n\tuser = root\n\tserver = %s\n\tflags = IPv6\n\tcps = "
        "1000 1\n}\n" % IMAPD)


def ipv6(w):
    """An address of IPv6, and a line that is for IPv4."""
    w.must("ip", "addr", "add", "2001:db8::1/64", "dev", "lo")
    w.undo(lambda: w.must("ip", "addr", "del", "2001:db8::1/64", "dev",
        "lo"))
    w.line("imaps stream tcp4 nowait.1000 root %s imapd" % IMAPD)


# --- Ports -------------------------------------------------------------------

def taken(w):
    """Another server was there first."""
    w.edit(CONF, r"^imaps\t", "#imaps\t")
    w.closed()
    # A socket has its port for a moment more than it listens.
    sockets = wait_for("port 993 to be free", bound)
    child = os.fork()
    if child == 0:
        # Not ours: init reaps it, as it would on a machine.
        if os.fork() == 0:
            pretend(sockets)
        os._exit(0)
    for s in sockets:
        s.close()
    os.waitpid(child, 0)
    wait_for("the other server", lambda: listening(993))
    w.edit(CONF, r"^#imaps\t", "imaps\t")
    w.hup()


def bound():
    """Sockets that have port 993; None while another has it."""
    sockets = []
    for family, address in ((socket.AF_INET, "0.0.0.0"),
            (socket.AF_INET6, "::")):
        s = socket.socket(family, socket.SOCK_STREAM)
        sockets.append(s)
        if family == socket.AF_INET6:
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind((address, 993))
        except OSError:
            for s in sockets:
                s.close()
            return None
    return sockets


def pretend(sockets):
    """Be Dovecot, to who looks at names."""
    ctypes.CDLL(None).prctl(15, b"dovecot")
    for s in sockets:
        s.listen()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pause()
    os._exit(0)


def loopback(w):
    w.line("127.0.0.1:imaps stream tcp nowait.1000 root %s imapd" % IMAPD)
    w.anew()
    wait_for("the loopback", lambda: listening(993))


ROWS = (
    row("no imaps in /etc/services", no_name, "services",
        "has no imaps, so inetd"),
    row("imaps has another number", wrong_number, "services",
        "imaps is port 994 here"),
    row("no /etc/services", no_file, "services", "there is no /etc/services"),
    row("services are looked up in a data base", switched_elsewhere,
        "services", "looked up elsewhere"),
    row("the lines are comments", commented, "superserver",
        "inetd.conf:1: the entry for imapd is switched off"),
    row("one line is a comment of update-inetd's", one_commented,
        "superserver", "1: the entry for port 993 is switched off",
        state="warning"),
    row("no line", no_line, "superserver", "nothing starts imapd"),
    row("inetd was not told of the line", not_read, "superserver",
        r"inetd \(pid \d+\) does not listen on port 993"),
    row("inetd does not run", not_running, "superserver",
        "inetd does not run, so nobody listens on port 993"),
    line("a path that isn't there", "imaps stream tcp nowait.1000 root "
        "/usr/sbin/imapd imapd", "start /usr/sbin/imapd, which is not there"),
    row("a program that can't be executed", no_program_bit, "superserver",
        "which can't be executed"),
    row("another binary", copy, "superserver", "it starts /usr/local/lib",
        state="warning"),
    line("no argv[0]", "imaps stream tcp nowait.1000 root " + IMAPD,
        "behind the program its name is missing"),
    line("an option instead of argv[0]", "imaps stream tcp nowait.1000 root " +
        IMAPD + " --config /etc/imapd.conf", "so --config becomes the name"),
    line("argv[0] twice", "imaps stream tcp nowait.1000 root " + IMAPD +
        " imapd imapd", "ends at once for its arguments"),
    line("an option that there isn't", "imaps stream tcp nowait.1000 root " +
        IMAPD + " imapd --starttls", "ends at once for its arguments"),
    line("a user who may not", "imaps stream tcp nowait.1000 nobody " + IMAPD +
        " imapd", "it is started as nobody, and only root"),
    line("no such user", "imaps stream tcp nowait.1000 imapuser " + IMAPD +
        " imapd", "there is no user imapuser"),
    line("no user", "imaps stream tcp nowait.1000 %s imapd" % IMAPD,
        "the user is missing"),
    line("no nowait", "imaps stream tcp root %s imapd" % IMAPD,
        "the wait or nowait is missing"),
    line("no socket type", "imaps tcp nowait root %s imapd" % IMAPD,
        "the socket type is missing"),
    line("a program without its directory", "imaps stream tcp nowait.1000 "
        "root imapd imapd", "the program is missing"),
    line("datagrams", "imaps dgram udp wait root %s imapd" % IMAPD,
        "no stream of TCP"),
    line("a protocol that this inetd doesn't know", "imaps stream tcp46 "
        "nowait.1000 root %s imapd" % IMAPD, "protocol tcp46 is not known"),
    line("a service that there isn't", "imapds stream tcp nowait.1000 root "
        "%s imapd" % IMAPD, 'no service has the name "imapds"'),
    line("inetd's usual limit", "imaps stream tcp nowait root %s imapd" %
        IMAPD, "beyond 256 connections a minute", state="warning"),
    line("a low limit", "imaps stream tcp nowait.100 root %s imapd" % IMAPD,
        "beyond 100 connections a minute", state="warning"),
    line("IPv6 only", "imaps stream tcp6 nowait.1000 root %s imapd" % IMAPD,
        "served over IPv6 only"),
    row("IPv4 only, and there is IPv6", ipv6, "superserver",
        "served over IPv4 only", state="warning"),
    row("tcpd, which isn't there", no_wrapper, "superserver",
        "start /usr/sbin/tcpd, which is not"),
    row("tcpd", wrapped, "superserver", "tcpd stands between",
        state="warning"),
    row("two lines for a port", twice, "superserver", "for the same port"),
    row("a line of another server", another_program, "superserver",
        "for the same port"),
    row("an entry for xinetd as well", two_superservers, "superserver",
        "/etc/xinetd.d/mail:1 are for the same port"),
    row("the port is taken", taken, "ports", r"held by dovecot \(pid"),
    row("the loopback only", loopback, "ports", "port 993 is open to this "
        "machine itself", state="warning"),
)


def waiting(w):
    """The mode `wait` is as good, and needs no limit.  Who serves it lives on,
    so this is the last one."""
    w.line("imaps stream tcp wait root %s imapd" % IMAPD)
    w.anew()
    served(w)
    report = w.report()
    tap.equal(report.bad(), [], "a line with wait is well")
    tap.ok(report.found("superserver", "conf:1: inetd starts", "ok") and
        report.found("ports", r"^(inetd|imapd) \(pid \d+\) listens on port "
        "993", "ok"), "and seen to be at work", report.text)


def main():
    need("inetd", "ip")
    world = Inetd(room.enter())
    only = sys.argv[1:]
    try_all(world, [r for r in ROWS if not only or r.name in only])
    waiting(world)


run(main)
