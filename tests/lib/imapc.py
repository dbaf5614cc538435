# SPDX-License-Identifier: Apache-2.0
"""Two plain clients for tests: they send what they are told, byte for byte,
and hand back what came, cut into responses and literals and nothing more."""

import re
import socket
import ssl

from tap import WAIT_SECS

LITERAL = re.compile(rb"\{(\d+)\}\r\n\Z")


class Gone(Exception):
    """The server closed the connection; .said is what came before."""

    def __init__(self, said=b""):
        Exception.__init__(self, "connection closed")
        self.said = said


class Wire:
    """A connection; `crt` is the certificate to trust, None for no TLS."""

    def __init__(self, port, crt=None, timeout=WAIT_SECS, host="127.0.0.1"):
        self.sock = socket.create_connection((host, port), timeout)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.crt = crt
        self.left = b""
        if crt:
            self.secure(crt)

    def secure(self, crt):
        context = ssl.create_default_context(cafile=crt)
        self.sock = context.wrap_socket(self.sock,
            server_hostname="localhost")

    def send(self, data):
        self.sock.sendall(data)

    def more(self):
        try:
            got = self.sock.recv(1 << 18)
        except (ConnectionError, ssl.SSLError) as why:
            if isinstance(why, ssl.SSLError) and "timed out" in str(why):
                raise
            got = b""
        if not got:
            raise Gone(self.left)
        self.left += got

    def line(self):
        """One line with its CRLF."""
        at = 0
        while True:
            end = self.left.find(b"\n", at)
            if end >= 0:
                out, self.left = self.left[:end + 1], self.left[end + 1:]
                return out
            at = len(self.left)
            self.more()

    def take(self, count):
        pieces = [self.left]
        have = len(self.left)
        while have < count:
            try:
                got = self.sock.recv(min(1 << 18, max(count - have, 4096)))
            except (ConnectionError, ssl.SSLEOFError):
                got = b""
            if not got:
                raise Gone(b"".join(pieces))
            pieces.append(got)
            have += len(got)
        data = b"".join(pieces)
        self.left = data[count:]
        return data[:count]

    def rest(self):
        """Everything until the server closes."""
        while True:
            try:
                self.more()
            except Gone:
                out, self.left = self.left, b""
                return out

    def close(self):
        try:
            self.sock.close()
        except OSError:
            pass


class Imap(Wire):
    def __init__(self, port, crt=None, timeout=WAIT_SECS, greet=True):
        Wire.__init__(self, port, crt, timeout)
        self.tags = 0
        self.greeting = self.line() if greet else b""

    def response(self):
        """One response as a list: text, literal, text, ... ."""
        out = []
        while True:
            text = self.line()
            out.append(text)
            m = LITERAL.search(text)
            if not m:
                return out
            out.append(self.take(int(m.group(1))))

    def until(self, tag):
        """(status word, tagged line, responses before it)."""
        seen = []
        while True:
            r = self.response()
            if r[0].startswith(tag + b" "):
                return r[0].split()[1].decode(), r[0], seen
            seen.append(r)

    def cmd(self, text, *literals):
        """A command; each {n} at the end of a piece is followed by the next
        literal: cmd("LOGIN {3}", b"joe", " {2}", b"pw")."""
        self.tags += 1
        tag = b"t%d" % self.tags
        data = text if isinstance(text, bytes) else text.encode()
        self.send(tag + b" " + data)
        rest = list(literals)
        while rest:
            self.send(b"\r\n")
            while True:
                r = self.response()
                if r[0].startswith(b"+"):
                    break
                if r[0].startswith(tag + b" "):
                    return r[0].split()[1].decode(), r[0], []
            self.send(rest.pop(0))
            if rest:
                piece = rest.pop(0)
                self.send(piece if isinstance(piece, bytes)
                    else piece.encode())
        self.send(b"\r\n")
        return self.until(tag)

    def must(self, text, *literals):
        """A command that has to end in OK; returns the responses."""
        status, line, seen = self.cmd(text, *literals)
        if status != "OK":
            raise AssertionError("%.200r: %r" % (text, line))
        return seen

    def login(self, user, password):
        return self.must("LOGIN %s \"%s\"" % (user, password))

    def append(self, box, message, flags="", sync=True):
        """APPEND of bytes with CRLF line ends; the tagged line."""
        text = "APPEND %s %s{%d}" % (box, flags and "(%s) " % flags,
            len(message))
        status, line, seen = self.cmd(text, message)
        if status != "OK":
            raise AssertionError("APPEND: %r" % line)
        return line

    def bodies(self, items="BODY.PEEK[]", which="1:*", uid=False):
        """{number: literal or string} of one body item of messages."""
        out = {}
        for r in self.must("%sFETCH %s %s" % ("UID " if uid else "", which,
                items)):
            m = re.match(rb"\* (\d+) FETCH ", r[0])
            if not m or b"BODY[" not in r[0]:
                continue    # flags that changed are told beside it
            if len(r) > 1:
                out[int(m.group(1))] = r[1]
            else:
                m2 = re.search(rb'"(.*)"\)\r\n', r[0])
                out[int(m.group(1))] = m2.group(1) if m2 else None
        return out

    def select(self, box="INBOX", word="SELECT"):
        """Number of messages; the responses are kept in self.selected."""
        self.selected = self.must("%s %s" % (word, box))
        for r in self.selected:
            m = re.match(rb"\* (\d+) EXISTS", r[0])
            if m:
                return int(m.group(1))
        raise AssertionError("no EXISTS")

    def code(self, name):
        """A number out of a [NAME n] of the last select."""
        for r in self.selected:
            m = re.search(rb"\[" + name + rb" (\d+)", r[0])
            if m:
                return int(m.group(1))
        return None


class Pop(Wire):
    def __init__(self, port, crt=None, timeout=WAIT_SECS):
        Wire.__init__(self, port, crt, timeout)
        self.greeting = self.line()

    def cmd(self, text):
        self.send((text if isinstance(text, bytes) else text.encode())
            + b"\r\n")
        return self.line()

    def must(self, text):
        got = self.cmd(text)
        if not got.startswith(b"+OK"):
            raise AssertionError("%r: %r" % (text, got))
        return got

    def lines(self, text):
        """The lines of a multi-line answer, dot-stuffing undone."""
        self.must(text)
        out = []
        while True:
            line = self.line()
            if line == b".\r\n":
                return out
            out.append(line[1:] if line.startswith(b".") else line)

    def login(self, user, password):
        self.must("USER " + user)
        return self.must("PASS " + password)
