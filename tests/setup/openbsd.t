#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""docs/SETUP with openbsd-inetd; and mutt with the lines of docs/CLIENTS."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../lib"))
import setuproom
from tap import need, run


def main():
    need("inetd", "curl", "mutt")
    r = setuproom.enter()
    if r is None:
        return
    setuproom.setup(r, "openbsd-inetd", then=setuproom.mutt)


run(main)
