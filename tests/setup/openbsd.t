#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""docs/SETUP with openbsd-inetd."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../lib"))
import setuproom
from tap import need, run


def main():
    need("inetd", "curl")
    r = setuproom.enter()
    if r is None:
        return
    setuproom.setup(r, "openbsd-inetd")


run(main)
