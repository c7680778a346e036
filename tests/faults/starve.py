#!/usr/bin/python3
"""Lets every allocation of a program fail in turn, and holds the program to it: status 1 and a sentence, or status 0
and the same answer as with all the memory that it wants; no signal, no waiting.

    starve.py LIBRARY MOST <cases        of each case at most so many allocations, spread over all of them

LIBRARY is that of tests/doubles/memory. A case is a line, "COMMAND <INPUT"; the answer is what it writes to standard
output and into files whose names begin with "made". Each allocation fails once by itself and, every other one, with
all that follow it."""
import glob
import os
import re
import subprocess
import sys

SECONDS = 60


def answer(command, given, **more):
    """Status, answer and what was said, and how many allocations there were."""
    for file in glob.glob("made*") + ["count"]:
        if os.path.exists(file):
            os.unlink(file)
    environment = dict(os.environ, LD_PRELOAD=sys.argv[1], STARVE_COUNT="count", **more)
    with open(given, "rb") as stdin:
        try:
            done = subprocess.run(command, stdin=stdin, capture_output=True, timeout=SECONDS, env=environment)
        except subprocess.TimeoutExpired:
            return None, b"", "it does not end", 0
    made = b"".join(open(file, "rb").read() for file in sorted(glob.glob("made*")))
    count = int(open("count").read() or 0) if os.path.exists("count") else 0
    return done.returncode, done.stdout + made, done.stderr.decode(errors="replace"), count


def wrong(command, expected, found):
    """What is wrong with an answer; None: nothing."""
    status, said, told, _ = found
    if status not in (0, 1):
        return "status %s" % status
    if status == 1 and not re.match("%s: .+\n" % command[0], told):
        return "status 1 without a sentence"
    return "status 0 with another answer" if status == 0 and said != expected else None


def main():
    most, runs, faults = int(sys.argv[2]), 0, 0
    for case in sys.stdin.read().splitlines():
        command, _, given = case.partition(" <")
        command, given = command.split(), given or "/dev/null"
        status, expected, told, count = answer(command, given, STARVE="0")
        if status != 0 or count == 0:
            sys.exit("%s: ends with %s after %d allocations: %s" % (case, status, count, told))
        step = max(1, count / most)
        for n in sorted({1 + int(i * step) for i in range(min(most, count))} | {count}):
            for more in ({}, {"STARVE_ON": "1"})[:1 + n % 2]:
                found = answer(command, given, STARVE=str(n), **more)
                runs += 1
                fault = wrong(command, expected, found)
                if fault:
                    faults += 1
                    print("%s: allocation %d of %d%s: %s: %s" % (
                        case, n, count, " and all that follow" if more else "", fault, found[2].strip()), flush=True)
    print("%d runs, %d faults" % (runs, faults))
    sys.exit(faults > 0)


main()
