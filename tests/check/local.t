#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What --check finds on this machine itself, and that what it prints mends
it."""

import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
import room
from setups import Setup, World, try_all
from tap import need, run

CONF = "/etc/imapd.conf"
IMAP, POP = "/etc/pam.d/imap", "/etc/pam.d/pop"
USERS = "/etc/imapd.users"
OLD = 10 ** 9


def conf(text):
    return lambda w: w.configure(text)


def directory(key, path):
    """A directory that is missing, and goes again."""
    def wreck(w):
        w.keep(os.path.dirname(path) if key == "log" else path)
        w.configure("%s = %s\n" % (key, path))
    return wreck


def pam(text, path=IMAP):
    def wreck(w):
        w.keep(path + ".was")
        w.write(path, text)
    return wreck


def move(path, to):
    """A file under another name."""
    def wreck(w):
        w.keep(path + ".was")
        w.keep(path)
        w.keep(to)
        os.rename(path, to)
    return wreck


def mode(path, bits):
    return lambda w: w.chmod(path, bits)


def owner(path, uid, gid=-1):
    return lambda w: w.chown(path, uid, gid)


def users(lines="", bits=0o600, key="auth = users:" + USERS):
    """joe in a users file, and what else is asked for."""
    def wreck(w):
        crypt = w.must("openssl", "passwd", "-6", w.joe.password).strip()
        w.write(USERS, "# name:crypt:uid:gid:home\njoe:%s:%d:%d:%s\n%s" % (
            crypt, w.joe.uid, w.joe.gid, w.joe.home, lines), bits)
        w.configure(key + "\n")
    return wreck


def users_of_joe(w):
    users()(w)
    os.chown(USERS, w.joe.uid, -1)


def users_link(w):
    users()(w)
    w.keep("/etc/imapd.real")
    os.rename(USERS, "/etc/imapd.real")
    os.symlink("imapd.real", USERS)


def users_no_home(w):
    users()(w)
    w.append(USERS, "ann:!:%d:%d:/home/ann\n" % (w.joe.uid, w.joe.gid))
    w.keep("/home/ann")


def account(*chage):
    def wreck(w):
        w.keep("/etc/shadow")
        w.must("chage", *chage, "joe")
    return wreck


def locked(w):
    w.keep("/etc/shadow")
    w.must("usermod", "-L", "joe")


def spool(bits, group="mail", uid=0):
    def wreck(w):
        was = os.stat("/var/mail")
        w.undo(lambda: (os.chown("/var/mail", was.st_uid, was.st_gid),
            os.chmod("/var/mail", was.st_mode & 0o7777)))
        w.must("chgrp", group, "/var/mail")
        os.chown("/var/mail", uid, -1)
        os.chmod("/var/mail", bits)
    return wreck


def tmp(bits):
    def wreck(w):
        w.undo(lambda: os.chmod("/tmp", 0o1777))
        os.chmod("/tmp", bits)
    return wreck


def read_only(w):
    w.must("mount", "-o", "remount,ro", "/var/mail")
    w.undo(lambda: w.must("mount", "-o", "remount,rw", "/var/mail"))


def no_spool(w):
    w.keep("/var/spool/letters")
    w.configure("mail_spool = /var/spool/letters\n")


def stale(w):
    w.write("/var/mail/joe.lock", "999999\n", 0o644)
    os.utime("/var/mail/joe.lock", (OLD, OLD))



def home(bits=None, uid=None):
    """The home itself; what is in it stays."""
    def wreck(w):
        st = os.stat(w.joe.home)
        w.undo(lambda: (os.chown(w.joe.home, st.st_uid, -1),
            os.chmod(w.joe.home, st.st_mode & 0o7777)))
        if uid is not None:
            os.chown(w.joe.home, uid, -1)
        if bits is not None:
            os.chmod(w.joe.home, bits)
    return wreck


def no_home(w):
    move("/home/joe", "/home/gone")(w)


def full_home(w):
    """No octet more, but what is there can be read."""
    w.must("mount", "-t", "tmpfs", "-o", "size=16k,mode=700,uid=%d,gid=%d" %
        (w.joe.uid, w.joe.gid), "tmpfs", w.joe.home)
    w.undo(lambda: w.must("umount", "-l", w.joe.home))
    subprocess.run(["dd", "if=/dev/zero", "of=%s/much" % w.joe.home],
        stderr=subprocess.DEVNULL, check=False)


def index_file(w):
    w.remove("/home/joe/.imapindex")
    w.write("/home/joe/.imapindex", "")


def roots(path, text=""):
    """A file of root's in the home."""
    return lambda w: w.write(path, text, 0o600)


