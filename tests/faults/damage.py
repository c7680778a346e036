#!/usr/bin/python3
"""Damages streams, and holds their readers to it: no status 0 with another answer than that of the whole stream, or
without a word; no signal; no waiting; and a sentence wherever the status is not 0.

    damage.py BITS OTHERS <cases        of each case: flips so many bits at its beginning, makes as many other changes

A case is a line, "FILE: COMMAND <INPUT": FILE is what is damaged, in a folder that has copies of all the files of the
present one; the answer is what COMMAND writes to standard output and into the file "drawn.png"."""
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile

HEAD, TAIL, SECONDS = 200, 60, 20


def flip(data, bit):
    data[bit // 8] ^= 1 << bit % 8


def changes(whole, bits, others):
    """Pairs: what is done, and the bytes that come of it. Of the first bytes each bit, or as many as are asked for;
    elsewhere a sample, by turns of all kinds of change."""
    chance = random.Random(len(whole))
    size, first = len(whole), range(8 * min(HEAD, len(whole)))
    for bit in first if bits >= len(first) else sorted(chance.sample(first, bits)):
        data = bytearray(whole)
        flip(data, bit)
        yield "bit %d of byte %d" % (bit % 8, bit // 8), data
    for turn in range(others):
        data = bytearray(whole)
        # Half of it at the end, where what proves a stream stands.
        place = chance.randrange(size) if turn % 2 else size - 1 - chance.randrange(min(TAIL, size))
        far, some = chance.randrange(size), chance.randrange(1, 20)
        kind = ["flip", "cut", "lose", "repeat", "insert", "zero", "flip twice"][turn // 2 % 7]
        if kind == "cut":
            del data[place:]
        elif kind == "lose":
            del data[place:place + some]
        elif kind == "repeat":
            data[place:place] = data[far:far + some]
        elif kind == "insert":
            data[place:place] = chance.randbytes(some)
        elif kind == "zero":
            data[place:place + some] = bytes(len(data[place:place + some]))
        else:
            flip(data, 8 * place + chance.randrange(8))
            if kind == "flip twice":
                flip(data, 8 * far + chance.randrange(8))
        if data != whole:
            yield "%s at byte %d, %d, %d" % (kind, place, far, some), data


def answer(command, given):
    """Status, answer and what was said."""
    if os.path.exists("drawn.png"):
        os.unlink("drawn.png")
    with open(given, "rb") as stdin:
        try:
            done = subprocess.run(command, stdin=stdin, capture_output=True, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            return None, b"", "it does not end"
    drawn = b""
    if os.path.exists("drawn.png"):
        with open("drawn.png", "rb") as file:
            drawn = file.read()
    return done.returncode, done.stdout + drawn, done.stderr.decode(errors="replace")


def wrong(command, expected, found):
    """What is wrong with an answer; None: nothing."""
    status, said, told = found
    if status is None or status < 0 or status not in (0, 1, 2, 3):
        return "status %s" % status
    if status != 0 and not re.match("%s: .+\n" % command[0], told):
        return "status %d without a sentence" % status
    if re.search("[\x00-\x09\x0b-\x1f\x7f]", told):
        return "a control character is told"
    if status != 0 or said == expected:
        return None
    if "status" in command:  # it tells in what state a run is, and 0 means only that it told
        state = said.decode().splitlines()[1].split("\t")[1]
        return None if state in ("torn", "empty", "unreadable") else "it is said to be " + state
    return None if "nothing proves" in told else "status 0 with another answer"


def main():
    bits, others = map(int, sys.argv[1:])
    cases, faults, runs, refused = sys.stdin.read().splitlines(), 0, 0, 0
    home = os.getcwd()
    for case in cases:
        name, command = case.split(": ", 1)
        command, _, given = command.partition(" <")
        with tempfile.TemporaryDirectory(dir=home) as folder:
            for file in os.scandir(home):
                if file.is_file():
                    os.symlink(file.path, os.path.join(folder, file.name))
            os.chdir(folder)
            command, given = command.split(), given or "/dev/null"
            status, expected, told = answer(command, given)
            if status != 0:
                sys.exit("%s: ends with %s: %s" % (case, status, told))
            with open(name, "rb") as file:
                whole = file.read()
            os.unlink(name)
            for what, data in changes(whole, bits, others):
                with open(name, "wb") as file:
                    file.write(data)
                found = answer(command, given)
                runs, refused = runs + 1, refused + (found[0] == 3)
                fault = wrong(command, expected, found)
                if fault:
                    faults += 1
                    shutil.copy(name, os.path.join(home, "fault%d" % faults))
                    print("fault%d: %s: %s: %s: %s" % (faults, case, what, fault, found[2].strip()), flush=True)
            os.chdir(home)
    print("%d runs, %d with status 3, %d faults" % (runs, refused, faults))
    sys.exit(faults > 0)


main()
