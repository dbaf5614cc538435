#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `make cleanroom`: both of README's commands on a Debian that has nothing but
# git and make.  debootstrap, with the apt source of this machine; a clone of
# the checkout (with what is not committed yet); `make run` with RUN_ONCE=1,
# then `make check`.  Needs root.  CLEANROOM_SUITE= (this machine's) names
# another release; the fresh system is kept as an archive in CLEANROOM_CACHE=
# (/tmp) for a day.  CLEANROOM_MAKEFLAGS= are words for make.
# apt's own format words look like the shell's:
# shellcheck disable=SC2016
set -eu
cd "$(dirname "$0")/../.."
top=$PWD

if [ "$(id -u)" != 0 ]; then
	echo "make cleanroom needs root: debootstrap and chroot do" >&2
	exit 1
fi
if [ "${CLEANROOM_INSIDE-}" != yes ]; then
	# Mounts in here are nobody else's, and are gone when this ends.
	if unshare -m true 2>/dev/null; then
		CLEANROOM_INSIDE=yes exec unshare -m sh "$0"
	fi
	echo "make cleanroom needs mounts, which this machine refuses" >&2
	exit 1
fi
command -v debootstrap >/dev/null || sh tests/lib/packages.sh check

suite=${CLEANROOM_SUITE:-$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)}
# Debian's own source as apt has it: the host is this machine's business.
mirror=$(apt-get indextargets --format '$(SITE) $(CODENAME) $(SUITE)' \
	'Created-By: Packages' 2>/dev/null |
	awk -v suite="$suite" '$2 == suite { print $1; exit }')
if [ -z "$mirror" ]; then
	echo "make cleanroom: apt knows no source of $suite" >&2
	exit 1
fi

room=$(mktemp -d /tmp/cleanroom.XXXXXX)
cleanup() {
	trap - EXIT
	for part in proc dev/pts dev/shm dev sys .; do
		umount -l "$room/root/$part" 2>/dev/null || true
	done
	rm -rf --one-file-system "$room"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# --- A fresh Debian ----------------------------------------------------------

cache=${CLEANROOM_CACHE:-/tmp}/cleanroom-$suite.tar
mkdir "$room/root"
if [ -n "$(find "$cache" -mtime -1 -user 0 2>/dev/null)" ]; then
	tar -C "$room/root" -xf "$cache"
else
	echo "Making a fresh $suite ..."
	if ! debootstrap --variant=minbase --include=git,make,ca-certificates \
	    "$suite" "$room/root" "$mirror" >"$room/log" 2>&1; then
		tail -n 20 "$room/log" >&2
		exit 1
	fi
	(umask 077 && tar -C "$room/root" -cf "$cache.$$" . &&
		mv "$cache.$$" "$cache")
fi

# How apt reaches the source (names, proxies, updates) is as on this machine.
mkdir -p "$room/root/etc/apt/apt.conf.d"
for file in /etc/resolv.conf /etc/hosts; do
	[ ! -e "$file" ] || cp -L "$file" "$room/root$file"
done
apt-config dump | grep -iE '^Acquire::(https?|ftp)::|^Acquire::Retries' \
	>"$room/root/etc/apt/apt.conf.d/90source" || true
{
	echo "deb $mirror $suite main"
	apt-get indextargets --format '$(SITE) $(CODENAME)' \
		'Created-By: Packages' 2>/dev/null | sort -u |
		awk -v suite="$suite" 'index($2, suite "-") == 1 {
			print "deb", $1, $2, "main" }'
} >"$room/root/etc/apt/sources.list"
# Nobody needs the room after a power failure.
mkdir -p "$room/root/etc/dpkg/dpkg.cfg.d"
echo force-unsafe-io >"$room/root/etc/dpkg/dpkg.cfg.d/room"
if [ -d /etc/ssl/certs ]; then
	mkdir -p "$room/root/usr/local/share/ca-certificates"
	[ ! -d /usr/local/share/ca-certificates ] ||
		cp -a /usr/local/share/ca-certificates/. \
		    "$room/root/usr/local/share/ca-certificates/"
	chroot "$room/root" update-ca-certificates >/dev/null 2>&1 || true
fi

# The rooms of the tests want a root that is a mount.
mount --bind "$room/root" "$room/root"
mount -t proc proc "$room/root/proc"
mount --rbind /sys "$room/root/sys"
mount --make-rslave "$room/root/sys"
mount -t tmpfs -o mode=755 tmpfs "$room/root/dev"
for node in null zero full random urandom tty; do
	cp -a "/dev/$node" "$room/root/dev/"
done
mkdir "$room/root/dev/pts" "$room/root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts \
	"$room/root/dev/pts"
mount -t tmpfs -o mode=1777 tmpfs "$room/root/dev/shm"
ln -s pts/ptmx "$room/root/dev/ptmx"
ln -s /proc/self/fd "$room/root/dev/fd"

# --- A clone -----------------------------------------------------------------

mkdir -p "$room/root/src/shared"
git -c safe.directory='*' clone -q --no-hardlinks "$top" "$room/root/src/main"
# What is changed and not committed yet is tried too.
git -C "$top" -c safe.directory='*' ls-files -z --cached --others \
	--exclude-standard |
	(cd "$top" && tar --null --ignore-failed-read -T - -cf - 2>/dev/null) |
	tar -C "$room/root/src/main" -xf - --no-same-owner
corpus=${CORPUS:-$top/../shared/corpus}
[ ! -d "$corpus" ] || cp -a "$corpus" "$room/root/src/shared/corpus"

# --- The two commands --------------------------------------------------------

inside() {
	start=$(date +%s)
	echo "In the clean room: $*"
	status=0
	chroot "$room/root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
		LANG=C.UTF-8 TERM=dumb CHECK_NO_SKIP="${CHECK_NO_SKIP-}" \
		CHECK_JOBS="${CHECK_JOBS:-2}" \
		MAKEFLAGS="${CLEANROOM_MAKEFLAGS-}" \
		sh -c "cd /src/main && $*" || status=$?
	echo "In the clean room: $* ends with $status after" \
		"$(($(date +%s) - start)) s"
	return $status
}
inside "RUN_ONCE=1 make run"
inside "make check"
left=$(for process in /proc/[0-9]*; do
	[ "$(readlink "$process/root")" != "$room/root" ] ||
		tr '\0' ' ' <"$process/cmdline"
done)
if [ -n "$left" ]; then
	echo "make cleanroom: still running: $left" >&2
	exit 1
fi
