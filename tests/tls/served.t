#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What imapd-tls install puts in place, in whatever shape it was given, is what
imapd and ipop3d serve, and what clients trust."""

import os
import re
import shutil
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../lib"))
import pki as authorities
from pki import openssl
from tap import run, tap
from tlstool import read, with_servers, write


def shapes(p, t, c):
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
    for name in ("leaf", "mid"):
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
        t.empty()
        said = t.good("install", *options, *map(p.path, names))
        c.trusted(what, p.path("root.crt"), ["leaf", "mid"])
        tap.ok("imapd.pem: localhost\n" in said and "by CN=mid, until " in
            said and "(89 days), EC 256 prime256v1" in said,
            what + ": it says what is there now", said)


def kinds(p, t, c):
    """Every kind of key; 1024 bits and the like are refused elsewhere."""
    for kind, says in (("rsa", "RSA 2048"), ("p384", "EC 384 secp384r1"),
            ("ed25519", "ED25519")):
        p.make(kind, "mid", key=kind)
        said = t.good("install", *(p.path(x) for x in (kind + ".crt",
            kind + ".key", "mid.crt")))
        c.trusted(kind, p.path("root.crt"), [kind, "mid"])
        tap.ok(says in said, kind + " is told", said)
        tap.equal("many clients don't know" in said, kind == "ed25519",
            kind + ": a warning where clients don't know it")


def both(p, t, c):
    """RSA and ECDSA in one file, each with its chain, for clients that know
    one of them; show knows both."""
    t.empty()
    p.make("old", "mid", key="rsa")
    p.make("new", "mid")
    said = t.good("install", *(p.path(x) for x in ("new.crt", "old.crt",
        "mid.crt", "old.key", "new.key")))
    for what, cipher, chain in (("ECDSA", "ECDHE-ECDSA-AES128-GCM-SHA256",
            ["new", "mid"]), ("RSA", "ECDHE-RSA-AES128-GCM-SHA256",
            ["old", "mid"])):
        tap.equal(c.handshake(p.path("root.crt"), more=("-tls1_2", "-cipher",
            cipher)), chain, "both kinds: who wants " + what)
    shown = t.run("show").stdout
    for what, text in (("install", said), ("show", shown)):
        tap.ok("EC 256" in text and "RSA 2048" in text and "FAILED" not in
            text, what + " describes both", text)
    p.make("soon", "mid", key="rsa", end=time.strftime("%Y%m%d%H%M%SZ",
        time.gmtime(time.time() + 9 * 86400)))
    t.good("install", *(p.path(x) for x in ("new.crt", "soon.crt",
        "mid.crt", "soon.key", "new.key")))
    tap.equal(t.run("show").stdout.count("it ends soon"), 1,
        "show warns of the one that ends")


def later(p, t, c):
    """A renewed certificate alone: key and chain are those of before; the
    file of before is kept."""
    t.empty()
    t.good("install", *(p.path(x) for x in ("leaf.crt", "leaf.key",
        "mid.crt")))
    before = read(t.pem)
    p.make("leaf", "mid", end="20991231235959Z")
    t.good("install", p.path("leaf.crt"))
    c.trusted("a new certificate alone", p.path("root.crt"), ["leaf", "mid"])
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
    c.trusted("an ipop3d.pem of its own", p.path("root.crt"), ["leaf", "mid"])
    tap.ok(read(t.dir + "/ipop3d.pem.last") == b"one of its own\n" and
        "ipop3d.pem.last" in said, "it is kept, and that is said", said)


def requests(p, t, c):
    """csr, an authority that signs, install of what comes back."""
    for kind in ("ec", "rsa"):
        t.empty()
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
        c.trusted("csr with " + kind, p.path("root.crt"), ["localhost", "mid"])
        tap.equal(sorted(os.listdir(t.dir)), ["imapd.pem", "ipop3d.pem"],
            "the request is answered")


def main():
    with_servers(authorities.three, (shapes, kinds, both, later, requests))


run(main)
