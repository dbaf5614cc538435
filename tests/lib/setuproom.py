# SPDX-License-Identifier: Apache-2.0
"""docs/SETUP as it is typed, with one of the super-servers, in a room: the
programs, the certificate, who starts the servers, and curl reads mail over
imaps and pop3s.  Then the old procedure of docs/SSL, likewise."""

import os
import re
import shutil
import subprocess

import mailgen
import room
from server import listening
from tap import ROOT, tap, wait_for
from typed import at_a_terminal, seen, typed

CERTS = "/etc/ssl/certs"
INETDS = os.path.join(ROOT, "build/inetds")
NAME = "mail.example.org"
# What systemctl does here: it starts systemd-socket-activate for each unit, as
# the unit says.
SYSTEMCTL = r'''#!/usr/bin/python3
import os, re, signal, subprocess, sys
def values(unit, key):
    for where in ("/etc/systemd/system/", "/lib/systemd/system/"):
        if os.path.isfile(where + unit):
            with open(where + unit) as f:
                return re.findall(r"(?m)^%s=(.*)$" % key, f.read())
for unit in sys.argv[1:]:
    if not unit.endswith(".socket"):
        continue
    pidfile = "/run/room/%s.pid" % unit
    if sys.argv[1] in ("stop", "disable"):
        with open(pidfile) as f:
            os.kill(int(f.read()), signal.SIGTERM)
        continue
    command = ["systemd-socket-activate"]
    command += ["--listen=" + port for port in values(unit, "ListenStream")]
    if values(unit, "Accept") == ["yes"]:
        service = unit.replace(".socket", "@.service")
        assert values(service, "StandardInput") == ["socket"], service
        command += ["--accept", "--inetd"]
    else:
        service = unit.replace(".socket", ".service")
    command += values(service, "ExecStart")[0].lstrip("-").split()
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True)
    with open(pidfile, "w") as f:
        f.write(str(child.pid))
    print("Created symlink %s" % unit)
'''


def enter():
    """The room, with a user, mail and the server's name; None where there
    can be none."""
    r = room.enter()
    if not r.inside:
        tap.skip("docs/SETUP as it is typed", "no room, so /etc is not ours")
        return None
    r.user = r.add_user("joe", "open sesame")
    r.fill(r.user, mailgen.to_mbox(mailgen.ordinary(3)))
    with open("/etc/hosts", "a") as f:
        f.write("127.0.0.1 %s\n" % NAME)
    r.services()
    return r


def unpacked(name):
    """A super-server that is not installed, as if it were."""
    for part in ("/usr/sbin", "/etc/init.d", "/etc/default", "/etc/xinetd.d"):
        os.makedirs(part, exist_ok=True)
    for path in ("/usr/sbin/" + name, "/etc/init.d/" + name,
            "/etc/default/" + name, "/etc/%s.conf" % name):
        if os.path.exists(INETDS + path):
            shutil.copy(INETDS + path, path)


def stand_in_systemctl():
    with open("/usr/local/sbin/systemctl", "w") as f:
        f.write(SYSTEMCTL)
    os.chmod("/usr/local/sbin/systemctl", 0o755)


def type_section(document, title, what):
    """Types it; all of it works, and what it says one sees is seen."""
    lines = typed(document, title)
    said, statuses = at_a_terminal(lines)
    good = tap.equal(statuses, [0] * len(statuses), "%s: each line of "
        "'%s' works" % (what, title))
    for pattern in seen(document, title):
        good = tap.ok(pattern.search(said), "%s: what is said to be seen "
            "there" % what, pattern.pattern) and good
    if not good:
        tap.diag(said)
    return said


def start(title):
    """Types the section of a super-server and waits for its ports."""
    type_section("docs/SETUP", title, title)
    for port in (993, 995):
        wait_for("%s on port %d" % (title, port), lambda: listening(port))


def setup(r, title, then=None):
    """The whole of docs/SETUP with the super-server of this section."""
    tap.equal(typed("docs/SETUP", "The programs"), ["make", "make install"],
        "how it is installed")
    r.install()
    type_section("docs/SETUP", "The certificate", title)
    start(title)
    works(r, title)
    if then is not None:
        then(r)
    by_hand(title)
    start(title + ", waiting")
    fetched(title + ", waiting")


def works(r, title):
    """The lines that prove it, and what the log has then."""
    lines = typed("docs/SETUP", "Does it work?")
    said, statuses = at_a_terminal(lines)
    tap.equal(statuses, [0] * len(lines), title + ": mail is read by the "
        "lines of docs/SETUP")
    *there, log, shown = seen("docs/SETUP", "Does it work?")
    for pattern in there + [shown]:
        tap.ok(pattern.search(said), title + ": one sees " + pattern.pattern,
            said)
    tap.ok("* SEARCH 1 2 3\n" in said and re.search(r"^3 \d+$", said, re.M),
        title + ": all three messages", said)
    wait_for("the logins in the log", lambda: log.search(r.log()) and
        re.search(r"ipop3d\S* Auth user=joe", r.log()))
    tap.ok(True, title + ": and that is in the log")


def mutt(r):
    """mutt with the lines of docs/CLIENTS trusts the authority and reads
    mail."""
    lines = [x for x in typed("docs/CLIENTS", "mutt") if "tunnel" not in x]
    r.user.write(".muttrc", "\n".join(lines) + "\nset wait_key=no\n"
        "set imap_pass='open sesame'\nset quit=yes\n")
    with open(CERTS + "/imapd-ca/imapd-ca.crt", "rb") as f:
        r.user.write("imapd-ca.crt", f.read())
    said, statuses = at_a_terminal(["TERM=xterm setpriv --reuid joe --regid "
        "joe --init-groups env HOME=%s mutt -n -e 'push \"<pipe-message>cat "
        ">%s/got<enter><exit>\"'" % (r.user.home, r.user.home)])
    got = os.path.join(r.user.home, "got")
    tap.ok(statuses == [0] and os.path.exists(got) and "Subject: " in
        open(got).read(), "mutt reads mail with the lines of docs/CLIENTS",
        said)


def by_hand(title):
    """The procedure of docs/SSL, without the lines for an RSA key; curl is
    given the certificate itself."""
    for name in os.listdir(CERTS):
        if re.match(r"(imapd|ipop3d)", name) and not os.path.isdir(
                os.path.join(CERTS, name)):
            os.unlink(os.path.join(CERTS, name))
    lines = [line for line in typed("docs/SSL", "The old way, with today's "
        "sizes") if not re.match(r"openssl (genrsa|rsa) ", line)]
    said, statuses = at_a_terminal(lines)
    tap.equal(statuses, [0] * len(lines), title + ": each line of the old "
        "procedure works")
    tap.ok("Verification: OK" in said, title + ": openssl trusts it", said)
    fetched(title)


def fetched(what):
    """curl reads mail over imaps and pop3s, given the certificate itself."""
    for url in ("imaps://%s/INBOX;MAILINDEX=1", "pop3s://%s/1"):
        done = subprocess.run(["curl", "-sS", "--cacert",
            CERTS + "/imapd.crt", "--user", "joe:open sesame", url % NAME],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            check=False)
        tap.ok("\nSubject: " in done.stdout, what + ": mail over " + url,
            done.stdout)
