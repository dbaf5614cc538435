#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `make bench`: installs what it needs (Dovecot, to compare), then measures.
# BENCH_MESSAGES= (20000) and BENCH_DIR= (/tmp) say how much and where.
set -eu
cd "$(dirname "$0")/../.."
sh tests/lib/packages.sh bench
BUILD=${BUILD:-build/gcc-plain}
IMAPD=$PWD/$BUILD/imapd/imapd
IPOP3D=$PWD/$BUILD/ipopd/ipop3d
export IMAPD IPOP3D
exec tests/bench/bench "$@"
