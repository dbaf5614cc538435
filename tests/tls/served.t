#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What imapd-tls puts in place is what imapd and ipop3d serve, and what
clients trust; and `show` says which file that is."""

import os
import plistlib
import re
import shutil
import ssl
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../lib"))
import pki as authorities
from pki import openssl
from server import Host
from tap import need, run, tap
from tlstool import Tool, read


def write(path, data):
    with open(path, "wb") as f:
        f.write(data)
    return path


def fetched(crt):
    """Does curl read mail over imaps with this certificate alone?"""
    done = subprocess.run(["curl", "-sS", "--cacert", crt, "--user",
        "joe:" + host.account().password, "imaps://localhost:%d/" %
        host.ports["imapds"]], stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, check=False)
    return b"INBOX" in done.stdout or done.stdout


def handshake(crt, program="ipop3d", name="localhost", more=()):
    """What openssl says where it verifies everything: subjects sent, or
    None."""
    done = subprocess.run(["openssl", "s_client", "-verify_return_error",
        "-verify_hostname", name, "-CAfile", crt, "-showcerts", "-connect",
        "127.0.0.1:%d" % host.ports[program + "s"], *more],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0 or "Verify return code: 0 (ok)" not in done.stdout:
        return done.stdout[-900:]
    return re.findall(r"^ *\d+ s:CN = (.*)$", done.stdout, re.M)


def trusted(what, crt, chain):
    tap.equal(fetched(crt), True, what + ": curl reads mail over imaps")
    tap.equal(handshake(crt), chain, what + ": openssl verifies pop3s")
    tap.ok(os.lstat(t.pem).st_mode & 0o7777 == 0o400 and
        os.readlink(os.path.join(t.dir, "ipop3d.pem")) == "imapd.pem",
        what + ": mode 0400, and ipop3d.pem is a link")


def shapes():
    """Everything that an authority or an ACME client gives."""
    passfile = write(p.path("pass"), b"open sesame\n")
    live = p.path("live")
    os.mkdir(live)
    os.mkdir(p.path("archive"))
    p.cat("archive/fullchain1.pem", "leaf.crt", "mid.crt")
    shutil.copy(p.path("leaf.key"), p.path("archive/privkey1.pem"))
    for name in ("fullchain", "privkey"):
        os.symlink("../archive/%s1.pem" % name, "%s/%s.pem" % (live, name))
    acme = p.path("localhost_ecc")
    os.mkdir(acme)
    p.cat("localhost_ecc/fullchain.cer", "leaf.crt", "mid.crt")
    p.cat("localhost_ecc/localhost.key", "leaf.key")
    for name, form in (("leaf", "crt"), ("mid", "crt")):
        openssl("x509", "-in", p.path(name + ".crt"), "-outform", "DER",
            "-out", p.path(name + ".der"))
    openssl("pkey", "-in", p.path("leaf.key"), "-outform", "DER", "-out",
        p.path("key.der"))
    openssl("pkcs8", "-topk8", "-in", p.path("leaf.key"), "-passout",
        "file:" + passfile, "-outform", "DER", "-out", p.path("locked.der"))
    openssl("ec", "-in", p.path("leaf.key"), "-aes128", "-passout",
        "file:" + passfile, "-out", p.path("locked.key"))
    bundle = ("pkcs12", "-export", "-in", p.path("leaf.crt"), "-inkey",
        p.path("leaf.key"), "-certfile", p.path("mid.crt"), "-out")
    openssl(*bundle, p.path("a.p12"), "-passout", "file:" + passfile)
    openssl(*bundle, p.path("open.p12"), "-passout", "pass:")
    openssl(*bundle, p.path("old.p12"), "-passout", "file:" + passfile,
        "-legacy")
    for form in ("PEM", "DER"):
        openssl("crl2pkcs7", "-nocrl", "-certfile", p.path("leaf.crt"),
            "-certfile", p.path("mid.crt"), "-certfile", p.path("root.crt"),
            "-outform", form, "-out", p.path("chain.%s.p7b" % form))
    p.make("stranger")
    p.cat("mixed.pem", "root.crt", "mid.crt", "leaf.key", "stranger.crt",
        "leaf.crt")
    windows = b"\xef\xbb\xbf" + read(p.path("mixed.pem")).replace(b"\n",
        b"  \r\n")
    write(p.path("windows.pem"), windows)
    write(p.path("mail.pem"), b"Dear customer,\n\n" + re.sub(rb"(?m)^", b"  ",
        read(p.path("mixed.pem"))) + b"\nYours sincerely\n")
    unlock = ("--passfile", passfile)
    leaf, key, mid = "leaf.crt", "leaf.key", "mid.crt"
    for what, names, options in (
            ("fullchain and key in two files", ("archive/fullchain1.pem",
                key), ()),
            ("three files, the issuer first", (mid, key, leaf), ()),
            ("one file without order, with root and stranger",
                ("mixed.pem",), ()),
            ("a byte order mark and CRLF", ("windows.pem",), ()),
            ("text around and blanks before", ("mail.pem",), ()),
            ("DER", ("leaf.der", "key.der", "mid.der"), ()),
            ("an encrypted key in DER", (leaf, mid, "locked.der"), unlock),
            ("an encrypted key of the old form", (leaf, mid, "locked.key"),
                unlock),
            ("PKCS#12", ("a.p12",), unlock),
            ("PKCS#12 without a pass phrase", ("open.p12",), ()),
            ("PKCS#12 of old Windows", ("old.p12",), unlock),
            ("PKCS#7", ("chain.PEM.p7b", key), ()),
            ("PKCS#7 in DER", (key, "chain.DER.p7b"), ()),
            ("a live directory of certbot", ("live",), ()),
            ("a directory of acme.sh", ("localhost_ecc",), ())):
        empty()
        said = t.good("install", *options, *map(p.path, names))
        trusted(what, p.path("root.crt"), ["leaf", "mid"])
        tap.ok("imapd.pem: localhost\n" in said and "by CN=mid, until " in
            said and "(89 days), EC 256 prime256v1" in said,
            what + ": it says what is there now", said)


def empty():
    for name in os.listdir(t.dir):
        path = os.path.join(t.dir, name)
        shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)


def kinds():
    """Every kind of key; 1024 bits and the like are refused elsewhere."""
    for kind, says in (("rsa", "RSA 2048"), ("p384", "EC 384 secp384r1"),
            ("ed25519", "ED25519")):
        p.make(kind, "mid", key=kind)
        said = t.good("install", *(p.path(x) for x in (kind + ".crt",
            kind + ".key", "mid.crt")))
        trusted(kind, p.path("root.crt"), [kind, "mid"])
        tap.ok(says in said, kind + " is told", said)
        tap.equal("many clients don't know" in said, kind == "ed25519",
            kind + ": a warning where clients don't know it")


def later():
    """A renewed certificate alone: key and chain are those of before; the
    file of before is kept."""
    empty()
    t.good("install", *(p.path(x) for x in ("leaf.crt", "leaf.key",
        "mid.crt")))
    before = read(t.pem)
    p.make("leaf", "mid", end="20991231235959Z")
    t.good("install", p.path("leaf.crt"))
    trusted("a new certificate alone", p.path("root.crt"), ["leaf", "mid"])
    tap.ok(read(t.pem + ".last") == before != read(t.pem) and
        os.stat(t.pem + ".last").st_mode & 0o777 == 0o400,
        "what was there before is kept")
    now = read(t.pem)
    os.chmod(t.pem, 0o644)
    t.good("install", t.pem)
    tap.ok(read(t.pem + ".last") == before and read(t.pem) == now and
        os.stat(t.pem).st_mode & 0o777 == 0o400,
        "the same once more: nothing is lost, and the mode is put right")
    write(t.pem + ".new", b"damaged\n")
    os.rename(t.pem + ".new", t.pem)
    t.good("install", p.path("leaf.crt"), p.path("leaf.key"),
        p.path("mid.crt"))
    tap.ok(read(t.pem + ".last") == before, "what is damaged is not kept")
    os.unlink(t.dir + "/ipop3d.pem")
    write(t.dir + "/ipop3d.pem", b"one of its own\n")
    said = t.good("install", p.path("leaf.crt"))
    trusted("an ipop3d.pem of its own", p.path("root.crt"), ["leaf", "mid"])
    tap.ok(read(t.dir + "/ipop3d.pem.last") == b"one of its own\n" and
        "ipop3d.pem.last" in said, "it is kept, and that is said", said)


def requests():
    """csr, an authority that signs, install of what comes back."""
    for kind in ("ec", "rsa"):
        empty()
        said = t.good("csr", "--key", kind, "localhost", "127.0.0.1", "::1")
        csr = t.dir + "/imapd.csr"
        tap.ok("-----BEGIN CERTIFICATE REQUEST-----" in said and
            os.stat(t.dir + "/imapd.key").st_mode & 0o777 == 0o400 and
            not os.path.exists(t.pem), kind + ": the request is printed")
        key = read(t.dir + "/imapd.key")
        t.good("csr", "localhost", "imap.localhost")
        tap.ok(read(t.dir + "/imapd.key") == key, "the key stays")
        text = openssl("req", "-in", csr, "-noout", "-text", "-verify")
        tap.ok("DNS:localhost, DNS:imap.localhost" in text and
            "CN = localhost" in text, "CN and subjectAltName", text)
        crt = p.path("bought.crt")
        openssl("x509", "-req", "-in", csr, "-CA", p.path("mid.crt"),
            "-CAkey", p.path("mid.key"), "-set_serial", "77", "-days", "80",
            "-copy_extensions", "copy", "-out", crt)
        t.good("install", crt, p.path("mid.crt"))
        trusted("csr with " + kind, p.path("root.crt"), ["localhost", "mid"])
        tap.equal(sorted(os.listdir(t.dir)), ["imapd.pem", "ipop3d.pem"],
            "the request is answered")


def own():
    """self and ca, renew, and what clients get to trust them."""
    empty()
    t.good("self", "localhost", "127.0.0.1", "::1")
    crt = p.path("self.crt")
    openssl("x509", "-in", t.pem, "-out", crt)
    trusted("self", crt, ["localhost"])
    fake = p.path("fakebin")
    os.mkdir(fake)
    write(fake + "/qrencode", b'#!/bin/sh\necho "QR($*)"\n')
    os.chmod(fake + "/qrencode", 0o755)
    said = t.good("ca", "--replace", "localhost", "127.0.0.1", "::1",
        path=fake)
    crt = t.dir + "/imapd-ca/imapd-ca.crt"
    trusted("ca", crt, ["localhost"])
    tap.equal(handshake(crt, more=("-verify_ip", "127.0.0.1")),
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
    trusted("ca once more", crt, ["mail.localhost"])
    tap.ok(read(t.dir + "/imapd-ca/ca.pem") == authority and
        read(t.pem) != before, "the authority stays")
    t.refused("ca for a name that it may not sign for", ("may not sign for "
        "one of example.org", "made for localhost, 127.0.0.1", "mv "), "ca",
        "example.org")
    t.refused("ca for an address that it may not sign for", ("may not sign",),
        "ca", "localhost", "192.0.2.1")
    renewals(crt)
    empty()
    t.refused("a name that is not below --domain", ("not all of "
        "mail.example.com are below example.org",), "ca", "--domain",
        "example.org", "mail.example.com")
    t.good("ca", "--domain", "example.org", "mail.example.org")
    t.good("ca", "imap.example.org", "mail.example.org")
    tap.equal(handshake(t.dir + "/imapd-ca/imapd-ca.crt",
        name="mail.example.org"), ["imap.example.org"],
        "--domain: names that come later")
    t.refused("an address with an authority for names", ("may not sign",),
        "ca", "192.0.2.1", "mail.example.org")
    t.refused("--domain for an authority that is there", ("can't be changed",
        "mv "), "ca", "--domain", "example.com", "mail.example.com")


def renewals(crt):
    now = read(t.pem)
    tap.equal(t.good("renew"), "", "renew: there is time left")
    tap.equal(read(t.pem), now, "nothing was done")
    t.good("ca", "--key", "rsa", "--days", "29", "mail.localhost",
        "localhost", "127.0.0.1", "::1")
    now = read(t.pem)
    t.good("renew")
    tap.ok(read(t.pem) != now and read(t.pem + ".last") == now,
        "renew: 29 days left")
    trusted("renewed", crt, ["mail.localhost"])
    text = openssl("x509", "-in", t.pem, "-noout", "-text")
    tap.ok("DNS:mail.localhost, DNS:localhost, IP Address:127.0.0.1, "
        "IP Address:0:0:0:0:0:0:0:1" in text and "rsaEncryption" in text,
        "the same names and kind of key", text)
    tap.equal(t.good("renew"), "", "and then there is time")


def shown():
    """Which file `show` names for 127.0.0.1, and what is served there."""
    empty()
    files = ("imapd", "ipop3d", "imapd-127.0.0.1", "ipop3d-127.0.0.1")
    for name in files:
        p.make(name, san="DNS:localhost,DNS:%s.example" % name)

    everybody = p.cat("everybody", *(x + ".crt" for x in files))

    def look(what):
        done = t.run("show")
        for program in ("imapd", "ipop3d"):
            m = re.search(r"(?m)^\t127\.0\.0\.1, %s: (\S+)\.pem \((.*)\)$" %
                program, done.stdout)
            sent = handshake(everybody, program)
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
    t.good("install", "--address", "127.0.0.1", p.path("imapd.key"),
        p.path("imapd.crt"))
    tap.equal(os.readlink(t.dir + "/ipop3d-127.0.0.1.pem"),
        "imapd-127.0.0.1.pem", "--address")
    look("with --address")


def main():
    global p, t, host
    need("curl")
    host = Host(programs=("imapd", "ipop3d"))
    top = tempfile.mkdtemp(prefix="tls.")
    try:
        p, t = authorities.three(top), Tool(host.certdir)
        for part in (shapes, kinds, later, requests, own, shown):
            part()
        tap.equal(host.faults(), "", "no faults in the servers")
    finally:
        shutil.rmtree(top)


run(main)
