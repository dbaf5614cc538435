#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `make run`: both servers on loopback with a demo user, for as long as you
# look at them.  All that it makes is in one directory under /tmp, and is gone
# after Ctrl-C.  RUN_ONCE=1 ends after the self-test, with its exit status.
set -eu

here=$(dirname "$0")
cd "$here/../.."

sh tests/lib/packages.sh run
cpus=$(getconf _NPROCESSORS_ONLN 2>/dev/null) || cpus=1
echo "Building ..."
${MAKE:-make} --no-print-directory -s -j"$cpus" all

umask 077
dir=$(mktemp -d /tmp/imapd-demo.XXXXXX)
imapd_pid=''
ipop3d_pid=''
# shellcheck disable=SC2317 # called by the trap
cleanup() {
	trap - EXIT
	trap '' INT TERM HUP
	for pid in $imapd_pid $ipop3d_pid; do
		kill "$pid" 2>/dev/null || true
	done
	for pid in $imapd_pid $ipop3d_pid; do
		wait "$pid" 2>/dev/null || true
	done
	rm -rf "$dir"
}
trap cleanup EXIT
trap 'echo; echo "Ended; nothing is left."; exit 0' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

fail() {
	echo "make run: $*" >&2
	if [ -s "$dir/log" ]; then
		echo "The servers' log:" >&2
		tail -n 20 "$dir/log" >&2
	fi
	exit 1
}

# --- The demo user ----------------------------------------------------------

# Nobody logs in as root, so root needs somebody else to read the mail as.
uid=$(id -u) gid=$(id -g)
if [ "$uid" = 0 ]; then
	uid=${SUDO_UID:-0} gid=${SUDO_GID:-0}
	if [ "$uid" = 0 ]; then
		uid=$(id -u nobody) gid=$(id -g nobody)
	fi
fi
user=demo
# Letters and digits only: it stands in shell lines and URLs below.
password=$(openssl rand -base64 30 | tr -dc 'A-Za-z0-9' | cut -c 1-16)
crypt=$(printf '%s\n' "$password" | openssl passwd -6 -stdin)

chmod 711 "$dir"
mkdir "$dir/home" "$dir/spool" "$dir/certs"
chmod 755 "$dir/spool"
cp tests/data/demo.mbox "$dir/spool/$user"
echo "$user:$crypt:$uid:$gid:$dir/home" >"$dir/users"

# --- The certificate --------------------------------------------------------

ssl/imapd-tls ca --dir "$dir/certs" localhost 127.0.0.1 ::1 \
	>"$dir/tls" 2>&1 || fail "$(cat "$dir/tls")"
chmod 711 "$dir/certs"
crt=$dir/certs/imapd-ca/imapd-ca.crt

cat >"$dir/imapd.conf" <<EOF
auth = users:$dir/users
cert_dir = $dir/certs
key_dir = $dir/certs
mail_spool = $dir/spool
log = $dir/log
tls_state = $dir/state
EOF

# --- The servers --------------------------------------------------------------

taken() {
	grep -qi "^ *[0-9]*: [0-9A-F]*:$(printf '%04X' "$1") [0-9A-F:]* 0A " \
		/proc/net/tcp /proc/net/tcp6 2>/dev/null
}
free_ports() {
	for base in 10000 10100 10200 10300 10400 10500 10600 10700 10800; do
		imaps=$((base + 993)) pop3s=$((base + 995))
		imap=$((base + 143)) pop3=$((base + 110))
		if ! taken $imaps && ! taken $pop3s && ! taken $imap &&
		    ! taken $pop3; then
			return
		fi
	done
	fail "no free ports from 10110 to 11795"
}
free_ports

# A small machine may have no name for it.
host=localhost
getent hosts localhost >/dev/null 2>&1 || host=127.0.0.1

cat >"$dir/muttrc" <<EOF
set spoolfile="imaps://$user@$host:$imaps/INBOX"
set folder="imaps://$user@$host:$imaps/"
set imap_pass="$password"
set certificate_file="$crt"
set move=no
EOF
if [ "$(id -u)" = 0 ]; then
	chown -R "$uid:$gid" "$dir/home" "$dir/spool" "$dir/muttrc"
