#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Names of other namespaces: #shared/, #public/, ~user/ and absolute ones,
whose directories somebody else has filled with links, FIFOs, devices and
names that lead out.  What the files' rights do not allow is refused, nothing
outside is changed, and nothing is learnt of users that are not there."""

import hashlib
import os
import socket
import stat
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
import mailgen
from imapc import Gone
from server import Host
from tap import run, skip_all, tap

LETTER = b"Subject: put there\r\n\r\nbody\r\n"
MAIL = mailgen.to_mbox([b"Subject: theirs\n\nsomebody else's\n"])
CONF = """shared_dir = {dir}/shared
public_dir = {dir}/public
lock_timeout = 2
"""
# As inetd would start it on a machine with these users.
WRAP = ("unshare", "-m", "--propagation", "private", "sh", "-c",
    'mount --bind "$0" /etc/passwd && exec "$@"')


def host_with(conf):
    host = Host(users=("joe", "ann"), conf=CONF + conf, programs=())
    passwd = os.path.join(host.dir, "passwd")
    with open(passwd, "w") as f:
        f.write("root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n")
        for a in host.accounts.values():
            f.write("%s:x:%d:%d::%s:/bin/sh\n" % (a.name, a.uid, a.gid,
                a.home))
    os.chmod(passwd, 0o644)
    for name in ("shared", "public"):
        os.mkdir(os.path.join(host.dir, name))
        os.chmod(os.path.join(host.dir, name), 0o777)
    for a in host.accounts.values():
        os.chmod(a.home, 0o711)
        os.mkdir(os.path.join(a.home, "mail"))
        os.chmod(os.path.join(a.home, "mail"), 0o755)
        a.own(os.path.join(a.home, "mail"))
        a.fill(MAIL)
    host.start("imapd", WRAP + (passwd,))
    return host


def snapshot(host):
    """All files and their contents, but for indexes and the servers' own."""
    out = {}
    for top, dirs, files in os.walk(host.dir):
        dirs[:] = [d for d in dirs if d != ".imapindex"]
        for name in files + dirs:
            path = os.path.join(top, name)
            relative = os.path.relpath(path, host.dir)
            # INBOX gets room for flags when a session leaves it.
            if relative in ("log", "state", "stderr", "spool/joe"):
                continue
            # "state" before it has its name.
            if relative.startswith(".imapnew-"):
                continue
            st = os.lstat(path)
            what = (oct(st.st_mode), st.st_uid)
            if stat.S_ISREG(st.st_mode):
                with open(path, "rb") as f:
                    what += (hashlib.sha256(f.read()).hexdigest(),)
            elif stat.S_ISLNK(st.st_mode):
                what += (os.readlink(path),)
            out[relative] = what
    return out


def differences(a, b):
    return sorted(k for k in set(a) | set(b) if a.get(k) != b.get(k))


def all_commands(host, name, user="joe"):
    """What was done with such a name by anything that takes one."""
    done = []
    c = host.imap(user)
    c.select()
    for command in ("STATUS %s (MESSAGES UIDNEXT)", "EXAMINE %s", "SELECT %s",
            "COPY 1 %s", "CREATE %s", "CREATE %s/", "RENAME %s taken",
            "RENAME %s #public/taken", "RENAME INBOX %s", "DELETE %s",
            "APPEND %s"):
        text = command % ('"%s"' % name).replace('/"', '/"')
        if command == "COPY 1 %s":
            c.select()
        if command == "CREATE %s/":
            text = 'CREATE "%s/"' % name
        text = text.replace("#public/taken", '"#public/taken"')
        try:
            if command == "APPEND %s":
                status, line, _ = c.cmd(text + " {%d}" % len(LETTER), LETTER)
            else:
                status, line, _ = c.cmd(text)
        except (Gone, OSError) as why:
            done.append((command, repr(why)))
            c = host.imap(user)
            continue
        if status != "NO":
            done.append((command, line))
    c.close()
    return done


