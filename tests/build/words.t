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

# Where passwords are, and the directories of certificates and mail.
LINES = {"lnp": ("pam", "/usr/local/ssl"), "slx": ("std", "/usr/local/ssl"),
         "lnx": ("std", "/usr/local/ssl"), "sl4": ("std", "/usr/local/ssl"),
         "sl5": ("std", "/usr/local/ssl"), "ldb": ("pam", "/etc/ssl", "/var/mail"),
         "lfd": ("pam", "/etc/pki/tls"), "lr5": ("pam", "/etc/pki/tls"),
         "lrh": ("pam", "/usr/share/ssl"), "lsu": ("pam", "/usr/share/ssl"),
         "lmd": ("pam", "/usr/lib/ssl")}
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


def in_effect(origin):
    """The lines of --check --dump whose values are from there."""
    done = subprocess.run([os.path.join(tree, "imapd/imapd"), "--check", "--dump", "--config",
                           "/dev/null"], capture_output=True, text=True, check=False)
    return re.findall(r"^# %s;.*\n(.*)$" % origin, done.stdout, re.M)


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
    """The tree, and what was compiled of it already: a line of words builds
    anew what those touch."""
    built = os.path.join(TOP, "build/gcc-plain")
    if os.path.isdir(built):
        shutil.copytree(built, os.path.join(tree, "build/gcc-plain"),
                        ignore=shutil.ignore_patterns("tests"))
    files = subprocess.run(["git", "-C", TOP, "ls-files", "-z", "--cached", "--others",
                            "--exclude-standard"], capture_output=True, check=True)
    for name in files.stdout.decode().split("\0"):
        source, target = os.path.join(TOP, name), os.path.join(tree, name)
        if name and not name.startswith("tests/") and os.path.isfile(source):
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copy2(source, target)


def main():
    try:
        copy_tree()
        check_words()
    finally:
        shutil.rmtree(tmp)


def tree_of(top):
    """Every name below it, with what is in the files."""
    out = {}
    for where, dirs, files in os.walk(top):
        for name in dirs:
            out[os.path.relpath(os.path.join(where, name), top)] = None
        for name in files:
            with open(os.path.join(where, name), "rb") as f:
                out[os.path.relpath(os.path.join(where, name), top)] = f.read()
    return out


