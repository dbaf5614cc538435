#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""docs/SETUP with systemd."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../lib"))
import setuproom
from tap import need, run


def main():
    need("systemd-socket-activate", "curl")
    r = setuproom.enter()
    if r is None:
        return
    setuproom.stand_in_systemctl()
    setuproom.setup(r, "systemd")


run(main)
