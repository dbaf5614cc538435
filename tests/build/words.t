#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The build lines that administrators know, on a copy of the tree: what each
links, that `make install` installs what the last line built and writes over no
PAM file, and that a wrong word is answered with the valid ones."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import certs
import server
from imapc import Imap
from tap import ROOT as TOP, run, tap, wait_for

# What only the mbox format says.
MOVES = "bytes of new mail to mbox from spool"
tmp = tempfile.mkdtemp(prefix="imapd-words-")
tree = os.path.join(tmp, "tree")
ENV = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKEOVERRIDES", "MFLAGS")}


def make(*words):
    return subprocess.run(["make", "-j2", "CFLAGS=-O0", *words], cwd=tree, env=ENV,
                          capture_output=True, text=True, check=False)


def links(program):
    out = subprocess.run(["ldd", os.path.join(tree, program)], capture_output=True,
                         text=True, check=False).stdout
    return {lib for lib in ("libpam", "libssl", "libcrypto") if lib + ".so" in out}


def has_text(program, text):
    with open(os.path.join(tree, program), "rb") as f:
        return text.encode() in f.read()


def capabilities():
    """What imapd offers in clear when no configuration says anything."""
    conf, port = os.path.join(tmp, "conf"), server.free_port()
    with open(conf, "w") as f:
        f.write("cert_dir = %s\nkey_dir = %s\ntls_state =\n" % (tmp, tmp))
    child = subprocess.Popen([os.path.join(tree, "imapd/imapd"), "--config", conf, "--listen",
                              "127.0.0.1:%d,plain" % port], stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                             preexec_fn=server.die_with_us)
    try:
        wait_for("imapd", lambda: child.poll() is not None or server.listening(port))
        c = Imap(port)
        words = b"".join(b"".join(x) for x in c.must("CAPABILITY")).decode().split()
        c.close()
        return words
    finally:
        child.terminate()
        child.wait()


def copy_tree():
    files = subprocess.run(["git", "-C", TOP, "ls-files", "-z", "--cached", "--others",
                            "--exclude-standard"], capture_output=True, check=True)
    for name in files.stdout.decode().split("\0"):
        source, target = os.path.join(TOP, name), os.path.join(tree, name)
        if name and not name.startswith("tests/") and os.path.isfile(source):
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copy(source, target)


def main():
    try:
        copy_tree()
        check_words()
    finally:
        shutil.rmtree(tmp)


