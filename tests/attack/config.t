#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What the keys of imapd.conf do to a running server, as far as no other test
sees it; IPv6 and mapped addresses; sessions that a user starts himself on a
pipe and on a terminal."""

import glob
import os
import pty
import re
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
import certs
import mailgen
import server
from imapc import Gone, Imap
from server import BINARIES, Host, die_with_us, free_port
from tap import run, tap, wait_for

IS_ROOT = os.geteuid() == 0
LETTER = b"Subject: x\r\n\r\nbody\r\n"


def pairs(text):
    return {line.split(" = ")[0]: line for line in text.splitlines()}


def index_dir():
    host = Host(conf="", programs=())
    top = os.path.join(host.dir, "indexes")
    os.mkdir(top)
    os.chmod(top, 0o1777)
    with open(host.conf, "a") as f:
        f.write("index_dir = %s/of-%%u\n" % top)
    host.start("imapd")
    host.account().fill(mailgen.to_mbox(mailgen.ordinary(2)))
    c = host.imap()
    c.select()
    tap.ok(glob.glob(top + "/of-joe/*"), "index_dir with %u: used",
        os.listdir(top))
    tap.ok(not os.path.exists(host.account().index),
        "and there is none in the home")
    c.close()
    host.stop()


def extra_drivers():
    """~/mbox is INBOX if it is asked for, and a mailbox like others if not."""
    letters = mailgen.to_mbox([LETTER])
    for conf, inbox, mbox in (("extra_drivers = mbox\n", 2, None),
            ("extra_drivers = none\n", 1, 1)):
        host = Host(conf=conf)
        host.account().fill(letters)
        host.account().write("mbox", letters)
        c = host.imap()
        tap.equal(c.select(), inbox, conf.strip() + ": INBOX")
        if mbox is None:
            tap.equal(c.cmd("SELECT mbox")[0], "NO", "which has no other name")
        else:
            tap.equal(c.select("mbox"), mbox, "~/mbox is another mailbox")
        c.close()
        host.stop()


def mail_root():
    host = Host(conf="mail_root = Boxes/%u\n", programs=())
    a = host.account()
    os.mkdir(os.path.join(a.home, "Boxes"))
    a.own(os.path.join(a.home, "Boxes"))
    a.write("outside", b"")
    host.start("imapd")
    c = host.imap()
    c.must("CREATE inside")
    c.must("SUBSCRIBE inside")
    tap.ok(os.path.exists(a.home + "/Boxes/joe/inside"),
        "mail_root with %u: CREATE makes it there")
    names = b"".join(b"".join(x) for x in c.must('LIST "" *'))
    tap.ok(b"inside" in names and b"outside" not in names,
        "and LIST shows that alone", names)
    tap.ok(os.path.exists(a.home + "/.mailboxlist"),
        ".mailboxlist stays in the home")
    c.close()
    host.stop()


def tries():
    host = Host(conf="login_tries = 1\n")
    c = host.imap(login=False)
    c.send(b"a LOGIN joe wrong\r\nb LOGIN joe wrong\r\n")
    said = c.rest()
    tap.ok(said.count(b"a NO") == 1 and b"b NO" not in said,
        "login_tries = 1: one and no more", said)
    host.stop()


def front_user():
    if not IS_ROOT:
        tap.skip("front_user", "not root")
        return
    host = Host(conf="front_user = daemon\n")
    c = host.imap(login=False)
    uids = {server.status(p, "Uid").split()[0] for p in host.processes()}
    tap.ok("1" in uids and "65534" not in uids, "front_user is the front's "
        "uid", uids)
    c.close()
    host.stop()
    for name in ("no-such-user", "root"):
        host = Host(conf="front_user = %s\n" % name)
        try:
            said = host.imap(login=False).greeting
        except Gone:
            said = b""
        tap.ok(not said.startswith(b"* OK"), "front_user = %s: no service" %
            name, said)
        wait_for("a line", lambda: "front_user" in host.log())
        tap.ok(True, "and a line in the log")
        host.stop()


def bad_lines():
    host = Host(conf="idle_timeot = 9\nlogin_tries = 1\n")
    wait_for("a line", lambda: "nearest is idle_timeout" in host.log() +
        host.stderr() or host.alive())
    c = host.imap()
    tap.equal(c.cmd("NOOP")[0], "OK", "a bad line leaves the others")
    c.close()
    host.stop()


def workarounds():
    """Each fault is taken, unless its word is switched off."""
    rows = [("blanks", "STATUS  INBOX (MESSAGES)"),
        ("quoted-8bit", b'SEARCH CHARSET UTF-8 BODY "\xc3\xa4"'),
        ("trailing-delimiter", "STATUS box/ (MESSAGES)"),
        ("id-empty", "ID ()"),
        ("set-recent", "STORE 1 +FLAGS (\\Recent)"),
        ("body-blank", "FETCH 1 BODY.PEEK [HEADER]"),
        ("empty-star", "FETCH 1:* FLAGS")]
    with open(os.path.join(os.path.dirname(__file__),
            "../../imapd/workarounds.c")) as f:
        words = re.findall(r'= \{ "([a-z0-9-]+)"', f.read())
    words.remove("tls-records")     # tests/attack/tls.t
    tap.equal(sorted(words), sorted(r[0] for r in rows),
        "every row of workarounds.c is tried here")
    for conf, off in (("", ()), ("workarounds = all\n", ()),
            ("workarounds = none\n", words),
            ("workarounds = -blanks, -id-empty\n", ("blanks", "id-empty")),
            ("workarounds = -xyzzy -set-recent\n", ("set-recent",)),
            ("workarounds = none body-blank\n",
                [w for w in words if w != "body-blank"])):
        host = Host(conf=conf)
        host.account().fill(mailgen.to_mbox(mailgen.ordinary(1)))
        c = host.imap()
        c.must("CREATE box")
        c.select()
        for word, command in rows:
            if word == "empty-star":
                c.select("box")
            status, line, _ = c.cmd(command)
            tap.equal(status == "OK", word not in off, "%s: %s" %
                (conf.strip() or "by default", word)) or tap.diag(line)
        if "xyzzy" in conf:
            wait_for("a line", lambda: re.search(r"workarounds.*xyzzy",
                host.log() + host.stderr()))
            tap.ok(True, "a word that is none is logged")
        tap.equal(host.faults(), "", "no fault is reported")
        c.close()
        host.stop()


def listen(host, program, *addresses, called=None):
    """Starts the server on those addresses, by another name if asked."""
    args = [called or program]
    for a in addresses:
        args += ["--listen", a]
    with open(os.path.join(host.dir, "stderr"), "ab") as err:
        child = subprocess.Popen(args + ["--config", host.conf],
            executable=BINARIES[program], stdin=subprocess.DEVNULL,
            stdout=err, stderr=err, preexec_fn=die_with_us, env=host.env)
    host.children.append(child)
    for a in addresses:
        port = int(re.search(r":(\d+)", a.rpartition("]")[2]
            if "]" in a else a).group(1))
        wait_for("port %d: %s" % (port, host.stderr()), lambda:
            child.poll() is not None or server.listening(port))
    return child


def subject(host, port):
    """Whose certificate does that port of ::1 show?"""
    out = subprocess.run(["openssl", "s_client", "-connect", host + ":%d" %
        port], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, timeout=60).stdout.decode()
    found = re.search(r"subject=\s*CN\s*=\s*(\S+)", out)
    return found.group(1) if found else out[-300:]


def make_named(host, name):
    key, crt = host.dir + "/k", host.dir + "/c"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
        "ec_paramgen_curve:P-256", "-nodes", "-days", "9", "-subj", "/CN=" +
        name, "-keyout", key, "-out", crt], check=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with open(os.path.join(host.certdir, name), "wb") as f:
        for part in (key, crt):
            with open(part, "rb") as g:
                f.write(g.read())


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as s:
            s.bind(("::1", 0))
        return True
    except OSError:
        return False


def ipv6():
    if not has_ipv6():
        tap.skip("IPv6", "this machine has no ::1")
        return
    host = Host(programs=())
    clear, tls = free_port(), free_port()
    listen(host, "imapd", "[::1]:%d,plain" % clear, "[::1]:%d,tls" % tls)
    host.account().fill(mailgen.to_mbox(mailgen.ordinary(1)))
    sock = socket.create_connection(("::1", clear), 60)
    f = sock.makefile("rwb")
    f.readline()
    f.write(b"a LOGIN joe wrong\r\nb LOGIN joe \"%s\"\r\n" %
        server.PASSWORD.encode())
    f.flush()
    said = f.readline() + f.readline()
    tap.ok(b"a NO" in said and b"b OK" in said, "IPv6: login", said)
    wait_for("the line", lambda: "Login failed user=joe auth=joe "
        "host=[::1]" in host.log())
    tap.ok("Login user=joe host=[::1]" in host.log(),
        "IPv6: the log has the address in its brackets", host.log()[-300:])
    sock.close()
    make_named(host, "imapd.pem")
    tap.equal(subject("[::1]", tls), "imapd.pem", "IPv6: imapd.pem")
    make_named(host, "imapd-::1.pem")
    tap.equal(subject("[::1]", tls), "imapd-::1.pem", "IPv6: its own file")
    host.stop()


def mapped():
    """As inetd's tcp46 gives it: a mapped address is an IPv4 address."""
    if not os.path.exists("/proc/net/tcp6"):
        tap.skip("a mapped address", "this kernel has no IPv6")
        return
    host = Host(programs=())
    make_named(host, "imapd-127.0.0.1.pem")
    with socket.socket(socket.AF_INET6) as s:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        s.bind(("::", 0))
        s.listen()
        client = socket.create_connection(("127.0.0.1",
            s.getsockname()[1]), 60)
        conn = s.accept()[0]
    child = subprocess.Popen([BINARIES["imapd"], "--config", host.conf,
        "--tls"], stdin=conn, stdout=conn, stderr=conn,
        preexec_fn=die_with_us)
    conn.close()
    import ssl
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    client = context.wrap_socket(client)
    der = client.getpeercert(True)
    tap.ok(b"imapd-127.0.0.1.pem" in der, "a mapped address: the IPv4 "
        "address's certificate")
    client.sendall(b"a LOGIN joe wrong\r\n")
    wait_for("the line", lambda: "Login failed user=joe auth=joe "
        "host=[127.0.0.1]" in host.log())
    tap.ok(True, "and it is logged as one, for fail2ban")
    client.close()
    child.wait(60)
    host.stop()


