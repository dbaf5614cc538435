# SPDX-License-Identifier: Apache-2.0
"""A mailbox file as other mail programs read it: written from what mutt and
the others do, and independent of the servers."""

import re

DAYS = rb"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
MONTHS = rb"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
SEPARATOR = re.compile(rb"^From [^\n]*" + DAYS + rb" " + MONTHS
    + rb" [ 0-3][0-9] [0-2][0-9]:[0-5][0-9](?::[0-6][0-9])?"
    rb"(?: [A-Z]{1,5}| [+-][0-9]{4})? [12][0-9]{3}[^\n]*\n", re.M)


def split(data):
    """[(separator, message)] of a mailbox file: a separator's line has a
    date and stands at the beginning or behind an empty line; that line is no
    part of the message in front of it.  What comes before the first one is
    a message without a separator."""
    at = [m for m in SEPARATOR.finditer(data)
        if m.start() == 0 or data[:m.start()].endswith(b"\n\n")
        or data[:m.start()].endswith(b"\r\n\r\n")]
    out = []
    if data and (not at or at[0].start() > 0):
        out.append((b"", data[:at[0].start() if at else None]))
    for n, m in enumerate(at):
        end = at[n + 1].start() if n + 1 < len(at) else len(data)
        text = data[m.end():end]
        if text.endswith(b"\n"):
            text = text[:-1]
        out.append((m.group(0), text))
    return out


def header(message, name):
    """The value of the first such header line, or None."""
    head = message.split(b"\n\n")[0]
    m = re.search(rb"^" + name + rb":[ \t]*(.*)$", head, re.M | re.I)
    return m.group(1) if m else None


def is_internal(message):
    """The message in which mail programs keep facts about the file."""
    return (header(message, b"X-IMAP") is not None
        and b"FOLDER INTERNAL DATA" in (header(message, b"Subject") or b""))


def messages(data):
    """The messages that a reader is shown."""
    return [text for _, text in split(data) if not is_internal(text)]
