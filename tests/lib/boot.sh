#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Boots the system in a directory, as a container of its own does:
#
#	boot.sh DIRECTORY NAME
#
# It is process 1 of namespaces of its own (processes, mounts, loopback, control
# groups, names), and its systemd has all that but the kernel.  The process that
# was started is its parent, and it ends with that.  Needs root, a private mount
# namespace, and cgroup2 (which need not be mounted, and need no controllers).
set -eu
root=$1
name=$2

if [ "${BOOT_INSIDE-}" != yes ]; then
	mkdir -p "$root.cgroup"
	mount -t cgroup2 none "$root.cgroup"
	mkdir -p "$root.cgroup/$name.$$"
	echo $$ >"$root.cgroup/$name.$$/cgroup.procs"
	umount "$root.cgroup"
	rmdir "$root.cgroup"
	BOOT_INSIDE=yes exec unshare --mount --pid --uts --ipc --net --cgroup \
		--fork --kill-child sh "$0" "$root" "$name"
fi

mount --make-rprivate /
mount --bind "$root" "$root"
cd "$root"
mount -t proc proc proc
# The kernel's settings are this machine's, not that one's.
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 none sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=755 tmpfs dev
for node in null zero full random urandom tty; do
	cp -a "/dev/$node" dev/
done
mknod dev/console c 1 3
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts dev/pts
mount -t tmpfs -o mode=1777 tmpfs dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
hostname "$name"
ip link set lo up
mkdir -p mnt/old
pivot_root . mnt/old
umount -l mnt/old
exec setpriv --bounding-set \
	-sys_module,-sys_time,-sys_rawio,-syslog,-audit_control,-audit_read \
	env -i container=imapd PATH=/usr/sbin:/usr/bin:/sbin:/bin \
	/lib/systemd/systemd </dev/null