def check_words():
    for words, valid in ((["frobnicate"], "slx"), (["SSLTYPE=maybe"], "nopwd unix"),
                         (["slx", "SSLTYPE=maybe"], "nopwd unix"),
                         (["PASSWDTYPE=xyz"], "pam std nul"),
                         (["EXTRADRIVERS=mbx"], "valid: mbox, or none"),
                         (["slx", "EXTRADRIVERS=mbox mmdf"], "valid: mbox, or none")):
        done = make(*words)
        lines = [line for line in done.stderr.splitlines() if valid in line]
        tap.ok(done.returncode != 0 and len(lines) == 1,
               "make %s: one line names the valid words" % " ".join(words), done.stderr)

    done = make("slx", "SSLTYPE=unix", "EXTRADRIVERS=mbox", "MAILSPOOL=/no/such/spool")
    tap.ok(done.returncode == 0, "make slx SSLTYPE=unix builds", done.stderr[-3000:])
    tap.ok("warning: /no/such/spool does not exist" in done.stdout + done.stderr,
           "a named directory that does not exist is warned about", done.stdout[-500:])
    tap.ok(links("imapd/imapd") == {"libssl", "libcrypto"}, "slx has TLS and no PAM",
           str(links("imapd/imapd")))
    tap.ok(has_text("imapd/imapd", "/no/such/spool"), "MAILSPOOL is built in")
    tap.ok(has_text("imapd/imapd", MOVES), "EXTRADRIVERS=mbox is built in")
    certs.make(os.path.join(tmp, "imapd.pem"))
    words = capabilities()
    tap.ok("LOGINDISABLED" not in words and "AUTH=PLAIN" in words and "STARTTLS" in words,
           "SSLTYPE=unix: TLS, and passwords in clear", words)
    stage = os.path.join(tmp, "stage")
    os.makedirs(os.path.join(stage, "etc/pam.d"))
    with open(os.path.join(stage, "etc/pam.d/imap"), "w") as f:
        f.write("# mine\n")
    done = make("install", "DESTDIR=" + stage, "PREFIX=/usr")
    tap.ok(done.returncode == 0, "make install works", done.stderr[-2000:])
    with open(os.path.join(stage, "usr/sbin/imapd"), "rb") as f:
        installed = f.read()
    tap.ok(b"/no/such/spool" in installed, "it installs what the last line built")
    tool = os.path.join(stage, "usr/sbin/imapd-tls")
    with open(tool) as f:
        tap.ok("\nbuilt_certs='/usr/local/ssl/certs'\n"
               "built_keys='/usr/local/ssl/private'\n" in f.read() and
               os.access(tool, os.X_OK), "imapd-tls knows the same directories")
    with open(os.path.join(stage, "etc/pam.d/imap")) as f:
        tap.ok(f.read() == "# mine\n", "a PAM file that is there is left alone")
    for name in ("etc/pam.d/pop", "usr/sbin/ipop3d", "usr/share/man/man8/imapd.8",
                 "usr/share/man/man8/ipop3d.8", "usr/share/man/man8/imapd-tls.8",
                 "usr/sbin/imapd-tls", "usr/share/imapd/SSL",
                 "usr/share/imapd/imapd-tls.cron", "usr/share/imapd/inetd.conf",
                 "usr/share/imapd/services", "usr/share/imapd/imapd.conf"):
        tap.ok(os.path.isfile(os.path.join(stage, name)), "installed: " + name)

    done = make("lnp", "SSLTYPE=none", "EXTRADRIVERS=")
    tap.ok(done.returncode == 0, "make lnp SSLTYPE=none builds", done.stderr[-3000:])
    tap.ok(not has_text("imapd/imapd", MOVES), "EXTRADRIVERS= leaves it out")
    tap.ok(links("ipopd/ipop3d") == {"libpam", "libcrypto"},
           "lnp SSLTYPE=none has PAM and no libssl", str(links("ipopd/ipop3d")))

    words = capabilities()
    tap.ok("LOGINDISABLED" not in words and "STARTTLS" not in words,
           "SSLTYPE=none: no TLS, passwords in clear", words)

    make("clean")
    tap.ok(not os.path.exists(os.path.join(tree, "imapd/imapd")) and
           not os.path.exists(os.path.join(tree, "build")), "make clean leaves nothing")
    done = make("ldb")
    tap.ok(done.returncode == 0 and links("imapd/imapd") == {"libpam", "libssl", "libcrypto"},
           "make ldb has PAM and TLS", done.stderr[-3000:])
    tap.ok(has_text("imapd/imapd", "/etc/ssl/private"), "ldb has Debian's directories")
    words = capabilities()
    tap.ok("LOGINDISABLED" in words and "AUTH=PLAIN" not in words and "STARTTLS" in words,
           "the default: no password without TLS", words)
    with open(os.path.join(tree, "Makefile")) as f:
        targets = re.search(r"^TARGETS = (.*)$", f.read(), re.M)[1].split()
    for word in targets:
        out = make("-n", word)
        tap.ok(out.returncode == 0 and "PASSWDTYPE=" in out.stdout and "SSLDIR=/" in out.stdout,
               "make %s says where passwords and certificates are" % word, out.stderr)
    done = make("lnx", "SSLCERTS=/no/certs", "SSLKEYS=/no/keys")
    tap.ok(done.returncode == 0 and has_text("imapd/imapd", "/no/certs") and
           has_text("imapd/imapd", "/no/keys"), "SSLCERTS and SSLKEYS are built in",
           done.stderr[-2000:])
    done = make("lnx", "SSLDIR=/no/ssl")
    tap.ok(done.returncode == 0 and has_text("ipopd/ipop3d", "/no/ssl") and
           not has_text("ipopd/ipop3d", "/no/certs"), "so is SSLDIR, in a build that was there",
           done.stderr[-2000:])


run(main)
