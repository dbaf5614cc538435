# An IMAP4rev1 and a POP3 server over one mail-store library.  GNU make.
#
#	make			what this machine has: PAM, TLS, run-time directories
#	make slx SSLTYPE=unix	the lines of the old toolkit: see TARGETS, SSLTYPES
#	make install		into PREFIX, below DESTDIR; make uninstall undoes it
#	make deb		a Debian package in build/deb
#	make run		try it: demo user, certificate, both servers on loopback
#	make check		all tests
#	make stress		everybody at once on one mailbox, for SECS seconds
#	make booted		the Debian package where systemd was booted
#	make bench lint cleanroom clean
#	make TRIPS=1		with the fault points of c-client/base/trip.h
#
# The words of the last build line are kept in build/words.mk, so that a plain
# `make install` after `make slx` installs what was built.

CC = gcc
AR = ar
SAN =
TRIPS =
WERROR =
CFLAGS = -O2 -g
BENCH_MESSAGES = 100000
SECS = 60
PREFIX = /usr/local
DESTDIR =

# --- Build words ------------------------------------------------------------

TARGETS = lnp slx ldb lnx sl4 sl5 lfd lr5 lrh lsu lmd
SSLTYPES = nopwd unix unix.nopwd none
PASSWDTYPES = pam std nul
EXTRAS = mbox

include $(wildcard build/words.mk)

SSLTYPE ?= nopwd
PASSWDTYPE ?= pam
SSLDIR ?=
SSLCERTS ?= $(if $(SSLDIR),$(SSLDIR)/certs)
SSLKEYS ?= $(if $(SSLDIR),$(SSLDIR)/private)
MAILSPOOL ?=
EXTRADRIVERS ?=

lnp_WORDS = PASSWDTYPE=pam SSLDIR=/usr/local/ssl
slx_WORDS = PASSWDTYPE=std SSLDIR=/usr/local/ssl
lnx_WORDS = $(slx_WORDS)
sl4_WORDS = $(slx_WORDS)
sl5_WORDS = $(slx_WORDS)
ldb_WORDS = PASSWDTYPE=pam SSLDIR=/etc/ssl MAILSPOOL=/var/mail
lfd_WORDS = PASSWDTYPE=pam SSLDIR=/etc/pki/tls
lr5_WORDS = $(lfd_WORDS)
lrh_WORDS = PASSWDTYPE=pam SSLDIR=/usr/share/ssl
lsu_WORDS = $(lrh_WORDS)
lmd_WORDS = PASSWDTYPE=pam SSLDIR=/usr/lib/ssl

ifeq ($(filter $(SSLTYPE),$(SSLTYPES)),)
$(error SSLTYPE=$(SSLTYPE) is not known; valid: $(SSLTYPES))
endif
ifeq ($(filter $(PASSWDTYPE),$(PASSWDTYPES)),)
$(error PASSWDTYPE=$(PASSWDTYPE) is not known; valid: $(PASSWDTYPES))
endif

ifneq ($(filter-out $(EXTRAS),$(EXTRADRIVERS)),)
$(error EXTRADRIVERS=$(EXTRADRIVERS) is not known; valid: $(EXTRAS), or none)
endif

WITH_TLS = $(if $(filter none,$(SSLTYPE)),0,1)
WITH_PAM = $(if $(filter pam,$(PASSWDTYPE)),1,0)
AUTH_pam = pam
AUTH_std = shadow
AUTH_nul = none
PLAIN = $(if $(filter unix none,$(SSLTYPE)),always,tls)
EXTRA = $(if $(filter mbox,$(EXTRADRIVERS)),mbox,none)
WORDS = -DWITH_TLS=$(WITH_TLS) -DWITH_PAM=$(WITH_PAM) \
	-DDEFAULT_AUTH='"$(AUTH_$(PASSWDTYPE))"' \
	-DDEFAULT_PLAINTEXT='"$(PLAIN)"' \
	-DDEFAULT_CERT_DIR='"$(SSLCERTS)"' -DDEFAULT_KEY_DIR='"$(SSLKEYS)"' \
	-DDEFAULT_MAIL_SPOOL='"$(MAILSPOOL)"' \
	-DDEFAULT_EXTRA_DRIVERS='"$(EXTRA)"'

