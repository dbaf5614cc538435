#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `make cleanroom`: both of README's commands on a Debian that has nothing but
# git and make.  debootstrap, with the apt source of this machine; a clone of
# the checkout (with what is not committed yet); `make run` with RUN_ONCE=1,
# then `make check`.  Needs root.  CLEANROOM_SUITE= and CLEANROOM_CACHE= are
# those of tests/lib/fresh.sh, CLEANROOM_MAKEFLAGS= are words for make,
# CLEANROOM_THEN= a command for after that.
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
sh tests/lib/packages.sh room
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

mkdir "$room/root"
sh tests/lib/fresh.sh "$room/root"

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
[ -z "${CLEANROOM_THEN-}" ] || inside "$CLEANROOM_THEN"
left=$(for process in /proc/[0-9]*; do
	[ "$(readlink "$process/root")" != "$room/root" ] ||
		tr '\0' ' ' <"$process/cmdline"
done)
if [ -n "$left" ]; then
	echo "make cleanroom: still running: $left" >&2
	exit 1
fi
