#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What --check finds about certificates and OpenSSL's own configuration, and
that what it prints mends it: after each command a client is served again."""

import functools
import http.server
import os
import shutil
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
import room
from pki import Pki, openssl
from server import read
from setups import HOST, Setup, World, try_all
from tap import need, run, tap

CERTS, KEYS = "/etc/ssl/certs/", "/etc/ssl/private/"
PEM, OWN = CERTS + "imapd.pem", CERTS + "imapd-ca"
PAST, FUTURE = "20200101000000Z", "20990101000000Z"
SERVER = ("basicConstraints=CA:FALSE",)


class Certs(World):
    """Beside the authority of imapd-tls there is one as they are bought, whose
    root this machine trusts: root, mid."""

    def certify(self):
        super().certify()
        self.dir = self.room.dir + "/pki"
        os.mkdir(self.dir)
        self.pki = Pki(self.dir)
        self.pki.key("other")
        self.pki.authority("root")
        self.pki.authority("mid", "root")
        self.trust("root.crt", "bought-root.pem")
        # What imapd-tls made, in parts.
        self.split()

    def trust(self, crt, name):
        shutil.copy(self.pki.path(crt), CERTS + name)
        value = openssl("x509", "-hash", "-noout", "-in", CERTS + name)
        os.symlink(name, CERTS + value.strip() + ".0")

    def split(self):
        openssl("pkey", "-in", PEM, "-out", self.dir + "/own.key")
        openssl("x509", "-in", PEM, "-out", self.dir + "/own.crt")

    def made(self, name, issuer="mid", **kw):
        """A certificate for the machine."""
        kw.setdefault("san", "DNS:" + HOST)
        self.pki.make(name, issuer, **kw)

    def put(self, *names, to=PEM, mode=0o400):
        """Parts of the Pki become the file in place."""
        self.touch(to)
        if os.path.lexists(to):
            os.unlink(to)
        with open(to, "wb") as out:
            for name in names:
                with open(self.pki.path(name), "rb") as f:
                    out.write(f.read())
        os.chmod(to, mode)

    def touch(self, *more):
        """All that imapd-tls may change will be put back."""
        for path in (PEM, PEM + ".last", CERTS + "ipop3d.pem", CERTS +
                "ipop3d.pem.last", OWN, *more):
            self.keep(path)

    def restore(self):
        super().restore()
        for name in os.listdir(CERTS):
            if name.startswith("imapd-ca."):
                self.must("rm", "-rf", CERTS + name)


def row(name, wreck, says, **kw):
    kw.setdefault("also", ("login",))
    kw.setdefault("login", False)
    return Setup(name, wreck, kw.pop("check", "certificate"), says, **kw)


# --- What the file is ----------------------------------------------------------

def none(w):
    w.touch()
    w.remove(PEM)


def none_wanted(w):
    w.configure("plaintext = always\n")
    none(w)


def empty(w):
    w.put()


def garbage(w):
    w.touch()
    w.write(PEM, "This is my certificate.\n", 0o400)


def directory(w):
    w.touch(PEM + ".old")
    w.remove(PEM)
    os.mkdir(PEM)
    w.undo(lambda: w.must("rm", "-rf", PEM + ".old"))


def der(w):
    w.put("own.key", to=KEYS + "mail.key")
    openssl("x509", "-in", w.dir + "/own.crt", "-outform", "DER", "-out",
        w.dir + "/own.der")
    w.put("own.der")


def pkcs12(w, word=""):
    openssl("pkcs12", "-export", "-in", w.dir + "/own.crt", "-inkey",
        w.dir + "/own.key", "-passout", "pass:" + word, "-out",
        w.dir + "/own.p12")
    w.put("own.p12")


def pkcs12_locked(w):
    w.write(KEYS + "imapd.pass", "open sesame\n", 0o600)
    pkcs12(w, "open sesame")


def locked(w):
    w.write(KEYS + "imapd.pass", "open sesame\n", 0o600)
    openssl("pkey", "-in", w.dir + "/own.key", "-aes256", "-passout",
        "pass:open sesame", "-out", w.dir + "/locked.key")
    w.put("locked.key", "own.crt")


def no_key(w):
    w.put("own.key", to=KEYS + "mail.key")
    w.put("own.crt")


def no_certificate(w):
    w.put("own.crt", to=CERTS + "mail.crt", mode=0o644)
    w.put("own.key")


def no_key_anywhere(w):
    w.put("own.crt")


def damaged(w):
    w.touch()
    text = read(PEM)
    at = text.index("BEGIN CERTIFICATE") + 100
    w.write(PEM, text[:at] + "!" + text[at + 1:], 0o400)


def marked(w):
    """As it comes out of a letter, with a blank before each line."""
    w.touch()
    w.write(PEM, "".join(" %s\r\n" % line for line in
        read(PEM).splitlines()), 0o400)


def other_key(w):
    w.put("own.key", to=KEYS + "mail.key")
    w.put("other.key", "own.crt")


def other_key_before(w):
    w.put("own.key", "own.crt", to=PEM + ".last")
    w.put("other.key", "own.crt")


def other_key_alone(w):
    w.put("other.key", "own.crt")


def dangling(w):
    w.touch()
    w.remove(PEM)
    os.symlink("/etc/letsencrypt/live/mail/imapd.pem", PEM)


def pop_dangling(w):
    w.touch()
    w.remove(CERTS + "ipop3d.pem")
    os.symlink("imap.pem", CERTS + "ipop3d.pem")


# --- What the certificate is -----------------------------------------------------

def own_late(w):
    """By the authority of imapd-tls, and over."""
    openssl("x509", "-in", OWN + "/ca.pem", "-out", w.dir + "/authority.crt")
    openssl("pkey", "-in", OWN + "/ca.pem", "-out", w.dir + "/authority.key")
    w.made("late", "authority", start=PAST, end="20210101000000Z")
    w.put("late.key", "late.crt")


def live(w):
    """What was bought has expired, and certbot has got a new one."""
    w.made("bought", start=PAST, end="20210101000000Z")
    w.put("bought.key", "bought.crt", "mid.crt")
    w.made("fresh")
    where = "/etc/letsencrypt/live/" + HOST
    w.keep("/etc/letsencrypt")
    os.makedirs(where)
    w.put("fresh.key", to=where + "/privkey.pem")
    w.put("fresh.crt", "mid.crt", to=where + "/fullchain.pem")


def bought_late(w):
    w.made("bought2", start=PAST, end="20210101000000Z")
    w.put("bought2.key", "bought2.crt", "mid.crt")


def self_late(w):
    w.made("selflate", None, start=PAST, end="20210101000000Z")
    w.put("selflate.key", "selflate.crt")


def early(w):
    w.made("early", start="20980101000000Z", end=FUTURE)
    w.put("early.key", "early.crt", "mid.crt")


def weak(w):
    w.made("weak", key="rsa1024")
    w.put("weak.key", "weak.crt", "mid.crt")


def sha1(w):
    w.made("sha1", digest="sha1")
    w.put("sha1.key", "sha1.crt", "mid.crt")


def nameless(w):
    w.made("nameless", san=None, cn=HOST)
    w.put("nameless.key", "nameless.crt", "mid.crt")


def for_clients(w):
    w.made("client", extensions=SERVER + ("extendedKeyUsage=clientAuth",))
    w.put("client.key", "client.crt", "mid.crt")


def few_days(w):
    """Some days are left of what imapd-tls made."""
    w.touch()
    w.must("imapd-tls", "ca", "--days", "5", "--replace", HOST)


def another_name(w):
    w.touch()
    w.must("imapd-tls", "self", "--replace", "imap.example.net")


def outside(w):
    """The authority is for one name, and signs another too."""
    openssl("x509", "-in", OWN + "/ca.pem", "-out", w.dir + "/authority.crt")
    openssl("pkey", "-in", OWN + "/ca.pem", "-out", w.dir + "/authority.key")
    w.made("outside", "authority", san="DNS:%s,DNS:imap.example.net" % HOST)
    w.put("outside.key", "outside.crt")


# --- The chain -------------------------------------------------------------------

def no_chain(w):
    w.put("mid.crt", to=CERTS + "their-chain.crt", mode=0o644)
    w.made("chain")
    w.put("chain.key", "chain.crt")


def chain_elsewhere(w):
    """The certificate says where its issuer's is."""
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0),
        functools.partial(Quiet, directory=w.dir))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    w.undo(server.shutdown)
    w.made("far", extensions=SERVER + ("authorityInfoAccess=caIssuers;"
        "URI:http://127.0.0.1:%d/mid.crt" % server.server_port,))
    w.put("far.key", "far.crt", to=PEM)
    w.keep(PEM + ".issuer")


