#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""How --check is asked and what it answers with: exit status, text and JSON,
--dump, passwords, and what it can't look at without root."""

import json
import os
import pty
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
import room
from setups import World, well
from tap import need, run, tap

IMAPD = "/usr/local/sbin/imapd"
CHECKS = ["build", "pam", "users", "account", "spool", "home", "locking",
    "limits", "sandbox", "configuration", "login"]


def ask(*args, stdin="", drop=None):
    return subprocess.run([IMAPD, *args], input=stdin, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, cwd="/",
        preexec_fn=drop)


def tree(*tops):
    """Every file below, but for indexes."""
    out = {}
    for top in tops:
        for where, dirs, files in os.walk(top):
            dirs[:] = [d for d in dirs if d != ".imapindex"]
            for name in dirs + files:
                path = os.path.join(where, name)
                st = os.lstat(path)
                out[path] = (st.st_ino, st.st_mode, st.st_uid, st.st_gid,
                    st.st_size, st.st_mtime_ns)
    return out


def shown(w):
    """The text and the JSON say the same, in the table's order."""
    done = ask("--check")
    lines = done.stdout.splitlines()
    tap.equal((done.returncode, done.stderr), (0, ""), "all is well: exit 0")
    tap.ok(all(re.match(r"(ok|unknown) +\w+: ", x) for x in lines[:-1]) and
        re.fullmatch(r"\d+ ok, 0 warnings, 0 FAILED, \d+ unknown", lines[-1]),
        "text: a line a finding, and the sum", done.stdout)
    report = json.loads(ask("--check", "--json").stdout)
    # The second may be asked in another second, and so another day, of the
    # certificate's life.
    days = re.compile(r"\d+ days")
    said = [tuple(re.match(r"(\w+) +(\w+): (.*)", days.sub("days", x))
        .groups()) for x in lines[:-1]]
    found = [(f["state"], f["check"], days.sub("days", f["evidence"])) for f
        in report["findings"]]
    tap.ok(found == said, "JSON: the same", [x for x in found + said if
        (found + said).count(x) != 2])
    tap.equal((report["program"], report["failed"], report["warning"],
        report["ok"] + report["unknown"]), ("imapd", 0, 0,
        len(report["findings"])), "and its sums")
    order = list(dict.fromkeys(f["check"] for f in report["findings"]))
    tap.equal([c for c in order if c in CHECKS], CHECKS,
        "checks are in order")
    w.configure("plaintext = always\n")
    done = ask("--check")
    tap.ok(done.returncode == 1 and "\n\tsed -i " in done.stdout,
        "a warning: exit 1, and a command behind a tab", done.stdout)
    w.configure("tsl = old\n")
    done = ask("--check")
    tap.ok(done.returncode == 2 and "\nFAILED   configuration: " in
        done.stdout, "a failure: exit 2", done.stdout)
    w.restore()


def nothing_changes(w):
    """Neither well nor ill does a check change a file."""
    w.remove("/etc/pam.d/imap")
    w.chmod("/var/mail/joe", 0o664)
    before = tree("/etc", "/var/mail", "/home/joe")
    w.report("imapd")
    w.report("imapd", login=False)
    w.joe.left()
    after = tree("/etc", "/var/mail", "/home/joe")
    tap.ok(before == after, "a check changes nothing", [path for path in
        before.keys() | after.keys() if before.get(path) != after.get(path)])
    w.restore()


def dumped(w):
    w.configure("lock_timeout = 9\nauth = users:/etc/u\n")
    done = ask("--check", "--dump")
    tap.ok(done.returncode == 0 and "# /etc/imapd.conf:3; " in done.stdout
        and "\nlock_timeout = 9\n" in done.stdout and "\nfail_delay = 0\n" in
        done.stdout and "\nusers_file = /etc/u\n" in done.stdout,
        "--dump: values, and where they are from", done.stdout)
    w.write("/etc/again.conf", done.stdout)
    again = ask("--check", "--dump", "--config", "/etc/again.conf")
    plain = re.compile(r"^#.*\n", re.M)
    tap.equal(plain.sub("", again.stdout), plain.sub("", done.stdout),
        "and it is a file that gives the same")
    w.restore()