def names():
    """ipop3d takes imapd.pem if it has none; argv[0] is tried second."""
    host = Host(programs=())
    port = free_port()
    listen(host, "ipop3d", "127.0.0.1:%d,tls" % port, called="/x/pop3s")
    for name in ("imapd.pem", "imapd-127.0.0.1.pem", "pop3s.pem",
            "pop3s-127.0.0.1.pem", "ipop3d.pem", "ipop3d-127.0.0.1.pem"):
        make_named(host, name)
        tap.equal(subject("127.0.0.1", port), name,
            "ipop3d called pop3s: %s goes first" % name)
    host.stop()
    for bad in ("..", "../certs/other", "a b", "", "x" * 300):
        host = Host(programs=())
        port = free_port()
        make_named(host, "imapd.pem")
        child = listen(host, "ipop3d", "127.0.0.1:%d,tls" % port, called=bad
            or "-")
        tap.equal(subject("127.0.0.1", port), "imapd.pem",
            "called %.20r: no harm" % bad)
        host.stop()


def become(account):
    account.drop()
    die_with_us()


def shells():
    """A user's own shell: a pipe and a terminal, both servers; root not."""
    host = Host(programs=())
    os.chmod(host.conf, 0o644)
    conf = host.dir + "/own.conf"
    with open(host.conf) as f, open(conf, "w") as g:
        g.write(re.sub(r"(?m)^log = .*$", "log = stderr", f.read()))
    os.chmod(conf, 0o644)
    if not IS_ROOT:
        tap.skip("sessions of another user", "not root")
        return

    def nobody():
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
        die_with_us()
    for program, greeting, talk, want in (
            ("imapd", b"* PREAUTH ", b"a STATUS INBOX (MESSAGES)\r\n"
                b"b LOGIN x y\r\nz LOGOUT\r\n",
                (b"a OK", b"b BAD", b"z OK")),
            ("ipop3d", b"+OK ", b"STAT\r\nUSER x\r\nQUIT\r\n",
                (b"+OK 0 0", b"-ERR", b"+OK"))):
        p = subprocess.run([BINARIES[program], "--config", conf],
            input=talk, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            preexec_fn=nobody, timeout=60)
        tap.ok(p.stdout.startswith(greeting) and all(b"\n" + w in p.stdout
            for w in want) and p.returncode == 0, program + " on a pipe",
            (p.stdout, p.stderr[-300:]))
        master, slave = pty.openpty()
        p = subprocess.Popen([BINARIES[program], "--config", conf],
            stdin=slave, stdout=slave, stderr=subprocess.DEVNULL,
            preexec_fn=nobody)
        os.close(slave)
        os.write(master, talk.replace(b"\r", b""))
        said = b""
        try:
            while len(said) < 1 << 20:
                said += os.read(master, 4096)
        except OSError:
            pass        # the other end is closed
        os.close(master)
        tap.ok(greeting in said and all(b"\n" + w in said for w in want)
            and p.wait(60) == 0, program + " on a terminal", said)
        p = subprocess.run([BINARIES[program]], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
        tap.ok(p.returncode == 64 and p.stdout == b"" and
            p.stderr.count(b"\n") == 1, program + " of root's: one line, 64",
            (p.returncode, p.stdout, p.stderr))
    host.stop()


def main():
    for part in (index_dir, extra_drivers, mail_root, tries, front_user,
            bad_lines, workarounds, ipv6, mapped, names, shells):
        part()


run(main)
