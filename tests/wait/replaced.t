#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The certificate is replaced while twenty connections a second come, in wait
mode and in nowait mode: none fails, and those that begin a second later have the
new one."""

import os
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../lib"))
import waiter
from tap import run, tap, wait_for
from waiter import Certificate, shown

REPLACED = 3


def under_load(mode):
    server = waiter.start("max_per_address = 0\n", mode=mode)
    certificates = [Certificate(server, str(n)) for n in range(REPLACED + 1)]
    certificates[0].put()
    wait_for("the first", lambda: shown(server.tls) == certificates[0].print)
    seen, over, crowd = [], [], []

    def client(begun):
        seen.append((begun, shown(server.tls)))

    def clock():
        while not over:
            t = threading.Thread(target=client, args=(time.monotonic(),))
            t.start()
            crowd.append(t)
            time.sleep(0.05)

    ticking = threading.Thread(target=clock)
    ticking.start()
    wrong = []
    for number, c in enumerate(certificates[1:]):
        c.put()
        replaced = time.monotonic()
        late = wait_for("a connection begun a second later", lambda: [
            der for begun, der in list(seen) if begun >= replaced + 1])
        wrong += [number for der in late if der != c.print]
    over.append(True)
    ticking.join()
    for t in crowd:
        t.join()
    tap.equal(wrong, [], mode + ": who comes a second later is shown the new "
        "one")
    tap.ok(all(der is not None for _, der in seen),
        "%s: none of %d connections fails" % (mode, len(seen)))
    tap.equal({der for _, der in seen} - {c.print for c in certificates}, set(),
        mode + ": and each was shown one of them")
    server.stop()


def main():
    under_load("listen")
    under_load("wait")
    under_load("nowait")


run(main)
