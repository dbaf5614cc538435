#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What `make run`, `make check` and .ci/run need from Debian: installs what is
# missing as root, else prints the one line that does and ends with status 1.
#
#	packages.sh run | check | room | ci
set -eu

run="gcc make libc6-dev libssl-dev libpam0g-dev libsqlite3-dev liblockfile-dev
liblockfile-bin libxxhash-dev libutf8proc-dev libseccomp-dev libcrypt-dev
openssl curl mutt"

# Beside those: unit tests, and the programs that tests drive.
# fail2ban is there for its filter of our log lines, and never started; Dovecot
# is what mailboxes are shared with, and what the benchmark compares with.
# debhelper and lintian are for `make deb`, and adduser for what it makes;
# systemd is there for systemd-socket-activate; libtirpc3 and libwrap0 are what
# xinetd is linked with.
check="$run perl python3 libcmocka-dev mandoc isync fetchmail getmail6
offlineimap3 procmail maildrop s-nail uw-mailutils openbsd-inetd strace socat
expect fail2ban e2fsprogs dovecot-imapd dovecot-pop3d postfix systemd libtirpc3
libwrap0 iproute2 build-essential debhelper lintian pkg-config adduser sslscan"

# What makes a clean room; beside all of it, the other compiler and linters.
room=debootstrap
ci="$check $room clang lld libclang-rt-14-dev cppcheck clang-tidy shellcheck"

# The three inetds exclude each other: openbsd-inetd is installed, and these two
# are only unpacked, for tests that put them into a room.
unpacked="xinetd inetutils-inetd"
inetds=$(cd "$(dirname "$0")/../.." && pwd)/build/inetds

case "${1-}" in
run) wanted=$run ;;
check) wanted=$check ;;
room) wanted=$room ;;
ci) wanted=$ci ;;
*)
	echo "usage: packages.sh run | check | room | ci" >&2
	exit 64
	;;
esac

# Elsewhere than on Debian the Makefile says which header is missing.
command -v dpkg-query >/dev/null 2>&1 || exit 0

missing=
for name in $wanted; do
	status=$(dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null) ||
		status=
	[ "$status" = installed ] || missing="$missing $name"
done

log=$(mktemp)
update() {
	apt-get -q update >>"$log" 2>&1 || true
}
# A fresh machine has no package lists; old lists name packages that are gone.
have_lists() {
	set -- /var/lib/apt/lists/*_Packages*
	[ -e "$1" ]
}
download() {
	(cd "$inetds.new" && apt-get -q download "$1" >>"$log" 2>&1)
}
unpack() {
	case $1 in run | room) return 0 ;; esac
	for name in $unpacked; do
		[ ! -x "$inetds/usr/sbin/$name" ] || continue
		rm -rf "$inetds.new"
		mkdir -p "$inetds" "$inetds.new"
		if ! download "$name" && { update; ! download "$name"; }; then
			cat "$log" >&2
			rm -f "$log"
			echo "packages.sh: apt-get download $name failed" >&2
			exit 1
		fi
		dpkg-deb -x "$inetds.new/$name"_*.deb "$inetds"
		rm -rf "$inetds.new"
	done
}
if [ -z "$missing" ]; then
	unpack "$1"
	# debootstrap is told the source that they are from.
	[ "$1" != room ] || have_lists || update
	rm -f "$log"
	exit 0
fi

install="apt-get install --no-install-recommends --no-remove -y"
if [ "$(id -u)" != 0 ]; then
	echo "Some Debian packages are missing. As root, type this and try" \
		"again:" >&2
	echo "$install$missing" >&2
	rm -f "$log"
	exit 1
fi

# No service is to start because we install its package.
policy=/usr/sbin/policy-rc.d
made_policy=
cleanup() {
	[ -z "$made_policy" ] || rm -f "$policy"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
if [ ! -e "$policy" ]; then
	made_policy=yes
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod 755 "$policy"
fi

DEBIAN_FRONTEND=noninteractive
export DEBIAN_FRONTEND
# Without an answer of ours postfix would set itself up to take mail.
answer() {
	case " $missing " in *" postfix "*)
		echo "postfix postfix/main_mailer_type select No configuration" |
			debconf-set-selections >>"$log" 2>&1 || true
	esac
}
install() {
	# Words are package names of the lists above.
	# shellcheck disable=SC2086
	$install -q $missing >>"$log" 2>&1 </dev/null
}

echo "Installing:$missing"
have_lists || update
answer
if ! install; then
	update
	if ! install; then
		cat "$log" >&2
		rm -f "$log"
		echo "packages.sh: this failed: $install$missing" >&2
		exit 1
	fi
fi
unpack "$1"
rm -f "$log"
