#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Replays every capture of tests/data/crashes: each found something wrong once, and has its line in INDEX. Judged with
and without a site, by one worker and by two. $ROLECALL is the program (the sanitizer build finds
more). Exit 77: it is not given."""
import os
import pathlib
import subprocess
import sys

SOURCE = pathlib.Path(os.environ.get("ROLECALL_SOURCE", pathlib.Path(__file__).resolve().parents[2]))
CRASHES, SITE = SOURCE / "tests/data/crashes", SOURCE / "pcaps/contoso.site.json"


def main():
    if "ROLECALL" not in os.environ:
        sys.exit(77)
    captures = sorted(path for path in CRASHES.iterdir() if path.name != "INDEX")
    index = (CRASHES / "INDEX").read_text().splitlines()
    problems = [f"{path.name} has no line in INDEX" for path in captures if path.name not in index]
    for path in captures:
        told = []
        for options in (["--site", SITE], ["--site", SITE, "--workers", "2"], []):
            run = subprocess.run([os.environ["ROLECALL"], "analyze", "--json", "--flows", *options, path],
                                 capture_output=True, timeout=30, check=False)
            told.append(run.stdout)
            if not 0 <= run.returncode <= 4 or b"Sanitizer" in run.stderr or b"runtime error" in run.stderr:
                problems.append(f"{path.name} {options}: exit status {run.returncode}\n{run.stderr[-2000:].decode(errors='replace')}")
        if told[0] != told[1]:
            problems.append(f"{path.name}: one worker and two say different things")
    print("\n".join(problems) or f"{len(captures)} captures replayed")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