def passwords(w):
    before = w.room.log().count("authentication failure")
    wrong = ask("--check", "--json", "--login", "joe", stdin="nonsense\n")
    found = [f for f in json.loads(wrong.stdout)["findings"] if
        f["state"] == "failed"]
    tap.ok(wrong.returncode == 2 and [f["check"] for f in found] ==
        ["account"] and "wrong user or password" in found[0]["evidence"],
        "a wrong password", found)
    tap.equal(w.room.log().count("authentication failure") - before, 2,
        "which is tried once, and so is who can't exist")
    master, slave = pty.openpty()
    child = subprocess.Popen([IMAPD, "--check", "--login", "joe"],
        stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    said = b""
    while b"Password of joe: " not in said:
        said += os.read(master, 4096)
    os.write(master, w.joe.password.encode() + b"\n")
    try:
        while True:
            more = os.read(master, 4096)
            if not more:
                break
            said += more
    except OSError:
        pass        # the other end is closed
    tap.ok(child.wait() == 0 and b"joe can log in with this password" in said
        and w.joe.password.encode() not in said,
        "asked for on a terminal, and not shown", said)
    os.close(master)
    tap.ok(w.joe.password not in w.room.log() and "nonsense" not in
        w.room.log(), "no password is in the log")
    silent = ask("--check", "--login", "joe")
    tap.ok("no password was given for joe" in silent.stdout and
        silent.returncode == 0, "no password: it says so", silent.stdout)
    for name, says in (("nobody.else", "no such user"), ("root",
            "root has uid 0, which never logs in")):
        done = ask("--check", "--login", name, stdin="x\n")
        tap.ok(done.returncode == 2 and says in done.stdout, "--login " +
            name, done.stdout)


def refused(w):
    """One failed login, in the shape that log watchers know."""
    before = w.room.log().count("Login failed user=")
    ask("--check")
    lines = re.findall(r"<(\d+)>.*Login failed user=nobody.imapd-check "
        r"auth=nobody.imapd-check host=\[127.0.0.1\]", w.room.log())
    tap.equal((w.room.log().count("Login failed user=") - before,
        len(set(lines))), (2, 2), "one login is refused a check: a line for "
        "each of two facilities")
    before = w.room.log()
    tap.ok(well(w.report("imapd")), "with --login all is well")
    tap.ok("Login failed" not in w.room.log()[len(before):],
        "and none is refused")


def usage():
    for args in (("--json",), ("--dump",), ("--login", "joe"),
            ("--check", "--login"), ("--check=yes",)):
        done = ask(*args)
        tap.ok(done.returncode == 64 and done.stdout == "" and
            done.stderr.count("\n") == 1, " ".join(args) + ": exit 64",
            done.stderr)
    done = ask("--check", "--config", "/no/such")
    tap.ok(done.returncode == 2 and "/no/such: No such file" in done.stdout,
        "--config of a file that is not there", done.stdout)


def as_joe(w):
    """Without root: what can be looked at is, the rest is named."""
    done = ask("--check", "--json", "--login", "joe", stdin="x\n",
        drop=w.joe.drop)
    report = json.loads(done.stdout)
    states = {}
    for f in report["findings"]:
        states.setdefault(f["check"], []).append(f["state"])
    tap.ok(done.returncode in (0, 2) and not [f for f in report["findings"]
        if f["state"] in ("failed", "warning") and f["check"] != "login"],
        "as joe: nothing is called wrong for want of rights", report)
    tap.ok("unknown" in states["pam"] and "unknown" in states["account"],
        "PAM is root's to ask", states)
    tap.ok("ok" in states["home"] and "ok" in states["locking"] and
        "ok" in states["sandbox"], "his home, his locks and the filter are "
        "looked at", states)
    right = ask("--check", "--json", "--login", "joe", stdin=w.joe.password +
        "\n", drop=w.joe.drop)
    tap.ok(well_enough(right), "and he logs in", right.stdout)


def well_enough(done):
    found = json.loads(done.stdout)["findings"]
    return done.returncode == 0 and [f for f in found if f["check"] ==
        "login" and "joe logs in" in f["evidence"]]


def hostile(w):
    """What a user puts into his home to have root do something for him."""
    home = w.joe.home
    evil = home + "/.imapindex/'$(touch pwned)`touch pwned`\n\x1b[2J"
    w.keep(home + "/.imapindex")
    open(evil, "w").close()
    w.keep(home + "/.mailboxlist")
    os.symlink("/etc/shadow", home + "/.mailboxlist")
    done = ask("--check", "--login", "joe", stdin="x\n")
    tap.ok("\x1b" not in done.stdout and "touch pwned`\\x0a" in done.stdout,
        "a name can't move the cursor or begin a line", done.stdout)
    report = w.report("imapd")
    before = os.stat("/etc/shadow")
    for command in report.mend():
        subprocess.run(["sh", "-c", command], stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, check=False, cwd=home)
    after = os.stat("/etc/shadow")
    tap.ok(os.lstat(evil).st_uid == w.joe.uid and not
        os.path.exists(home + "/pwned"), "its file is given to the user, and "
        "nothing is run", report.mend())
    tap.ok((before.st_uid, before.st_mode) == (after.st_uid, after.st_mode)
        and os.lstat(home + "/.mailboxlist").st_uid == w.joe.uid,
        "a link is not followed", report.mend())
    w.restore()
    w.keep(home + "/.imapindex")
    w.must("rm", "-rf", home + "/.imapindex")
    os.symlink("/etc", home + "/.imapindex")
    os.lchown(home + "/.imapindex", w.joe.uid, w.joe.gid)
    found = w.report("imapd").found("home", "is a link, and no directory",
        "failed")
    tap.ok(found and not found[0]["mend"], "a link to root's directory: in "
        "words", found)
    os.unlink(home + "/.imapindex")
    w.must("cp", "-p", "/etc/hostname", home + "/one")
    os.mkdir(home + "/.imapindex")
    os.link(home + "/one", home + "/.imapindex/two")
    w.must("chown", "-h", "joe", home + "/.imapindex")
    found = w.report("imapd").found("home", "two belongs to uid 0", "failed")
    tap.ok(found and not found[0]["mend"], "a file of root's that has two "
        "names: in words", found)
    os.unlink(home + "/one")
    w.restore()


def network(w):
    """A home on NFS, as statfs(2) has it."""
    w.must("cc", "-shared", "-fPIC", "-D_GNU_SOURCE", "-o",
        w.room.dir + "/nethome.so", "tests/lib/nethome.c", "-ldl")
    done = subprocess.run([IMAPD, "--check", "--login", "joe"],
        input="\n", text=True, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, check=False, env=dict(os.environ,
        LD_PRELOAD=w.room.dir + "/nethome.so", NETHOME="/home"))
    tap.ok("warning  locking: the home /home/joe is on a network file system"
        in done.stdout, "a home on a network", done.stdout)


def main():
    need("inetd", "cc")
    w = World(room.enter())
    for part in (shown, nothing_changes, dumped, passwords, refused, as_joe,
            hostile, network):
        part(w)
    usage()


run(main)
