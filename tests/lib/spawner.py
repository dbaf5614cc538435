#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The least that an inetd does, on loopback ports, for tests that need no
room.

	spawner.py nowait|wait PORT[,OPTION]... -- PROGRAM ARGUMENT...

A port's OPTION (--tls, --no-tls) is given to its program.  `nowait`: a process
for each connection, which is its descriptor 0.  `wait`: the listening socket
is, and as long as that process lives nobody else looks at it.  Ends by
SIGTERM, which what it has started is sent too.  Each start is a line `start
PORT PID` on standard output."""

import os
import select
import signal
import socket
import sys


class Service:
    def __init__(self, mode, port, option, command):
        self.mode, self.port = mode, port
        self.command = command + ([option] if option else [])
        self.pid = None         # wait: who has the socket
        self.sock = socket.socket()
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.sock.bind(("127.0.0.1", port))
        self.sock.listen(128)

    def start(self):
        """Returns the new process."""
        sock = self.sock if self.mode == "wait" else self.sock.accept()[0]
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGCHLD, signal.SIGTERM):
                signal.signal(number, signal.SIG_DFL)
            os.dup2(sock.fileno(), 0)
            os.execv(self.command[0], self.command)
        if self.mode == "wait":
            self.pid = pid
        else:
            sock.close()
        print("start", self.port, pid, flush=True)
        return pid


def reap(services, living):
    while living:
        pid, _ = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            break
        living.discard(pid)
        for service in services:
            if service.pid == pid:
                service.pid = None


def main():
    at = sys.argv.index("--")
    command = sys.argv[at + 1:]
    services = []
    for port in sys.argv[2:at]:
        number, _, option = port.partition(",")
        services.append(Service(sys.argv[1], int(number), option, command))
    ended = []
    # The handlers do nothing: their numbers come through a pipe, so that none
    # is missed between two looks.
    out, into = os.pipe()
    os.set_blocking(into, False)
    signal.set_wakeup_fd(into)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGTERM, lambda *_: ended.append(True))
    living = set()
    while not ended:
        free = [s for s in services if s.pid is None]
        ready, _, _ = select.select([out] + [s.sock for s in free], [], [])
        if out in ready:
            os.read(out, 4096)
            reap(services, living)
        for service in free:
            if service.sock in ready:
                living.add(service.start())
    for pid in living:
        os.kill(pid, signal.SIGTERM)
    for pid in living:
        os.waitpid(pid, 0)


main()
