#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What can be seen without running anything.  Each check prints what it
# objects to; the exit status is 1 if there was something.
cd "$(dirname "$0")/../.." || exit 1
build=${BUILD:-build/gcc-plain}
sources=$(git ls-files 'c-client/*.[ch]' 'ssl/*.[ch]' 'imapd/*.[ch]' 'ipopd/*.[ch]')
# Has a line for each check that objects: they run behind a pipe, so that a
# variable of theirs is not seen here.
bad=$(mktemp)
trap 'rm -f "$bad"' EXIT

# check NAME: reads complaints from standard input.
check() {
	complaints=$(cat)
	if [ -n "$complaints" ]; then
		echo "$1" >>"$bad"
		echo "not ok - $1"
		echo "$complaints" | sed 's/^/    /' | head -40
	else
		echo "ok - $1"
	fi
}

# shellcheck disable=SC2086
for file in $sources; do
	expand "$file" | awk -v name="$file" 'length($0) > 80 {
		print name ":" FNR ": " length($0) " columns" }'
done | check "lines of eighty columns"

# Rooms from the ground up: a file includes only from its own floor or below.
# shellcheck disable=SC2086
grep -HnE '^#[ \t]*include[ \t]*"' $sources | awk -F: '
	function floor(p) {
		if (p ~ /(^|\/)base\//) return 1
		if (p ~ /(^|\/)mime\//) return 2
		if (p ~ /(^|\/)store\//) return 3
		if (p ~ /(^|\/)(formats|auth)\//) return 4
		if (p ~ /^ssl\//) return 4
		if (p ~ /(^|\/)(server|doctor)\//) return 5
		if (p ~ /(^|\/)api\//) return 6
		if (p ~ /^(imapd|ipopd)\//) return 7
		return 0
	}
	{
		match($3, /"[^"]+"/)
		inc = substr($3, RSTART + 1, RLENGTH - 2)
		if (floor(inc) > floor($1))
			print $1 ":" $2 " reaches up to " inc
		if (floor($1) == 7 && (floor(inc) == 4 ||
		    (floor(inc) == 7 && substr(inc, 1, 5) != substr($1, 1, 5))))
			print $1 ":" $2 " may not know " inc
		if (floor($1) == 2 && inc !~ /base|mime/)
			print $1 ":" $2 " may not know " inc
	}' | check "include order"

# Only ssl/ and base/digest.c see the TLS library's headers.
# shellcheck disable=SC2086
grep -ln '^#include <openssl/' $sources | grep -v '^ssl/' |
	grep -v '^c-client/base/digest.c$' | check "OpenSSL's headers stay in ssl/"

for h in $(git ls-files '*.h'); do
	case $h in tests/*) continue;; esac
	cc -std=c11 -D_GNU_SOURCE -I. -Wall -Wextra -fsyntax-only -x c \
		-include "$h" /dev/null 2>&1 | head -3
	stem=$(basename "$h" .h)
	grep -q "^#ifndef $(echo "${h#c-client/}" | tr 'a-z/.-' 'A-Z___')\$" "$h" ||
		echo "$h: guard is not named after the file ($stem)"
done | check "headers compile alone and are guarded"

for c in $(git ls-files 'c-client/*.c' 'ssl/*.c' 'imapd/*.c' 'ipopd/*.c'); do
	head -n 1 "$c" | grep -q '^/\* SPDX-License-Identifier: Apache-2.0 \*/$' ||
		echo "$c: no SPDX line"
	test "$(grep '^#include' "$c" | tail -n 1)" = \
		'#include "c-client/base/banned.h"' ||
		echo "$c: banned.h is not its last include"
done | check "heads of files"

# The Makefile's lists, with and without what build words leave out.
listed() {
	# shellcheck disable=SC2016
	make -s --no-print-directory "$@" --eval \
		'list: ; @printf "%s\n" $(LIB_SRC) $(IMAPD_SRC) $(IPOPD_SRC)' \
		list
}
{
	{
		listed SSLTYPE=unix PASSWDTYPE=pam
		listed SSLTYPE=none PASSWDTYPE=std TRIPS=1
	} | sort -u
	git ls-files --cached --others --exclude-standard 'c-client/*.c' \
		'ssl/*.c' 'imapd/*.c' 'ipopd/*.c'
} | sort | uniq -u | check "the Makefile lists every source"

# A global name begins with the first word of its file's name, or with one of
# the words that this list allows the file besides.
for o in $(find "$build/c-client" "$build/imapd" "$build/ipopd" "$build/ssl" \
	-name '*.o' 2>/dev/null | sort); do
	c=${o#"$build"/}
	c=${c%.o}.c
	test -f "$c" || continue
	stem=$(basename "$c" .c)
	also=$(awk -v f="$c" '$1 == f { $1 = ""; print }' tests/lib/lint_names)
	nm -g --defined-only "$o" | awk -v c="$c" -v first="${stem%%_*}" \
		-v also="$also" '
		BEGIN { n = split(also, words, " ") }
		$3 ~ /^(__odr|_.*asan|__)/ { next }
		{
			good = index($3, first "_") == 1 || $3 == first
			for (i = 1; i <= n; i++)
				good = good || index($3, words[i]) == 1
			if (!good) print c " exports " $3
		}'
	objdump -t "$o" | awk -v c="$c" -v also="$also" '
		/ O \.(data|bss|tbss|tdata)([.][^r]|\t| )/ {
			sub(/\.[0-9]+$/, "", $NF)
			if ($NF !~ /^__odr_asan/ && index(" " also " ", " =" $NF " ") == 0)
				print c " has the writable object " $NF
		}'
done | check "names of symbols, and no writable objects but those known"

git ls-files | grep -v '^LICENSE$' | xargs grep -nIE \
	"deb[.]debian[.]org|registry[.]npmjs|^[^#]*/work/(main|shared|[.])" |
	check "no host of a registry, no path of one machine"

git ls-files '*.c' '*.h' '*.py' '*.sh' '*.t' ssl/imapd-tls | xargs grep -nE \
	'\b(T[O]DO|F[I]XME|X[X]X|H[A]CK)\b' | check "nothing is left to be done"

git ls-files '*.sh' .ci/run ssl/imapd-tls 'debian/*.p*' | xargs shellcheck -S warning 2>&1 |
	check "shellcheck"
mandoc -Tlint -W warning docs/*.[58] 2>&1 | check "mandoc"
/usr/bin/python3 tests/lib/lint_docs.py 2>&1 | grep -v '^ok\|^1\.\.' |
	check "documents agree with the sources"
/usr/bin/python3 tests/lib/lint_trouble.py 2>&1 | grep -v '^ok' |
	check "docs/TROUBLE has every message"
git ls-files '*.py' '*.t' | while read -r script; do
	head -n 1 "$script" | grep -q '^#!/usr/bin/python3$' || continue
	/usr/bin/python3 -c 'import ast, sys
ast.parse(open(sys.argv[1]).read(), sys.argv[1])' "$script" 2>&1 | tail -n 1
done | check "Python scripts parse"

cppcheck --quiet --std=c11 --enable=warning,portability --inline-suppr \
	--suppress=missingIncludeSystem -D_GNU_SOURCE -j2 -I. \
	c-client ssl imapd ipopd 2>&1 | check "cppcheck"
tidy_checks='-*,bugprone-sizeof*,bugprone-suspicious-*,bugprone-integer-division,bugprone-infinite-loop,bugprone-macro-*,bugprone-branch-clone,bugprone-too-small-loop-variable,bugprone-signal-handler,bugprone-posix-return,bugprone-undefined-memory-manipulation,bugprone-unused-return-value,cert-env33-c'
export tidy_checks
# shellcheck disable=SC2016
git ls-files 'c-client/*.c' 'ssl/*.c' 'imapd/*.c' 'ipopd/*.c' |
	xargs -P 2 -n 12 sh -c 'clang-tidy --quiet --checks="$tidy_checks" "$@" \
	-- -std=c11 -D_GNU_SOURCE -I. 2>/dev/null' clang-tidy |
	grep -E ': (warning|error):' | check "clang-tidy"

# A report, no gate.
echo "longest functions:"
git ls-files 'c-client/*.c' 'ssl/*.c' 'imapd/*.c' 'ipopd/*.c' | xargs awk '
	FNR == 1 { name = "" }
	/^[A-Za-z_].*\(/ && !/;[ \t]*$/ { split($0, p, "("); name = p[1] }
	/^\{/ { start = FNR }
	/^\}/ && start { print FNR - start - 1, FILENAME ": " name; start = 0 }
	' | sort -rn | head -n 5 | sed 's/^/    /'
[ ! -s "$bad" ]