fi

imapd/imapd --config "$dir/imapd.conf" --listen "127.0.0.1:$imaps,tls" \
	--listen "127.0.0.1:$imap,plain" &
imapd_pid=$!
ipopd/ipop3d --config "$dir/imapd.conf" --listen "127.0.0.1:$pop3s,tls" \
	--listen "127.0.0.1:$pop3,plain" &
ipop3d_pid=$!
tries=0
until taken $imaps && taken $imap && taken $pop3s && taken $pop3; do
	tries=$((tries + 1))
	[ $tries -lt 100 ] || fail "the servers don't listen"
	kill -0 $imapd_pid 2>/dev/null || fail "imapd has ended"
	kill -0 $ipop3d_pid 2>/dev/null || fail "ipop3d has ended"
	sleep 0.1
	# Without /proc nobody can look; then they have had their time.
	[ -r /proc/net/tcp ] || [ $tries -lt 20 ] || break
done

# --- The lines that are printed, and tried first ---------------------------

trust="--cacert $crt --user $user:$password"
curl_imaps="curl $trust imaps://$host:$imaps/INBOX"
curl_fetch="curl $trust 'imaps://$host:$imaps/INBOX;MAILINDEX=1'"
curl_pop3s="curl $trust pop3s://$host:$pop3s/1"
curl_imap="curl $trust --ssl-reqd imap://$host:$imap/INBOX"
curl_pop3="curl $trust --ssl-reqd pop3://$host:$pop3/1"
# POP3's lines end in CRLF, and so do IMAP's.
s_client="openssl s_client -quiet -crlf -verify_return_error \
-CAfile $crt"
openssl_imaps="$s_client -connect $host:$imaps"
openssl_pop3s="$s_client -connect $host:$pop3s"
mutt_line="mutt -n -F $dir/muttrc"

# try NAME LINE WANTED [INPUT]: run the line as it is printed.
try() {
	if printf '%b' "${4-}" | sh -c "$2" >"$dir/out" 2>"$dir/err" &&
	    grep -q "$3" "$dir/out"; then
		echo "  ok  $1"
	else
		cat "$dir/out" "$dir/err" >&2
		fail "this did not work: $2"
	fi
}
echo "Logging in ..."
try "imaps (curl)" "$curl_imaps" '^\* LIST .*INBOX'
try "imaps, a message (curl)" "$curl_fetch" '^Subject: Welcome'
try "pop3s, a message (curl)" "$curl_pop3s" '^Subject: Welcome'
try "imap with STARTTLS (curl)" "$curl_imap" '^\* LIST .*INBOX'
try "pop3 with STLS (curl)" "$curl_pop3" '^Subject: Welcome'
try "imaps (openssl)" "$openssl_imaps" '^\* 6 EXISTS' \
	"1 LOGIN $user $password\n2 EXAMINE INBOX\n3 LOGOUT\n"
try "pop3s (openssl)" "$openssl_pop3s" '^+OK 6 ' \
	"USER $user\nPASS $password\nSTAT\nQUIT\n"

cat <<EOF

Both servers run. User: $user   Password: $password
Server: $host   IMAP: $imaps (TLS), $imap (STARTTLS)   POP3: $pop3s (TLS), \
$pop3 (STLS)

The mail, in a client:
  $mutt_line
A list of mailboxes, a message:
  $curl_imaps
  $curl_fetch
  $curl_pop3s
By hand (then: 1 LOGIN $user $password, 2 SELECT INBOX, 3 LOGOUT):
  $openssl_imaps
By hand (then: USER $user, PASS $password, STAT, QUIT):
  $openssl_pop3s
What the servers say of it:
  tail -f $dir/log
The mailbox file, which other programs may use meanwhile:
  $dir/spool/$user
EOF

[ "${RUN_ONCE-}" != 1 ] || exit 0
echo
echo "Ctrl-C ends the servers and removes $dir."
wait $imapd_pid || true
fail "imapd has ended"
