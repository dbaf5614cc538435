#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""imapd-tls self, ca and renew: what they make is served and trusted; and
`show` says which file that is."""

import os
import plistlib
import re
import shutil
import ssl
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../lib"))
import pki as authorities
from pki import openssl
from tap import run, tap
from tlstool import read, with_servers, write


def own(p, t, c):
    """self and ca, renew, and what clients get to trust them."""
    t.empty()
    t.good("self", "localhost", "127.0.0.1", "::1")
    crt = p.path("self.crt")
    openssl("x509", "-in", t.pem, "-out", crt)
    c.trusted("self", crt, ["localhost"])
    fake = p.path("fakebin")
    os.mkdir(fake)
    write(fake + "/qrencode", b'#!/bin/sh\necho "QR($*)"\n')
    os.chmod(fake + "/qrencode", 0o755)
    said = t.good("ca", "--replace", "localhost", "127.0.0.1", "::1",
        path=fake)
    crt = t.dir + "/imapd-ca/imapd-ca.crt"
    c.trusted("ca", crt, ["localhost"])
    tap.equal(c.handshake(crt, more=("-verify_ip", "127.0.0.1")),
        ["localhost"], "the address is in it")
    der = ssl.PEM_cert_to_DER_cert(read(crt).decode())
    print256 = openssl("x509", "-in", crt, "-noout", "-fingerprint",
        "-sha256").split("=")[1].strip()
    tap.ok("SHA-256 " + print256 in said and
        "QR(-t UTF8 SHA-256 %s)" % print256 in said,
        "fingerprint, as text and as QR code", said)
    for word in ("iPhone", "Mac", "Android", "Windows", "Thunderbird", "mutt",
            "curl"):
        tap.equal(len(re.findall("(?m)^" + word, said)), 1,
            "a line for " + word)
    with open(t.dir + "/imapd-ca/imapd-ca.mobileconfig", "rb") as f:
        profile = plistlib.load(f)
    inner = profile["PayloadContent"][0]
    tap.ok(profile["PayloadType"] == "Configuration" and
        inner["PayloadType"] == "com.apple.security.root" and
        inner["PayloadContent"] == der and re.fullmatch(
        r"[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}", inner["PayloadUUID"])
        and inner["PayloadUUID"] != profile["PayloadUUID"],
        "the .mobileconfig holds the authority", profile)
    modes = {name: os.stat("%s/imapd-ca/%s" % (t.dir, name)).st_mode & 0o777
        for name in os.listdir(t.dir + "/imapd-ca")}
    tap.equal(modes, {"ca.pem": 0o400, "imapd-ca.crt": 0o644,
        "imapd-ca.mobileconfig": 0o644}, "only the key is secret")
    authority = read(t.dir + "/imapd-ca/ca.pem")
    before = read(t.pem)
    t.good("ca", "--key", "rsa", "mail.localhost", "localhost")
    c.trusted("ca once more", crt, ["mail.localhost"])
    tap.ok(read(t.dir + "/imapd-ca/ca.pem") == authority and
        read(t.pem) != before, "the authority stays")
    t.refused("ca for a name that it may not sign for", ("may not sign for "
        "one of example.org", "made for localhost, 127.0.0.1", "mv "), "ca",
        "example.org")
    t.refused("ca for an address that it may not sign for", ("may not sign",),
        "ca", "localhost", "192.0.2.1")
    renewals(t, c, crt)
    t.empty()
    t.refused("a name that is not below --domain", ("not all of "
        "mail.example.com are below example.org",), "ca", "--domain",
        "example.org", "mail.example.com")
    t.good("ca", "--domain", "example.org", "mail.example.org")
    t.good("ca", "imap.example.org", "mail.example.org")
    tap.equal(c.handshake(t.dir + "/imapd-ca/imapd-ca.crt",
        name="mail.example.org"), ["imap.example.org"],
        "--domain: names that come later")
    t.refused("an address with an authority for names", ("may not sign",),
        "ca", "192.0.2.1", "mail.example.org")
    t.refused("--domain for an authority that is there", ("can't be changed",
        "mv "), "ca", "--domain", "example.com", "mail.example.com")
    anew(t, "for a name that it may not sign for", "ca", "imap.example.net")
    anew(t, "for another domain", "ca", "--domain", "example.com",
        "mail.example.com")
    t.good("ca", "imap.example.com")


def anew(t, what, *args):
    """The commands that a refusal prints do it."""
    said = t.run(*args).stderr
    found = re.search("to begin anew type: mv (\\S+) (\\S+), and: "
        "imapd-tls (.*)\n", said)
    if not tap.ok(found, "anew: it says how, " + what, said):
        return
    shutil.move(found.group(1), found.group(2))
    t.good(*found.group(3).split())
    shutil.rmtree(found.group(2))


def renewals(t, c, crt):
    now = read(t.pem)
    tap.equal(t.good("renew"), "", "renew: there is time left")
    tap.equal(read(t.pem), now, "nothing was done")
    t.good("ca", "--key", "rsa", "--days", "29", "mail.localhost",
        "localhost", "127.0.0.1", "::1")
    now = read(t.pem)
    t.good("renew")
    tap.ok(read(t.pem) != now and read(t.pem + ".last") == now,
        "renew: 29 days left")
    c.trusted("renewed", crt, ["mail.localhost"])
    text = openssl("x509", "-in", t.pem, "-noout", "-text")
    tap.ok("DNS:mail.localhost, DNS:localhost, IP Address:127.0.0.1, "
        "IP Address:0:0:0:0:0:0:0:1" in text and "rsaEncryption" in text,
        "the same names and kind of key", text)
    tap.equal(t.good("renew"), "", "and then there is time")


def shown(p, t, c):
    """Which file `show` names for 127.0.0.1, and what is served there."""
    t.empty()
    files = ("imapd", "ipop3d", "imapd-127.0.0.1", "ipop3d-127.0.0.1")
    for name in files:
        p.make(name, san="DNS:localhost,DNS:%s.example" % name)

    everybody = p.cat("everybody", *(x + ".crt" for x in files))

    def look(what):
        done = t.run("show")
        for program in ("imapd", "ipop3d"):
            m = re.search(r"(?m)^\t127\.0\.0\.1, %s: (\S+)\.pem \((.*)\)$" %
                program, done.stdout)
            sent = c.handshake(everybody, program)
            tap.ok(m and ["localhost %s.example" % x for x in sent[:1]] ==
                [m.group(2)], "%s: show says what %s serves" % (what,
                program), "%s\n%r" % (done.stdout, sent))
        return done.stdout

    for name in files:
        p.cat("one.pem", name + ".key", name + ".crt")
        shutil.copy(p.path("one.pem"), "%s/%s.pem" % (t.dir, name))
        look("with " + name)
    os.unlink(t.dir + "/ipop3d-127.0.0.1.pem")
    os.unlink(t.dir + "/ipop3d.pem")
    os.symlink("nowhere.pem", t.dir + "/ipop3d.pem")
    text = look("with a link that leads nowhere")
    tap.ok("FAILED: nothing is there" in text, "which is a failure", text)
    t.good("install", "--for", "127.0.0.1", p.path("imapd.key"),
        p.path("imapd.crt"))
    tap.equal(os.readlink(t.dir + "/ipop3d-127.0.0.1.pem"),
        "imapd-127.0.0.1.pem", "--for an address")
    look("with --for")
    server_names(p, t, c, everybody)


def server_names(p, t, c, everybody):
    """A certificate for those who ask for a name."""
    name = "imapd-127.0.0.1.example"
    t.good("install", "--for", name, *(p.path("imapd-127.0.0.1" + x)
        for x in (".key", ".crt")))
    text = t.run("show").stdout
    for program in ("imapd", "ipop3d"):
        tap.equal(c.handshake(everybody, program, more=("-servername", name)),
            ["imapd-127.0.0.1"], program + " serves it")
        tap.ok("\t%s, %s: %s-%s.pem (localhost %s)\n" % (name, program,
            program, name, name) in text, "and show says so", text)
    write(t.dir + "/ipop3d-other.example.pem", b"nothing\n")
    text = t.run("show").stdout
    tap.ok("other.example, " not in text and "FAILED: no certificate" in text,
        "one that can't be used is no server name's", text)
    os.chmod(t.pem, 0o600)
    with open(t.pem, "ab") as f:
        f.write(read(p.path("ipop3d.key")) + read(p.path("ipop3d.crt")))
    before = read(t.pem)
    t.refused("self over two certificates in one file", ("--replace",),
        "self", "localhost")
    t.good("self", "--replace", "localhost")
    tap.equal(read(t.pem + ".last"), before, "they are kept as the last good")


def main():
    with_servers(authorities.Pki, (own, shown))


run(main)
