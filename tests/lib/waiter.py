# SPDX-License-Identifier: Apache-2.0
"""What the tests of wait mode share: the echo service's certificate, replaced,
and who is shown which."""

import hashlib
import os
import ssl

import certs
import echod
from echod import Server

UID = None if os.geteuid() == 0 else os.getuid()


def start(conf="", mode="listen", **kw):
    """With --listen one acceptor has both ports; in mode `wait` each port has
    its own."""
    return Server(conf, uid=UID, mode=mode, **kw)


def greeted(server, tls=False):
    """A connection that was greeted; it is open."""
    line = server.connect(tls)
    line.greeting = line.get()
    return line


def visit(server, tls=False):
    """What a client hears first, who leaves at once."""
    line = greeted(server, tls)
    line.close()
    return line.greeting


def shown(port, name="localhost"):
    """The fingerprint of the certificate that a client is shown; None where
    there is no handshake."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    line = echod.Line(echod.socket.create_connection(("127.0.0.1", port)))
    try:
        line.sock = context.wrap_socket(line.sock, server_hostname=name)
        return fingerprint(line.sock.getpeercert(True))
    except (OSError, ssl.SSLError):
        return None
    finally:
        line.close()


def fingerprint(der):
    return hashlib.sha256(der).hexdigest()[:16]


class Certificate:
    """One of its own, that can be put in a server's place."""

    def __init__(self, server, name):
        self.path = server.path("made-" + name)
        with open(certs.make(self.path)) as f:
            self.print = fingerprint(ssl.PEM_cert_to_DER_cert(f.read()))
        self.server = server

    def put(self, name="imapd.pem"):
        put(self.server, name, open(self.path, "rb").read())


def put(server, name, data):
    """A file of the certificate directory, in one step."""
    path = server.path(name)
    with open(path + ".new", "wb") as f:
        f.write(data)
    os.chmod(path + ".new", 0o600)
    st = os.stat(server.dir)
    if os.geteuid() == 0:
        os.chown(path + ".new", st.st_uid, st.st_gid)
    os.rename(path + ".new", path)
