#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Floods: a packet of somebody who wants the monitor to work hard costs at most twice what an ordinary one does.

Captures of one kind of packet each (tests/support/make_floods.c) are judged under callgrind, which counts instructions:
the same on every machine. What N more packets add, divided by N, is the cost of one. Ordinary are conversations of
every protocol in flows as short as a flood's (the bench's `many`: four packets each), whole datagrams of three parts for
fragments, and for pairs, each of which ends in an event, pairs that negotiate and go on. Findings are told once each, so
that a scan is measured when there is no room for more of them. The second N packets may cost a fifth more than the
first: what grows with every packet would show.

$ROLECALL, $MAKE_FLOODS and $MAKE_BENCH are the programs. Exit 77: one is not given, valgrind is missing, or the program
has sanitizers in it. `floods.py KIND...` measures these only.
"""
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(os.environ.get("ROLECALL_SOURCE", pathlib.Path(__file__).resolve().parents[2]))
N, FULL = 4000, 16000
TIMES_MAX, GROWS_MAX = 2.0, 1.2

# kind: (the ordinary kind it is compared with, packets before those that are measured)
FLOODS = {
    "one-packet-flows": ("many", N),
    "syns": ("many", N),
    "listeners": ("many", N),
    "strangers": ("many", N),
    "esp-numbers": ("many", N),
    "icmp-errors": ("many", N),
    "colliding-flows": ("many", N),
    "port-scan": ("many", FULL),
    "pairs": ("whole-pairs", N),
    "fragments-first": ("whole-datagrams", N),
    "fragments-of-one-sender": ("whole-datagrams", N),
    "fragments-tiny": ("whole-datagrams", N),
}
PACKETS_OF_A_PAIR = 8  # of whole-pairs: a pair of a flood has one


def instructions(folder, kind, packets):
    path = folder / f"{kind}-{packets}.pcap"
    if kind == "many":
        make = [os.environ["MAKE_BENCH"], kind, path, str(packets), str(packets // 4)]
    else:
        make = [os.environ["MAKE_FLOODS"], kind, path, str(packets)]
    subprocess.run(make, check=True, stderr=subprocess.DEVNULL)
    site = folder / "bench.json" if kind == "many" else SOURCE / "pcaps/contoso.site.json"
    run = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", os.environ["ROLECALL"],
                          "analyze", "--workers", "1", "--json", "--site", site, path],
                         capture_output=True, text=True, check=False)
    path.unlink()
    found = re.search(r"Collected : (\d+)", run.stderr)
    return int(found[1]) if found and '"rolecall.stats"' in run.stdout else None


def costs(folder, kind, before):
    """Of one packet: among the first N after `before`, and among the second."""
    counts = [instructions(folder, kind, before + i * N) for i in range(3)]
    unit = PACKETS_OF_A_PAIR if kind == "whole-pairs" else 1
    return [(counts[i + 1] - counts[i]) * unit / N for i in range(2)]


def main():
    programs = [os.environ.get(name, "") for name in ("ROLECALL", "MAKE_FLOODS", "MAKE_BENCH")]
    if not all(programs) or not shutil.which("valgrind"):
        sys.exit(77)
    chosen, failures = sys.argv[1:] or list(FLOODS), 0
    with tempfile.TemporaryDirectory() as name, concurrent.futures.ThreadPoolExecutor(2) as pool:
        folder = pathlib.Path(name)
        subprocess.run([programs[2], "site", folder / "bench.json"], check=True)
        if instructions(folder, "fragments-tiny", 10) is None:
            sys.exit(77)  # a sanitizer and valgrind do not go together
        kinds = {kind: FLOODS[kind][1] for kind in chosen}
        kinds.update((FLOODS[kind][0], N) for kind in chosen)
        measured = dict(zip(kinds, pool.map(lambda kind: costs(folder, kind, kinds[kind]), kinds)))
        for kind in kinds:
            first, second = measured[kind]
            ordinary = measured[FLOODS[kind][0]][0] if kind in FLOODS else None
            words = "ordinary" if not ordinary else f"{second / ordinary:5.2f} times {FLOODS[kind][0]}"
            bad = ordinary and (second > TIMES_MAX * ordinary or second > GROWS_MAX * first)
            failures += bool(bad)
            print(f"{kind:26} {first:9.0f} {second:9.0f} instructions a packet, {words}" + ("  TOO MUCH" if bad else ""))
    print(f"{failures} of {len(chosen)} floods cost too much")
    sys.exit(failures > 0)


if __name__ == "__main__":
    main()
