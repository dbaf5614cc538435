#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A fresh Debian, by debootstrap and the apt source of this machine:
#
#	fresh.sh DIRECTORY [PACKAGE...]
#
# in the directory, which is there and empty; with those packages, none of whose
# services was started.  CLEANROOM_SUITE= (this machine's) names another release;
# what was made is kept for a day as an archive in CLEANROOM_CACHE= (/tmp).  Needs
# root, and for packages that mounts in the directory are nobody else's.
# apt's own format words look like the shell's:
# shellcheck disable=SC2016
set -eu
root=$1
shift

suite=${CLEANROOM_SUITE:-$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)}
cache=${CLEANROOM_CACHE:-/tmp}/cleanroom-$suite
log=$(mktemp)
trap 'rm -f "$log"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# Debian's own source as apt has it: the host is this machine's business.
mirror=$(apt-get indextargets --format '$(SITE) $(CODENAME) $(SUITE)' \
	'Created-By: Packages' 2>/dev/null |
	awk -v suite="$suite" '$2 == suite { print $1; exit }')
if [ -z "$mirror" ]; then
	echo "fresh.sh: apt knows no source of $suite" >&2
	exit 1
fi

# take ARCHIVE: fails if there is none that is good.
take() {
	[ -n "$(find "$1" -mtime -1 -user 0 2>/dev/null)" ] || return 1
	tar -C "$root" -xf "$1"
}

keep() {
	(umask 077 && tar -C "$root" -cf "$1.$$" . && mv "$1.$$" "$1")
}

say_why() {
	tail -n 20 "$log" >&2
	exit 1
}

# How apt reaches the source (names, proxies, updates) is as on this machine.
set_up_apt() {
	mkdir -p "$root/etc/apt/apt.conf.d"
	for file in /etc/resolv.conf /etc/hosts; do
		[ ! -e "$file" ] || cp -L "$file" "$root$file"
	done
	apt-config dump | grep -iE '^Acquire::(https?|ftp)::|^Acquire::Retries' \
		>"$root/etc/apt/apt.conf.d/90source" || true
	{
		echo "deb $mirror $suite main"
		apt-get indextargets --format '$(SITE) $(CODENAME)' \
			'Created-By: Packages' 2>/dev/null | sort -u |
			awk -v suite="$suite" 'index($2, suite "-") == 1 {
				print "deb", $1, $2, "main" }'
	} >"$root/etc/apt/sources.list"
	# Nobody needs the room after a power failure.
	mkdir -p "$root/etc/dpkg/dpkg.cfg.d"
	echo force-unsafe-io >"$root/etc/dpkg/dpkg.cfg.d/room"
	if [ -d /etc/ssl/certs ]; then
		mkdir -p "$root/usr/local/share/ca-certificates"
		[ ! -d /usr/local/share/ca-certificates ] ||
			cp -a /usr/local/share/ca-certificates/. \
			    "$root/usr/local/share/ca-certificates/"
		chroot "$root" update-ca-certificates >/dev/null 2>&1 || true
	fi
}

install() {
	policy=$root/usr/sbin/policy-rc.d
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod 755 "$policy"
	mount -t proc proc "$root/proc"
	mount -t tmpfs -o mode=755 tmpfs "$root/dev"
	for node in null zero full random urandom tty; do
		cp -a "/dev/$node" "$root/dev/"
	done
	{
		chroot "$root" apt-get -q update &&
			DEBIAN_FRONTEND=noninteractive chroot "$root" apt-get \
			-q -y --no-install-recommends install "$@" &&
			chroot "$root" apt-get -q clean
	} >"$log" 2>&1 </dev/null || say_why
	umount "$root/dev" "$root/proc"
	rm -f "$policy"
}

with=$cache-$(echo "$@" | cksum | cut -d ' ' -f 1).tar
if [ $# -gt 0 ] && take "$with"; then
	exit 0
fi
if ! take "$cache.tar"; then
	echo "Making a fresh $suite ..."
	debootstrap --variant=minbase --include=git,make,ca-certificates \
		"$suite" "$root" "$mirror" >"$log" 2>&1 || say_why
	keep "$cache.tar"
fi
set_up_apt
if [ $# -gt 0 ]; then
	install "$@"
	keep "$with"
fi