def disorder(w):
    w.made("order")
    w.put("mid.crt", "order.crt", "order.key")


def late_chain(w):
    w.pki.authority("oldmid", "root", start=PAST, end="20210101000000Z")
    w.made("oldleaf", "oldmid")
    w.put("oldleaf.key", "oldleaf.crt", "oldmid.crt")


# --- Who may read it; other files ------------------------------------------------

def open_to_all(w):
    w.touch()
    w.chmod(PEM, 0o644)


def open_key(w):
    """Key and certificate apart, as the old toolkit also had it."""
    w.put("own.key", to=KEYS + "imapd.pem", mode=0o644)
    w.put("own.crt", mode=0o644)


def owner(w):
    w.touch()
    w.chown(PEM, w.joe.uid, w.joe.gid)


def for_address(w):
    """One for an address, beside a good one for all others."""
    w.made("address", san="DNS:%s,IP:127.0.0.1" % HOST)
    w.pki.key("other2")
    w.put("other2.key", "address.crt", "mid.crt",
        to=CERTS + "imapd-127.0.0.1.pem")


def for_name(w):
    w.made("sni", san="DNS:imap.example.net", start=PAST,
        end="20210101000000Z")
    w.put("sni.key", "sni.crt", "mid.crt",
        to=CERTS + "imapd-imap.example.net.pem")


