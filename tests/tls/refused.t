#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""imapd-tls with everything that is wrong: one line says what it is and what
to type, and what was in place stays as it was."""

import datetime
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../lib"))
import pki as authorities
from pki import openssl
from tap import run, tap
from tlstool import TOOL, Tool, read, write

PASS = "open sesame"


def certificates():
    """Certificates that must not get into place."""
    mid = "mid"
    p.make("expired", mid, start="20200101000000Z", end="20210101000000Z")
    p.make("future", mid, start="20490101000000Z", end="20491231000000Z")
    p.make("weak", mid, key="rsa1024")
    p.make("curve", mid, key="k1")
    p.make("sha1", mid, digest="sha1")
    p.make("client", mid, extensions=("basicConstraints=CA:FALSE",
        "extendedKeyUsage=clientAuth"))
    p.make("nameless", mid, san=None)
    p.authority("oldmid", "root", start="20200101000000Z",
        end="20210101000000Z")
    p.make("under", "oldmid")
    for name, needles in (
            ("expired", ("has expired on 2021-01-01", "imapd-tls install")),
            ("future", ("not valid before 2049-01-01", "clock", "date")),
            ("weak", ("RSA 1024 bits is too weak", "2048",
                "imapd-tls csr localhost")),
            ("curve", ("elliptic curve (EC 256 secp256k1)",
                "imapd-tls csr localhost")),
            ("sha1", ("SHA1", "broken", "authority")),
            ("client", ("not for servers", "order one")),
            ("nameless", ("no name as subjectAltName", "imapd-tls csr"))):
        t.refused(name, needles, "install", p.path(name + ".crt"),
            p.path(name + ".key"), p.path("mid.crt"))
    t.refused("a missing intermediate", ("certificate of the issuer (CN=mid) "
        "is missing", "imapd-tls install FILE... ISSUERFILE"), "install",
        p.path("leaf.crt"), p.path("leaf.key"))
    t.refused("an intermediate that has expired", ("issuer (CN=oldmid) is "
        "missing (what was given has expired)",), "install", p.path("under.crt"), p.path("under.key"),
        p.path("oldmid.crt"))
    # It says itself where that is; what is in it is not believed.
    for url, shown in (("http://ca.example/mid.der", True),
            ("http://ca.example/$(id)'`", False)):
        p.make("aia", "mid", extensions=("basicConstraints=CA:FALSE",
            "authorityInfoAccess=caIssuers;URI:" + url.replace("$", "\\$")))
        t.refused("a missing intermediate with an address" + ("" if shown
            else " that could harm"), ("curl -LO " + url,) if shown else
            ("is missing, without which clients don't trust it;  name",),
            "install", p.path("aia.crt"), p.path("aia.key"))
    t.refused("another name than is wanted", ("not for mail.example.org, but "
        "for localhost", "imapd-tls csr mail.example.org"), "install",
        "--name", "localhost", "--name", "mail.example.org",
        p.path("good.pem"))


def keys():
    leaf, other = p.path("leaf.crt"), p.path("other.key")
    p.key("other")
    t.refused("a key of another certificate", ("private key in " + other +
        " does not belong to the certificate in " + leaf, "same order"),
        "install", leaf, other, p.path("mid.crt"))
    t.refused("no key", ("no private key in what was given", "imapd-tls "
        "install CERTIFICATE KEY"), "install", leaf, p.path("mid.crt"))
    t.refused("no certificate", ("no certificate in " + other,
        "imapd-tls install CERTIFICATE KEY"), "install", other)
    t.refused("a request", ("leaf.csr: that is the request", "send it"),
        "install", p.path("leaf.csr"), p.path("leaf.key"))
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f",
        p.path("ssh")], check=False) if shutil.which("ssh-keygen") else \
        write(p.path("ssh"), b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n"
        b"-----END OPENSSH PRIVATE KEY-----\n")
    t.refused("a key of ssh", ("a key of ssh",), "install", p.path("ssh"),
        leaf)
    p.make("second", "mid")
    t.refused("two keys with two certificates", ("keys that both have "
        "certificates", "name the files of one only"), "install",
        p.path("good.pem"), p.path("second.crt"), p.path("second.key"))
    damaged = read(p.path("leaf.key")).replace(b"M", b"W")
    t.refused("a damaged key", ("damaged.key: the private key in it is "
        "damaged", "copy it again"), "install", leaf,
        write(p.path("damaged.key"), damaged))


def locked():
    right = write(p.path("right"), PASS.encode() + b"\n")
    wrong = write(p.path("wrong"), b"guess\n")
    leaf = p.path("leaf.crt")
    openssl("pkey", "-in", p.path("leaf.key"), "-aes256", "-passout",
        "file:" + right, "-out", p.path("locked.key"))
    openssl("ec", "-in", p.path("leaf.key"), "-aes256", "-passout",
        "file:" + right, "-out", p.path("old.key"))
    openssl("pkcs8", "-topk8", "-in", p.path("leaf.key"), "-passout",
        "file:" + right, "-outform", "DER", "-out", p.path("locked.der"))
    openssl("pkcs12", "-export", "-in", leaf, "-inkey", p.path("leaf.key"),
        "-passout", "file:" + right, "-out", p.path("locked.p12"))
    for name in ("locked.key", "old.key", "locked.der", "locked.p12"):
        path = p.path(name)
        more = () if name.endswith("p12") else (leaf,)
        t.refused(name + " without its pass phrase", (path + ": it has a "
            "pass phrase", "imapd-tls install --passfile THATFILE " + path),
            "install", path, *more)
        t.refused(name + " with a wrong one", (path, "pass phrase in " +
            wrong + " does not open it", "right one"), "install",
            "--passfile", wrong, path, *more)
    t.refused("a pass-phrase file that isn't there", (p.path("nowhere"),
        "no such file"), "install", "--passfile", p.path("nowhere"),
        p.path("locked.key"), leaf)


def files():
    cut = read(p.path("good.pem"))
    for what, name, data, needles in (
            ("an empty file", "empty", b"", ("it is empty", "fetch it")),
            ("a file cut short", "cut", cut[:-40], ("in the middle of a "
                "block", "fetch it again")),
            ("a block without an end", "endless", cut.replace(
                b"-----END CERTIFICATE-----\n", b"", 1), ("middle of a",)),
            ("a damaged certificate", "damaged", cut.replace(b"MII", b"XII"),
                ("a certificate in it is damaged", "fetch it again")),
            ("a web page", "html", b"<html>404 Not Found</html>\n",
                ("neither certificate nor key", "PEM, DER")),
            ("a file that is far too big", "big", b"\n" * 1048576,
                ("far too big",)),
            ("random octets", "random", os.urandom(2000), ("neither "
                "certificate nor key",))):
        path = write(p.path(name), data)
        t.refused(what, (path,) + needles, "install", path)
    os.symlink("nowhere", p.path("dangling"))
    os.mkdir(p.path("hollow"))
    for what, name, needles in (
            ("a file that isn't there", "missing", ("there is no such file",
                "ls -l")),
            ("a link that leads nowhere", "dangling", ("a link to a file "
                "that is not there", "ls -lL")),
            ("a directory without certificates", "hollow", ("neither "
                "fullchain.pem and privkey.pem", "name the files"))):
        path = p.path(name)
        t.refused(what, (path,) + needles, "install", path)
    t.refused("a device", ("that is no file",), "install", "/dev/null")


def names():
    for command in ("self", "ca", "csr"):
        for name in ("imaps://mail.example.org", "mail.example.org:993",
                "joe@example.org", "mail example org", "m*il.example.org",
                "-x.example.org", "m\u00e4il.example.org", "a..b", "",
                "192.0.2.256", "1.2.3.", "mail.example.org/"):
            args = ("--", name) if name.startswith("-") else (name,)
            t.refused("%s '%s'" % (command, name), (" is no",) if name !=
                "mail.example.org:993" else ("leave the port away",),
                command, *args)
    t.refused("a name that is too long", ("longer than the 64",), "self",
        "m" * 60 + ".example.org")
    for whom in ("localhost", "*.example.org"):
        t.refused("--for " + whom, ("--for " + whom + ": an address of this "
            "machine is wanted, or a whole name",), "install", "--for", whom,
            p.path("good.pem"))
    t.refused("--for a name that isn't in it", ("not for mail.example.org",),
        "install", "--for", "mail.example.org", p.path("good.pem"),
        p.path("root.crt"))


def arguments():
    for args, needle in ((("frobnicate",), "no command frobnicate"),
            (("install",), "which file"), (("csr",), "for which name"),
            (("show", "x"), "takes no names"), (("renew", "x"), "no names"),
            (("self", "--frob"), "no option --frob"),
            (("self", "--key", "dsa"), "ec or rsa"),
            (("self", "--days", "0"), "number from 1"),
            (("self", "--days"), "--days wants a value"),
            (("show", "--key", "ec"), "--key means nothing to show"),
            (("show", "--for", "::1"), "means nothing to show"),
            (("self", "--for", "::1", "--passfile", "x"),
                "--passfile means nothing to self"),
            (("install", "--replace", "x"), "--replace means nothing")):
        t.refused(" ".join(args), (needle, "type: imapd-tls --help"), *args,
            status=64)
    done = subprocess.run([TOOL, "--help"], stdout=subprocess.PIPE,
        text=True, check=False)
    tap.ok(done.returncode == 0 and "imapd-tls install" in done.stdout,
        "--help helps")
    t.refused("a configuration that isn't there", ("/no/conf", "--config"),
        "self", "--config", "/no/conf", "localhost")


def good_ones_stay():
    """self and ca leave alone what somebody else made; what is in their way
    is told."""
    for command in ("self", "ca"):
        t.refused(command + " over a good certificate", ("holds a good "
            "certificate by CN=root", "--replace"), command, "localhost")
    p.make("soon", "mid", end="20%s" % (datetime.datetime.now(
        datetime.timezone.utc) +
        datetime.timedelta(days=9)).strftime("%y%m%d%H%M%SZ"))
    where = p.path("blocked")
    os.makedirs(where + "/imapd.pem")
    b = Tool(where)
    b.refused("a directory in the place of imapd.pem", ("is a directory",
        "mv " + b.pem), "self", "localhost")
    os.rmdir(b.pem)
    b.refused("renew of nothing", ("no certificate to renew",
        "imapd-tls ca"), "renew")
    b.good("install", p.path("soon.crt"), p.path("soon.key"),
        p.path("mid.crt"))
    b.refused("renew of what another authority made", ("ends on ",
        "only who made it (CN=mid) can renew it", "imapd-tls install"),
        "renew")
    os.unlink(b.pem)
    os.mkdir(where + "/ipop3d.pem.d")
    os.unlink(where + "/ipop3d.pem")
    os.rename(where + "/ipop3d.pem.d", where + "/ipop3d.pem")
    b.refused("a directory in the place of ipop3d.pem", ("ipop3d.pem is a "
        "directory", "mv "), "self", "localhost")


def shown():
    """show says what is wrong with what somebody put there by hand."""
    s = Tool(p.path("shown"))
    os.mkdir(s.dir)
    os.mkdir(p.path("keys"))
    conf = write(p.path("conf"), b"key_dir = %s\n" % p.path("keys").encode())
    for what, parts, mode, name, needle in (
            ("a key of another certificate", ("leaf.crt", "second.key"),
                0o400, "imapd", "FAILED: the private key in %s does not "
                "belong to it; type: imapd-tls install CERTIFICATE KEY"),
            ("no key", ("leaf.crt", "mid.crt"), 0o400, "imapd", "FAILED: no "
                "private key is in it, and there is no " + p.path("keys")),
            ("no certificate", ("leaf.key",), 0o400, "imapd",
                "FAILED: no certificate is in it; type:"),
            ("an expired one", ("expired.key", "expired.crt", "mid.crt"),
                0o400, "imapd", "FAILED: %s: the certificate has expired on"),
            ("a missing chain", ("leaf.key", "leaf.crt"), 0o400, "imapd",
                "FAILED: the certificate of the issuer (CN=mid) is missing"),
            ("a file cut short", ("cut",), 0o400, "imapd",
                "FAILED: %s: it ends in the middle of a block"),
            ("a key for everybody", ("good.pem",), 0o644, "imapd",
                "FAILED: everybody on this machine can read the private key; "
                "type: chmod 400 %s"),
            ("one that ends soon", ("soon.key", "soon.crt", "mid.crt"),
                0o400, "imapd", "\twarning: it ends soon; type: imapd-tls"),
            ("an address of others", ("good.pem",), 0o400,
                "imapd-192.0.2.77", "\twarning: no address of this machine"),
            ("a good one", ("good.pem",), 0o400, "imapd",
                "\tfor localhost\n\tby CN=mid, until 20")):
        path = os.path.join(s.dir, name + ".pem")
        shutil.copy(p.cat("part", *parts), path)
        os.chmod(path, mode)
        done = s.run("show", "--config", conf)
        if "%" in needle:
            needle %= path
        tap.ok(needle in done.stdout and done.returncode == (1 if "FAILED" in
            needle or name != "imapd" else 0), "show: " + what,
            "status %d\n%s%s" % (done.returncode, done.stdout, done.stderr))
        os.unlink(path)
    shutil.copy(p.path("leaf.crt"), s.pem)
    shutil.copy(p.path("leaf.key"), p.path("keys/imapd.pem"))
    done = s.run("show", "--config", conf)
    tap.ok("issuer (CN=mid) is missing" in done.stdout,
        "show: a key in the directory of keys is found", done.stdout)


def main():
    global p, t
    top = tempfile.mkdtemp(prefix="tls.")
    try:
        os.mkdir(top + "/pki")
        os.mkdir(top + "/certs")
        p, t = authorities.three(top + "/pki"), Tool(top + "/certs")
        p.cat("good.pem", "leaf.key", "leaf.crt", "mid.crt")
        t.good("install", p.path("good.pem"))
        # Else an issuer that is missing is found there.
        p.make("stays", "root")
        t.good("install", p.path("stays.crt"), p.path("stays.key"),
            p.path("root.crt"))
        for part in (certificates, keys, locked, files, names, arguments,
                good_ones_stay, shown):
            part()
    finally:
        shutil.rmtree(top)


run(main)
