#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Captures replayed by corpus_replay: with other ports, cut, damaged, and their encrypted bytes as new flows.

The project's own pcaps/ are always replayed, the captures of $ROLECALL_CORPUS (a folder, with all its folders) where
it is set; without it the test says so and exits with 77. $ROLECALL_SEED repeats a run.
"""
import collections
import concurrent.futures
import os
import re
import subprocess
import sys
import time

REPLAY = os.environ["CORPUS_REPLAY"]
SOURCE = os.environ.get("ROLECALL_SOURCE", ".")
SEED = os.environ.get("ROLECALL_SEED") or str(int(time.time()))
SECONDS_MAX = 1500


def captures_in(folder):
    return sorted(os.path.join(path, name) for path, _, names in os.walk(folder) for name in names
                  if re.search(r"\.(p?cap(ng)?|dmp)(\.(gz|zst))?$", name))


def replay(mode, captures):
    try:
        return subprocess.run([REPLAY, mode, "--seed", SEED, *captures], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=SECONDS_MAX, check=False)
    except subprocess.TimeoutExpired as late:
        return subprocess.CompletedProcess(late.cmd, 1, (late.stdout or b"") + b"not done in time\n")


def add_table(tables, mode, output):
    """Takes the table of a share out of its output; what is left is to be shown."""
    rest = []
    for line in output.splitlines():
        words = line.split()
        if len(words) == 5 and all(word.isdigit() for word in words[1:]):
            tables[mode].setdefault(words[0], [0] * 4)
            tables[mode][words[0]] = [a + int(b) for a, b in zip(tables[mode][words[0]], words[1:])]
        elif not line.startswith(("protocol ", "0 offences")) and not re.match(r"(ports|cut|damage), seed", line):
            rest.append(line)
    return rest


def replay_all(captures):
    """All modes, each over shares of the captures side by side; invent needs them all at once. True: no offence."""
    shares = [share for i in range(8) if (share := captures[i::8])]
    jobs = [(mode, share) for mode in ("ports", "cut", "damage") for share in shares] + [("invent", captures)]
    clean, tables = True, collections.defaultdict(dict)
    print(f"{len(captures)} captures, seed {SEED}")
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for (mode, _), done in zip(jobs, pool.map(lambda job: replay(*job), jobs)):
            clean &= done.returncode == 0
            for line in add_table(tables, mode, done.stdout.decode("utf-8", "replace")):
                print(line)
            if done.returncode not in (0, 1):
                print(f"corpus_replay {mode} ended with {done.returncode}")
    for mode, table in tables.items():
        print(f"{mode:14} {'same':>10} {'weaker':>10} {'unidentified':>12} {'other':>8}")
        for name, figures in sorted(table.items()):
            print(f"{name:14} {figures[0]:10} {figures[1]:10} {figures[2]:12} {figures[3]:8}")
    return clean


def main():
    clean = replay_all(captures_in(os.path.join(SOURCE, "pcaps")))
    corpus = os.environ.get("ROLECALL_CORPUS", "")
    captures = captures_in(corpus) if corpus else []
    if captures:
        clean &= replay_all(captures)
    if not clean:
        return 1
    if not captures:
        print("only pcaps/: ROLECALL_CORPUS is not set, or there is no capture in it")
        return 77
    return 0


sys.exit(main())
