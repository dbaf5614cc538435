#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Each harness as a fuzzer for a few seconds, beginning with its corpus, one
# for each processor at a time.  Usage: smoke.sh [SECONDS].  What it finds is
# left in build/fuzz.
cd "$(dirname "$0")/../.." || exit 1
secs=${1:-10}
build=build/clang-fuzz
jobs=$(getconf _NPROCESSORS_ONLN)
flags='SAN=fuzzer-no-link,address,undefined'
make -j"$jobs" CC=clang "$flags" 'CFLAGS=-O0 -gline-tables-only' \
	LDFLAGS=-fuse-ld=lld B=$build fuzzers || exit 1
ASAN_OPTIONS=detect_leaks=0
export ASAN_OPTIONS secs build

# One harness; its lines are printed together.
# shellcheck disable=SC2016
one='
name=$(basename "$0" .fuzz)
mkdir -p "$build/found/$name"
if out=$("$0" -max_total_time="$secs" -timeout=10 -rss_limit_mb=2048 \
    -artifact_prefix="$build/found/$name/" "$build/found/$name" \
    "tests/fuzz/corpora/$name" 2>&1); then
	echo "ok - $name: $(echo "$out" | sed -n "s/^Done \([0-9]* runs\).*/\1/p")"
else
	printf "not ok - %s\n%s\n" "$name" "$(echo "$out" | tail -40)"
	exit 1
fi'
printf '%s\n' $build/tests/fuzz/*.fuzz | xargs -P "$jobs" -n 1 sh -c "$one"