def check_uninstall(stage):
    """Only what was installed goes: directories that are everybody's, what the administrator made,
    and a PAM file that he has changed stay."""
    for name in ("usr/sbin", "usr/share/man/man5", "usr/share/man/man8", "etc/pam.d",
                 "etc/ssl/certs", "var/mail"):
        os.makedirs(os.path.join(stage, name))
    for name in ("etc/imapd.conf", "etc/ssl/certs/imapd.pem", "var/mail/joe", "usr/sbin/other"):
        with open(os.path.join(stage, name), "w") as f:
            f.write(name)
    before = tree_of(stage)
    words = ("DESTDIR=" + stage, "PREFIX=/usr")
    make("install", *words)
    there = tree_of(stage)
    tap.ok(len(there) > len(before) + 10 and all(there[x] == before[x] for x in before),
           "make install adds files, and changes none")
    done = make("uninstall", *words)
    tap.equal((done.returncode, tree_of(stage)), (0, before), "make uninstall undoes it")
    make("install", *words)
    for name in ("etc/pam.d/imap", "usr/share/imapd/mine"):
        with open(os.path.join(stage, name), "a") as f:
            f.write("# mine\n")
    make("uninstall", *words)
    tap.equal(sorted(set(tree_of(stage)) - set(before)),
              ["etc/pam.d/imap", "usr/share/imapd", "usr/share/imapd/mine"],
              "a PAM file that was changed, and what is not ours, stay")
    tap.equal(make("uninstall", *words).returncode, 0, "a second time does no harm")


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
    tap.ok("extra_drivers = mbox" in in_effect("build") and
           "plaintext = always" in in_effect("build") and
           "auth = shadow" in in_effect("build"), "--dump names what was built in",
           in_effect("build"))
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
                 "usr/share/man/man5/imapd.conf.5", "usr/sbin/imapd-tls", "usr/share/imapd/SSL", "usr/share/imapd/SETUP",
                 "usr/share/imapd/imapd-tls.cron", "usr/share/imapd/inetd.conf",
                 "usr/share/imapd/services", "usr/share/imapd/imapd.conf"):
        tap.ok(os.path.isfile(os.path.join(stage, name)), "installed: " + name)
    wrong = [name for name, text in tree_of(stage).items()
             if re.search(b"/usr/local/s(bin|hare)", text or b"")]
    tap.equal(wrong, [], "what is written names PREFIX")
    check_uninstall(os.path.join(tmp, "other"))

    done = make("lnp", "SSLTYPE=none", "EXTRADRIVERS=")
    tap.ok(done.returncode == 0, "make lnp SSLTYPE=none builds", done.stderr[-3000:])
    tap.ok("extra_drivers = none" in in_effect("default"), "EXTRADRIVERS= leaves it out")
    tap.ok(links("ipopd/ipop3d") == {"libpam", "libcrypto"},
           "lnp SSLTYPE=none has PAM and no libssl", str(links("ipopd/ipop3d")))

    words = capabilities()
    tap.ok("LOGINDISABLED" not in words and "STARTTLS" not in words,
           "SSLTYPE=none: no TLS, passwords in clear", words)

    done = make("ldb")
    tap.ok(done.returncode == 0 and links("imapd/imapd") == {"libpam", "libssl", "libcrypto"},
           "make ldb has PAM and TLS", done.stderr[-3000:])
    tap.ok(has_text("imapd/imapd", "/etc/ssl/private"), "ldb has Debian's directories")
    words = capabilities()
    tap.ok("LOGINDISABLED" in words and "AUTH=PLAIN" not in words and "STARTTLS" in words,
           "the default: no password without TLS", words)
    with open(os.path.join(tree, "Makefile")) as f:
        targets = re.search(r"^TARGETS = (.*)$", f.read(), re.M)[1].split()
    tap.equal(sorted(targets), sorted(LINES), "the lines that there are")
    for word in targets:
        out = make("-n", word)
        got = re.findall(r"(?:PASSWDTYPE|SSLDIR|MAILSPOOL)=([\w/]+)", out.stdout)
        tap.ok(out.returncode == 0 and tuple(got[:len(LINES[word])]) == LINES[word],
               "make %s says where passwords and certificates are" % word, got)
    done = make("lnx", "SSLCERTS=/no/certs", "SSLKEYS=/no/keys")
    tap.ok(done.returncode == 0 and has_text("imapd/imapd", "/no/certs") and
           has_text("imapd/imapd", "/no/keys"), "SSLCERTS and SSLKEYS are built in",
           done.stderr[-2000:])
    done = make("lnx", "SSLDIR=/no/ssl")
    tap.ok(done.returncode == 0 and has_text("ipopd/ipop3d", "/no/ssl") and
           not has_text("ipopd/ipop3d", "/no/certs"), "so is SSLDIR, in a build that was there",
           done.stderr[-2000:])
    done = make("ldb", "PASSWDTYPE=nul")
    tap.ok(done.returncode == 0 and links("imapd/imapd") == {"libssl", "libcrypto"},
           "PASSWDTYPE=nul: a line's own word is overruled", done.stderr[-2000:])
    words = capabilities()
    tap.ok("LOGINDISABLED" in words and "AUTH=PLAIN" not in words,
           "and nobody is asked for a password", words)

    make("clean")
    tap.ok(not os.path.exists(os.path.join(tree, "imapd/imapd")) and
           not os.path.exists(os.path.join(tree, "build")), "make clean leaves nothing")


run(main)