# --- Flags ------------------------------------------------------------------

# A build with fault points has only that of its own which knows of them.
WHOLE = build/$(notdir $(CC))-$(or $(subst $(comma),-,$(SAN)),plain)
B = $(WHOLE)$(if $(TRIPS),-trips)
comma := ,
WARN = -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes \
	-Wmissing-prototypes -Wvla -Walloca -Wundef -Wpointer-arith \
	-Wwrite-strings $(WERROR)
ALL_CPPFLAGS = -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -I. \
	$(if $(SAN),-DSANITIZED) $(if $(TRIPS),-DTRIPS) $(CPPFLAGS)
SANFLAGS = $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer \
	-fno-sanitize-recover=all)
ALL_CFLAGS = -std=c11 $(CFLAGS) $(WARN) -fstack-protector-strong -fPIE \
	-fvisibility=hidden $(SANFLAGS)
ALL_LDFLAGS = -pie -Wl,-z,relro,-z,now $(SANFLAGS) $(LDFLAGS)
LIBS = $(if $(filter 1,$(WITH_TLS)),-lssl) -lcrypto \
	$(if $(filter 1,$(WITH_PAM)),-lpam) -lcrypt -lsqlite3 -llockfile \
	-lxxhash -lutf8proc -lseccomp

# --- What there is ----------------------------------------------------------

# The table of contents; `make lint` compares it with the folders.
BASE = arena base64 buf clock config config_keys digest fault file log memory \
	netaddr span $(if $(TRIPS),trip) words
MIME = addr addr_lex boundary casemap charset date encword envelope header \
	imapstr param part part_fields section structure transfer utf7
STORE = account append box box_flags box_inbox box_names box_status copy \
	cursor driver index index_brief index_file index_gone index_group \
	index_meta index_move index_need index_note index_pack index_parsed \
	index_path index_records index_schema index_transit list list_entries \
	list_pattern list_subscribed message name parsed place progress record search \
	search_body search_text seqset transit uidruns view watch
FORMATS = drivers dummy maildir maildir_append maildir_expunge maildir_files \
	maildir_flush maildir_folders maildir_keywords maildir_link maildir_lock \
	maildir_match maildir_merge maildir_move maildir_name maildir_note \
	maildir_place maildir_read maildir_scan maildir_stamp maildir_sync \
	maildir_tmp maildir_uidlist mbox mbox_append mbox_base mbox_change \
	mbox_expunge mbox_flush mbox_format mbox_keywords mbox_lock \
	mbox_match mbox_merge mbox_meta mbox_names mbox_note mbox_read \
	mbox_redo mbox_rewrite mbox_room mbox_scan mbox_scribe \
	mbox_separator mbox_stamp mbox_sync mbox_window mboxinbox \
	mboxinbox_move wire wire_reader
AUTH = auth auth_crypt $(if $(filter 1,$(WITH_PAM)),auth_pam) auth_shadow \
	auth_users
DOCTOR = $(if $(filter 1,$(WITH_TLS)),certificate_mend) check_account \
	check_build check_certificate \
	check_config check_home check_limits check_locking check_login \
	check_openssl check_pam check_ports check_sandbox check_services \
	check_spool check_superserver check_users doctor entry entry_mend \
	inetd_conf listener probe report superserver systemd_unit trial \
	xinetd_conf
API = fs local mail_append mail_criteria mail_date mail_elt mail_fetch \
	mail_flag mail_free mail_link mail_names mail_new mail_open \
	mail_parameters mail_search mail_string mail_structure \
	rfc822_address rfc822_body rfc822_code rfc822_date rfc822_header \
	rfc822_output rfc822_parse rfc822_text tell translate user utf8
