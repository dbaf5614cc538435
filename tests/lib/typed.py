# SPDX-License-Identifier: Apache-2.0
"""Documents whose lines are typed: the lines behind a tab in a section, a
terminal on which they are typed, and whether what a document says one sees is
what was seen."""

import os
import pty
import re

from tap import ROOT

# What is answered where somebody asks for a pass phrase or a password.
PASS = b"open sesame\n"
QUESTION = re.compile(rb"(pass phrase|password for user)[^\n]*: ?$")


def section(document, title):
    with open(os.path.join(ROOT, document)) as f:
        text = f.read()
    return re.search(r"(?ms)^" + re.escape(title) +
        r"\n-+\n(.*?)(?=^[^\n]+\n-{4,}\n|\Z)", text).group(1)


def typed(document, title):
    """The lines that stand behind a tab, without what one then sees."""
    return [line for line in re.findall(r"(?m)^\t(.*)$", section(document,
        title)) if not line.startswith("|")]


def seen(document, title):
    """What the section says one sees: each run of such lines as a pattern."""
    runs = re.findall(r"(?m)(?:^\t\|.*\n)+", section(document, title))
    return [re.compile(r"\s*".join(re.escape(line[3:]).replace(
        r"\.\.\.", r"[\s\S]*?") for line in run.splitlines()))
        for run in runs]


def at_a_terminal(lines, answer=PASS):
    """A shell on a terminal; whoever asks for a pass phrase gets it.  Returns
    what it said, and the status of each command: a line, or a here-document
    of several."""
    pid, fd = pty.fork()
    if pid == 0:
        os.environ.update(PS1="", PS2="", ENV="")
        os.execv("/bin/sh", ["sh"])
    said, statuses = b"", []
    os.write(fd, b"stty -echo\n")
    for n, command in enumerate(commands(lines)):
        # The status in the same line: what is typed ahead would be taken for
        # a pass phrase.
        first, *rest = command.split("\n", 1)
        os.write(fd, ("{ %s; }; echo \"<%d=$?>\"\n" % (first, n)
            if not rest else "%s\n%s\necho \"<%d=$?>\"\n" % (first, rest[0],
            n)).encode())
        end = re.compile(rb"<%d=(\d+)>" % n)
        answered = len(said)
        while not end.search(said):
            said += os.read(fd, 4096)
            if QUESTION.search(said[answered:]):
                os.write(fd, answer)
                answered = len(said)
        statuses.append(int(end.search(said).group(1)))
    os.close(fd)
    os.waitpid(pid, 0)
    return re.sub(r"<\d+=\d+>", "", said.decode(errors="replace").replace(
        "\r", "")), statuses


def commands(lines):
    """Lines with those of a here-document joined."""
    out, end = [], None
    for line in lines:
        if end is not None:
            out[-1] += "\n" + line
            end = None if line == end else end
        else:
            out.append(line)
            m = re.search(r"<<-?(\w+)", line)
            end = m and m.group(1)
    return out
