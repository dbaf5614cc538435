#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Bad input before and after login (design/field.md 6.2): each is answered
with BAD or NO or a closed connection, in bounded memory, and the server then
serves the next client."""

import base64
import os
import re
import select
import socket
import ssl
import sys
import threading
import time
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
import mailgen
import server
from imapc import Gone, Imap, Pop
from tap import WAIT_SECS, run, tap

LIMIT_KIB = 16 * 1024   # what all processes of one connection may have more
ALARMING = rb"[\x00\x80-\xff]"


class Watch(threading.Thread):
    """The largest resident memory of any process below the listeners."""

    def __init__(self, host):
        threading.Thread.__init__(self, daemon=True)
        self.host, self.most, self.over = host, 0, False

    def run(self):
        while not self.over:
            for pid in self.host.processes():
                self.most = max(self.most, server.rss_kib(pid))
            time.sleep(0.02)


class Probe:
    def __init__(self, host):
        self.host = host

    def says(self, what, c, data, want, close=False, secs=WAIT_SECS):
        """Sends data (then half-closes where `close`); all that is said
        until the connection ends or a line matches `want` counts."""
        said = b""
        sender = threading.Thread(target=self.push, args=(c, data, close),
            daemon=True)
        sender.start()
        c.sock.settimeout(secs)
        good = None
        try:
            while True:
                line = c.line()
                said += line
                if re.search(want, line):
                    good = "said"
                    break
        except Gone as gone:
            said += gone.said
            good = "said" if re.search(want, said) else "closed"
        except (socket.timeout, TimeoutError, ssl.SSLError):
            good = None
        c.close()
        sender.join(5)
        tap.ok(good, what + (" (%s)" % good if good else ""), said[-300:])

    def push(self, c, data, close):
        try:
            for at in range(0, len(data), 65536):
                c.send(data[at:at + 65536])
            if close:
                c.sock.shutdown(socket.SHUT_WR)
        except (OSError, ValueError):
            pass


LONG = b"x" * 65536
BAD = rb"^(\S+ (BAD|NO)|\* BAD|\* BYE|-ERR)"

BEFORE_IMAP = [
    ("garbage", bytes(range(256)) * 64 + b"\r\n", True),
    ("65,536 octets without a line end", LONG, True),
    ("65,537 octets in a line", LONG[:-1] + b"\r\n", False),
    ("1 MiB without a line end", LONG * 16, True),
    ("a line of 1 MiB", b"a LOGIN " + LONG * 16 + b" x\r\n", False),
    ("lone CR", b"a LOGIN\rjoe\rx\r" * 3 + b"\r\n", False),
    ("NUL in a command", b"a LOG\0IN joe x\r\n", False),
    ("NUL in a quoted string", b'a LOGIN "jo\0e" "x"\r\n', False),
    ("8-bit in a command", b"a \xff\xfe\x80 x\r\n", False),
    ("a quote at the end", b'a LOGIN "joe\\\r\n', False),
    ("no end of a quote", b'a LOGIN "joe\r\n', False),
    ("literal of 2^32-1", b"a LOGIN {4294967295}\r\n", False),
    ("literal of 2^32", b"a LOGIN {4294967296}\r\n", False),
    ("literal of 20 digits", b"a LOGIN {99999999999999999999}\r\n", False),
    ("literal -1", b"a LOGIN {-1}\r\n", False),
    ("literal over 4 KiB", b"a LOGIN {4097}\r\n", False),
    ("literal+ over 4 KiB", b"a LOGIN {70000+}\r\n" + LONG, True),
    ("literal over 4 KiB in APPEND", b"a APPEND INBOX {5000}\r\n", False),
    ("21 literals", b"a LOGIN" + b" {1+}\r\nx" * 21 + b"\r\n", False),
    ("100,000 parentheses", b"a ID " + b"(" * 60000 + b"\r\n", False),
    ("a tag of 60 octets", b"t" * 60 + b" NOOP\r\n", False),
    ("a tag with +", b"a+b NOOP\r\n", False),
    ("a tag with {", b"a{1} NOOP\r\n", False),
    ("no tag", b" NOOP\r\n", False),
    ("an empty line", b"\r\n\r\n\r\n\r\n", False),
    ("SELECT", b"a SELECT INBOX\r\n", False),
    ("IDLE", b"a IDLE\r\n", False),
    ("FETCH", b"a FETCH 1:* BODY[]\r\n", False),
    ("base64 junk", b"a AUTHENTICATE PLAIN\r\n!!!!\r\n", False),
    ("base64 of =", b"a AUTHENTICATE PLAIN ====\r\n", False),
    ("base64 of one letter", b"a AUTHENTICATE PLAIN A\r\n", False),
    ("huge base64", b"a AUTHENTICATE PLAIN " + b"QUJD" * 15000 + b"\r\n",
        False),
    ("endless base64", b"a AUTHENTICATE PLAIN\r\n" + LONG * 4, True),
    ("cancelled", b"a AUTHENTICATE PLAIN\r\n*\r\n", False),
    ("no NUL in PLAIN", b"a AUTHENTICATE PLAIN "
        + base64.b64encode(b"joe") + b"\r\n", False),
    ("too many NULs in PLAIN", b"a AUTHENTICATE PLAIN "
        + base64.b64encode(b"\0joe\0x\0y") + b"\r\n", False),
    ("only NULs in PLAIN", b"a AUTHENTICATE PLAIN "
        + base64.b64encode(b"\0\0") + b"\r\n", False),
    ("another's authzid", b"a AUTHENTICATE PLAIN " + base64.b64encode(
        b"root\0joe\0" + server.PASSWORD.encode()) + b"\r\n", False),
    ("an unknown mechanism", b"a AUTHENTICATE XYZZY\r\n", False),
    ("a user of 2,000 octets", b"a LOGIN " + b"u" * 2000 + b" x\r\n",
        False),
    ("a password of 10,000 octets", b"a LOGIN joe " + b"p" * 10000
        + b"\r\n", False),
    ("GET / HTTP/1.1", b"GET / HTTP/1.1\r\nHost: localhost\r\n"
        b"Accept: */*\r\n\r\n", False),
    ("POST with an IMAP body", b"POST / HTTP/1.1\r\nHost: x\r\n"
        b"Content-Length: 20\r\n\r\na LOGIN joe x\r\n", False),
    ("a TLS handshake in clear", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc"
        + b"\x03\x03" + b"r" * 500, True),
]

BEFORE_POP = [
    ("garbage", bytes(range(256)) * 64 + b"\r\n", True),
    ("1 MiB without a line end", LONG * 16, True),
    ("a line of 70,000 octets", b"USER " + LONG + b"\r\n", False),
    ("NUL in a command", b"US\0ER joe\r\n", False),
    ("8-bit in a command", b"\xff\xfe\r\n", False),
    ("STAT", b"STAT\r\n", False),
    ("RETR 1", b"RETR 1\r\n", False),
    ("PASS first", b"PASS x\r\n", False),
    ("no argument", b"USER\r\n", False),
    ("an empty line", b"\r\n", False),
    ("base64 junk", b"AUTH PLAIN\r\n!!!!\r\n", False),
    ("endless base64", b"AUTH PLAIN\r\n" + LONG * 4, True),
    ("cancelled", b"AUTH PLAIN\r\n*\r\n", False),
    ("a user of 2,000 octets", b"USER " + b"u" * 2000 + b"\r\n", False),
    ("GET / HTTP/1.1", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", False),
]

# After login with INBOX selected; a row that may be answered OK says so.
OK = rb"^z (OK|NO|BAD)|^\* B(YE|AD)"
AFTER_IMAP = [
    ("a line of 1 MiB", b"z NOOP " + LONG * 16 + b"\r\n", BAD),
    ("100,000 parentheses in SEARCH", b"z SEARCH " + b"(" * 60000 + b"\r\n",
        BAD),
    ("in FETCH", b"z FETCH 1 " + b"(" * 60000 + b"\r\n", BAD),
    ("in STORE", b"z STORE 1 FLAGS " + b"(" * 60000 + b"\r\n", BAD),
    ("in ID", b"z ID " + b"(" * 60000 + b"\r\n", BAD),
    ("in LIST", b"z LIST \"\" " + b"(" * 60000 + b"\r\n", BAD),
    ("in APPEND", b"z APPEND INBOX " + b"(" * 60000 + b" {1+}\r\nx\r\n",
        BAD),
    ("500 NOTs", b"z SEARCH " + b"NOT " * 500 + b"ALL\r\n", OK),
    ("500 ORs", b"z SEARCH " + b"OR ALL " * 500 + b"ALL\r\n", OK),
    ("15,000 NOTs", b"z SEARCH " + b"NOT " * 15000 + b"ALL\r\n", OK),
    ("a charset of 10,000 octets", b"z SEARCH CHARSET " + b"c" * 10000
        + b" ALL\r\n", BAD),
    ("a search string of 1 MiB", b"z SEARCH BODY {1048576+}\r\n"
        + LONG * 16 + b"\r\n", OK),
    ("sequence 1:4294967295", b"z FETCH 1:4294967295 UID\r\n", OK),
    ("sequence *:*", b"z FETCH *:* UID\r\n", OK),
    ("sequence 0", b"z FETCH 0 UID\r\n", BAD),
    ("sequence 5:1", b"z FETCH 5:1 UID\r\n", OK),
    ("sequence over 2^32", b"z FETCH 4294967296 UID\r\n", BAD),
    ("sequence of 20 digits", b"z UID FETCH 99999999999999999999 UID\r\n",
        BAD),
    ("sequence 1,,2", b"z FETCH 1,,2 UID\r\n", BAD),
    ("30,000 overlapping ranges", b"z FETCH 1:*" + b",1:*" * 15000
        + b" UID\r\n", OK),
    ("UIDs that are not there", b"z UID FETCH 4294967295 UID\r\n", OK),
    ("partial <0.4294967295>", b"z FETCH 1 BODY[]<0.4294967295>\r\n", OK),
    ("partial <4294967295.1>", b"z FETCH 1 BODY[]<4294967295.1>\r\n", OK),
    ("partial <0.0>", b"z FETCH 1 BODY[]<0.0>\r\n", BAD),
    ("partial over 2^64", b"z FETCH 1 BODY[]<99999999999999999999.1>\r\n",
        BAD),
    ("section 500 deep", b"z FETCH 1 BODY[" + b"1." * 500 + b"1]\r\n", OK),
    ("section 0", b"z FETCH 1 BODY[0]\r\n", BAD),
    ("section MIME of nothing", b"z FETCH 1 BODY[MIME]\r\n", BAD),
    ("10,000 header names", b"z FETCH 1 BODY[HEADER.FIELDS ("
        + b" ".join(b"h%d" % i for i in range(9000)) + b")]\r\n", OK),
    ("5,000 items", b"z FETCH 1 (" + b" ".join([b"UID"] * 5000) + b")\r\n",
        OK),
    ("no item", b"z FETCH 1 ()\r\n", BAD),
    ("LIST *%*%*%...", b'z LIST "" "' + b"*%" * 2000 + b'q"\r\n', OK),
    ("LIST a*a*a*...", b'z LIST "" "' + b"a*" * 200 + b'q"\r\n', OK),
    ("a name of 4,096 octets", b"z SELECT " + b"n" * 4096 + b"\r\n", BAD),
    ("a name ..", b'z SELECT "../../etc/passwd"\r\n', BAD),
    ("a name /etc/passwd", b'z SELECT "/etc/passwd"\r\n', BAD),
    ("a name ~root/x", b'z SELECT "~root/x"\r\n', BAD),
    ("a name with LF", b"z SELECT {7+}\r\nab\nc\rde\r\n", BAD),
    ("a name with NUL", b"z SELECT {3+}\r\na\0b\r\n", BAD),
    ("a name {host}x", b'z SELECT "{localhost/imap}INBOX"\r\n', BAD),
    ("a name #driver", b'z CREATE "#driver.mbx/x"\r\n', BAD),
    ("CREATE of ..", b'z CREATE "a/../../x"\r\n', BAD),
    ("DELETE INBOX", b"z DELETE INBOX\r\n", BAD),
    ("RENAME to ..", b'z RENAME INBOX "../x"\r\n', BAD),
    ("bad modified UTF-7", b'z CREATE "&ZZ"\r\n', BAD),
    ("modified UTF-7 of /", b'z CREATE "&AC8-etc"\r\n', BAD),
    ("a flag that is none", b"z STORE 1 FLAGS (\\Nonsense)\r\n", BAD),
    ("a keyword of 2,000 octets", b"z STORE 1 +FLAGS (" + b"k" * 2000
        + b")\r\n", OK),
    ("10,000 keywords", b"z STORE 1 +FLAGS ("
        + b" ".join(b"k%d" % i for i in range(9000)) + b")\r\n", OK),
    ("APPEND of 0 octets", b"z APPEND INBOX {0+}\r\n\r\n", OK),
    ("APPEND of 2 GiB", b"z APPEND INBOX {2147483648}\r\n", BAD),
    ("APPEND with a bad date", b'z APPEND INBOX "99-Foo-9999 99:99:99 '
        b'+9999" {1+}\r\nx\r\n', BAD),
    ("LOGIN again", b"z LOGIN joe x\r\n", BAD),
    ("AUTHENTICATE again", b"z AUTHENTICATE PLAIN\r\n", BAD),
    ("STARTTLS after login", b"z STARTTLS\r\n", BAD),
    ("DONE without IDLE", b"DONE\r\n", BAD),
    ("rubbish in IDLE", b"z IDLE\r\nrubbish\r\n", OK),
    ("rubbish without end in IDLE", b"z IDLE\r\n" + LONG * 4, rb"z BAD|BYE"),
    ("EXPUNGE of numbers", b"z EXPUNGE 1:4294967295\r\n", BAD),
    ("UID EXPUNGE of no set", b"z UID EXPUNGE x\r\n", BAD),
    ("MOVE out of the mail root", b"z MOVE 1 ../../etc/x\r\n", rb"^z NO "),
    ("an unknown command", b"z XYZZY\r\n", BAD),
]

AFTER_POP = [
    ("RETR 0", b"RETR 0\r\n"), ("RETR 99999999999999999999",
        b"RETR 99999999999999999999\r\n"), ("RETR 4294967297",
        b"RETR 4294967297\r\n"), ("RETR -1", b"RETR -1\r\n"),
    ("RETR x", b"RETR x\r\n"), ("TOP 1", b"TOP 1\r\n"),
    ("TOP 1 -1", b"TOP 1 -1\r\n"), ("LIST 100000", b"LIST 100000\r\n"),
    ("DELE 0", b"DELE 0\r\n"), ("DELE 4294967297", b"DELE 4294967297\r\n"),
    ("USER again", b"USER joe\r\n"), ("STLS after login", b"STLS\r\n"),
    ("a line of 1 MiB", b"NOOP " + LONG * 16 + b"\r\n"),
    ("NUL", b"\0\0\r\n"), ("XTND", b"XTND XMIT\r\n"),
]


def before_login(host, probe):
    for what, data, close in BEFORE_IMAP:
        probe.says("imap: " + what, host.imap(login=False), data, BAD, close)
    for what, data, close in BEFORE_POP:
        probe.says("pop: " + what, host.pop(login=False), data, BAD, close)


def after_login(host, probe):
    for what, data, want in AFTER_IMAP:
        c = host.imap()
        c.select()
        probe.says("in a session: " + what, c, data, want,
            b"without end" in what.encode())
    for what, data in AFTER_POP:
        probe.says("in a POP3 session: " + what, host.pop(), data, BAD)


def three_bad(host):
    c = host.imap(login=False)
    c.send(b"a X1\r\nb X2\r\nc X3\r\nd NOOP\r\n")
    said = c.rest()
    tap.ok(said.count(b" BAD ") == 3 and b"d OK" not in said,
        "three bad commands end an IMAP connection", said)
    p = host.pop(login=False)
    p.send(b"X1\r\nX2\r\nX3\r\nQUIT\r\n")
    said = p.rest()
    tap.ok(2 <= said.count(b"-ERR") <= 4 and b"+OK" not in said,
        "three bad commands end a POP3 connection", said)
    c = host.imap(login=False)
    for n in range(3):
        c.send(b"l LOGIN joe wrong%d\r\n" % n)
    said = c.rest()
    tap.ok(said.count(b"l NO") == 3, "three failed logins end a connection",
        said)


def starttls(host):
    """What came in clear behind STARTTLS is not run as if by TLS."""
    for behind in (b"b NOOP\r\n", b"b LOGIN joe \"%s\"\r\n"
            % server.PASSWORD.encode(), b"b CAPABILITY\r\nc NOOP\r\n"):
        c = host.imap(login=False)
        c.send(b"a STARTTLS\r\n" + behind)
        try:
            line = c.line()
            c.secure(host.crt)
            c.send(b"x NOOP\r\n")
            said = c.line()
            tap.ok(line.startswith(b"a OK") and said.startswith(b"x "),
                "STARTTLS with %.9r behind it: dropped" % behind, said)
        except (Gone, OSError) as why:
            tap.ok(True, "STARTTLS with %.9r behind it: closed" % behind)
        c.close()
    p = host.pop(login=False)
    p.send(b"STLS\r\nCAPA\r\n")
    try:
        p.line()
        p.secure(host.crt)
        p.send(b"NOOP\r\nQUIT\r\n")
        said = p.rest()
        tap.ok(b"SASL" not in said, "STLS with CAPA behind it: dropped",
            said)
    except (Gone, OSError):
        tap.ok(True, "STLS with CAPA behind it: closed")


def handshake(host):
    """TLS that doesn't come, comes slowly, or is no TLS."""
    port = host.ports["imapds"]
    idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(20)]
    slow = socket.create_connection(("127.0.0.1", port))
    for octet in b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03":
        slow.send(bytes([octet]))
        select.select([slow], [], [], 0.02)
    for what, data in (("IMAP in clear", b"a NOOP\r\n" * 10),
            ("garbage", bytes(range(256)) * 300),
            ("a record of 16 KiB of nothing", b"\x16\x03\x01\x40\x00"
                + b"\0" * 16384)):
        s = socket.create_connection(("127.0.0.1", port))
        s.settimeout(WAIT_SECS)
        try:
            s.sendall(data)
            while s.recv(4096):
                pass
            good = True
        except ConnectionError:
            good = True
        except socket.timeout:
            good = False
        s.close()
        tap.ok(good, "on the TLS port, %s: closed" % what)
    c = host.imap(tls=True)
    tap.equal(c.cmd("NOOP")[0], "OK",
        "20 silent connections and a slow one stop nobody")
    for s in idle + [slow]:
        s.close()


def main():
    host = server.Host(programs=("imapd", "ipop3d"),
        conf="login_timeout = 600\n")
    host.account().fill(mailgen.to_mbox(mailgen.ordinary(30)))
    c = host.imap()
    c.select()
    c.bodies()
    watch = Watch(host)
    base = max(server.rss_kib(p) for p in host.processes())
    watch.start()
    probe = Probe(host)
    before_login(host, probe)
    three_bad(host)
    starttls(host)
    handshake(host)
    after_login(host, probe)
    watch.over = True
    watch.join()
    tap.diag("a quiet process has %d KiB, none had over %d KiB" % (base,
        watch.most))
    if server.sanitized():
        tap.diag("a sanitizer build: memory is not judged")
    else:
        tap.ok(watch.most < base + LIMIT_KIB,
            "no process took more than %d KiB beyond that" % LIMIT_KIB)
    tap.ok(host.alive(), "the servers are alive")
    tap.equal(host.faults(), "", "no fault is reported")
    tap.equal(c.cmd("NOOP")[0], "OK", "an older session still answers")
    again = host.imap(tls=True)
    tap.equal(again.select(), 30, "a new session is served")


run(main)
