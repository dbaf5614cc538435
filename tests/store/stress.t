#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A short form of `make stress', for `make check'.
exec "$(dirname "$0")/stress" "${STRESS_SECS:-8}"