def things(host, top, owner):
    """Fills a directory with what is no mailbox; the names of it all."""
    secret = os.path.join(host.account().home, "mail", "private")
    host.account().write("mail/private", MAIL)
    os.mkfifo(os.path.join(top, "fifo"), 0o666)
    os.chmod(os.path.join(top, "fifo"), 0o666)
    s = socket.socket(socket.AF_UNIX)
    s.bind(os.path.join(top, "socket"))
    s.close()
    os.mknod(os.path.join(top, "device"), stat.S_IFCHR | 0o666,
        os.makedev(1, 5))
    os.chmod(os.path.join(top, "device"), 0o666)
    for name, target in (("link", secret), ("tty", "/dev/tty"),
            ("zero", "/dev/zero"), ("proc", "/proc/self/environ"),
            ("loop", "loop"), ("dir", host.account().home),
            ("upwards", os.path.relpath(secret, top)),
            ("dirup", os.path.relpath(host.dir, top)), ("nowhere", "/none"),
            ("tmp", "/tmp")):
        os.symlink(target, os.path.join(top, name))
    for name in os.listdir(top):
        os.chown(os.path.join(top, name), owner, owner,
            follow_symlinks=False)
    return ("link", "tty", "zero", "proc", "loop", "dir/mail/private",
        "dir/mail/new", "upwards", "dirup/home-joe/mail/private",
        "dirup/public/new", "nowhere", "nowhere/x", "tmp/names-attack",
        "fifo", "socket", "device")


def planted(host):
    """Somebody who may write there has put all that into #shared/ and into
    his own root; the user meets it with rights to his own mail."""
    ann = host.account("ann")
    for space, top in (("#shared/", os.path.join(host.dir, "shared")),
            ("~ann/", os.path.join(ann.home, "mail"))):
        for name in things(host, top, ann.uid):
            what = name in ("fifo", "socket", "device")
            before = snapshot(host)
            done = all_commands(host, space + name)
            changed = differences(before, snapshot(host))
            # Names in a directory that everybody may write to can be
            # replaced, but what they lead to is as it was.
            tap.ok(not done, "%s%s: refused" % (space, name), done)
            tap.ok(not changed, "%s%s: nothing is changed%s" % (space, name,
                ", or opened" if what else ""), changed)
        c = host.imap()
        names = b"".join(b"".join(x) for x in c.must(
            'LIST "" "%s*"' % space))
        shown = [x for x in (b"link", b"dir", b"fifo", b"device", b"tmp")
            if b"/" + x in names]
        tap.ok(not shown, "%s: LIST shows none of it" % space, names)
        c.close()
    tap.ok(not os.path.exists("/tmp/names-attack"), "nothing in /tmp")


def dots(host):
    """Names that would lead out by themselves."""
    before = snapshot(host)
    bad = []
    for name in ("#shared/../public/x", "#shared/..", "#shared/.",
            "#shared//etc/passwd", "#shared/d/../../x", "#public/.x",
            "#public/x.lock", "~ann/../mail/x", "~ann/..", "~../x", "~./x",
            "~ann//etc/passwd", "~ann/.ssh/x", "~ann/INBOX", "~ann/inbox",
            "~/x", "~", "~ann", "#", "#shared", "#SHARED/x", "#news.x",
            "/etc/passwd", "//etc/passwd", "/", "{localhost}x",
            "#shared/&AC4ALg-/x", "~joe/#shared/x", "~joe//etc/passwd"):
        bad += [(name,) + x for x in all_commands(host, name)]
    tap.ok(not bad, "names with dots, and what is no namespace: refused", bad)
    changed = differences(before, snapshot(host))
    tap.ok(not changed, "and nothing is changed", changed)


def rights(host):
    """Another user's files: what their modes say, and no more."""
    ann, joe = host.account("ann"), host.account()
    ann.write("mail/closed", MAIL)
    ann.write("mail/readable", MAIL, 0o644)
    before = snapshot(host)
    done = all_commands(host, "~ann/closed")
    tap.ok(not done, "a mailbox of mode 0600: refused", done)
    c = host.imap()
    status, line, seen = c.cmd('SELECT "~ann/readable"')
    text = b"".join(b"".join(x) for x in seen)
    tap.ok(status == "OK" and b"[READ-ONLY]" in line and
        b"[UIDNOTSTICKY]" in text, "one of 0644: read-only, UIDs not kept",
        (line, text))
    tap.ok(b"somebody else's" in b"".join(b"".join(x) for x in
        c.must("FETCH 1 BODY.PEEK[]")), "its mail is read")
    for command in ("STORE 1 +FLAGS (\\Deleted)", "EXPUNGE",
            'DELETE "~ann/readable"', 'RENAME "~ann/readable" mine',
            'CREATE "~ann/new"', 'CREATE "~ann/new/"',
            'RENAME INBOX "~ann/new"'):
        status, line, _ = c.cmd(command)
        tap.equal(status, "NO", command)
    status, line, _ = c.cmd('APPEND "~ann/readable" {%d}' % len(LETTER),
        LETTER)
    tap.equal(status, "NO", "APPEND")
    c.close()
    changed = differences(before, snapshot(host))
    tap.ok(not changed, "nothing of hers is changed", changed)

    # A home that can't be entered, one without rights, and nobody's.
    said = set()
    os.chmod(ann.home, 0o700)
    c = host.imap()
    for name in ("~ann/readable", "~ann/none"):
        said.add(c.cmd('SELECT "%s"' % name)[1].split(None, 1)[1])
    tap.equal(len(said), 1, "a closed home tells nothing of what is in it")
    said = {c.cmd('SELECT "~%s/x"' % user)[1].split(None, 1)[1]
        for user in ("no-such-user", "nobody", "x" * 300, "joe\\\\")}
    tap.ok(len(said) == 1 and b"NONEXISTENT" in said.pop(),
        "users that there are and that there aren't: the same answer", said)
    os.chmod(ann.home, 0o711)
    names = b"".join(b"".join(x) for pattern in ("~*", "~%", "~%/*", "~a*/x")
        for x in c.must('LIST "" "%s"' % pattern))
    tap.equal(names, b"", "users can't be listed")
    # By his own name in any form he gets what is his, and one index.
    joe.write("mail/mine", MAIL)
    c.must('STATUS "~joe/mine" (MESSAGES)')
    c.must("STATUS mine (MESSAGES)")
    tap.equal([x for x in os.listdir(joe.index) if "mine" in x and
        not x.endswith(("-wal", "-shm"))], ["mine"], "one index for his own")
    c.close()


