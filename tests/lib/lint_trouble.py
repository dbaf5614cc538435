#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""docs/TROUBLE has an entry for each message that people see: lines of the log,
what the servers and `imapd --check` print, what clients show, what imapd-tls
says.  And each of its entries is a message that there is.

An entry's heading stands at the beginning of a line, and goes on where four
blanks stand in front; the explanation stands behind a tab.  In a heading a word
in capitals, or ..., stands for what differs.  `lint_trouble.py -l` prints all
messages.  Prints TAP."""

import glob
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
# What stands for something that differs.
ANY = "\x01"
CONVERSION = re.compile(r"%[-+ #0]*(?:\*|\d+)?(?:\.(?:\*|\d+))?"
    r"(?:hh|h|ll|l|z|j|t)?[diouxXcsp]")
# Calls in C whose format people get to see: which argument it is.
CALLS = {"log_line": 1, "fault_set": 2, "fault_errno": 1,
    "report_warning": 1, "report_failed": 1, "reply_no": 2, "reply_err": 2,
    "session_bye": 2, "prelogin_answer": 2, "complain": 2, "nag": 3}
# What a client has asked for and can't have is its own affair: in the log for
# debugging only (imapd/reply.c).
OWN_AFFAIRS = {"FAULT_" + x for x in ("NONE", "SYNTAX", "NOTFOUND", "EXISTS",
    "READONLY", "CANNOT", "BADNAME", "EXPUNGED", "CHARSET")}
ROOMS_OF_CLIENTS = ("c-client/store/", "c-client/formats/", "c-client/api/",
    "imapd/", "ipopd/")


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as f:
        return f.read()


def arguments(text, at):
    """The arguments of the call whose parenthesis opens at `at`."""
    depth, out, i = 0, [""], at
    while True:
        c = text[i]
        if c == '"':
            end = re.compile(r'"(?:[^"\\]|\\.)*"').match(text, i).end()
            out[-1] += text[i:end]
            i = end
            continue
        if c in "([{":
            depth += 1
        elif c in ")]}":
            depth -= 1
            if depth == 0:
                return [x.strip() for x in out]
        if c == "," and depth == 1:
            out.append("")
        elif not (c == "(" and i == at):
            out[-1] += c
        i += 1


def formats(argument):
    """The strings that an argument may be: literals and macros put together,
    or one of several behind a question mark."""
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', '""', argument)
    parts = (re.findall(r'(?:"(?:[^"\\]|\\.)*"\s*)+', argument)
        if "?" in bare else [argument])
    for part in parts:
        out = ""
        for text, name in re.findall(r'"((?:[^"\\]|\\.)*)"|([A-Za-z_]\w*)',
                part):
            out = (out[:-1] if name[:3] == "PRI" else out) + (ANY if name
                else text)
        if '"' in part:
            yield CONVERSION.sub(ANY, out.replace('\\"', '"').replace(
                "\\r\\n", "").replace("\\n", "").replace("%%", "%"))


def of_c(path):
    text = read(path)
    for name, index in CALLS.items():
        for m in re.finditer(r"\b%s\s*\(" % name, text):
            args = arguments(text, m.end() - 1)
            if len(args) <= index or args[0].startswith(("struct", "int ")):
                continue
            if name == "log_line" and args[0] == "LOG_DEBUG":
                continue
            if name == "fault_set" and args[1] in OWN_AFFAIRS and \
                    path.startswith(ROOMS_OF_CLIENTS):
                continue
            for shape in formats(args[index]):
                yield shape + (": " + ANY if name == "fault_errno" else "")
    if path in ("imapd/reply.c", "ipopd/reply.c"):
        for shape in re.findall(r"\{ (?:\[?FAULT_\w+\]? = \{ |FAULT_\w+, )"
                r'(?:"[^"]*"|NULL),\s*"([^"]*)"', text):
            yield shape
        for shape in re.findall(r'\[FAULT_\w+\] = \{ "[^"]*",\s*"([^"]*)"',
                text):
            yield shape
    for shape in re.findall(r'\{ STREAM_\w+, \w+,\s*"[^"]*", "([^"]*)"',
            text):
        yield shape
    for shape in re.findall(r'"\* BYE ([^"]*?)(?:\\r\\n)?"', text) + \
            re.findall(r'"-ERR ([^"]*?)(?:\\r\\n)?"', text):
        yield CONVERSION.sub(ANY, shape)


def shell_words(text, at):
    """The words of a command in shell up to its end, with what is filled in
    as ANY."""
    out, i = [""], at
    while i < len(text):
        c = text[i]
        if c == "\\" and text[i + 1] == "\n":
            i += 2
        elif c in " \t":
            if out[-1]:
                out.append("")
            i += 1
        elif c in "\n;&|}":
            break
        elif c == "'" :
            end = text.index("'", i + 1)
            out[-1] += text[i + 1:end]
            i = end + 1
        elif c == '"':
            i += 1
            while text[i] != '"':
                if text[i] == "\\":
                    out[-1] += text[i + 1]
                    i += 2
                elif text[i] == "$":
                    out[-1] += ANY
                    i = expansion(text, i)
                else:
                    out[-1] += text[i]
                    i += 1
            i += 1
        elif c == "$":
            out[-1] += ANY
            i = expansion(text, i)
        else:
            out[-1] += c
            i += 1
    return " ".join(x for x in out if x)


def expansion(text, i):
    """Where what $ begins ends."""
    m = re.compile(r"\$(\w+|[@*?$])").match(text, i)
    if m:
        return m.end()
    depth, quoted = 0, False
    i += 1
    while True:
        if text[i] in "({":
            depth += 1
        elif text[i] in ")}":
            depth -= 1
            if depth == 0:
                return i + 1
        i += 1


def of_shell(path):
    text = re.sub(r"(?m)^\s*#.*$", "", read(path))
    for m in re.finditer(r'(?m)(?:^|[\s{])(?:fail|warn|misused|say '
            r'"\t(?:FAILED|warning):)(?= |")', text):
        at = m.end()
        if "say" in m.group(0):
            at = text.index('"', m.start())
        shape = shell_words(text, at)
        yield re.sub(r"^\s*(FAILED|warning): ", "", shape)


def messages():
    """{message: a file that has it}, without those that say nothing."""
    out = {}
    for path in sorted(glob.glob(ROOT + "/c-client/*/*.c") +
            glob.glob(ROOT + "/ssl/*.c") + glob.glob(ROOT + "/imapd/*.c") +
            glob.glob(ROOT + "/ipopd/*.c")):
        path = os.path.relpath(path, ROOT)
        for shape in of_c(path):
            out.setdefault(shape, path)
    for shape in of_shell("ssl/imapd-tls"):
        out.setdefault(shape, "ssl/imapd-tls")
    return {re.sub(r"\s+", " ", k).strip(): v for k, v in out.items()
        if re.search(r"[A-Za-z]{3}", k.replace(ANY, ""))}


def headings(text):
    """Those of paragraphs that explain something behind a tab."""
    out = []
    for paragraph in text.split("\n\n"):
        lines = paragraph.strip("\n").split("\n")
        if not lines[-1].startswith("\t"):
            continue
        for line in lines:
            if line.startswith("    ") and out:
                out[-1] += " " + line.strip()
            elif line[:1].strip():
                out.append(line)
    return out


def pattern(heading):
    """A word in capitals is one word that differs; ... is anything, or
    nothing."""
    word = r"(?:[^\s%s]*%s\S*|[A-Z0-9]\S*)" % (ANY, ANY)
    parts = re.split(r"(\.\.\.|\b[A-Z][A-Z0-9_]+\b)", heading)
    return re.compile("".join(re.escape(x) if n % 2 == 0 else
        ".*" if x == "..." else word for n, x in enumerate(parts)), re.S)


def main():
    there = messages()
    if sys.argv[1:] == ["-l"]:
        for shape, path in there.items():
            print("%s: %s" % (path, shape.replace(ANY, "...")))
        return 0
    text = read("docs/TROUBLE")
    heads = headings(text)
    count = failed = 0
    patterns = [(x, pattern(x)) for x in heads]
    used = set()
    for shape, path in there.items():
        hits = {x for x, p in patterns if p.fullmatch(shape)}
        used |= hits
        if not hits:
            failed += 1
            print("not ok - docs/TROUBLE has no entry for (%s): %s" % (path,
                shape.replace(ANY, "...")))
        count += 1
    for n, head in enumerate(heads):
        if head in heads[:n]:
            failed += 1
            print("not ok - docs/TROUBLE has it twice: " + head)
        if head not in used:
            failed += 1
            print("not ok - docs/TROUBLE: nobody says: " + head)
    print("ok - %d messages, %d headings" % (count, len(heads)))
    return failed != 0


sys.exit(main())