SERVER = acceptor arguments cache certificates connection crowd errand front \
	link listen monitor nurseries nursery port prelogin privsep process \
	pump sandbox sasl spool start stream
SSL = $(if $(filter 1,$(WITH_TLS)),tls tls_cert tls_exam tls_exam_policy \
	tls_names tls_pem tls_policy tls_set tls_socket tls_state \
	tls_watch,tls_none)
IMAPD = args args_flags cmd_append cmd_capability cmd_check cmd_copy \
	cmd_create cmd_delete cmd_enable cmd_expunge cmd_fetch cmd_id \
	cmd_idle cmd_list cmd_logout cmd_move cmd_namespace cmd_noop \
	cmd_rename cmd_search cmd_select cmd_status cmd_store cmd_subscribe \
	command copies fetch fetch_args fetch_body id main prelogin \
	prelogin_verb reply search_args session session_box wire workarounds
IPOPD = line main prelogin reply retr session state_trans stuff

LIB_SRC = $(BASE:%=c-client/base/%.c) $(MIME:%=c-client/mime/%.c) \
	$(STORE:%=c-client/store/%.c) $(FORMATS:%=c-client/formats/%.c) \
	$(AUTH:%=c-client/auth/%.c) $(SERVER:%=c-client/server/%.c) \
	$(DOCTOR:%=c-client/doctor/%.c) $(API:%=c-client/api/%.c) \
	$(SSL:%=ssl/%.c)
IMAPD_SRC = $(IMAPD:%=imapd/%.c)
IPOPD_SRC = $(IPOPD:%=ipopd/%.c)
TESTPROGRAMS = tests/lib/describe.c tests/lib/echo_service.c \
	tests/lib/pam_record.c tests/lib/memdriver.c tests/lib/nethome.c \
	tests/lib/passwd.c tests/lib/hurry.c tests/lib/slowdisk.c \
	tests/lib/maildrop.c
