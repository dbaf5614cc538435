#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""All transcripts beside this file, each in clear, over TLS and preauth."""

import glob
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, os.pardir, "lib"))

import transcript    # noqa: E402
from tap import run    # noqa: E402

run(lambda: transcript.play_all(sorted(glob.glob(HERE + "/*.imap"))))
