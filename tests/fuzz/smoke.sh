#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Each harness as a fuzzer for a few seconds, beginning with its corpus.
# Usage: smoke.sh [SECONDS].  What it finds is left in build/fuzz.
cd "$(dirname "$0")/../.." || exit 1
secs=${1:-10}
build=build/clang-fuzz
flags='SAN=fuzzer-no-link,address,undefined'
make -j2 CC=clang "$flags" 'CFLAGS=-O1 -g' B=$build fuzzers || exit 1
ASAN_OPTIONS=detect_leaks=0
export ASAN_OPTIONS
status=0
for fuzzer in $build/tests/fuzz/*.fuzz; do
	name=$(basename "$fuzzer" .fuzz)
	mkdir -p "$build/found/$name"
	if out=$("$fuzzer" -max_total_time="$secs" -timeout=10 -rss_limit_mb=2048 \
	    -artifact_prefix="$build/found/$name/" "$build/found/$name" \
	    "tests/fuzz/corpora/$name" 2>&1); then
		echo "ok - $name: $(echo "$out" | grep -c .) lines, $(echo "$out" |
			sed -n 's/^Done \([0-9]* runs\).*/\1/p')"
	else
		echo "not ok - $name"
		echo "$out" | tail -40
		status=1
	fi
done
exit $status
