#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Every capture of a folder through `analyze`, with the sanitizer build: `./dev captures`.

usage: captures.py ROLECALL FOLDER

Each capture is judged with the shipped site, by one worker and by two. Exit status 1 where a run crashed, took longer than
ten seconds, ended with a status above 4, reported something, or where the two outputs differ; 77 without captures.
"""
import os
import subprocess
import sys

SITE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "pcaps", "contoso.site.json")
SECONDS = 10


def run(rolecall, path, workers):
    command = [rolecall, "analyze", "--site", SITE, "--json", "--flows", "--workers", str(workers), path]
    return subprocess.run(command, capture_output=True, timeout=SECONDS, check=False)


def complaint(rolecall, path):
    """What is wrong with a capture's runs; None: nothing."""
    try:
        one, two = run(rolecall, path, 1), run(rolecall, path, 2)
    except subprocess.TimeoutExpired:
        return f"longer than {SECONDS} s"
    for done in one, two:
        if not 0 <= done.returncode <= 4:
            return f"exit status {done.returncode}\n{done.stderr.decode(errors='replace')[:2000]}"
        if b"Sanitizer" in done.stderr or b"runtime error" in done.stderr:
            return done.stderr.decode(errors="replace")[:2000]
    return None if one.stdout == two.stdout else "one worker and two say different things"


def main():
    rolecall, folder = sys.argv[1:3]
    paths = sorted(os.path.join(where, name) for where, _, names in os.walk(folder) for name in names if ".pcap" in name)
    if not paths:
        print(f"skipped: no captures in {folder} (set ROLECALL_CORPUS)")
        return 77
    bad = 0
    for path in paths:
        wrong = complaint(rolecall, path)
        if wrong:
            bad += 1
            print(f"{path}: {wrong}")
    print(f"{len(paths)} captures, {bad} with something wrong")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
