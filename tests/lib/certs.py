# SPDX-License-Identifier: Apache-2.0
"""A certificate for localhost, made with openssl, and a client context that
trusts it.  Key and chain are in one file, as imapd.pem has them."""

import os
import ssl
import subprocess


# What is made at once, and what has all ciphers.
QUICK = ("ec", "-pkeyopt", "ec_paramgen_curve:P-256")
RSA = ("rsa:2048",)


def make(path, kind=QUICK):
    """Writes key and self-signed certificate into one file, mode 0600; the
    certificate alone beside it as path + ".crt".  Returns the latter."""
    crt, keyfile = path + ".crt", path + ".key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", *kind, "-nodes",
        "-days", "30", "-subj", "/CN=localhost",
        "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
        "-keyout", keyfile, "-out", crt], check=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    old = os.umask(0o077)
    with open(path, "wb") as out:
        for part in (keyfile, crt):
            with open(part, "rb") as f:
                out.write(f.read())
    os.umask(old)
    os.unlink(keyfile)
    os.chmod(crt, 0o644)
    return crt


def trusting(crt):
    return ssl.create_default_context(cafile=crt)
