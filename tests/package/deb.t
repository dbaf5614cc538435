#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""make deb: it builds, lintian has nothing to say, and in a room it does what
docs/PACKAGE says: certificate and sockets on the first installation, curl reads
mail by the installed units, an upgrade changes nothing that is there, and mail
and certificates outlive it."""

import glob
import hashlib
import os
import re
import shutil
import socket
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../lib"))
import setuproom
from room import plain_make
from server import listening
from tap import ROOT, need, run, tap, wait_for

CERTS = "/etc/ssl/certs"
WANTS = "/etc/systemd/system/sockets.target.wants/"
SOCKETS = ("imapd.socket", "ipop3d.socket")
# Not optimised: what is tested here is not the compiler.
OPTIONS = "nocheck noautodbgsym noopt parallel=2"


def did(*args, **kw):
    return subprocess.run(args, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True,
        check=False, **kw)


def build():
    done = did("make", "-C", ROOT, "deb", env=dict(plain_make(),
        DEB_BUILD_OPTIONS=OPTIONS))
    debs = glob.glob(ROOT + "/build/deb/*.deb")
    tap.ok(done.returncode == 0 and len(debs) == 2,
        "make deb makes two packages", done.stdout[-3000:])
    changes, = glob.glob(ROOT + "/build/deb/*.changes")
    done = did("lintian", "--allow-root", "--tag-display-limit", "0",
        "--fail-on", "error,warning", changes)
    tap.ok(done.returncode == 0 and not re.search(r"(?m)^[EW]: ",
        done.stdout), "lintian has nothing to say", done.stdout)
    return {os.path.basename(x).split("_")[0]: x for x in debs}


def newer(deb):
    """The same with a higher version."""
    where = "/run/room/newer"
    did("dpkg-deb", "-R", deb, where)
    with open(where + "/DEBIAN/control") as f:
        text = f.read()
    with open(where + "/DEBIAN/control", "w") as f:
        f.write(re.sub(r"(?m)^Version: .*$", "Version: 9", text))
    did("dpkg-deb", "-b", where, where + ".deb")
    return where + ".deb"


def dpkg(what, *args):
    done = did("dpkg", *args, env=dict(os.environ,
        DEBIAN_FRONTEND="noninteractive"))
    tap.equal(done.returncode, 0, what)
    if done.returncode != 0:
        tap.diag(done.stdout)
    return done.stdout


def enabled():
    return tuple(x for x in SOCKETS if os.path.islink(WANTS + x))


def kept():
    """What is to outlive the package: names, modes and octets."""
    out = {}
    paths = glob.glob(CERTS + "/imapd*") + glob.glob(CERTS + "/imapd-ca/*") \
        + [CERTS + "/ipop3d.pem", "/var/mail/joe"]
    for path in paths:
        if os.path.isfile(path):
            with open(path, "rb") as f:
                out[path] = (os.stat(path).st_mode,
                    hashlib.sha256(f.read()).hexdigest())
    return out


def first_time(r, deb):
    said = dpkg("the package installs", "-i", deb)
    tap.ok("certificate for " + setuproom.NAME in said,
        "it says for whom the certificate is", said)
    tap.ok(enabled() == SOCKETS, "both sockets are enabled", said)
    tap.equal(did("getent", "passwd", "imapd").returncode, 0,
        "there is a user imapd")
    done = did("systemd-analyze", "verify", *("/lib/systemd/system/" + x
        for x in SOCKETS + ("imapd-tls.timer",)))
    tap.equal((done.returncode, done.stdout), (0, ""), "systemd has nothing "
        "to say about the units")
    setuproom.stand_in_systemctl()
    did("systemctl", "start", *SOCKETS)
    for port in (993, 995):
        wait_for("port %d" % port, lambda: listening(port))
    setuproom.works(r, "the package")
    did("systemctl", "stop", *SOCKETS)
    r.user.left()
    for name in ("imapd", "ipop3d", "imapd-tls"):
        tap.ok(os.access("/usr/sbin/" + name, os.X_OK) and did("man", "-w",
            name).returncode == 0, name + ": program and page")


def upgraded(deb):
    """What the administrator has changed stays."""
    with open("/etc/pam.d/imap", "a") as f:
        f.write("# mine\n")
    did("/bin/systemctl", "--root=/", "disable", "ipop3d.socket")
    before = kept()
    said = dpkg("a newer one installs", "--force-confold", "-i", deb)
    tap.equal(kept(), before, "certificate, authority and mail are as before")
    tap.equal(enabled(), SOCKETS[:1], "what was disabled stays so")
    with open("/etc/pam.d/imap") as f:
        tap.ok("# mine" in f.read(), "and so does the PAM file")
    tap.ok("certificate for" not in said, "nothing is said of certificates",
        said)


def removed(deb):
    before = kept()
    tap.ok(len(before) >= 6, "certificates and mail are there", before)
    dpkg("it is removed", "-r", "imapd")
    tap.equal([x for x in ("/usr/sbin/imapd",
        "/lib/systemd/system/imapd.socket") if os.path.exists(x)], [],
        "its program and its socket are gone")
    tap.equal(kept(), before, "certificates and mail are there")
    dpkg("it comes back", "-i", deb)
    tap.equal((enabled(), kept()), (SOCKETS[:1], before), "as it was")
    os.makedirs("/var/cache/imapd/1", exist_ok=True)
    dpkg("it is purged", "-P", "imapd")
    left = [x for x in did("find", "/etc", "/var/lib/systemd", "-name",
        "*imapd*").stdout.split() if not x.startswith(CERTS)
        and "dovecot" not in x]
    tap.equal((left, [x for x in ("/etc/pam.d/pop", "/var/cache/imapd")
        if os.path.exists(x)]), ([], []),
        "nothing of its own is left")
    tap.equal(kept(), before, "but certificates and mail")


def busy(deb):
    """Where somebody else serves nothing is enabled."""
    others = socket.socket(socket.AF_INET6)
    others.bind(("::1", 993))
    others.listen()
    with open("/etc/inetd.conf", "a") as f:
        f.write("pop3s\tstream\ttcp\tnowait\troot\t/usr/sbin/other\tother\n")
    said = dpkg("it installs beside others", "-i", deb)
    tap.equal(enabled(), (), "no socket is enabled")
    tap.ok("listens on port 993" in said and "entry for pop3s" in said,
        "and it says why", said)
    dpkg("it is purged again", "-P", "imapd")
    others.close()


def library(deb):
    """The headers are there, and a program of the first lines that everybody
    writes is linked and finds no mail of root's to open."""
    dpkg("the development package installs", "-i", deb)
    source = "/run/room/use.c"
    empty = ("searched(MAILSTREAM *s, unsigned long n)",
        "exists(MAILSTREAM *s, unsigned long n)",
        "expunged(MAILSTREAM *s, unsigned long n)",
        "flags(MAILSTREAM *s, unsigned long n)",
        "notify(MAILSTREAM *s, char *text, long flag)",
        "list(MAILSTREAM *s, int c, char *name, long a)",
        "lsub(MAILSTREAM *s, int c, char *name, long a)",
        "status(MAILSTREAM *s, char *name, MAILSTATUS *is)",
        "log(char *text, long flag)", "dlog(char *text)",
        "login(NETMBX *mb, char *user, char *pwd, long trial)",
        "critical(MAILSTREAM *s)", "nocritical(MAILSTREAM *s)",
        "fatal(char *text)")
    with open(source, "w") as f:
        f.write('#include "mail.h"\n#include "rfc822.h"\n'
            '#include "linkage.h"\n')
        f.write("".join("void mm_%s { }\n" % x for x in empty))
        f.write("long mm_diskerror(MAILSTREAM *s, long e, long x) "
            "{ return NIL; }\nint main(void)\n{\n#include \"linkage.c\"\n"
            "\treturn mail_open(NIL, \"nowhere\", NIL) != NIL;\n}\n")
    flags = did("pkg-config", "--cflags", "--libs", "libc-client")
    done = did("cc", "-Wall", "-Werror", "-o", "/run/room/use", source,
        *flags.stdout.split())
    tap.equal((done.returncode, done.stdout), (0, ""),
        "a program is built with it as pkg-config says")
    tap.equal(did("/run/room/use").returncode, 0, "and runs")


def main():
    need("dpkg-buildpackage", "dh", "lintian", "curl", "pkg-config",
        "systemd-socket-activate")
    r = setuproom.enter()
    if r is None:
        return
    socket.sethostname(setuproom.NAME)
    debs = build()
    for path in ("/usr", "/var/lib", "/var/cache"):
        r.writable(path)
    for name in os.listdir(CERTS):
        if name.startswith(("imapd", "ipop3d")):
            shutil.rmtree(CERTS + "/" + name, ignore_errors=True)
    first_time(r, debs["imapd"])
    upgraded(newer(debs["imapd"]))
    removed("/run/room/newer.deb")
    busy(debs["imapd"])
    library(debs["libc-client-imapd-dev"])


run(main)
