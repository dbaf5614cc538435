#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every harness over its corpus, built by whatever compiler the run is for.
cd "$(dirname "$0")/../.." || exit 1
build=${BUILD:-build/gcc-plain}
n=0
for source in tests/fuzz/*.c; do
	name=$(basename "$source" .c)
	test "$name" = standalone && continue
	n=$((n + 1))
	if out=$("$build/tests/fuzz/$name" "tests/fuzz/corpora/$name" 2>&1) &&
	    ! echo "$out" | grep -q '^not ok'; then
		echo "ok $n - $name"
	else
		echo "not ok $n - $name"
		echo "$out" | tail -40 | sed 's/^/# /'
	fi
done
echo "1..$n"
