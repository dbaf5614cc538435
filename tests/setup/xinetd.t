#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""docs/SETUP with xinetd."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../lib"))
import setuproom
from tap import need, run


def main():
    need("curl")
    r = setuproom.enter()
    if r is None:
        return
    setuproom.unpacked("xinetd")
    setuproom.setup(r, "xinetd")


run(main)
