#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What is written about the servers is what they do: configuration keys and
their defaults, options, inetd lines, capabilities, limits, commands.  Prints
TAP."""

import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
count = failed = 0


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as f:
        return f.read()


def ok(good, what, detail=""):
    global count, failed
    count += 1
    failed += not good
    print("%sok %d - %s" % ("" if good else "not ", count, what))
    if not good and detail:
        print("# " + str(detail))


def same(a, b, what):
    ok(a == b and a, what, "%s against %s; only here %s, only there %s" % (
        a, b, sorted(set(a) - set(b)), sorted(set(b) - set(a))))


# The sample and the page have each key of the table once, in its order, with
# its default, range, words and reason.
table = re.search(r"struct config_key keys\[\] = \{(.*?)\n\};",
    read("c-client/base/config_keys.c"), re.S).group(1)
table = re.sub(r'"\s*\n\s*"', "", table)
rows = re.findall(r'\{ "(\w+)", (\w+), AT\(\w+\),\s+"([^"]*)",\s+(\w+),\s+'
    r'([\w *]+),\s+"([^"]*)",\s+"([^"]+)" \}', table)
keys = [row[0] for row in rows]
same(keys, re.findall(r'\{ "(\w+)"', table), "each row of config_keys.c is read")
sample = read("etc/imapd.conf")
same(re.findall(r"^#(\w+) =[ ]?(.*)$", sample, re.M),
    [(row[0], row[2]) for row in rows],
    "etc/imapd.conf has the keys and defaults of config_keys.c")
page = read("docs/imapd.8")
section = read("docs/imapd.conf.5")
section = section[section.index(".Sh KEYS"):section.index(".Sh FILES")]
entries = re.findall(r"^\.It Ic (\w+) No = (.*)\n((?:(?!\.It Ic ).*\n)+)",
    section, re.M)
same([entry[0] for entry in entries], keys,
    "imapd.conf(5) has the keys of config_keys.c in their order")
for row, (key, form, text) in zip(rows, entries):
    name, kind, standard, least, most, words, reason = row
    text = " ".join(text.split())
    ok("Default: .Li %s" % (standard or "empty") in text,
        "imapd.conf(5): the default of " + key, standard)
    ok("A reason to touch it: %s." % reason in text,
        "imapd.conf(5): the reason to touch " + key, reason)
    ok(all(re.search(r"\b%s\b" % word, form) for word in words.split()),
        "imapd.conf(5): the words of " + key, words)
    if kind == "CONFIG_NUMBER":
        limit = str(eval(most, {"DAY": 86400}))
        ok(limit in text and limit in sample and
            (least == "0" or "from %s to" % least in text),
            "both have the range of " + key, limit)

same(re.findall(r"^\.It Li ([\w-]+)$", section, re.M),
    re.findall(r'= \{ "([\w-]+)"', read("imapd/workarounds.c")),
    "imapd.conf(5) has the words of workarounds.c in their order")

# Options.
options = re.findall(r'\{ "--([a-z-]+)", (?:true|false),',
    read("c-client/server/arguments.c"))
for path in ("docs/imapd.8", "docs/ipop3d.8"):
    text = read(path)
    named = set(re.findall(r"(?:Fl -|\| -)([a-z][a-z-]*)", text))
    same(sorted(named), sorted(options), path + " has the options")

# The certificate tool: its page, its summary and what it takes.
tool = read("ssl/imapd-tls")
summary = tool[tool.index("usage() {"):tool.index("say() {")]
table = tool[tool.index("case $plain$arg in"):]
taken = set(re.findall(r"--([a-z]+)(?= \||\))", table)) - {"help"}
guide = read("docs/imapd-tls.8")
same(sorted(set(re.findall(r"^\.It Fl -(\w+)", guide, re.M)) - {"help"}),
    sorted(taken), "imapd-tls(8) has the options")
same(sorted(set(re.findall(r"--(\w+)", summary)) | {"passfile"}),
    sorted(taken), "its summary has the options")
commands = re.search(r"^([a-z |]+)\)\n\tfind_directories", tool, re.M)
same(re.findall(r"^\.It Cm (\w+)$", guide, re.M),
    commands.group(1).split(" | "), "imapd-tls(8) has the commands")
days = dict(re.findall(r"^(\w+)_DAYS=(\d+)$", tool, re.M))
for name in ("SELF", "SERVER", "RENEW"):
    ok(" %s\ndays" % days[name] in guide or "%s days" % days[name] in guide,
        "imapd-tls(8) has %s_DAYS" % name)
ok(re.search(r"^MAX_OCTETS=(\d+)$", tool, re.M).group(1) == "1048576" and
    re.search(r"BOUND_PEM_FILE\s+\(1024u \* 1024\)",
        read("c-client/base/bounds.h")), "imapd-tls has BOUND_PEM_FILE")

# The package is of the version that the programs say.
version = re.search(r'^#define VERSION\s+"(.*)"$',
    read("c-client/server/start.c"), re.M).group(1)
ok(read("debian/changelog").startswith("imapd (%s) " % version) and
    "imapd_%s_" % version in read("docs/PACKAGE"),
    "debian/changelog and docs/PACKAGE have the version of start.c")

# The lines of inetd are the same wherever they stand.
INETD = re.compile(r"^(?:imaps|pop3s|imap2|pop3)\tstream.*$", re.M)
lines = INETD.findall(read("README"))
ok(len(lines) == 4, "README has four inetd lines", lines)
same(sorted(INETD.findall(read("etc/inetd.conf"))), sorted(lines),
    "etc/inetd.conf has README's lines")
for path in ("docs/imapd.8", "docs/ipop3d.8", "docs/SETUP",
        "etc/inetutils.conf"):
    for line in re.findall(r"^(?:\t(?:\| )?)?(\w+\s+stream\s+tcp.*)$",
            read(path), re.M):
        # inetutils-inetd says tcp6 for both.
        line = line.replace("tcp6", "tcp")
        ok(line.split() in [x.split() for x in lines],
            path + " has a line of README's", line)

# What a row says, the page's STANDARDS name.
words = {"IDLE": "2177", "NAMESPACE": "2342", "ID": "2971", "CHILDREN": "3348",
    "IMAP4rev1": "3501", "UNSELECT": "3691", "UIDPLUS": "4315",
    "SASL-IR": "4959", "ENABLE": "5161", "LITERAL+": "7888",
    "LITERAL-": "7888", "STARTTLS": "2595", "LOGINDISABLED": "3501",
    "MOVE": "6851", "INPROGRESS": "9585"}
standards = page[page.index(".Sh STANDARDS"):]
for word in re.findall(r'\{ "([A-Za-z0-9+-]+)",\s*CAP_',
        read("imapd/command.c")):
    ok(word in words and "RFC " + words[word] in standards,
        "imapd(8) names the RFC of " + word)
pop = read("docs/ipop3d.8")
for word in re.findall(r'\{ "([A-Z-]+)[ a-zA-Z0-9]*", (?:true|false), ',
        read("ipopd/reply.c")):
    ok(word in pop or word == "USER", "ipop3d(8) names " + word)

# Numbers in prose that come from elsewhere.
bounds = dict(re.findall(r"^#define\s+(\w+)\s+(\d+)u$",
    read("c-client/base/bounds.h"), re.M))
ok("given %s times" % bounds["BOUND_LISTENERS"] in page,
    "imapd(8) has BOUND_LISTENERS")
for path, seconds in (("imapd/main.c", "1800"), ("ipopd/main.c", "600")):
    idle = re.search(r"\.idle_secs = ([0-9* ]+)", read(path)).group(1)
    value = 1
    for factor in idle.split("*"):
        value *= int(factor)
    ok(str(value) == seconds and seconds in section,
        "imapd(8) has the idle time of " + path, idle)

# Files that the guides name are there.
for path in ("README", "docs/ARCHITECTURE", "docs/TRUST", "docs/HACKING",
        "docs/SSL", "docs/SETUP", "docs/PACKAGE", "docs/CLIENTS",
        "docs/TROUBLE"):
    for name in re.findall(
            r"(?<![/\w])((?:etc|docs|tests|imapd|ipopd|ssl|c-client|base|store|mime|"
            r"server|formats|auth)/[\w./]*\w\.(?:c|h|py|sh|5|8|conf))\b",
            read(path)):
        there = [name, "c-client/" + name]
        if re.search(r"(cmd_name|NAME)\.c", name):
            continue
        ok(any(os.path.exists(os.path.join(ROOT, n)) for n in there),
            "%s: %s is there" % (path, name))

print("1..%d" % count)
sys.exit(failed != 0)
