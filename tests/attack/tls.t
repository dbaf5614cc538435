#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""TLS: every kind of key, server names, policies, every way in which a
certificate file can be wrong (one log line that names file, reason and cure),
injection behind STARTTLS, ALPN, old versions, renegotiation, half-closed
connections, bulk."""

import fcntl
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../lib"))
import certs
import echod
from echod import Server
from server import switches
from tap import rest, run, tap, wait_for

# openssl reads all of the system's authorities first, which is most of what a
# connection costs; nobody here asks them.
os.environ.update(SSL_CERT_FILE="/dev/null", SSL_CERT_DIR="/dev/null")
OWN = None if os.geteuid() == 0 else os.getuid()


def openssl(*args):
    subprocess.run(["openssl", *args], check=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def lax(**kw):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def says(server, tls=True, context=None):
    """The greeting, or None where the connection is closed instead."""
    try:
        line = server.connect(tls=tls, context=context or lax())
        said = line.get()
        line.close()
        return said
    except (ssl.SSLError, ConnectionError, OSError):
        return None


def new_server(conf=""):
    """Each connection reads the certificates anew."""
    return Server(uid=OWN, conf=conf, mode="nowait")


def test_keys():
    for name, key in (("RSA", "rsa:2048"), ("RSA 4096", "rsa:4096"),
            ("P-256", "ec -pkeyopt ec_paramgen_curve:P-256"),
            ("P-384", "ec -pkeyopt ec_paramgen_curve:P-384"),
            ("Ed25519", "ed25519")):
        crt, pem = path("kind.crt"), server.pem
        openssl("req", "-x509", "-newkey", *key.split(), "-nodes", "-days",
            "9", "-subj", "/CN=localhost", "-addext",
            "subjectAltName=DNS:localhost", "-keyout", path("kind.key"),
            "-out", crt)
        for order in (("kind.key", "kind.crt"), ("kind.crt", "kind.key")):
            put(pem, *order)
            tap.equal(says(server, context=certs.trusting(crt)),
                "HELLO tls", "%s, %s first" % (name, order[0]))


def path(name):
    return server.path(name)


def put(target, *names):
    with open(target, "wb") as out:
        for name in names:
            with open(path(name), "rb") as f:
                out.write(f.read())
    os.chmod(target, 0o600)


def make_chain():
    """root -> mid -> leaf, and a stranger."""
    ext = path("ca.ext")
    with open(ext, "w") as f:
        f.write("basicConstraints=CA:TRUE\nkeyUsage=keyCertSign\n"
            "subjectKeyIdentifier=hash\n")
    leaf = path("leaf.ext")
    with open(leaf, "w") as f:
        f.write("subjectAltName=DNS:localhost\n")
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "9",
        "-subj", "/CN=Root", "-keyout", path("root.key"), "-out",
        path("root.crt"))
    for name, issuer, extension in (("mid", "root", ext),
            ("leaf", "mid", leaf)):
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj",
            "/CN=" + name, "-keyout", path(name + ".key"), "-out",
            path(name + ".csr"))
        openssl("x509", "-req", "-in", path(name + ".csr"), "-CA",
            path(issuer + ".crt"), "-CAkey", path(issuer + ".key"),
            "-CAcreateserial", "-days", "9", "-extfile", extension, "-out",
            path(name + ".crt"))
    certs.make(path("stranger"))
    shutil.copy(path("stranger.crt"), path("other.crt"))


def sent_chain():
    """Subjects of the certificates that the server sends, in order."""
    out = subprocess.run(["openssl", "s_client", "-connect",
        "127.0.0.1:%d" % server.tls, "-showcerts"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL).stdout.decode()
    return re.findall(r"^ *\d+ s:CN = (\S+)", out, re.M)


def test_chain():
    make_chain()
    context = certs.trusting(path("root.crt"))
    parts = ("leaf.crt", "mid.crt", "leaf.key", "root.crt", "other.crt")
    for shift in range(len(parts)):
        order = parts[shift:] + parts[:shift]
        put(server.pem, *order)
        tap.equal(says(server, context=context), "HELLO tls",
            "a chain that begins with " + order[0])
        tap.equal(sent_chain(), ["leaf", "mid"], "leaf first, no root, no "
            "stranger")
    put(server.pem, "mid.crt", "leaf.crt")
    os.makedirs(path("private"), exist_ok=True)
    put(path("private/imapd.pem"), "leaf.key")
    tap.equal(says(server, context=context), "HELLO tls",
        "the key in the key directory")
    os.unlink(path("private/imapd.pem"))


def test_names():
    """echod-ADDRESS.pem, echod.pem, imapd-ADDRESS.pem, imapd.pem."""
    names = ("imapd.pem", "imapd-127.0.0.1.pem", "echod.pem",
        "echod-127.0.0.1.pem")
    for name in names:
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt",
            "ec_paramgen_curve:P-256", "-nodes", "-days", "9", "-subj",
            "/CN=" + name, "-keyout", path("k"), "-out", path("c"))
        put(path(name), "k", "c")
        tap.equal(sent_chain(), [name], name + " is taken before the others")
    put(path("echod-127.0.0.1.pem"), "c")
    tap.equal(says(server), None, "a bad file isn't covered up by others")
    for name in names[1:]:
        os.unlink(path(name))


def make_for(name, key="ec -pkeyopt ec_paramgen_curve:P-256", days=30):
    """A self-signed certificate with this CN as NAME.k and NAME.c."""
    openssl("req", "-x509", "-newkey", *key.split(), "-nodes", "-days",
        str(days), "-subj", "/CN=" + name, "-addext", "subjectAltName=DNS:"
        + name, "-keyout", path(name + ".k"), "-out", path(name + ".c"))


def sent_for(name, *args, to=None):
    """The CN of the certificate that who asks for this name is shown."""
    out = subprocess.run(["openssl", "s_client", "-connect", "127.0.0.1:%d"
        % (to or server).tls, "-servername", name, *args],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL).stdout.decode()
    found = re.findall(r"^ *0 s:CN = (\S+)", out, re.M)
    return found[0] if found else None


def test_server_names():
    """imapd-NAME.pem is for those who ask for NAME."""
    names = ("mail.example.org", "other.example.org")
    put(server.pem, "kind.key", "kind.crt")
    for name in names + ("both.example.org", "own.example.org"):
        make_for(name)
        put(path("imapd-%s.pem" % name), name + ".k", name + ".c")
    put(path("echod-both.example.org.pem"), "own.example.org.k",
        "own.example.org.c")
    for name in names:
        tap.equal(sent_for(name), name, "asked for " + name)
        tap.equal(sent_for(name, "-tls1_2"), name, "by TLS 1.2 too")
    tap.equal(sent_for("MAIL.Example.ORG."), "mail.example.org",
        "in any case, and with the root's dot")
    tap.equal(sent_for("both.example.org"), "own.example.org",
        "the program's own file first")
    tap.equal(sent_for("127.0.0.1"), "localhost", "an address")
    for name in ("nobody.example.org", "mail.example", "../imapd",
            "x" * 255):
        tap.equal(sent_for(name), "localhost", "asked for " + name[:20])
    out = subprocess.run(["openssl", "s_client", "-alpn", "ftp", "-connect",
        "127.0.0.1:%d" % server.tls, "-servername", names[0]],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT).stdout
    tap.ok(b"alert no application protocol" in out,
        "ALPN is looked at whatever the name")
    put(path("imapd-%s.pem" % names[0]), names[0] + ".k", names[1] + ".c")
    tap.equal(sent_for(names[0]), "localhost",
        "a file that can't be used: the common one")
    server.logged("imapd-%s.pem: the private key in the same file does not "
        "belong to it" % re.escape(names[0]))
    tap.equal(sent_for(names[1]), names[1], "and the others are as before")
    for n in range(80):
        put(path("imapd-n%d.example.org.pem" % n), names[1] + ".k",
            names[1] + ".c")
    tap.equal(says(server), "HELLO tls", "eighty names more")
    server.logged("those of 64 server names are used, and no more")
    for name in os.listdir(server.dir):
        if name.endswith(".example.org.pem"):
            os.unlink(path(name))


def test_both_kinds():
    """An RSA certificate and an ECDSA one in one file, with its own chain
    each, for clients that know only one of them."""
    make_for("rsa", "rsa:2048")
    make_for("ecdsa")
    for names in (("rsa.k", "ecdsa.k", "rsa.c", "ecdsa.c"),
            ("ecdsa.c", "ecdsa.k", "mid.crt", "rsa.c", "rsa.k")):
        put(server.pem, *names)
        for kind, want in (("ECDHE-RSA-AES128-GCM-SHA256", "rsa"),
                ("ECDHE-ECDSA-AES128-GCM-SHA256", "ecdsa")):
            tap.equal(sent_for("localhost", "-tls1_2", "-cipher", kind), want,
                "who wants %s, %s first" % (kind, names[0]))
        for kind, want in (("rsa_pss_rsae_sha256", "rsa"),
                ("ecdsa_secp256r1_sha256", "ecdsa")):
            tap.equal(sent_for("localhost", "-tls1_3", "-sigalgs", kind),
                want, "who wants %s by TLS 1.3" % kind)
    put(server.pem, "ecdsa.k", "rsa.k", "rsa.c")
    tap.equal(sent_for("localhost"), "rsa",
        "a key that is left over is passed over")
    put(server.pem, "kind.key", "kind.crt")


def test_policies():
    """What each of them takes; nothing that is no encryption or shows no
    certificate, under any."""
    nothing = ("eNULL:aNULL", "NULL-SHA256", "ADH-AES128-SHA256",
        "AECDH-AES128-SHA", "AECDH-NULL-SHA", "ECDHE-RSA-NULL-SHA")
    strong = ("ECDHE-RSA-AES128-GCM-SHA256", "DHE-RSA-AES256-GCM-SHA384",
        "ECDHE-RSA-CHACHA20-POLY1305")
    weak = ("AES128-SHA", "ECDHE-RSA-AES256-SHA384", "AES256-GCM-SHA384")
    for policy, versions, good, bad in (
            ("modern", ("-tls1_3",), (), strong + weak),
            ("intermediate", ("-tls1_2", "-tls1_3"), strong, weak),
            ("old", ("-tls1", "-tls1_1", "-tls1_2", "-tls1_3"),
            strong + weak, ())):
        other = new_server("tls = %s\n" % policy)
        for version in ("-tls1", "-tls1_1", "-tls1_2", "-tls1_3"):
            tap.equal(sent_for("localhost", version, "-cipher",
                "ALL:@SECLEVEL=0", to=other) is not None,
                version in versions, "%s: %s" % (policy, version))
        for cipher in strong + weak + nothing:
            tap.equal(sent_for("localhost", "-tls1_2", "-cipher", cipher
                + ":@SECLEVEL=0", to=other) is not None, cipher in good,
                "%s: %s" % (policy, cipher))
        other.stop()
    other = Server(uid=OWN, conf="tls = strong\n")
    tap.ok("must be one of: modern intermediate old" in
        open(other.path("stderr")).read() + other.log(),
        "another word: the three are named")
    tap.equal(sent_for("localhost", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0",
        to=other), None, "and intermediate holds")
    other.stop()


def test_warnings():
    """Once a day, from 21 days before the end on.  The days that are left are
    one less a second after the certificate was made."""
    def lines():
        # The monitors write what the fronts have said.
        wait_for("the connections' end", lambda: not server.connections())
        return re.findall(r"certificate \S+: (it expires .*|.*read the "
            r"private key.*)", server.log())
    make_for("soon", days=12)
    make_for("sooner", days=9)
    make_for("late", days=23)
    for name in ("late", "soon"):
        put(server.pem, name + ".k", name + ".c")
        before = len(lines())
        for _ in range(5):
            says(server)
        tap.equal(len(lines()) - before, name == "soon",
            "%s: warned of %s" % (name, "once" if name == "soon" else
            "not yet"))
    tap.ok(re.match(r"it expires in 1[12] days; get a new one", lines()[-1]),
        "with the days that are left", lines()[-1])
    before = len(lines())
    put(server.pem, "sooner.k", "sooner.c")
    for _ in range(2):
        says(server)
    tap.equal(len(lines()), before, "not once more with another number")
    os.chmod(server.pem, 0o644)
    before = len(lines())
    for _ in range(3):
        says(server)
    tap.equal(len(lines()) - before, 1, "a key that all can read: once too")
    before = len(lines())
    names = [path("imapd-n%d.example.org.pem" % n) for n in range(60)]
    for name in names:
        put(name, "soon.k", "soon.c")
    with open(path("state"), "rb") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        for _ in range(2):
            says(server)
        tap.equal(len(lines()), before, "whoever gives warnings is the only "
            "one")
    crowd = [threading.Thread(target=says, args=(server,)) for _ in range(8)]
    for t in crowd:
        t.start()
    for t in crowd:
        t.join()
    for _ in names[::20]:
        says(server)
    tap.equal(len(lines()) - before, len(names), "of sixty files more, by "
        "eight at once: once each")


def test_bad_files():
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "9",
        "-subj", "/CN=localhost", "-keyout", path("good.key"), "-out",
        path("good.crt"))
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "9",
        "-subj", "/CN=localhost", "-keyout", path("alien.key"), "-out",
        path("alien.crt"))
    openssl("pkey", "-in", path("good.key"), "-aes128", "-passout",
        "pass:x", "-out", path("locked.key"))
    openssl("rsa", "-in", path("good.key"), "-aes128", "-passout",
        "pass:x", "-traditional", "-out", path("locked.old"))
    openssl("req", "-x509", "-newkey", "rsa:1024", "-nodes", "-days", "9",
        "-subj", "/CN=localhost", "-keyout", path("weak.key"), "-out",
        path("weak.crt"))
    openssl("req", "-new", "-key", path("good.key"), "-subj",
        "/CN=localhost", "-out", path("x.csr"))
    dated("old", "20200101000000Z", "20210101000000Z")
    dated("early", "20400101000000Z", "20410101000000Z")
    with open(path("good.key")) as f:
        text = f.read().splitlines()
    with open(path("cut.key"), "w") as f:
        f.write("\n".join(text[:5] + text[-1:]) + "\n")
    with open(path("junk"), "wb") as f:
        f.write(os.urandom(3000))
    with open(path("empty"), "wb") as f:
        pass
    rows = [
        (("alien.key", "good.crt"), r"private key in the same file does not "
            r"belong to it; put key and certificate of the same order"),
        (("locked.key", "good.crt"), r"has a pass phrase; remove it with "
            r"openssl pkey"),
        (("locked.old", "good.crt"), r"has a pass phrase"),
        (("cut.key", "good.crt"), r"is damaged"),
        (("weak.key", "weak.crt"), r"OpenSSL refuses it .*2048 bits"),
        (("good.crt",), r"no private key in it nor in \S+/private/imapd.pem;"
            r" put it into either"),
        (("good.key",), r"no certificate in it; it must hold PEM"),
        (("junk",), r"no (undamaged )?certificate in it"),
        (("empty",), r"no certificate in it"),
    ]
    for names, pattern in rows:
        put(server.pem, *names)
        check_bad("+".join(names), pattern)
    os.unlink(server.pem)
    check_bad("missing", r"there is no such file, so there is no TLS; put "
        r"certificate chain and private key there")
    os.mkdir(server.pem)
    check_bad("directory", r"no regular file")
    os.rmdir(server.pem)
    os.mkfifo(server.pem)
    check_bad("FIFO", r"no regular file")
    os.unlink(server.pem)
    put(server.pem, "good.crt")
    if os.geteuid() != 0:
        os.chmod(server.pem, 0)
        check_bad("unreadable", r"Permission denied")
        os.chmod(server.pem, 0o600)
    put(server.pem, "good.key", "good.crt")
    for name, pattern in (("old", r"expired.*get a new one"),
            ("early", r"not valid before .* check the clock")):
        put(server.pem, "good.key", name + ".crt")
        tap.equal(says(server), "HELLO tls", name + ": the client decides")
        server.logged(pattern)
    put(server.pem, "good.key", "good.crt")
    os.chmod(server.pem, 0o644)
    tap.equal(says(server), "HELLO tls", "a key that all can read works")
    server.logged(r"everybody on this machine can read the private key; "
        r"chmod 600 ")


def dated(name, start, end):
    """A certificate with these dates: `openssl ca` is who can write them."""
    where = path("ca-" + name)
    os.mkdir(where)
    open(where + "/index", "w").close()
    with open(where + "/conf", "w") as f:
        f.write("[ca]\ndefault_ca=a\n[a]\ndatabase=%s/index\n"
            "new_certs_dir=%s\nrand_serial=yes\ndefault_md=sha256\n"
            "policy=p\n[p]\ncommonName=supplied\n" % (where, where))
    openssl("ca", "-batch", "-config", where + "/conf", "-selfsign",
        "-keyfile", path("good.key"), "-in", path("x.csr"), "-startdate",
        start, "-enddate", end, "-out", path(name + ".crt"), "-notext")


def check_bad(name, pattern):
    before = len(server.log())
    tap.equal(says(server), None, name + ": the TLS port closes")
    tap.equal(says(server, tls=False), "HELLO clear",
        name + ": STARTTLS isn't offered")
    lines = wait_for("two lines", lambda: re.findall(
        r"^.*certificate .*$", server.log()[before:], re.M)[1:] and
        re.findall(r"^.*certificate .*$", server.log()[before:], re.M))
    tap.ok(len(lines) == 2 and all(server.pem in line and
        re.search(pattern, line) for line in lines),
        name + ": one line a connection, with file, reason and cure", lines)


def test_injection():
    """What came in clear behind STARTTLS is not run (CVE-2011-0411)."""
    crt = server.crt
    line = server.connect()
    tap.equal(line.get(), "HELLO clear starttls", "offered")
    line.put(b"STARTTLS\r\nXYZZY\r\nSTATE\r\n")
    tap.equal(line.get(), "GO", "go")
    line.secure(certs.trusting(crt))
    tap.equal(line.ask("STATE"), "STATE tls=1 offer=0 plaintext=1",
        "injected commands are forgotten")
    tap.equal(line.ask("STARTTLS"), "BAD", "no STARTTLS inside TLS")
    line.close()


def test_plaintext_policy():
    line = closed.connect()
    line.get()
    tap.equal(line.ask("LOGIN joe " + echod.PASSWORD), "NO privacy",
        "no password in clear")
    closed.logged(r"Login disabled user=joe auth=joe host=\[127\.0\.0\.1\]$")
    line.put("STARTTLS")
    line.get()
    line.secure(certs.trusting(closed.crt))
    tap.equal(line.ask("LOGIN joe " + echod.PASSWORD), "OK joe", "over TLS")
    tap.ok("tls=1" in line.ask("WHO"), "the session knows")
    line.close()


def test_alpn():
    for names, want in ((None, "HELLO tls"), (["echo"], "HELLO tls"),
            (["h2", "echo"], "HELLO tls"), (["http/1.1"], None),
            (["ftp", "h2"], None)):
        context = certs.trusting(server.crt)
        if names:
            context.set_alpn_protocols(names)
        tap.equal(says(server, context=context), want, "ALPN %s" % names)
    # Sixty thousand octets of names, and a name of a host that long.
    many = ["x" * 240 + "%09d" % n for n in range(240)]
    for names, want in ((many + ["echo"], "HELLO tls"), (many, None)):
        context = certs.trusting(server.crt)
        context.set_alpn_protocols(names)
        tap.equal(says(server, context=context), want, "ALPN of %d names" %
            len(names))
    out = subprocess.run(["openssl", "s_client", "-quiet", "-servername",
        ".".join(["n" * 60] * 4), "-connect", "127.0.0.1:%d" % server.tls],
        input=b"STATE\r\nQUIT\r\n", stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL).stdout
    tap.ok(b"STATE tls=1" in out, "a host's name that nobody knows", out)
    server.logged(r"Unable to accept SSL connection, host=\[127\.0\.0\.1\]")
    out = subprocess.run(["openssl", "s_client", "-alpn", "ftp", "-connect",
        "127.0.0.1:%d" % server.tls], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout
    tap.ok(b"alert no application protocol" in out,
        "no_application_protocol", out[-600:])


def test_versions():
    def client(*args, text=b"STATE\r\nQUIT\r\n"):
        return subprocess.run(["openssl", "s_client", "-connect",
            "127.0.0.1:%d" % server.tls, "-cipher", "ALL:@SECLEVEL=0",
            "-ign_eof", *args], input=text, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, timeout=60).stdout
    for flag, good in (("-tls1_2", True), ("-tls1_3", True),
            ("-tls1_1", False), ("-tls1", False)):
        tap.equal(b"STATE tls=1" in client(flag), good, flag)
    with subprocess.Popen(["openssl", "s_client", "-tls1_2", "-connect",
            "127.0.0.1:%d" % server.tls], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as s_client:
        out = b""
        while b"HELLO tls" not in out:
            out += os.read(s_client.stdout.fileno(), 65536)
        s_client.stdin.write(b"R\n")
        s_client.stdin.flush()
        while b"no renegotiation" not in out:
            more = os.read(s_client.stdout.fileno(), 65536)
            if not more:
                break
            out += more
        s_client.kill()
    tap.ok(b"RENEGOTIATING" in out and b"no renegotiation" in out,
        "no renegotiation", out[-400:])
    out = client("-tls1_2", "-comp")
    tap.ok(b"Compression: NONE" in out, "no compression")


def test_half_close():
    """The client's end of sending reaches the session; what the session
    still says reaches the client."""
    line = server.connect()
    line.get()
    line.put(b"LOGIN joe " + echod.PASSWORD.encode() +
        b"\r\nFILL 3000000\r\nECHO last\r\n")
    line.sock.shutdown(socket.SHUT_WR)
    tap.equal(line.get(), "OK joe", "half closed: logged in")
    tap.equal(len(line.get()), 3000000, "half closed: all of the answer")
    tap.equal([line.get(), line.get()], ["ECHO last", None], "to the end")
    line.close()
    wait_for("the sessions' end", lambda: not server.connections())


def test_bulk():
    """Back-pressure: a client that doesn't read stops the session, and
    neither process grows or spins."""
    line = server.connect(tls=True)
    line.get()
    line.ask("LOGIN joe " + echod.PASSWORD)
    session = server.session()
    front = server.front()

    def work():
        total = 0
        for pid in (session, front):
            with open("/proc/%d/stat" % pid) as f:
                total += sum(map(int, f.read().rsplit(")")[1].split()[11:13]))
        return total, switches((session, front))

    tap.ok(rest(work, 1), "an idle connection does nothing at all")
    line.put("FILL 60000000")
    tap.ok(rest(work, 1), "nor one whose client doesn't read")
    for name, pid in (("session", session), ("front", front)):
        rss = int(echod.status(pid)["VmRSS"][0])
        tap.ok(rss < 40000 or echod.SANITIZED,
            name + " stays small before a client that doesn't read", rss)
    tap.equal(len(line.get()), 60000000, "all arrives afterwards")
    tap.equal(line.ask("ECHO on"), "ECHO on", "and it goes on")
    big = "y" * 5000
    line.put(("ECHO %s\r\n" % big) * 400)
    tap.ok(all(line.get() == "ECHO " + big for _ in range(400)),
        "much the other way")
    line.close()


def longest_record(to):
    """The octets in the longest TLS record of a long answer."""
    sock = socket.create_connection(("127.0.0.1", to.tls))
    sock.settimeout(60)
    into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = certs.trusting(to.crt).wrap_bio(into, out,
        server_hostname="localhost")
    raw = bytearray()

    def step(call, *args):
        while True:
            try:
                got = call(*args)
                sock.sendall(out.read())
                return got
            except ssl.SSLWantReadError:
                sock.sendall(out.read())
                data = sock.recv(1 << 16)
                raw.extend(data)
                into.write(data)

    step(tls.do_handshake)
    step(tls.write, b"LOGIN joe %s\r\nFILL 300000\r\n" %
        echod.PASSWORD.encode())
    total = 0
    while total < 300000:
        total += len(step(tls.read, 1 << 16))
    sock.close()
    lengths = []
    while len(raw) >= 5:
        lengths.append(int.from_bytes(raw[3:5], "big"))
        del raw[:5 + lengths[-1]]
    return max(lengths)


def test_records():
    """The workaround tls-records."""
    longest = longest_record(server)
    tap.ok(8192 <= longest <= 8192 + 64, "no TLS record of more than 8 KiB",
        longest)
    other = new_server("workarounds = -tls-records\n")
    longest = longest_record(other)
    tap.ok(longest >= 16384, "unless that is switched off", longest)
    other.stop()


def test_signals():
    line = server.connect(tls=True)
    line.get()
    line.ask("LOGIN joe " + echod.PASSWORD)
    os.kill(server.session(), 15)
    tap.equal([line.get(), line.get()], ["BYE signal", None],
        "SIGTERM ends a session with a word")
    # As init and systemd do it: all processes, the front first.
    line = server.connect(tls=True)
    line.get()
    line.ask("LOGIN joe " + echod.PASSWORD)
    for pid in (server.front(), server.session()):
        os.kill(pid, 15)
    tap.equal([line.get(), line.get()], ["BYE signal", None],
        "also where the front gets it")
    line = server.connect(tls=True)
    line.get()
    line.ask("LOGIN joe " + echod.PASSWORD)
    os.kill(server.session(), 9)
    tap.equal(line.get(), None, "a killed session ends the connection")
    line = server.connect(tls=True)
    line.get()
    line.ask("LOGIN joe " + echod.PASSWORD)
    os.kill(server.front(), 9)
    wait_for("the session's end", lambda: not server.connections())
    tap.ok(True, "a killed front ends the session")
    line.close()


def main():
    global server, closed
    server = new_server()
    test_alpn()
    test_versions()
    test_injection()
    test_half_close()
    test_bulk()
    test_records()
    test_signals()
    test_keys()
    test_chain()
    put(server.pem, "kind.key", "kind.crt")
    test_names()
    test_server_names()
    test_both_kinds()
    server.stop()
    server = new_server()
    test_warnings()
    test_policies()
    server.stop()
    # Without certificate a server that is told to speak in clear is silent
    # about it; the others say what is missing.
    server = new_server("plaintext = tls\n")
    test_bad_files()
    server.stop()
    closed = new_server("plaintext = tls\n")
    test_plaintext_policy()
    closed.stop()


server = closed = None
run(main)
