#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs every test with prove.  BUILD is the build directory whose programs are
# tested; arguments are the tests to run instead of all.
cd "$(dirname "$0")/../.." || exit 1
BUILD=${BUILD:-build/gcc-plain}
IMAPD=$PWD/$BUILD/imapd/imapd
IPOP3D=$PWD/$BUILD/ipopd/ipop3d
export BUILD IMAPD IPOP3D
if [ $# -eq 0 ]; then
	set -- "$BUILD"/tests/unit/*.t tests/*/*.t
fi
exec prove --timer --directives "$@"
