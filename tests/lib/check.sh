#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs every test with prove and counts what was skipped.  BUILD is the build
# directory whose programs are tested; arguments are the tests to run instead
# of all.  CHECK_NO_SKIP=1 makes a SKIP a failure; CHECK_LEAVE has patterns of
# tests to leave out.
cd "$(dirname "$0")/../.." || exit 1
BUILD=${BUILD:-build/gcc-plain}
IMAPD=$PWD/$BUILD/imapd/imapd
IPOP3D=$PWD/$BUILD/ipopd/ipop3d
export BUILD IMAPD IPOP3D

is_left() {
	set -f
	for pattern in ${CHECK_LEAVE-}; do
		# shellcheck disable=SC2254
		case $1 in $pattern) set +f; return 0 ;; esac
	done
	set +f
	return 1
}

# Those that take longest go first, so that none is left to run alone.
if [ $# -eq 0 ]; then
	first="tests/store/walk.t tests/store/kills.t tests/build/words.t
	    tests/package/deb.t tests/protocol/run.t tests/clients/inetd.t
	    tests/tls/killed.t tests/store/progress.t tests/store/walk_full.t
	    tests/tls/served.t tests/tls/own.t tests/tls/refused.t
	    $BUILD/tests/unit/mbox_append.t tests/store/deliver.t
	    tests/attack/tls.t $BUILD/tests/unit/index.t"
	for test in tests/*/*.t "$BUILD"/tests/unit/*.t \
	    "$BUILD"-trips/tests/unit/*.t; do
		case " $(echo $first) " in *" $test "*) continue ;; esac
		set -- "$@" "$test"
	done
	# shellcheck disable=SC2086
	set -- $first "$@"
	for test; do
		shift
		is_left "$test" || set -- "$@" "$test"
	done
fi
dump=$(mktemp -d)
trap 'rm -rf "$dump"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
PERL_TEST_HARNESS_DUMP_TAP=$dump prove --timer -j "${CHECK_JOBS:-2}" "$@"
status=$?
if [ "$status" != 0 ]; then
	echo "What failed:"
	find "$dump" -type f | while read -r file; do
		awk -v name="${file#"$dump"/}" '
		/^not ok/ { print name ": " $0; more = 25; next }
		/^# / && more > 0 { print "    " substr($0, 1, 900); more-- }
		/^ok/ { more = 0 }' "$file"
	done
fi
skips=$(grep -rhiE '^(not )?ok .*# SKIP|^1\.\.0.*# SKIP|^# SKIP ' "$dump")
count=$(printf '%s' "$skips" | grep -c .)
echo "Skipped: $count"
if [ "$count" != 0 ]; then
	printf '%s\n' "$skips" | sed 's/^/	/'
	[ -z "${CHECK_NO_SKIP-}" ] || status=1
fi
exit "$status"
