#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Recount a message's parts without any code of the servers.

As a module: parse_response() reads IMAP's parenthesized lists, recount()
compares a parsed BODYSTRUCTURE with the message's bytes, check_sections()
compares section ranges.  The walker here is written anew from RFC 2046 and
the conventions that c-client/mime/part.h states, and shares nothing with it.

As a program: mime_recount.py [DESCRIBE PATH...] runs the program DESCRIBE
(tests/lib/describe.c) on each file under the paths; prints TAP.  Without
arguments: $BUILD/tests/lib/describe, tests/data/structure, and the mail of
../shared/corpus where that lies beside the checkout.
"""
import copy
import os
import re
import subprocess
import sys


class ResponseError(Exception):
    pass


class Number(int):
    """A number as opposed to a string of digits."""


def parse_response(data, at=0):
    """One value of RFC 3501's response grammar at data[at]: list, bytes,
    Number, or None for NIL.  Returns (value, offset behind it).  Strict, but
    for the blank between the lists of a multipart, which there is not."""
    stack = []
    while True:
        c = data[at:at + 1]
        if c == b'(':
            stack.append([])
            at += 1
            continue
        if c == b')':
            if not stack:
                raise ResponseError('stray ) at %d' % at)
            value = stack.pop()
            if not value:
                raise ResponseError('empty list at %d' % at)
            at += 1
        elif c == b'"':
            m = re.compile(rb'"((?:[^"\\\r\n\0\x80-\xff]|\\["\\])*)"').match(
                data, at)
            if not m:
                raise ResponseError('bad quoted string at %d' % at)
            value = re.sub(rb'\\(.)', rb'\1', m.group(1))
            at = m.end()
        elif c == b'{':
            m = re.compile(rb'\{([1-9][0-9]*)\}\r\n').match(data, at)
            if not m:
                raise ResponseError('bad literal at %d' % at)
            n = int(m.group(1))
            value = data[m.end():m.end() + n]
            if len(value) != n or b'\0' in value:
                raise ResponseError('bad octets in literal at %d' % at)
            at = m.end() + n
        else:
            m = re.compile(rb'NIL|[0-9]+').match(data, at)
            if not m:
                raise ResponseError('unknown token at %d: %r'
                                    % (at, data[at:at + 20]))
            value = None if m.group() == b'NIL' else Number(m.group())
            at = m.end()
        if not stack:
            return value, at
        stack[-1].append(value)
        c = data[at:at + 1]
        if c == b' ':
            at += 1
            if data[at:at + 1] in (b')', b' '):
                raise ResponseError('stray blank at %d' % at)
        elif c == b'(':
            if not isinstance(value, list):
                raise ResponseError('no blank before list at %d' % at)
        elif c != b')':
            raise ResponseError('no blank at %d' % at)


# --- grammar of RFC 3501 section 9 ---------------------------------------

def need(cond, what):
    if not cond:
        raise ResponseError(what)


def is_string(v):
    return isinstance(v, bytes)


def is_nstring(v):
    return v is None or is_string(v)


def check_envelope(v):
    need(isinstance(v, list) and len(v) == 10, 'envelope: ten members')
    for i in (0, 1, 8, 9):
        need(is_nstring(v[i]), 'envelope: member %d no nstring' % i)
    for i in range(2, 8):
        need(v[i] is None or isinstance(v[i], list),
             'envelope: member %d no list' % i)
        group = False
        for a in v[i] or []:
            need(isinstance(a, list) and len(a) == 4, 'address: four members')
            need(all(is_nstring(x) for x in a), 'address: nstrings')
            if a[3] is None and a[2] is not None:
                need(not group, 'group in group')
                group = True
            elif a[3] is None:
                need(group, 'end of no group')
                group = False
        need(not group, 'group without end')


def check_params(v):
    if v is None:
        return
    need(isinstance(v, list) and len(v) % 2 == 0 and
         all(is_string(x) for x in v), 'bad parameters')


def check_tail(v):
    """disposition, language, location"""
    need(len(v) == 3, 'extension data: %d members' % len(v))
    if v[0] is not None:
        need(isinstance(v[0], list) and len(v[0]) == 2 and
             is_string(v[0][0]), 'bad disposition')
        check_params(v[0][1])
    need(is_nstring(v[1]) or all(is_string(x) for x in v[1]), 'language')
    need(is_nstring(v[2]), 'location')


def is_multipart(v):
    return isinstance(v[0], list)


def is_message(v):
    return v[0].upper() == b'MESSAGE' and v[1].upper() in (b'RFC822',
                                                           b'GLOBAL')


def check_body(v):
    """The shape of a BODYSTRUCTURE."""
    need(isinstance(v, list) and v, 'body: no list')
    if is_multipart(v):
        n = 0
        while n < len(v) and isinstance(v[n], list):
            check_body(v[n])
            n += 1
        need(len(v) == n + 5, 'multipart: %d members' % len(v))
        need(is_string(v[n]), 'multipart: subtype')
        check_params(v[n + 1])
        check_tail(v[n + 2:])
        return
    need(len(v) >= 7 and is_string(v[0]) and is_string(v[1]), 'body: type')
    check_params(v[2])
    need(is_nstring(v[3]) and is_nstring(v[4]) and is_string(v[5]) and
         isinstance(v[6], Number), 'body: fields')
    rest = v[7:]
    if is_message(v):
        need(len(rest) >= 3 and isinstance(rest[2], Number), 'message')
        check_envelope(rest[0])
        check_body(rest[1])
        rest = rest[3:]
    elif v[0].upper() == b'TEXT':
        need(rest and isinstance(rest[0], Number), 'text: lines')
        rest = rest[1:]
    need(len(rest) == 4 and is_nstring(rest[0]), 'body: extension data')
    check_tail(rest[1:])


# --- a walker of our own -------------------------------------------------

def header_end(msg, start, end):
    """Offset behind the empty line, or end."""
    if msg[start:start + 2] == b'\r\n':
        return start + 2
    if msg[start:start + 1] == b'\n':
        return start + 1
    m = re.compile(rb'\n\r?\n').search(msg, start, end)
    return m.end() if m else end


def lines_of(msg, start, end):
    """(offset, offset behind) of each line."""
    while start < end:
        lf = msg.find(b'\n', start, end)
        stop = end if lf < 0 else lf + 1
        yield start, stop
        start = stop


def before_line_end(msg, floor, at):
    """`at` without the line end in front of it, not below floor."""
    if at > floor and msg[at - 1:at] == b'\n':
        at -= 1
        if at > floor and msg[at - 1:at] == b'\r':
            at -= 1
    return at


def boundary_of(v):
    n = 0
    while isinstance(v[n], list):
        n += 1
    params = v[n + 1] or []
    for i in range(0, len(params), 2):
        if params[i].upper() == b'BOUNDARY':
            return params[i + 1].rstrip(b' \t\r\n')
    return b''


def is_ambiguous(v, around):
    """Has a multipart the boundary of one around it?  RFC 2046 does not say
    whose delimiters they are then, and nothing can be compared.  The same
    where one is the other with "--" behind."""
    if not is_multipart(v):
        return is_message(v) and is_ambiguous(v[8], around)
    own = boundary_of(v)
    if own and any(b in (own, own + b'--') or own == b + b'--'
                   for b in around):
        return True
    return any(is_ambiguous(x, around + ((own,) if own else ()))
               for x in v[:-5])


class Walker:
    """Splits at the boundaries that the BODYSTRUCTURE itself names, so that
    no header is interpreted here, and recounts what it says."""

    def __init__(self, msg, faults):
        self.msg = msg
        self.faults = faults
        self.ranges = {}        # section name -> (offset, length)
        self.covered = 0        # octets of leaves, headers, and between

    def fault(self, path, what):
        self.faults.append('[%s] %s' % ('.'.join(map(str, path)), what))

    def note(self, path, kind, start, end):
        name = '.'.join([str(n) for n in path] + ([kind] if kind else []))
        self.ranges[name] = (start, end - start)

    def message(self, path, v, start, end):
        """A message with header and all; path names the part it is in."""
        body = header_end(self.msg, start, end)
        self.note(path, 'HEADER', start, body)
        self.note(path, 'TEXT', body, end)
        self.covered += body - start
        if is_multipart(v):
            self.multipart(path, v, body, end)
        else:
            self.note(path + [1], 'MIME', start, body)
            self.leaf(path + [1], v, body, end)

    def numbered(self, path, v, start, end):
        """A part of a multipart: MIME header and body."""
        body = header_end(self.msg, start, end)
        self.note(path, 'MIME', start, body)
        self.covered += body - start
        end = max(body, end)
        if is_multipart(v):
            self.note(path, '', body, end)
            self.multipart(path, v, body, end)
        else:
            self.leaf(path, v, body, end)

    def leaf(self, path, v, start, end):
        self.note(path, '', start, end)
        if v[6] != end - start:
            self.fault(path, 'says %d octets, has %d' % (v[6], end - start))
        lines = self.msg.count(b'\n', start, end)
        if is_message(v):
            if v[9] != lines:
                self.fault(path, 'says %d lines, has %d' % (v[9], lines))
            self.message(path, v[8], start, end)
            return
        if v[0].upper() == b'TEXT' and v[7] != lines:
            self.fault(path, 'says %d lines, has %d' % (v[7], lines))
        self.covered += end - start

    def delimiters(self, boundary, start, end):
        """(line start, line end, closes) of each one that counts."""
        want = b'--' + boundary.rstrip()
        found = []
        for a, b in lines_of(self.msg, start, end):
            line = self.msg[a:b].rstrip(b' \t\r\n')
            if b - a > 1000 or line not in (want, want + b'--'):
                continue
            closes = line == want + b'--'
            found.append((a, b, closes))
            if closes:
                break
        return found

    def multipart(self, path, v, start, end):
        n = 0
        while isinstance(v[n], list):
            n += 1
        boundary = boundary_of(v)
        found = self.delimiters(boundary, start, end) if boundary else []
        opening = [d for d in found if not d[2]]
        if not opening:
            if n != 1:
                self.fault(path, 'has no part, %d told' % n)
                return
            # part.h: all of the body, or nothing before the closing one.
            at = found[0][0] if found else start
            stop = at if found else end
            self.note(path + [1], 'MIME', at, at)
            self.covered += (end - start) - (stop - at)
            self.leaf(path + [1], v[0], at, stop)
            return
        if n != len(opening):
            self.fault(path, 'has %d parts, %d told' % (len(opening), n))
            return
        self.covered += opening[0][0] - start          # preamble
        for i, (a, b, closes) in enumerate(found):
            self.covered += b - a                      # delimiter line
            if closes:
                self.covered += end - b                # epilogue
                break
            stop = found[i + 1][0] if i + 1 < len(found) else end
            last = before_line_end(self.msg, b, stop) \
                if i + 1 < len(found) else stop
            body = header_end(self.msg, b, stop)
            # A line end that is the header's own stays with it.
            self.covered += stop - max(last, body)
            self.numbered_in(path + [i + 1], v[i], b, stop, last)

    def numbered_in(self, path, v, start, stop, last):
        """The header may reach up to the delimiter, the body only to the
        line end before it."""
        body = header_end(self.msg, start, stop)
        if body <= last:
            self.numbered(path, v, start, last)
            return
        self.note(path, 'MIME', start, body)
        self.covered += body - start
        if is_multipart(v):
            self.note(path, '', body, body)
            self.multipart(path, v, body, body)
        else:
            self.leaf(path, v, body, body)


def recount(msg, bodystructure):
    """Compare a parsed BODYSTRUCTURE with the message (wire form).  Returns
    (faults, ranges): a list of sentences, and all sections by name with
    (offset, length)."""
    faults = []
    w = Walker(msg, faults)
    try:
        check_body(bodystructure)
    except ResponseError as e:
        return ['grammar: %s' % e], {}
    w.note([], '', 0, len(msg))
    if is_ambiguous(bodystructure, ()):
        return [], {}
    w.message([], bodystructure, 0, len(msg))
    if w.covered != len(msg):
        faults.append('parts, headers and delimiters are %d octets of %d'
                      % (w.covered, len(msg)))
    return faults, w.ranges


def check_sections(expected, told):
    """Compare section ranges; both map a name to (offset, length)."""
    faults = []
    for name in sorted(set(expected) | set(told)):
        if expected.get(name) != told.get(name):
            faults.append('section [%s]: %s told, %s counted'
                          % (name, told.get(name), expected.get(name)))
    return faults


# --- the program ---------------------------------------------------------

def wire_form(data):
    """Bare LF to CRLF, all else as it is."""
    return re.sub(rb'(?<!\r)\n', b'\r\n', data)


def described(program, data, *options):
    """What DESCRIBE says: (envelope, body, bodystructure, ranges)."""
    out = subprocess.run([program, *options], input=data, check=True,
                         stdout=subprocess.PIPE).stdout
    values, at = [], 0
    for word in (b'ENVELOPE ', b'BODY ', b'BODYSTRUCTURE '):
        need(out.startswith(word, at), 'no %r' % word)
        value, at = parse_response(out, at + len(word))
        need(out[at:at + 1] == b'\n', 'more behind %r' % word)
        values.append(value)
        at += 1
    ranges = {}
    for line in out[at:].decode().splitlines():
        m = re.fullmatch(r'\[(.*)\] (\d+) (\d+)', line)
        need(m, 'no section line: ' + line)
        ranges[m.group(1)] = (int(m.group(2)), int(m.group(3)))
    return values + [ranges]


def files_under(paths):
    for path in paths:
        if os.path.isfile(path):
            yield path
        for folder, names, files in os.walk(path):
            names.sort()
            for name in sorted(files):
                if not name.endswith('.expected') and name != 'README':
                    yield os.path.join(folder, name)


def check_file(program, path):
    with open(path, 'rb') as f:
        data = f.read()
    faults = []
    for msg, options in ((wire_form(data), []), (data, ['-r']),
                         (wire_form(data), ['-c', '7'])):
        try:
            env, _, structure, told = described(program, msg, *options)
            check_envelope(env)
        except ResponseError as e:
            return ['grammar: %s' % e]
        found, ranges = recount(msg, structure)
        faults += found
        if not found and ranges:
            faults += check_sections(ranges, told)
    return faults


TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))


def defaults():
    build = os.environ.get('BUILD', 'build/gcc-plain')
    corpus = os.path.join(os.path.dirname(TOP), 'shared', 'corpus')
    paths = [os.path.join(TOP, 'tests', 'data', 'structure')]
    for name in ('messages', 'lists', 'mbox'):
        if os.path.isdir(os.path.join(corpus, name)):
            paths.append(os.path.join(corpus, name))
    return os.path.join(TOP, build, 'tests', 'lib', 'describe'), paths


def notices_lies(program):
    """Would a wrong number be seen?  Change each one in turn."""
    msg = (b'Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n'
           b'one\r\ntwo\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n'
           b'A: b\r\n\r\nthree\r\n--b--\r\n')
    good = described(program, msg)[2]
    if recount(msg, good)[0]:
        return False
    for path in ((0, 6), (0, 7), (1, 6), (1, 9), (1, 8, 6), (1, 8, 7)):
        bad = copy.deepcopy(good)
        inner = bad
        for i in path[:-1]:
            inner = inner[i]
        inner[path[-1]] = Number(inner[path[-1]] + 1)
        if not recount(msg, bad)[0]:
            return False
    del good[1]
    return bool(recount(msg, good)[0])


def main():
    if len(sys.argv) == 2:
        sys.exit('usage: mime_recount.py [DESCRIBE PATH...]')
    program, paths = defaults() if len(sys.argv) == 1 else \
        (sys.argv[1], sys.argv[2:])
    number, bad = 1, not notices_lies(program)
    print('%sok 1 - a wrong number or a missing part is noticed'
          % ('not ' if bad else ''))
    for path in files_under(paths):
        number += 1
        faults = check_file(program, path)
        bad += bool(faults)
        print('%sok %d - %s' % ('not ' if faults else '', number,
                                os.path.basename(path)))
        for fault in faults[:10]:
            print('# ' + fault)
    print('1..%d' % number)
    sys.exit(bad > 0 or number == 1)


if __name__ == '__main__':
    main()
