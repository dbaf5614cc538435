# SPDX-License-Identifier: Apache-2.0
"""TAP output for test scripts, and waiting for events.

Must not know anything about mail.  A script calls run(main): an exception
becomes a failed test, the plan is printed at the end, and a watchdog ends a
script that hangs.
"""

import faulthandler
import os
import shutil
import sys
import time
import traceback

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
# How long an event may be in coming.  It only bounds what fails: a machine
# that builds something beside may let a process wait for many seconds.
WAIT_SECS = 60


class Tap:
    """Counts results; one object a script, `tap` below."""

    def __init__(self):
        self.count = 0
        self.failed = 0

    def ok(self, good, name, diag=None):
        """One result; `diag` is printed only where it is bad."""
        self.count += 1
        name = str(name).replace("#", "no.").replace("\n", " ")
        print("%sok %d - %s" % ("" if good else "not ", self.count, name))
        if not good:
            self.failed += 1
            if diag is not None:
                self.diag(diag)
        sys.stdout.flush()
        return bool(good)

    def equal(self, got, want, name):
        return self.ok(got == want, name,
            "got:  %.900r\nwant: %.900r" % (got, want))

    def skip(self, name, why):
        """A result that could not be had here; .ci/run fails on these."""
        self.count += 1
        print("ok %d - %s # SKIP %s" % (self.count, name, why))
        sys.stdout.flush()

    def diag(self, text):
        for line in str(text).splitlines():
            print("# " + line)
        sys.stdout.flush()

    def done(self):
        print("1..%d" % self.count)
        sys.stdout.flush()
        return 1 if self.failed else 0


tap = Tap()


def skip_all(why):
    """Ends a script none of whose tests can be run here."""
    print("1..0 # SKIP " + why)
    sys.stdout.flush()
    sys.exit(0)


def watchdog(secs):
    """Ends the script with a traceback after `secs`; 0 calls that off (it
    must be off while the script forks and goes on in the child)."""
    if secs:
        faulthandler.dump_traceback_later(secs, exit=True)
    else:
        faulthandler.cancel_dump_traceback_later()


def run(main, secs=900):
    """Runs main() and exits.  Atexit handlers (servers' ends) are run."""
    faulthandler.enable()
    watchdog(secs)
    try:
        main()
    except SystemExit:
        raise
    except BaseException:   # also KeyboardInterrupt: the plan is printed
        tap.ok(False, "no exception in the script", traceback.format_exc())
    watchdog(0)
    sys.exit(tap.done())


def wait_for(what, probe, secs=WAIT_SECS):
    """Waits until probe() is true and returns its value; fails loudly.  Who has
    waited for long looks less often: looking is work that others wait for."""
    start = time.monotonic()
    while True:
        got = probe()
        if got:
            return got
        waited = time.monotonic() - start
        if waited > secs:
            raise TimeoutError("waited %d s for %s" % (secs, what))
        time.sleep(min(max(0.005, waited / 8), 0.1))


def remove_tree(path):
    """Removes a directory in which a session that has just been left may
    still be putting its index away."""
    def gone():
        shutil.rmtree(path, ignore_errors=True)
        return not os.path.lexists(path)
    wait_for("the removal of " + path, gone)


def rest(work, secs):
    """Waits until nothing of what work() tells changes for `secs`, and
    returns True; False where that is never so.  For what must sleep: one
    that wakes up by itself within `secs` is never found at rest, one that a
    busy machine has kept from finishing what it was doing is."""
    for _ in range(WAIT_SECS // secs):
        before = work()
        time.sleep(secs)
        if work() == before:
            return True
    return False


def have(*programs):
    """The names of those programs that are not installed."""
    dirs = os.environ.get("PATH", "").split(":") + ["/usr/sbin", "/sbin"]
    return [p for p in programs
        if not any(os.access(os.path.join(d, p), os.X_OK) for d in dirs)]


def need(*programs):
    """Skips the script where a program is missing."""
    missing = have(*programs)
    if missing:
        skip_all("not installed: " + " ".join(missing))