TESTLIB_SRC = $(filter-out $(TESTPROGRAMS),$(wildcard tests/lib/*.c))
UNIT_SRC = $(wildcard tests/unit/*.c)
FUZZ_SRC = $(wildcard tests/fuzz/*.c)

# With fault points: the archive without them, and in it anew what knows of
# them.
TRIPPED = $(if $(TRIPS),$(shell grep -lw 'TRIPS\|trip.h' $(LIB_SRC)))
OTHERS = $(if $(TRIPS),$(WHOLE),$B)
LIB_OBJ = $(patsubst %.c,$B/%.o,$(if $(TRIPS),$(TRIPPED),$(LIB_SRC)))
IMAPD_OBJ = $(IMAPD_SRC:%.c=$(OTHERS)/%.o)
IPOPD_OBJ = $(IPOPD_SRC:%.c=$(OTHERS)/%.o)
TEST_A = $(OTHERS)/testlib.a $(OTHERS)/imapd.a $(OTHERS)/ipopd.a \
	$(OTHERS)/tests/lib/memdriver.o

LIB_A = $B/c-client.a
API_A = $B/libc-client.a
# The names under which everybody looks for them; never of a sanitizer build,
# and never with fault points.
PRODUCTS = c-client/c-client.a imapd/imapd ipopd/ipop3d

all: programs $(if $(SAN)$(TRIPS),,$(PRODUCTS))
programs: machine $(LIB_A) $B/imapd/imapd $B/ipopd/ipop3d

c-client/c-client.a: $(LIB_A)
imapd/imapd: $B/imapd/imapd
ipopd/ipop3d: $B/ipopd/ipop3d
$(PRODUCTS): FORCE
	@cmp -s $(filter $B/%,$^) $@ || cp -f $(filter $B/%,$^) $@

$(LIB_A): $(LIB_OBJ) $(if $(TRIPS),$(WHOLE)/c-client.a)
	rm -f $@
	$(if $(TRIPS),cp $(WHOLE)/c-client.a $@)
	$(AR) rcs $@ $(filter %.o,$^)

$B/imapd/imapd: $(IMAPD_OBJ) $(LIB_A)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o %.a,$^) $(LIBS)
$B/ipopd/ipop3d: $(IPOPD_OBJ) $(LIB_A)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o %.a,$^) $(LIBS)

$B/%.o: %.c | c-client/linkage.h
	@mkdir -p $(@D)
	$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

ifdef TRIPS
$(WHOLE)/c-client.a $(TEST_A) $(IMAPD_OBJ) $(IPOPD_OBJ): plain ;
plain:
	@$(MAKE) --no-print-directory TRIPS= programs $(TEST_A)
endif

# Only what the build words touch is compiled with them, and again when they
# change.
WORD_OBJ := $(patsubst %.c,$B/%.o,\
	$(shell grep -l '"c-client/base/build.h"' $(LIB_SRC)))
$(WORD_OBJ): ALL_CPPFLAGS += $(WORDS)
$(WORD_OBJ): $B/words
$(LIB_A) $B/imapd/imapd $B/ipopd/ipop3d: $B/words
$B/words: FORCE
	@mkdir -p $(@D)
	@echo "$(subst ",,$(WORDS))" | cmp -s - $@ || \
		echo "$(subst ",,$(WORDS))" >$@

# The installed interface: one object that holds what its functions need of the
# library.  Names that mail.h and rfc822.h don't have are hidden in it, so that
# a program may have them too.  (Of objects for link-time optimisation it can't
# be made.)
API_OBJ = $(API:%=$B/c-client/api/%.o)
OBJCOPY = objcopy
$(API_A): $(API_OBJ) $(LIB_A)
	$(CC) -nostdlib -r -o $(@:.a=.o) $(API_OBJ) $(LIB_A)
	$(OBJCOPY) --localize-hidden $(@:.a=.o)
	rm -f $@
	$(AR) rcs $@ $(@:.a=.o)

# The formats that programs can name, in the order of formats/drivers.c.
LINKAGE = mbox maildir unix dummy
c-client/linkage.h: Makefile
	@{ printf '%s\n' '/* SPDX-License-Identifier: Apache-2.0 */' \
		'/* Printed by make: the mailbox formats. */' \
		'#ifndef LINKAGE_H' '#define LINKAGE_H' '' \
		'#include "mail.h"' '' '#ifdef __cplusplus' 'extern "C" {' \
		'#endif' '#pragma GCC visibility push(default)' \
		$(LINKAGE:%='extern DRIVER %driver;') \
		'#pragma GCC visibility pop' '#ifdef __cplusplus' '}' \
		'#endif' '' '#endif'; } >$@
# What programs include in main().
$B/linkage.c: Makefile
	@mkdir -p $(@D)
	@printf 'mail_link(&%sdriver);\n' $(LINKAGE) >$@

# --- The lines that administrators know ---------------------------------------

$(TARGETS):
	@mkdir -p build
	@for word in $($@_WORDS) $(MAKEOVERRIDES); do \
		case $$word in \
		SSLTYPE=*|PASSWDTYPE=*|SSLDIR=*|SSLCERTS=*|SSLKEYS=*|MAILSPOOL=*|EXTRADRIVERS=*) \
			echo "$$word";; esac; done >build/words.mk
	@$(MAKE) --no-print-directory all
	@for dir in $$(sed -n 's/^\(SSLDIR\|SSLCERTS\|SSLKEYS\|MAILSPOOL\)=//p' \
		build/words.mk | sort -u); do test -d "$$dir" || \
		echo "warning: $$dir does not exist on this machine"; done

.DEFAULT:
	@echo "make: no target '$@'; valid: all $(TARGETS) install uninstall" \
		"deb run check stress booted bench lint cleanroom clean" >&2; \
		exit 2

# What the machine lacks, one line each with the Debian package.
HEADERS = openssl/crypto.h:libssl-dev sqlite3.h:libsqlite3-dev \
	lockfile.h:liblockfile-dev xxhash.h:libxxhash-dev \
	utf8proc.h:libutf8proc-dev seccomp.h:libseccomp-dev \
	crypt.h:libcrypt-dev \
	$(if $(filter 1,$(WITH_PAM)),security/pam_appl.h:libpam0g-dev)