def index_of_root(w):
    w.keep("/home/joe/.imapindex")
    w.must("touch", "/home/joe/.imapindex/INBOX-of-root")


def sysctl(path, value):
    """The kernel says another number, in this room."""
    def wreck(w):
        fake = w.room.dir + "/number"
        w.write(fake, value + "\n")
        w.must("mount", "--bind", fake, path)
        w.undo(lambda: w.must("umount", path))
        w.keep("/etc/sysctl.d")
    return wreck


def held(w):
    """Another program has INBOX locked, and stays."""
    child = subprocess.Popen(["/usr/bin/python3", "-c", "import fcntl, sys\n"
        "f = open('/var/mail/joe', 'r+b')\nfcntl.lockf(f, fcntl.LOCK_EX)\n"
        "print('held', flush=True)\nsys.stdin.read()"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    if child.stdout.readline() != b"held\n":
        raise RuntimeError("no lock")
    w.configure("lock_timeout = 0\n")

    def let_go():
        child.stdin.close()
        child.wait()
    w.undo(let_go)


def no_front(w):
    for path in ("/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow"):
        w.keep(path)
    w.must("userdel", "imapd")


RIGHT = "auth required pam_unix.so nodelay\n"
ROWS = (
    Setup("a key with a slip of the pen", conf("lok_timeout = 9\n"),
        "configuration", r"line 3: there is no key lok_timeout; the nearest "
        "is lock_timeout"),
    Setup("a key of another server's", conf("ssl_certificate_file = /x\n"),
        "configuration", "line 3: there is no key ssl_certificate_file"),
    Setup("a word for a number", conf("lock_timeout = forever\n"),
        "configuration", "lock_timeout must be a number up to 3600"),
    Setup("too large a number", conf("login_tries = 101\n"),
        "configuration", "login_tries must be a number up to 100"),
    Setup("a word that is none", conf("tls = strong\n"), "configuration",
        "tls must be one of: modern intermediate old"),
    Setup("a relative path", conf("cert_dir = certs\n"), "configuration",
        "cert_dir must be a path from / on"),
    Setup("a line without =", conf("log syslog\n"), "configuration",
        'line 3: no "="'),
    Setup("three wrong lines, at once", conf("a = b\ntls = x\nnonsense\n"),
        "configuration", "line [345]: "),
    Setup("a key twice", conf("lock_timeout = 9\nlock_timeout = 8\n"),
        "configuration", "lock_timeout stands in line 3 already",
        state="warning"),
    Setup("a workaround that is none", conf("workarounds = all -blnks\n"),
        "configuration", "workarounds: -blnks is none"),
    Setup("passwords in clear", conf("plaintext = always\n"),
        "configuration", "plaintext = always", state="warning"),
    Setup("one index directory for all", conf("index_dir = /var/idx\n"),
        "configuration", "index_dir = /var/idx has no %u"),
    Setup("one mail root for all", conf("mail_root = /var/boxes\n"),
        "configuration", "mail_root = /var/boxes has no %u"),
    Setup("a log without a path", conf("log = mail.log\n"),
        "configuration", "log = mail.log is neither"),
    Setup("shared mailboxes that are nowhere", directory("shared_dir",
        "/var/spool/shared"), "configuration",
        "shared_dir = /var/spool/shared: there is no such", state="warning"),
    Setup("public mailboxes that are nowhere", directory("public_dir",
        "/var/spool/public"), "configuration",
        "public_dir = /var/spool/public: there is no such", state="warning"),
    Setup("a log in no directory", directory("log", "/var/log/imap/log"),
        "configuration", "there is no directory /var/log/imap",
        state="warning"),
    Setup("a state in no directory", conf("tls_state = /run/no/state\n"),
        "configuration", "there is no directory /run/no", state="warning"),
    Setup("a configuration that all can write", mode(CONF, 0o666),
        "configuration", "can be written by others"),
    Setup("a configuration of a user's", owner(CONF, 1234),
        "configuration", "belongs to uid 1234"),

    Setup("no PAM file", lambda w: w.remove(IMAP), "pam",
        "there is no /etc/pam.d/imap"),
    Setup("the PAM file is called imapd", move(IMAP, "/etc/pam.d/imapd"),
        "pam", "there is /etc/pam.d/imapd, but imapd asks for imap"),
    Setup("the PAM file is called ipop3d", move(POP, "/etc/pam.d/ipop3d"),
        "pam", "there is /etc/pam.d/ipop3d, but ipop3d asks for pop",
        program="ipop3d"),
    Setup("a PAM module that is not there", pam("auth required pam_ldp.so\n"
        "@include common-auth\n@include common-account\n"), "pam",
        "imap line 1: module pam_ldp.so is not on this machine"),
    Setup("... in a file that is included", lambda w: w.append(
        "/etc/pam.d/common-auth", "auth [success=ok default=ignore] "
        "/usr/lib/pam_my_own.so\n"), "pam",
        "common-auth line .*: module /usr/lib/pam_my_own.so is not"),
    Setup("Red Hat's PAM file", pam("auth include system-auth\n"
        "account include system-auth\n"), "pam",
        "imap line .* includes system-auth, which is not there"),
    Setup("PAM without account", pam(RIGHT), "pam",
        "no line of type account"),
    Setup("PAM lets everybody in", pam("auth required pam_permit.so\n"
        "account required pam_permit.so\n"), "pam", "any password is right"),
    Setup("PAM with a slip of the pen", pam(RIGHT.replace("required",
        "requird") + "account required pam_unix.so\n"), "pam",
        'imap line 1: PAM knows no "requird" there; the nearest is required'),
    Setup("... and another", pam("outh required pam_unix.so nodelay\n" + RIGHT
        + "account required pam_unix.so\n"), "pam",
        'imap line 1: PAM knows no "outh" there; the nearest is auth'),
    Setup("a PAM file that a group can write", mode(IMAP, 0o664), "pam",
        "can be written by others than root"),

    Setup("a users file that others can write", users(bits=0o620), "users",
        "can be written by others", login=True),
    Setup("a users file that all can read", users(bits=0o644), "users",
        "can be read by everybody", state="warning"),
    Setup("a users file of joe's", users_of_joe, "users",
        "belongs to uid .* and not to root"),
    Setup("a users file that is a link", users_link, "users",
        "is a symbolic link"),
    Setup("a line without fields", users("ann\n"), "users",
        "line 3 is not name:crypt:uid:gid:home"),
    Setup("root in the users file", users("adm:!:0:0:/root\n"), "users",
        "line 3: adm has uid 0"),
    Setup("a name twice", users("joe:!:1:1:/home/joe\n"), "users",
        "line 3: joe is there already"),
    Setup("a home that is not there", users_no_home, "users",
        "line 3: the home /home/ann of ann: No such file", state="warning"),
    Setup("a password in clear", users("ann:secret:5:5:/home\n"), "users",
        "line 3: ann has no hash", mend=False),
    Setup("users without a file", users(key="auth = users"), "users",
        "no file is named"),
    Setup("nobody may log in", conf("auth = none\n"), "users",
        "auth = none"),
    Setup("hashes for all", mode("/etc/shadow", 0o644), "users",
        "/etc/shadow is open to everybody"),
    Setup("an account that has expired", account("-E", "1"), "account",
        "joe can't log in: the account has expired", login=True),
    Setup("a password that is locked", locked, "account",
        "joe can't log in: the password is locked", login=True),
    Setup("a password that must be changed", account("-d", "0"), "account",
        "joe can't log in: the password must be changed", login=True),
    Setup("a spool of 0755", spool(0o755), "spool",
        "mode 0755 and group mail: users can't make dot-locks"),
    Setup("a spool of 0777", spool(0o777), "spool",
        "mode 0777 without the sticky bit"),
    Setup("a spool of another group", spool(0o2775, "daemon"), "spool",
        "mode 2775 and group daemon"),
    Setup("a spool of 0700", spool(0o700), "spool", "mode 0700.*users can't"),
    Setup("a spool of joe's", spool(0o2775, uid=1234), "spool",
        "belongs to uid 1234"),
    Setup("no spool", no_spool, "spool", "/var/spool/letters: No such file"),
    Setup("a spool that is read-only", read_only, "spool",
        "mounted read-only"),
    Setup("an INBOX of root's", owner("/var/mail/joe", 0), "spool",
        "/var/mail/joe belongs to uid 0"),
    Setup("an INBOX that its user can't write", mode("/var/mail/joe", 0o440),
        "spool", "mode 0440: its owner can't"),
    Setup("an INBOX for all", mode("/var/mail/joe", 0o664), "spool",
        "mode 0664: others can read", state="warning"),
    Setup("a lock that was left behind", stale, "spool",
        "/var/mail/joe.lock is a lock", state="warning"),

    Setup("a /tmp of root's alone", tmp(0o755), "spool",
        "/tmp has not mode 1777"),

    Setup("a home of root's", home(uid=0), "home",
        "the home /home/joe belongs to uid 0", login=True),
    Setup("a home that its user can't write", home(0o500), "home",
        "mode 0500: its owner can't use it", login=True),
    Setup("a home that all can write", home(0o777), "home",
        "mode 0777: others can change", state="warning", login=True),
    Setup("no home", no_home, "home", "the home /home/joe: No such file",
        login=True),
    Setup("a full home", full_home, "home", "No space left", mend=False,
        state="warning", login=True),
    Setup("an index directory of root's", lambda w: w.chown(
        "/home/joe/.imapindex", 0, -1), "home",
        "the index directory .* belongs to uid 0", login=True),
    Setup("an index of root's", index_of_root, "home",
        "INBOX-of-root belongs to uid 0", login=True),
    Setup("a file for the index directory", index_file, "home",
        "the index directory .* is no directory", login=True),
    Setup("subscriptions of root's", roots("/home/joe/.mailboxlist"),
        "home", ".mailboxlist belongs to uid 0", login=True),
    Setup("an INBOX that another program holds", held, "locking",
        "/var/mail/joe is locked by another program", state="warning",
        mend=False, also=("login",), login=True),
    Setup("few instances of inotify", sysctl(
        "/proc/sys/fs/inotify/max_user_instances", "4"), "limits",
        "fs.inotify.max_user_instances is 4", state="warning"),
    Setup("few watches of inotify", sysctl(
        "/proc/sys/fs/inotify/max_user_watches", "40"), "limits",
        "fs.inotify.max_user_watches is 40", state="warning"),
    Setup("no user for the front", no_front, "sandbox",
        "there is no user imapd", state="warning"),
    Setup("a front_user that is not there", conf("front_user = imapx\n"),
        "sandbox", "front_user = imapx: there is no such user"),
    Setup("root as front_user", conf("front_user = root\n"), "sandbox",
        "root has uid or gid 0"),
)


def main():
    need("inetd")
    try_all(World(room.enter()), ROWS)


run(main)
