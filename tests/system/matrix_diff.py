#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""`matrix diff` against the matrix files themselves: every row of either side is accounted for once, a matrix is the same
as itself, both directions mirror each other, columns are aligned. $ROLECALL is the program. Exit 77: it is not given."""
import itertools
import json
import os
import pathlib
import re
import subprocess
import sys

if "ROLECALL" not in os.environ:
    sys.exit(77)
SOURCE = pathlib.Path(os.environ.get("ROLECALL_SOURCE", pathlib.Path(__file__).resolve().parents[2]))
MATRICES = ("lync-server-2013", "skype-for-business-server", "lync-server-2013-edge")
failures = []


def check(what, held):
    if not held:
        failures.append(what)


def diff(a, b):
    done = subprocess.run([os.environ["ROLECALL"], "matrix", "diff", a, b], capture_output=True, text=True, check=False)
    check(f"{a} {b}: status {done.returncode} {done.stderr}", done.returncode == 0 and not done.stderr)
    return done.stdout


def rows_of(matrix):
    return [row["row"] for row in json.loads((SOURCE / "rules" / f"{matrix}.json").read_text())["rows"]]


def groups(text):
    """Row ids by the first word of the heading they stand under."""
    found, heading = {"Added": [], "Removed": []}, ""
    for block in text.split("\n\n"):
        heading, *lines = block.split("\n")
        word = heading.split(":")[0]
        if word not in found or len(lines) < 2:
            continue
        starts = [match.start() for match in re.finditer(r"(?<=  )\S", lines[0])]
        for line in lines:
            check(f"not aligned: {line}", all(line[at - 1] == " " and (line + " ")[at] != " " for at in starts[:5]))
        found[word] += [line[starts[4]:].split()[0] for line in lines[1:]]
    return found


def main():
    for a, b in itertools.product(MATRICES, MATRICES):
        text = diff(a, b)
        same, added, removed, changed = map(int, re.search(r"(\d+) the same, (\d+) added, (\d+) removed, (\d+) changed", text).groups())
        found = groups(text)
        check(f"{a} {b}: rows of the first", same + removed + changed == len(rows_of(a)))
        check(f"{a} {b}: rows of the second", same + added + changed == len(rows_of(b)))
        check(f"{a} {b}: added", len(found["Added"]) == added and {f"{b}/{row}" for row in found["Added"]} <= set(rows_of(b)))
        check(f"{a} {b}: removed", len(found["Removed"]) == removed and {f"{a}/{row}" for row in found["Removed"]} <= set(rows_of(a)))
        check(f"{a} {b}: changed", text.count(" is now ") == changed)
        check(f"{a} {b}: the same matrix", a != b or (same, added, removed, changed) == (len(rows_of(a)), 0, 0, 0))
        if a < b:
            back = groups(diff(b, a))
            check(f"{a} {b}: the way back", back["Added"] == found["Removed"] and back["Removed"] == found["Added"])
    migration = groups(diff("lync-server-2013", "skype-for-business-server"))
    check("from Lync to Skype: the file share and the IPsec exemptions", migration["Added"] == ["server-ports/36", *(f"ipsec-exceptions/{i}" for i in range(1, 16))])
    print("\n".join(failures[:10]) or "matrix diff accounts for every row")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
