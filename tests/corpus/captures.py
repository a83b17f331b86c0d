#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Every capture of a folder through `analyze`, with the sanitizer build: `./dev captures`.

usage: captures.py ROLECALL PLAIN FOLDER [--cuts N|all] [--seed S] [--passes whole,cut,changed]

ROLECALL is the sanitizer build, PLAIN one without, whose memory is measured. Each capture is judged with the shipped site:
whole, by one worker and by two; cut short after a multiple of 7 bytes, at N places spread over the file (default 8) or at all
of them; and with one byte in a hundred changed at random. Packed ones are unpacked first, so that what is cut and changed is
the capture. Exit status 1 where a run crashed, took longer than ten seconds, ended with a status above 4, reported something,
exceeded the memory ceiling that it printed, or where the outputs of one worker and of two differ; 77 without captures.
"""
import argparse
import collections
import gzip
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile

SITE = pathlib.Path(__file__).resolve().parents[2] / "pcaps" / "contoso.site.json"
SECONDS, STEP, CHANGED_PER_CENT = 10, 7, 1


def analyze(rolecall, *arguments):
    return subprocess.run([rolecall, "analyze", "--site", SITE, *arguments], capture_output=True, timeout=SECONDS, check=False)


def complaint_of(run):
    if not 0 <= run.returncode <= 4:
        return f"exit status {run.returncode}\n{run.stderr.decode(errors='replace')[:2000]}"
    if b"Sanitizer" in run.stderr or b"runtime error" in run.stderr:
        return run.stderr.decode(errors="replace")[:2000]
    return None


def events(rolecall, path, workers):
    return analyze(rolecall, "--json", "--flows", "--workers", str(workers), path)


def judge_whole(rolecall, path):
    one, two = events(rolecall, path, 1), events(rolecall, path, 2)
    wrong = complaint_of(one) or complaint_of(two)
    return wrong or (None if one.stdout == two.stdout else "one worker and two say different things")


def judge_memory(plain, path, most):
    """The largest resident set of a run, as the kernel knows it, against the ceiling that the run prints."""
    measure = ("import resource, subprocess, sys; run = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL); "
               "print('peak', resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr); sys.exit(run.returncode)")
    run = subprocess.run([sys.executable, "-c", measure, plain, "analyze", "-v", "--site", SITE, path],
                         capture_output=True, timeout=SECONDS, check=False, text=True, errors="replace")
    ceiling, peak = re.search(r"at most ([0-9.,]+) MiB", run.stderr), re.search(r"peak (\d+)", run.stderr)
    if not ceiling and run.returncode == 3:
        return None  # it could not be read at all
    if not ceiling or not peak:
        return f"no ceiling, or no peak: {run.stderr[:300]}"
    most[0] = max(most[0], int(peak[1]) / 1024)
    most[1] = max(most[1], float(ceiling[1].replace(",", "")))
    return None if int(peak[1]) / 1024 <= float(ceiling[1].replace(",", "")) else f"{run.stderr[:300]}"


def cut_places(size, cuts):
    places = range(0, size, STEP)
    if cuts == "all" or len(places) <= int(cuts):
        return places
    return [places[len(places) * (i + 1) // (int(cuts) + 1)] for i in range(int(cuts))]


def changed(data, generator):
    data = bytearray(data)
    for _ in range(max(1, len(data) * CHANGED_PER_CENT // 100)):
        data[generator.randrange(len(data))] = generator.randrange(256)
    return bytes(data)


def pieces(path, options):
    """What else of a capture is judged: (pass, words about it, bytes)."""
    data = path.read_bytes()
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    if "cut" in options.passes:
        for place in cut_places(len(data), options.cuts):
            yield "cut", f"cut after {place} bytes", data[:place]
    if "changed" in options.passes and data:
        seed = f"{options.seed}:{path.name}"
        yield "changed", f"changed with seed {seed}", changed(data, random.Random(seed))


def check(options, path, counts, most):
    """Complaints about one capture."""
    def guarded(what, judge, *arguments):
        counts[what.split()[0]] += 1
        try:
            wrong = judge(*arguments)
        except subprocess.TimeoutExpired:
            wrong = f"longer than {SECONDS} s"
        return [f"{path}, {what}: {wrong}"] if wrong else []

    found = []
    if "whole" in options.passes:
        found += guarded("whole", judge_whole, options.rolecall, path)
        found += guarded("memory", judge_memory, options.plain, path, most)
    with tempfile.NamedTemporaryFile(suffix=".pcap") as file:
        for _, what, data in pieces(path, options):
            file.seek(0)
            file.truncate()
            file.write(data)
            file.flush()
            found += guarded(what, lambda: complaint_of(events(options.rolecall, file.name, 1)))
    return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("rolecall")
    parser.add_argument("plain")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--cuts", default="8")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--passes", default="whole,cut,changed", type=lambda words: words.split(","))
    options = parser.parse_args()
    paths = sorted(path for path in options.folder.rglob("*") if ".pcap" in path.name and path.is_file())
    if not paths:
        print(f"skipped: no captures in {options.folder} (set ROLECALL_CORPUS)")
        return 77
    bad, counts, most = 0, collections.Counter(), [0, 0]
    print(f"seed {options.seed}", flush=True)
    for path in paths:
        for complaint in check(options, path, counts, most):
            bad += 1
            print(complaint, flush=True)
    print(f"{len(paths)} captures: {counts['whole']} whole, {counts['cut']} cut, {counts['changed']} changed; "
          f"peak memory {most[0]:.0f} MiB, printed ceiling {most[1]:.0f} MiB; {bad} with something wrong")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
