#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""docs/SSL, typed as it stands there: the old procedure, with an RSA key and
with an ECDSA key, and the short way; each ends in mail that curl reads from an
inetd.  And what make install and the samples in etc/ do."""

import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../lib"))
import mailgen
import pki as authorities
import room
from pki import openssl
from tap import ROOT, need, run, tap
from tlstool import read
from typed import PASS, at_a_terminal, typed

CERTS = "/etc/ssl/certs"
OURS = re.compile(r"(imapd|ipop3d)")


def clear():
    for name in os.listdir(CERTS):
        path = os.path.join(CERTS, name)
        if OURS.match(name) and not os.path.isdir(path):
            os.unlink(path)


def fetched(crt):
    """curl reads the mail, over imaps and over pop3s."""
    out = []
    for url in ("imaps://mail.example.org/INBOX;MAILINDEX=1",
            "pop3s://mail.example.org/1"):
        done = subprocess.run(["curl", "-sS", "--cacert", crt, "--user",
            "%s:%s" % (user.name, user.password), url],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        out.append(b"\nSubject: " in done.stdout or done.stdout)
    return out


def old_way():
    lines = typed("docs/SSL", "The old way, with today's sizes")
    ec = [n for n, line in enumerate(lines) if "genpkey" in line]
    tap.ok(len(ec) == 1 and "genrsa" in lines[ec[0] - 2],
        "the line for ECDSA stands behind two for RSA", lines)
    for kind, some in (("RSA 3072", lines[:ec[0]] + lines[ec[0] + 1:]),
            ("EC 256", lines[:ec[0] - 2] + lines[ec[0]:])):
        clear()
        said, statuses = at_a_terminal(some)
        tap.equal(statuses, [0] * len(some), kind + ": each line of the old "
            "procedure works")
        tap.ok("Verification: OK" in said and "Verified peername: "
            "mail.example.org" in said and kind in said,
            kind + ": what openssl and show say", said)
        tap.equal(fetched(CERTS + "/imapd.crt"), [True, True],
            kind + ": mail over imaps and pop3s")
        tap.ok(os.stat(CERTS + "/imapd.pem").st_mode & 0o777 == 0o400 and
            os.readlink(CERTS + "/ipop3d.pem") == "imapd.pem",
            kind + ": mode and link")


def locked_by_hand():
    """The line that is most often left out: the key keeps its pass phrase.
    show says what to type, and that is typed."""
    clear()
    with open("/root/pass", "wb") as f:
        f.write(PASS)
    authority.make("imapd", san="DNS:mail.example.org")
    openssl("pkey", "-in", authority.path("imapd.key"), "-aes256",
        "-passout", "pass:open sesame", "-out", authority.path("locked"))
    shutil.copy(authority.cat("both", "locked", "imapd.crt"),
        CERTS + "/imapd.pem")
    done = subprocess.run(["imapd-tls", "show"], stdout=subprocess.PIPE,
        text=True, check=False)
    m = re.search(r"FAILED: the private key has a pass phrase.* type: "
        r"(imapd-tls .*)$", done.stdout, re.M)
    tap.ok(m and done.returncode == 1, "an encrypted key: show tells",
        done.stdout)
    if m:
        again = subprocess.run(["sh", "-c", m.group(1).replace("THATFILE",
            "/root/pass")], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, check=False)
        tap.equal(again.returncode, 0, "what it says works: " + again.stdout)
        tap.equal(fetched(authority.path("imapd.crt")), [True, True],
            "mail after that")
    # And on a terminal it is asked for.
    os.unlink(CERTS + "/imapd.pem")
    said, statuses = at_a_terminal(["imapd-tls install " + " ".join(
        authority.path(x) for x in ("locked", "imapd.crt"))])
    tap.equal(statuses, [0], "the pass phrase is asked for: " + said)
    tap.equal(fetched(authority.path("imapd.crt")), [True, True],
        "mail after that, too")


def short_way():
    lines = typed("docs/SSL", "The short way")
    for word, crt in (("ca", CERTS + "/imapd-ca/imapd-ca.crt"),
            ("self", None)):
        line = [x for x in lines if x.startswith("imapd-tls %s " % word)]
        tap.equal(len(line), 1, "a line for " + word)
        clear()
        done = subprocess.run(["sh", "-c", line[0]], stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, check=False)
        tap.equal(done.returncode, 0, line[0] + ": " + done.stdout[:200])
        if crt is None:
            crt = authority.path("self.crt")
            openssl("x509", "-in", CERTS + "/imapd.pem", "-out", crt)
        tap.equal(fetched(crt), [True, True], line[0] + ": mail")


def hooks():
    """The samples, run as certbot, acme.sh and dehydrated do."""
    share = "/usr/local/share/imapd/"
    p = authority
    p.authority("root")
    p.authority("mid", "root")
    os.makedirs(p.path("live"))
    runs = (
        ("certbot", ["sh", share + "certbot-hook.sh"], {
            "RENEWED_LINEAGE": p.path("live"), "RENEWED_DOMAINS":
            "www.example.org mail.example.org"}),
        ("acme.sh", ["sh", "-c", ". %sacme-hook.sh; imapd_deploy "
            "mail.example.org %s %s %s %s" % ((share,) + tuple(p.path(x) for
            x in ("live/privkey.pem", "leaf.crt", "mid.crt",
            "live/fullchain.pem")))], {}),
        ("dehydrated", ["sh", share + "dehydrated-hook.sh", "deploy_cert",
            "mail.example.org"] + [p.path(x) for x in ("live/privkey.pem",
            "leaf.crt", "live/fullchain.pem", "mid.crt")] + ["1"], {}))
    for what, command, env in runs:
        clear()
        if os.path.exists(p.path("leaf.key")):
            os.unlink(p.path("leaf.key"))
        p.make("leaf", "mid", san="DNS:mail.example.org")
        p.cat("live/fullchain.pem", "leaf.crt", "mid.crt")
        p.cat("live/privkey.pem", "leaf.key")
        done = subprocess.run(command, env=dict(os.environ, **env),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            check=False)
        tap.equal(done.returncode, 0, what + ": " + done.stdout[:300])
        tap.equal(fetched(p.path("root.crt")), [True, True],
            what + ": mail with what it has installed")
    clear()
    for what, command, env in (
            ("certbot", ["sh", share + "certbot-hook.sh"], {"RENEWED_LINEAGE":
                "/nowhere", "RENEWED_DOMAINS": "www.example.org"}),
            ("dehydrated", ["sh", share + "dehydrated-hook.sh", "deploy_cert",
                "www.example.org", "a", "b", "c", "d", "1"], {}),
            ("dehydrated", ["sh", share + "dehydrated-hook.sh", "exit_hook"], {})):
        done = subprocess.run(command, env=dict(os.environ, **env),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        tap.ok(done.returncode == 0 and not done.stdout and
            not os.path.exists(CERTS + "/imapd.pem"),
            what + " for another name: nothing is done", done.stdout)


def timers():
    """cron's line and the unit call what is installed."""
    tool = "/usr/local/sbin/imapd-tls"
    for name, pattern in (("imapd-tls.cron",
            r"(?m)^\d+ \d+\t\* \* \*\troot\t(.*)$"),
            ("imapd-tls.service", r"(?m)^ExecStart=(.*)$")):
        text = read("/usr/local/share/imapd/" + name).decode()
        m = re.search(pattern, text)
        tap.equal(m and m.group(1), tool + " renew", name)
    clear()
    subprocess.run([tool, "ca", "--days", "9", "mail.example.org"],
        stdout=subprocess.DEVNULL, check=True)
    before = read(CERTS + "/imapd.pem")
    subprocess.run([tool, "renew"], stdout=subprocess.DEVNULL, check=True)
    tap.ok(read(CERTS + "/imapd.pem") != before, "renew does it")
    tap.equal(fetched(CERTS + "/imapd-ca/imapd-ca.crt"), [True, True],
        "mail after a renewal")


def configured():
    """Where it looks: what the configuration says, and what was built in."""
    with open("/etc/imapd.conf", "w") as f:
        f.write("# cert_dir = /no\n cert_dir=/etc/elsewhere \nkey_dir = /etc\n")
    done = subprocess.run(["imapd-tls", "show"], stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True, check=False)
    tap.ok("in /etc/elsewhere (cert_dir in /etc/imapd.conf)" in done.stdout
        and "in /etc.\n" in done.stdout, "cert_dir and key_dir count",
        done.stdout)
    os.unlink("/etc/imapd.conf")


def main():
    global user, authority
    need("curl", "inetd")
    r = room.enter()
    if not r.inside:
        tap.skip("docs/SSL as it is typed", "no room, so /etc is not ours")
        return
    user = r.add_user("joe")
    r.fill(user, mailgen.to_mbox(mailgen.ordinary(1)))
    with open("/etc/hosts", "a") as f:
        f.write("127.0.0.1 mail.example.org\n")
    r.inetd()
    os.mkdir(r.dir + "/pki")
    authority = authorities.Pki(r.dir + "/pki")
    for part in (old_way, locked_by_hand, short_way, hooks, timers,
            configured):
        part()


run(main)