machine: $B/machine
$B/machine: Makefile
	@mkdir -p $(@D); missing=0; \
	for pair in $(HEADERS); do \
		printf '#include <stddef.h>\n#include <%s>\n' "$${pair%%:*}" | \
		$(CC) -D_GNU_SOURCE -fsyntax-only -x c - 2>/dev/null || { missing=1; \
		echo "missing $${pair%%:*}: apt-get install $${pair#*:}" >&2; }; \
	done; test $$missing = 0
	@touch $@

# --- Installing ---------------------------------------------------------------

# What goes where, for install and for uninstall.
SBIN = $(DESTDIR)$(PREFIX)/sbin
MAN = $(DESTDIR)$(PREFIX)/share/man
SHARE = $(DESTDIR)$(PREFIX)/share/imapd
PROGRAMS = imapd/imapd ipopd/ipop3d $B/imapd-tls
PAGES = docs/imapd.8 docs/ipop3d.8 docs/imapd-tls.8 docs/imapd.conf.5
GUIDES = docs/CLIENTS docs/PACKAGE docs/SETUP docs/SSL docs/TROUBLE
SAMPLES = etc/acme-hook.sh etc/certbot-hook.sh etc/dehydrated-hook.sh \
	etc/fail2ban.conf etc/imapd-tls.cron etc/imapd-tls.service \
	etc/imapd-tls.timer etc/imapd-wait.service etc/imapd-wait.socket \
	etc/imapd-wait.xinetd etc/imapd.conf etc/imapd.socket etc/imapd.xinetd \
	etc/imapd@.service etc/inetd.conf etc/inetutils.conf \
	etc/ipop3d-wait.service etc/ipop3d-wait.socket etc/ipop3d.socket \
	etc/ipop3d@.service etc/services
SECTIONS = $(sort $(subst .,,$(suffix $(PAGES))))
# What is written is about /usr/local.
PLACED = sed 's,/usr/local/s\(bin\|hare\),$(PREFIX)/s\1,g'

install: all
	install -d $(SBIN) $(SECTIONS:%=$(MAN)/man%) $(SHARE) \
		$(DESTDIR)/etc/pam.d
	sed "s|^built_certs=.*|built_certs='$(SSLCERTS)'|; \
		s|^built_keys=.*|built_keys='$(SSLKEYS)'|" ssl/imapd-tls \
		>$B/imapd-tls
	install -m 755 $(PROGRAMS) $(SBIN)
	@set -e; for file in $(PAGES) $(GUIDES) $(SAMPLES); do \
		case $$file in \
		docs/*.[1-8]) to=$(MAN)/man$${file##*.} ;; \
		*) to=$(SHARE) ;; \
		esac; \
		$(PLACED) $$file >$B/placed; \
		install -m 644 $B/placed $$to/$${file##*/}; \
	done
	@for name in imap pop; do \
		test -e $(DESTDIR)/etc/pam.d/$$name || \
		install -m 644 etc/pam.d/$$name $(DESTDIR)/etc/pam.d/$$name; done

# Takes away what install has put there and nothing else: a PAM file that
# somebody has changed, configuration, certificates and mail stay.
uninstall:
	rm -f $(addprefix $(SBIN)/,$(notdir $(PROGRAMS))) \
		$(foreach page,$(notdir $(PAGES)),$(MAN)/man$(subst .,,$(suffix \
		$(page)))/$(page)) $(addprefix $(SHARE)/,$(notdir $(GUIDES) \
		$(SAMPLES)))
	test ! -d $(SHARE) || rmdir --ignore-fail-on-non-empty $(SHARE)
	@for name in imap pop; do \
		! cmp -s etc/pam.d/$$name $(DESTDIR)/etc/pam.d/$$name || \
		rm -f $(DESTDIR)/etc/pam.d/$$name; done

