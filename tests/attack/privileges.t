#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What each process of a connection may do: front, monitor, session, as root
and without; what the front can do to the machine and to the monitor when it
was taken over; and who holds the private key."""

import array
import base64
import glob
import os
import re
import socket
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../lib"))
import echod
from echod import UID, Server, descriptors, status
from tap import run, tap, wait_for

ROOT = os.geteuid() == 0
FRONT_USERS = ("imapd", "nobody")


def front_uid():
    """The uid of imapd, else of nobody, as text."""
    with open("/etc/passwd") as f:
        uids = dict(line.split(":")[0:3:2] for line in f)
    return next(uids[name] for name in FRONT_USERS if name in uids)


def processes(server):
    """Monitor (or session) and front of the one open connection."""
    def find():
        monitors, fronts, _ = server.roles()
        return len(monitors) == len(fronts) == 1 and (monitors[0], fronts[0])
    return wait_for("two processes", find)


def walled(front):
    return wait_for("the filter", lambda:
        status(front).get("Seccomp") == ["2"] and status(front))


def check_walls(name, front, root):
    st = walled(front)
    tap.equal(st["Seccomp"], ["2"], name + ": filter")
    tap.equal(st["NoNewPrivs"], ["1"], name + ": no_new_privs")
    for caps in ("CapEff", "CapPrm", "CapInh", "CapAmb"):
        tap.equal(int(st[caps][0], 16), 0, "%s: %s is empty" % (name, caps))
    if root:
        tap.equal(set(st["Uid"]), {front_uid()}, name + ": uid")
        tap.ok("0" not in st["Gid"] + st["Groups"], name + ": groups", st)
        tap.equal(len(st["Groups"]), 1, name + ": one group")
        where = os.readlink("/proc/%d/root" % front)
        tap.ok(re.match(r"/(run|tmp)/imapd\.\w+ \(deleted\)$", where),
            name + ": empty root", where)


def check_front(name, front, root):
    check_walls(name, front, root)
    limits = open("/proc/%d/limits" % front).read()
    for limit in ("processes", "core file size") + (() if echod.SANITIZED
            else ("file size",)):
        tap.ok(re.search(r"Max %s +0 +0" % limit, limits),
            "%s: no %s" % (name, limit), limits)


def check_descriptors(name, pid, wanted):
    """`wanted`: number to pattern; nothing else may be open but the log."""
    got = dict((n, target) for n, target in descriptors(pid).items()
        if not target.endswith("/log") and not (n == 2 and
            (echod.SANITIZED or target.endswith("/stderr"))))
    good = set(got) == set(wanted) and all(
        re.match(wanted[n], got[n]) for n in wanted)
    tap.ok(good, name + ": descriptors", got)
    return got


def test_processes(server, root, tls):
    how = "%s %s%s" % (server.mode, "root" if root else "no root",
        ", TLS" if tls else "")
    line = server.connect(tls=tls)
    line.get()
    monitor, front = processes(server)
    check_front(how + " front", front, root)
    sock = r"socket:"
    null = r"/dev/null"
    std = {} if echod.SANITIZED else {2: null}
    got = check_descriptors(how + " front", front,
        {0: sock, 1: null, 3: sock, 4: sock, **std})
    client = got.get(0)
    st = status(monitor)
    tap.equal(set(st["Uid"]), {"0" if root else str(UID)},
        how + " monitor: uid")
    check_key(server, how + " monitor", monitor, False)
    check_key(server, how + " front", front, True)

    tap.equal(line.ask("LOGIN joe " + echod.PASSWORD), "OK joe",
        how + ": login")
    st = wait_for("the session", lambda: set(status(monitor)["Uid"]) ==
        {str(UID)} and status(monitor))
    tap.equal(set(st["Uid"] + st["Gid"]), {str(UID)}, how + " session: ids")
    tap.ok("0" not in st["Groups"], how + " session: groups", st["Groups"])
    for caps in ("CapEff", "CapPrm", "CapInh", "CapAmb"):
        tap.equal(int(st[caps][0], 16), 0,
            "%s session: %s is empty" % (how, caps))
    fds = descriptors(monitor)
    tap.equal(fds[0] == client, not tls,
        how + " session: holds the client's socket only without TLS")
    tap.equal(sum(target.startswith("socket:") for target in fds.values()),
        1, how + " session: one socket") or tap.diag(fds)
    tap.ok(not any(target.endswith(".pem") for target in fds.values()),
        how + " session: no certificate open", fds)
    check_key(server, how + " session", monitor, False)
    if tls:
        tap.equal(server.front(), front, how + ": the front pumps")
        check_front(how + " pump", front, root)
    else:
        tap.equal(server.roles()[1], [], how + ": the front has left")
    limits = open("/proc/%d/limits" % monitor).read()
    tap.ok(re.search(r"Max core file size +0 +0", limits),
        how + " session: no core files")
    answer = line.ask("WHO")
    tap.ok("umask=077" in answer and "HOME=" + server.home in answer and
        "uid=%d" % UID in answer, how + " session: umask, home", answer)
    env = open("/proc/%d/environ" % monitor, "rb").read()
    line.ask("QUIT")
    line.close()
    wait_for("the end", lambda: not server.connections())
    return env


def test_nursery(server, root):
    """The nursery has the walls of a front but for making one; who accepts has
    no key."""
    how = "%s %s" % (server.mode, "root" if root else "no root")
    line = server.connect()
    line.get()
    # In mode `wait` each port has its own; whichever it is.
    nursery = server.roles()[2][0]
    check_walls(how + " nursery", nursery, root)
    limits = open("/proc/%d/limits" % nursery).read()
    tap.ok(re.search(r"Max core file size +0 +0", limits),
        how + " nursery: no core file")
    check_descriptors(how + " nursery", nursery, {0: r"/dev/null",
        1: r"/dev/null", 3: r"socket:", **({} if echod.SANITIZED else
        {2: r"/dev/null"})})
    check_key(server, how + " nursery", nursery, True)
    acceptors = server.acceptors()
    tap.ok(acceptors, how + ": somebody accepts")
    for pid in acceptors:
        check_key(server, how + " acceptor", pid, False)
    for pid in server.roles()[2] + acceptors:
        tap.ok(not any(target.endswith(".pem") for target in
            descriptors(pid).values()), how + ": no certificate open")
    line.close()


def key_numbers(pem):
    """The private numbers of the RSA key, as they may lie in memory: big and
    little end first, and the first line of the PEM text."""
    text = subprocess.run(["openssl", "pkey", "-in", pem, "-noout", "-text"],
        stdout=subprocess.PIPE, check=True).stdout.decode()
    found = []
    for name in ("privateExponent", "prime1", "prime2"):
        digits = re.search(name + r":\n((?:    [0-9a-f:]+\n)+)", text)
        number = bytes.fromhex(re.sub(r"[^0-9a-f]", "",
            digits.group(1))).lstrip(b"\0")
        found += [number[:48], number[::-1][:48]]
    found.append(open(pem, "rb").read().split(b"\n")[2])
    return found


def resident(pagemap, start, end):
    """The spans of pages that have something in them: a sanitizer maps far
    more than it uses."""
    size = os.sysconf("SC_PAGE_SIZE")
    pagemap.seek(start // size * 8)
    entries = array.array("Q", pagemap.read((end - start) // size * 8))
    first = None
    for n, entry in enumerate(entries):
        there = entry >> 62 != 0    # present, or swapped out
        if there and first is None:
            first = n
        elif not there and first is not None:
            yield start + first * size, start + n * size
            first = None
    if first is not None:
        yield start + first * size, end


def memory(pid):
    """All that the process can read of itself."""
    pieces = []
    with open("/proc/%d/maps" % pid) as maps, \
            open("/proc/%d/pagemap" % pid, "rb", 0) as pagemap, \
            open("/proc/%d/mem" % pid, "rb", 0) as mem:
        for line in maps:
            span, mode = line.split()[:2]
            start, end = (int(word, 16) for word in span.split("-"))
            if mode[0] != "r" or "[v" in line or end - start > 1 << 28:
                continue
            for at, to in resident(pagemap, start, end):
                mem.seek(at)
                try:
                    pieces.append(mem.read(to - at))
                except OSError:
                    pass
    return b"".join(pieces)


def check_key(server, name, pid, wanted):
    if not ROOT:
        return
    found = memory(pid)
    tap.ok(len(found) > 100000, name + ": memory was read")
    tap.equal(any(number in found for number in key_numbers(server.pem)),
        wanted, name + (": holds the key" if wanted else ": has no key"))


def test_attacks(server):
    """A forbidden call ends the front, and the log says so."""
    for kind in ("open", "exec", "connect", "kill", "signal", "fork",
            "ptrace", "run-memory", "setuid", "send-to"):
        line = server.connect()
        line.get()
        said = line.ask("ATTACK " + kind)
        if echod.SANITIZED:
            tap.equal(said, "FOILED", kind + ": refused")
        else:
            tap.equal(said, None, kind + ": the front is ended")
            server.logged(r"the front was ended by signal 31")
        line.close()
    if not echod.SANITIZED:
        # The line comes after the client has seen the end.
        wait_for("ten lines", lambda: server.log().count(
            "the front was ended by signal 31") == 10)
        tap.ok(True, "each is logged")
    tap.equal(server.connect().get()[:5], "HELLO", "the server goes on")


def test_forging(server):
    for kind, why in (
            ("forge", "the front tried to forge a log line"),
            ("forge-disabled", "the front tried to forge a log line"),
            ("hand-over", "the front sent message 4"),
            ("verdict", "the front sent message 3")):
        line = server.connect()
        line.get()
        line.put("ATTACK " + kind)
        last = None
        for _ in range(4):      # FOILED or BYE, then the end
            said = line.get()
            if said is None:
                break
            last = said
        tap.ok(last != "OK joe" and said is None,
            kind + ": the connection ends", last)
        server.logged(why)
        tap.ok(True, kind + ": logged")
    tap.ok("192.0.2.9" not in server.log().replace("x5b192", ""),
        "no forged address in the log", server.log())


def test_messages(server):
    """Nothing of a login is left for the next: memory of the session."""
    if not ROOT:
        return
    line = server.connect(tls=True)
    line.get()
    line.ask("LOGIN joe " + echod.PASSWORD)
    session, front = processes(server)
    needle = echod.PASSWORD.encode()
    tap.ok(needle not in memory(session), "the session has no password")
    line.close()


def test_environment(server):
    line = server.connect()
    line.get()
    line.put("LOGIN joe %s" % echod.PASSWORD)
    line.put("ECHO travelled with the login")
    tap.equal(line.get(), "OK joe", "pipelined login")
    tap.equal(line.get(), "ECHO travelled with the login",
        "what was behind the login reaches the session")
    line.close()


def no_root_attempts():
    """A server without root serves its own uid and no other."""
    users = "".join("%s:%s:%d:%d:/\n" % (name, echod.crypt(echod.PASSWORD),
        uid, uid) for name, uid in (("me", UID), ("other", UID + 1),
            ("zero", 0)))
    server = Server(users=users, uid=UID)
    for name, want in (("other", "NO denied"), ("zero", "NO denied"),
            ("me", "OK me")):
        line = server.connect()
        line.get()
        tap.equal(line.ask("LOGIN %s %s" % (name, echod.PASSWORD)), want,
            "without root: " + name)
        line.close()
    server.stop()
    server = Server(conf="auth = shadow\n", uid=UID)
    line = server.connect()
    tap.equal(line.get(), "BUSY", "without root and users file: BYE")
    tap.equal(line.get(), None, "and the end")
    line = server.connect(tls=True)
    tap.equal(line.get(), "BUSY", "the same over TLS")
    server.logged(r"start it as root .*\(auth = users:FILE")
    tap.ok(True, "and one line with the cure")
    server.stop()


def test_spool(server):
    """The missing INBOX: made by the monitor where the user can't, with
    nothing followed and nothing overwritten."""
    box = os.path.join(server.spool, "joe")
    line = server.connect()
    line.get()
    line.ask("LOGIN joe " + echod.PASSWORD)
    tap.ok("inbox=%s " % box in line.ask("WHO"), "INBOX is told")
    line.close()
    st = os.lstat(box)
    tap.equal((st.st_uid, st.st_size), (UID, 0), "INBOX is the user's")
    tap.ok(st.st_mode & 0o7777 in (0o600, 0o660), "INBOX's mode",
        oct(st.st_mode))
    for make in (lambda: os.symlink("/etc/passwd", box),
            lambda: os.symlink(server.path("fresh"), box),
            lambda: os.mkfifo(box), lambda: os.mkdir(box)):
        os.remove(box) if not os.path.isdir(box) else os.rmdir(box)
        make()
        before = os.lstat(box)
        line = server.connect()
        line.get()
        line.ask("LOGIN joe " + echod.PASSWORD)
        tap.ok("inbox=- " in line.ask("WHO"), "no INBOX in mode %o" %
            before.st_mode)
        line.close()
        after = os.lstat(box)
        tap.equal((after.st_mode, after.st_uid, after.st_ino),
            (before.st_mode, before.st_uid, before.st_ino), "untouched")
    tap.ok(not os.path.exists(server.path("fresh")), "no link followed")
    os.rmdir(box)


def main():
    os.environ["HOSTILE_VARIABLE"] = "1"
    if ROOT:
        for mode in ("nowait", "wait", "listen"):
            server = Server("idle_exit = 3600\n", mode=mode)
            test_processes(server, True, False)
            test_processes(server, True, True)
            test_messages(server)
            test_attacks(server)
            test_forging(server)
            test_environment(server)
            if mode != "nowait":
                test_nursery(server, True)
            server.stop()
        server = Server()
        test_spool(server)
        # Other servers on this machine make and remove theirs.
        left = glob.glob("/run/imapd.??????")
        wait_for("their end", lambda: not any(map(os.path.exists, left)))
        tap.ok(True, "no directories left in /run")
        server.stop()
        for mode in ("nowait", "wait"):
            server = Server("idle_exit = 3600\n", uid=UID, mode=mode)
            test_processes(server, False, False)
            test_processes(server, False, True)
            test_attacks(server)
            if mode != "nowait":
                test_nursery(server, False)
            server.stop()
        no_root_attempts()
    else:
        tap.skip("privileges of a server that root started", "not root")


run(main)
