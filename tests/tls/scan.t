#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What a scanner (sslscan) finds at both servers, under each policy, on the
encrypted ports and behind STARTTLS and STLS: the versions and ciphers that
imapd.conf(5) promises, and nothing else; and that renegotiation is refused by
all versions."""

import os
import re
import subprocess
import sys
import xml.etree.ElementTree

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../lib"))
import certs
import server
from tap import need, run, tap

NEW = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256"}
STRONG = {kind + "-RSA-" + cipher for kind in ("ECDHE", "DHE") for cipher in
    ("AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305")}
CBC = {"ECDHE-RSA-AES128-SHA", "ECDHE-RSA-AES256-SHA", "AES128-SHA",
    "AES256-SHA"}
WEAKER = CBC | {"ECDHE-RSA-AES128-SHA256", "ECDHE-RSA-AES256-SHA384",
    "DHE-RSA-AES128-SHA256", "DHE-RSA-AES256-SHA256", "AES128-GCM-SHA256",
    "AES256-GCM-SHA384", "AES128-SHA256", "AES256-SHA256"}
# What the servers take with a certificate of RSA, by policy and version.
POLICIES = {
    "modern": {"TLSv1.3": NEW},
    "intermediate": {"TLSv1.3": NEW, "TLSv1.2": STRONG},
    "old": {"TLSv1.3": NEW, "TLSv1.2": STRONG | WEAKER, "TLSv1.1": CBC,
        "TLSv1.0": CBC},
}


def scan(port, *args):
    out = subprocess.run(("sslscan", "--no-colour", "--no-groups",
        "--no-check-certificate", "--xml=-") + args + ("127.0.0.1:%d" % port,),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False).stdout
    return xml.etree.ElementTree.fromstring(out)


def found(port, policy, what, *args):
    """Scans, and compares with the policy."""
    seen = scan(port, *args)
    want = POLICIES[policy]
    versions = {"%sv%s" % (x.get("type").upper(), x.get("version")) for x in
        seen.iter("protocol") if x.get("enabled") == "1"}
    tap.equal(versions, set(want), what + ": versions")
    ciphers = {}
    for x in seen.iter("cipher"):
        ciphers.setdefault(x.get("sslversion"), set()).add(x.get("cipher"))
        if x.get("strength") not in ("strong", "acceptable"):
            tap.ok(False, "%s: %s" % (what, x.attrib))
    tap.equal(ciphers, want, what + ": ciphers")
    tap.ok(all(x.get("vulnerable") == "0" for x in seen.iter("heartbleed"))
        and not any(x.get("supported") == "1" and x.get("secure") == "0"
        for x in seen.iter("renegotiation")) and
        not any(x.get("supported") == "1" for x in seen.iter("compression")),
        what + ": neither Heartbleed, nor insecure renegotiation, nor "
        "compression", xml.etree.ElementTree.tostring(seen))


def renegotiation(port, version):
    """A client that asks for it is told no, and the connection goes on."""
    with subprocess.Popen(["openssl", "s_client", version, "-cipher",
            "ALL:@SECLEVEL=0", "-connect", "127.0.0.1:%d" % port],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT) as client:
        out = b""
        for wanted, then in ((rb"\* OK ", b"R\n"),
                (rb"RENEGOTIATING[\s\S]*no renegotiation", b"")):
            while not re.search(wanted, out):
                more = os.read(client.stdout.fileno(), 65536)
                if not more:
                    break
                out += more
            client.stdin.write(then)
            client.stdin.flush()
        client.kill()
    tap.ok(b"no renegotiation" in out, version + ": no renegotiation", out)


def main():
    need("sslscan", "openssl")
    for policy in POLICIES:
        h = server.Host(conf="tls = %s\n" % policy, programs=())
        certs.make(h.certdir + "/imapd.pem", certs.RSA)
        h.start("imapd")
        h.start("ipop3d")
        if policy == "old":
            for version in ("-tls1", "-tls1_1", "-tls1_2"):
                renegotiation(h.ports["imapds"], version)
        found(h.ports["imapds"], policy, policy)
        if policy == "intermediate":
            found(h.ports["ipop3ds"], policy, "pop3s")
            found(h.ports["imapd"], policy, "STARTTLS", "--starttls-imap")
            found(h.ports["ipop3d"], policy, "STLS", "--starttls-pop3")
        h.stop()


run(main)