# The interface for other programs, and how to link with it.
LIBDIR = $(PREFIX)/lib
INCLUDEDIR = $(PREFIX)/include/c-client
API_HEADERS = c-client/c-client.h c-client/linkage.h c-client/mail.h \
	c-client/rfc822.h $B/linkage.c
API_LIBS = -lcrypto -lsqlite3 -llockfile -lxxhash -lutf8proc
install-dev: machine $(API_A) $(API_HEADERS)
	install -d $(DESTDIR)$(LIBDIR)/pkgconfig $(DESTDIR)$(INCLUDEDIR)
	install -m 644 $(API_A) $(DESTDIR)$(LIBDIR)
	install -m 644 $(API_HEADERS) $(DESTDIR)$(INCLUDEDIR)
	sed -e 's,^prefix=.*,prefix=$(PREFIX),' \
		-e 's,^libdir=.*,libdir=$(LIBDIR),' \
		-e 's,^includedir=.*,includedir=$(INCLUDEDIR),' \
		-e 's,^Libs:.*,& $(API_LIBS),' \
		c-client/libc-client.pc >$B/placed
	install -m 644 $B/placed \
		$(DESTDIR)$(LIBDIR)/pkgconfig/libc-client.pc
uninstall-dev:
	rm -f $(DESTDIR)$(LIBDIR)/$(notdir $(API_A)) \
		$(DESTDIR)$(LIBDIR)/pkgconfig/libc-client.pc \
		$(addprefix $(DESTDIR)$(INCLUDEDIR)/,$(notdir $(API_HEADERS)))
	test ! -d $(DESTDIR)$(INCLUDEDIR) || \
		rmdir --ignore-fail-on-non-empty $(DESTDIR)$(INCLUDEDIR)

