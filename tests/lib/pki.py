# SPDX-License-Identifier: Apache-2.0
"""Authorities and certificates of all kinds, made with openssl: any issuer,
key, name, time and extension.  Files NAME.key and NAME.crt in one
directory."""

import os
import subprocess

ROOT_EXTENSIONS = ("basicConstraints=critical,CA:TRUE",
    "keyUsage=critical,keyCertSign,cRLSign", "subjectKeyIdentifier=hash")
KEYS = {"ec": ("EC", "ec_paramgen_curve:P-256"),
    "p384": ("EC", "ec_paramgen_curve:P-384"),
    "k1": ("EC", "ec_paramgen_curve:secp256k1"),
    "rsa": ("RSA", "rsa_keygen_bits:2048"),
    "rsa1024": ("RSA", "rsa_keygen_bits:1024"),
    "ed25519": ("ED25519",)}


def openssl(*args, **kw):
    done = subprocess.run(("openssl",) + args, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, check=False, **kw)
    if done.returncode != 0:
        raise RuntimeError("openssl %s: %s" % (" ".join(args),
            done.stdout.decode(errors="replace")))
    return done.stdout.decode(errors="replace")


class Pki:
    def __init__(self, where):
        self.dir = where

    def path(self, name):
        return os.path.join(self.dir, name)

    def key(self, name, kind="ec"):
        algorithm, *options = KEYS[kind]
        openssl("genpkey", "-algorithm", algorithm, "-out",
            self.path(name + ".key"),
            *[x for o in options for x in ("-pkeyopt", o)])

    def authority(self, name, issuer=None, **kw):
        return self.make(name, issuer, extensions=ROOT_EXTENSIONS, san=None,
            **kw)

    def make(self, name, issuer=None, key="ec", san="DNS:localhost",
            extensions=("basicConstraints=CA:FALSE",), start=None, end=None,
            digest="sha256", cn=None):
        """A certificate by `issuer`, or signed by itself; `start` and `end`
        as 20260131000000Z.  A key that is there is kept."""
        if not os.path.exists(self.path(name + ".key")):
            self.key(name, key)
        lines = list(extensions)
        if san:
            lines.append("subjectAltName=" + san)
        with open(self.path("ca.cnf"), "w") as f:
            f.write("[ca]\ndefault_ca=one\n[one]\ndatabase=%s\n"
                "new_certs_dir=%s\nrand_serial=yes\nunique_subject=no\n"
                "policy=any\n[any]\ncommonName=supplied\n[req]\n"
                "distinguished_name=dn\n[dn]\n[ext]\n%s\n" % (
                self.path("index.txt"), self.dir, "\n".join(lines)))
        open(self.path("index.txt"), "w").close()
        openssl("req", "-new", "-config", self.path("ca.cnf"), "-key",
            self.path(name + ".key"), "-subj", "/CN=" + (cn or name), "-out",
            self.path(name + ".csr"))
        signer = ["-selfsign", "-keyfile", self.path(name + ".key")]
        if issuer:
            signer = ["-cert", self.path(issuer + ".crt"), "-keyfile",
                self.path(issuer + ".key")]
        openssl("ca", "-batch", "-notext", "-config", self.path("ca.cnf"),
            "-in", self.path(name + ".csr"), "-out", self.path(name + ".crt"),
            "-extensions", "ext", "-md",
            "default" if key == "ed25519" else digest,
            *(["-startdate", start] if start else []),
            *(["-enddate", end] if end else ["-days", "90"]), *signer)
        return self.path(name + ".crt")

    def cat(self, target, *names):
        """One file of several, mode 0600."""
        with open(self.path(target), "wb") as out:
            os.fchmod(out.fileno(), 0o600)
            for name in names:
                with open(self.path(name), "rb") as f:
                    out.write(f.read())
        return self.path(target)


def three(where):
    """root -> mid -> leaf for localhost."""
    pki = Pki(where)
    pki.authority("root")
    pki.authority("mid", "root")
    pki.make("leaf", "mid")
    return pki