def not_configured():
    """The defaults: none of it is there."""
    host = Host(users=("joe", "ann"))
    host.account("ann").write("x", MAIL, 0o644)
    os.chmod(host.account("ann").home, 0o755)
    host.account().fill(MAIL)
    bad = []
    for name in ("~ann/x", "~joe/x", "#shared/x", "#public/x",
            os.path.join(host.account("ann").home, "x"), "/etc/passwd"):
        bad += [(name,) + x for x in all_commands(host, name)]
    tap.ok(not bad, "by default no other namespace is served", bad)
    tap.equal(host.faults(), "", "no fault is reported")
    host.stop()


def outside():
    """outside = yes: what a shell would give, and no more."""
    host = host_with("outside = yes\n")
    joe, ann = host.account(), host.account("ann")
    top = os.path.join(host.dir, "elsewhere")
    os.mkdir(top)
    os.chmod(top, 0o777)
    things(host, top, ann.uid)
    closed = ann.write("mail/closed", MAIL)
    shared = os.path.join(host.dir, "shared")
    os.symlink(os.path.join(joe.home, "mail", "private"),
        os.path.join(shared, "trap"))
    before = snapshot(host)
    bad = []
    for name in [top + "/" + x for x in ("tty", "zero", "proc", "loop",
            "nowhere", "fifo", "socket", "device", "dir/../../x")] + [closed,
            "/etc/passwd", "/etc/shadow", "/proc/self/environ",
            "/proc/self/fd/0", "/dev/zero", "/dev/tty", top + "/.x",
            top + "/x.lock", joe.home + "/.imapindex/INBOX", "/", "//",
            "#shared/trap"]:
        bad += [(name,) + x for x in all_commands(host, name)]
    tap.ok(not bad, "outside: what is no mailbox of his is refused", bad)
    changed = differences(before, snapshot(host))
    tap.ok(not changed, "outside: and not changed", changed)
    c = host.imap()
    tap.equal(c.select(top + "/link"), 1, "outside: a link to his mailbox")
    os.symlink(top, os.path.join(joe.home, "mail", "way"))
    tap.equal(c.cmd("CREATE way/new")[0], "OK", "outside: through a link")
    tap.ok(os.path.isfile(top + "/new"), "it is there")
    names = b"".join(b"".join(x) for x in c.must('LIST "" *'))
    tap.ok(b'"way"' in names and b"way/" not in names,
        "LIST shows the link and does not enter it", names)
    names = b"".join(b"".join(x) for x in c.must('LIST "" way/%'))
    tap.ok(b'"way/new"' in names and b"fifo" not in names, "unless asked to",
        names)
    c.close()
    tap.ok(host.alive(), "the server is alive")
    tap.equal(host.faults(), "", "no fault is reported")
    host.stop()


def main():
    if os.geteuid() != 0:
        skip_all("users of their own need root")
    host = host_with("other_users = yes\n")
    planted(host)
    dots(host)
    rights(host)
    tap.ok(host.alive(), "the server is alive")
    tap.equal(host.faults(), "", "no fault is reported")
    host.stop()
    not_configured()
    outside()


run(main)