# docs/PACKAGE.  From a copy, so that what was built here stays as it is.
DEB_BUILD_OPTIONS ?= nocheck parallel=$(shell getconf _NPROCESSORS_ONLN)
deb:
	@command -v dpkg-buildpackage >/dev/null || { echo "missing" \
		"dpkg-buildpackage: apt-get install build-essential debhelper" >&2; \
		exit 1; }
	rm -rf build/deb
	mkdir -p build/deb/imapd
	tar -cf - --exclude=./build --exclude=./tests --exclude=./.git . | \
		tar -xf - -C build/deb/imapd
	cd build/deb/imapd && rm -f $(PRODUCTS) && env -u MAKEFLAGS -u MFLAGS \
		-u MAKELEVEL -u MAKEOVERRIDES \
		DEB_BUILD_OPTIONS="$(DEB_BUILD_OPTIONS)" \
		dpkg-buildpackage -b -us -uc
	@rm -rf build/deb/imapd
	@ls build/deb/*.deb

# --- Tests ----------------------------------------------------------------------

# Tests of a protocol link its objects but main.o; the rest, the library alone.
IPOPD_TESTS = prelogin_pop pop_trans pop_line pop_update
$B/imapd.a: $(filter-out %/main.o,$(IMAPD_OBJ))
$B/ipopd.a: $(filter-out %/main.o,$(IPOPD_OBJ))
$B/testlib.a: $(TESTLIB_SRC:%.c=$B/%.o)
$B/imapd.a $B/ipopd.a $B/testlib.a:
	rm -f $@
	$(AR) rcs $@ $^

# Those that bring a drivers[] of their own.
MEMDRIVER_TESTS = $(patsubst tests/unit/%.c,%,\
	$(shell grep -l tests/lib/memdriver.h $(UNIT_SRC)))
UNIT_T = $(UNIT_SRC:%.c=$B/%.t)
$B/tests/unit/%.t: $B/tests/unit/%.o $(TEST_A) $(LIB_A)
	$(CC) $(ALL_LDFLAGS) -o $@ $< $(if \
		$(filter $*,$(MEMDRIVER_TESTS)),$(OTHERS)/tests/lib/memdriver.o) \
		$(OTHERS)/testlib.a $(OTHERS)/$(if \
		$(filter $*,$(IPOPD_TESTS)),ipopd,imapd).a \
		$(LIB_A) -lcmocka $(LIBS)

# Each harness twice: over its corpus by any compiler, and as a fuzzer.
REPLAY = $(filter-out %/standalone,$(FUZZ_SRC:%.c=$B/%))
$B/tests/fuzz/%: $B/tests/fuzz/%.o $B/tests/fuzz/standalone.o $B/imapd.a \
		$B/ipopd.a $(LIB_A)
	$(CC) $(ALL_LDFLAGS) -o $@ $< $B/tests/fuzz/standalone.o \
		$(if $(filter $*,$(IPOPD_TESTS)),$B/ipopd.a,$B/imapd.a) \
		$(LIB_A) $(LIBS)

# Programs that test scripts run.
$B/tests/lib/describe $B/tests/lib/echo_service: $B/tests/lib/%: \
		$B/tests/lib/%.o $B/testlib.a $(LIB_A)
	$(CC) $(ALL_LDFLAGS) -o $@ $< $B/testlib.a $(LIB_A) $(LIBS)
$B/tests/lib/pam_record.so: tests/lib/pam_record.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CPPFLAGS) $(CFLAGS) $(WARN) -fPIC -shared -o $@ $< -lpam

$B/tests/lib/passwd.so: tests/lib/passwd.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CPPFLAGS) $(CFLAGS) $(WARN) -fPIC -shared -o $@ $<

# As fuzzers: B and SAN as tests/fuzz/smoke.sh gives them.
$B/tests/fuzz/%.fuzz: $B/tests/fuzz/%.o $B/imapd.a $B/ipopd.a $(LIB_A)
	$(CC) $(ALL_LDFLAGS) -fsanitize=fuzzer -o $@ $< \
		$(if $(filter $*,$(IPOPD_TESTS)),$B/ipopd.a,$B/imapd.a) \
		$(LIB_A) $(LIBS)
fuzzers: $(REPLAY:%=%.fuzz)

build-units: programs $(UNIT_T) $(REPLAY)
build-tests: build-units trips $B/tests/lib/describe \
	$B/tests/lib/echo_service $B/tests/lib/pam_record.so \
	$B/tests/lib/passwd.so

# The servers with fault points, for those tests that want them; and a unit test
# for which pieces of a rewrite are short with them.
trips: programs $(TEST_A)
	@$(MAKE) --no-print-directory TRIPS=1 programs trips-unit
trips-unit: $B/tests/unit/mbox_change.t

# For those who type `make check`: on all processors.
PARALLEL = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell getconf \
	_NPROCESSORS_ONLN))

run:
	@sh tests/lib/run_demo.sh
check:
	@sh tests/lib/packages.sh check
	@$(MAKE) --no-print-directory $(PARALLEL) all build-tests
	@BUILD=$B sh tests/lib/check.sh
check-unit: build-units
	@BUILD=$B sh tests/lib/check.sh $B/tests/unit/*.t tests/fuzz/replay.t
stress: all trips $B/tests/lib/passwd.so
	@BUILD=$B tests/store/stress $(SECS)
bench: all
	@tests/bench/bench $(BENCH_MESSAGES)
	@tests/bench/growth $$(($(BENCH_MESSAGES) * 10))
	@tests/bench/sessions $(BENCH_SECS)
lint: c-client/linkage.h
	@sh tests/lib/lint.sh
booted: deb
	@tests/package/booted build/deb/imapd_*.deb
	@tests/package/acme build/deb/imapd_*.deb
cleanroom:
	@sh tests/lib/cleanroom.sh

clean:
	rm -rf build $(PRODUCTS) c-client/linkage.h

FORCE:
.PHONY: all programs machine install install-dev uninstall uninstall-dev deb \
	run check check-unit fuzzers bench lint cleanroom clean FORCE \
	build-tests build-units trips trips-unit stress booted $(TARGETS)
.SECONDARY:

-include $(wildcard $B/*/*.d $B/*/*/*.d)
