#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The README's two commands on a Debian that has nothing but git and make:
# debootstrap from this machine's own source, a clone, `make run`, `make
# check`.  Needs root; everything is in a directory that is removed after.
#
#	cleanroom.sh [run|check]	only that one
set -eu
cd "$(dirname "$0")/../.."
what=${1:-run check}

if [ "$(id -u)" -ne 0 ]; then
	echo "make cleanroom: needs root, for debootstrap" >&2
	exit 1
fi
sh tests/lib/packages.sh check

# The first archive that apt knows here, in either form of its lists.
first_of() {
	cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list \
		/etc/apt/sources.list.d/*.sources 2>/dev/null | awk -v want="$1" '
		/^deb[ \t]/ {
			i = $2 ~ /^\[/ ? 3 : 2
			while ($i ~ /\]$/) i++
			if (want == "uri") print $i; else print $(i + 1)
			exit
		}
		/^URIs:/ && want == "uri" { print $2; exit }
		/^Suites:/ && want == "suite" { print $2; exit }'
}
uri=$(first_of uri)
suite=$(first_of suite)
test -n "$uri" && test -n "$suite" || {
	echo "make cleanroom: no archive found in /etc/apt" >&2
	exit 1
}

room=$(mktemp -d /tmp/imapd-cleanroom.XXXXXX)
trap 'rm -rf --one-file-system "$room"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

debootstrap --variant=minbase --include=git,make "$suite" "$room/debian" \
	"$uri" >"$room/log" 2>&1 || {
	tail -n 20 "$room/log" "$room/debian/debootstrap/debootstrap.log" || true
	exit 1
}
cp -a /etc/apt/. "$room/debian/etc/apt/"
rm -f "$room/debian/etc/apt/sources.list"
if [ -e /etc/apt/sources.list ]; then
	cp /etc/apt/sources.list "$room/debian/etc/apt/"
fi
# Keys and helpers that those lists name.
cp -a /usr/share/keyrings/. "$room/debian/usr/share/keyrings/"
cp -L /etc/resolv.conf "$room/debian/etc/resolv.conf"
git clone -q . "$room/debian/root/mail"

# Namespaces of their own, so that neither mounts nor processes stay behind.
# shellcheck disable=SC2016
unshare --mount --pid --fork --kill-child --mount-proc sh -euc '
	root=$1/debian
	mount -t proc proc "$root/proc"
	mount --rbind /dev "$root/dev"
	mount --rbind /sys "$root/sys"
	mount -t tmpfs tmpfs "$root/run"
	mount --bind "$root/tmp" "$root/tmp"
	for command in $2; do
		echo "--- make $command"
		chroot "$root" /usr/bin/env -i HOME=/root LANG=C.UTF-8 \
			PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
			RUN_ONCE=1 make -C /root/mail "$command"
	done' cleanroom "$room" "$what"
echo "cleanroom: good ($suite: make $what)"