# --- OpenSSL ---------------------------------------------------------------------

def system_default(w, line):
    w.edit("/etc/ssl/openssl.cnf", r"^\[openssl_init\]$", "[openssl_init]\n"
        "ssl_conf = of_tls\n\n[of_tls]\nsystem_default = of_all\n\n"
        "[of_all]\n%s\n\n[openssl_init]" % line)


def nothing_left(w):
    w.configure("tls = modern\n")
    system_default(w, "MaxProtocol = TLSv1.2")


def no_newest(w):
    system_default(w, "MaxProtocol = TLSv1.2")


def severe(w):
    """At this level the key of the certificate is too short."""
    w.made("rsa", key="rsa")
    w.put("rsa.key", "rsa.crt", "mid.crt")
    system_default(w, "CipherString = DEFAULT@SECLEVEL=3")


def too_severe(w):
    system_default(w, "CipherString = DEFAULT@SECLEVEL=3")


ROWS = (
    row("no file", none, "there is no certificate"),
    row("no file, and passwords in clear", none_wanted, "so passwords go over",
        state="warning", also=("login", "configuration", "build"),
        after=lambda w: w.edit("/etc/imapd.conf", "plaintext = always\n", "")),
    row("an empty file", empty, "imapd.pem is empty"),
    row("another file", garbage, "no certificate that can be read"),
    row("a directory", directory, "that is no file"),
    row("DER", der, "certificate as DER"),
    row("PKCS#12", pkcs12, "is PKCS#12"),
    row("PKCS#12 with a pass phrase", pkcs12_locked, "is PKCS#12"),
    row("a key with a pass phrase", locked, "the private key has a pass"),
    row("no key; it is elsewhere", no_key, "there is no private key in it"),
    row("no certificate; it is elsewhere", no_certificate,
        "a private key in it and no certificate"),
    row("no key, nowhere", no_key_anywhere, "there is no private key in it"),
    row("a damaged certificate", damaged, "no certificate that is whole"),
    row("blanks before each line", marked, "blanks or a mark"),
    row("another's key; the right one is elsewhere", other_key,
        "does not belong to the certificate"),
    row("another's key; what was before is good", other_key_before,
        "does not belong to the certificate"),
    row("another's key", other_key_alone, "does not belong"),
    row("a link that leads nowhere", dangling, "which is not there, so"),
    row("ipop3d.pem leads nowhere", pop_dangling, "link to imap.pem, which",
        state="warning", program="ipop3d"),
    row("expired, of one's own authority", own_late, "it has expired on 2021"),
    row("expired, and certbot has a new one", live, "it has expired"),
    row("expired, and bought", bought_late, "it has expired"),
    row("expired, and self-signed", self_late, "it has expired"),
    row("not yet valid", early, "it is not valid before 2098"),
    row("RSA of 1024 bits", weak, r"its key \(RSA 1024\) is too weak"),
    row("SHA-1", sha1, "signed with SHA1"),
    row("no subjectAltName", nameless, "no name as subjectAltName"),
    row("for clients", for_clients, "not for servers"),
    row("a few days left", few_days, "it ends in [45] days", state="warning"),
    row("another name", another_name, "it is for imap.example.net, and this",
        state="warning"),
    row("a name that its authority may not sign", outside,
        "may not sign for its names"),
    row("no chain; it is elsewhere", no_chain, "issuer .* is missing"),
    row("no chain; it says where it is", chain_elsewhere,
        "issuer .* is missing"),
    row("in disorder", disorder, "are not in order", state="warning"),
    row("the chain has expired", late_chain, "of its chain has expired"),
    row("everybody can read the key", open_to_all,
        r"others than root can read the private key \(mode 0644\)"),
    row("everybody can read the key's own file", open_key,
        "private/imapd.pem: others than root can read"),
    row("somebody's file", owner, "it belongs to joe", state="warning"),
    row("the file for an address", for_address, "imapd-127.0.0.1.pem: the "
        "private key in it does not belong"),
    row("the file for a server name", for_name, "imapd-imap.example.net.pem: "
        "it has expired"),
    row("openssl.cnf leaves no version", nothing_left, "leaves nothing of tls "
        "= modern", check="openssl"),
    row("openssl.cnf leaves no TLS 1.3", no_newest, "allows no more than",
        check="openssl", state="warning"),
    row("openssl.cnf refuses the key", severe, "certificate is refused",
        check="openssl"),
    row("openssl.cnf is severe", too_severe, "above the usual",
        check="openssl", state="warning"),
)


def as_user(w):
    """Who may not look says so, and takes nothing for wrong."""
    report = w.report(login=False, drop=w.joe.drop)
    for check, says in (("certificate", "imapd.pem: only root may read it"),
            ("ports", "port 993, and only root may know who")):
        tap.ok(report.found(check, says, "unknown"), "a user is told: " +
            says, report.text)
    tap.ok(report.found("superserver", "inetd starts /usr/local/sbin/imapd for "
        "port 993", "ok"),
        "a user can look at what starts the servers", report.text)
    tap.equal([f for f in report.bad() if f["check"] in ("services",
        "superserver", "ports", "certificate", "openssl")], [],
        "a user is told of nothing that isn't so")


def main():
    need("inetd", "curl")
    world = Certs(room.enter())
    only = sys.argv[1:]
    try_all(world, [r for r in ROWS if not only or r.name in only])
    as_user(world)


run(main)
