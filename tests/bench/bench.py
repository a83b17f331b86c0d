# SPDX-License-Identifier: BSD-2-Clause
"""Measures rolecall beside two yardsticks and whatever peers are installed: `./dev bench`, docs/PERFORMANCE.md.

Every figure comes from runs taken in turn: in each round each program reads the capture once, ratios are made within
the round, and the median of the rounds' ratios is printed. Costs are CPU seconds, user and system together; only
workers are compared by the clock. Nothing here passes or fails: figures of another machine are other figures.
"""

import argparse
import hashlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile

from live import bench_live

SHAPES = {"mix": (2000000, 20000), "media": (4000000, 2000), "many": (4000000, 1000000), "worst": (4000000, 500000)}
TARGETS = {"mix": 1.2, "media": 1.3, "many": 1.2, "worst": 1.0}
PEERS = {
    "ndpiReader": ["ndpiReader", "-q", "-i", "{file}"],
    "tshark": ["tshark", "-q", "-n", "-z", "io,phs", "-r", "{file}"],
    "argus": ["argus", "-X", "-r", "{file}", "-w", "/dev/null"],
    "nfpcapd": ["nfpcapd", "-r", "{file}", "-w", "{scratch}"],
    "softflowd": ["softflowd", "-d", "-r", "{file}", "-n", "127.0.0.1:9"],
}


class Run:
    """What one run of a command took."""

    def __init__(self, line):
        user, system, clock, peak, status = line.split()
        self.cpu, self.clock, self.peak, self.status = float(user) + float(system), float(clock), int(peak), int(status)


class Bench:
    def __init__(self, options):
        self.build, self.runs, self.size = options.build, options.runs, options.size
        self.folder = options.folder or tempfile.mkdtemp(prefix="rolecall-bench.", dir=self.room())
        self.is_ours = not options.folder
        os.makedirs(self.folder, exist_ok=True)
        self.site = os.path.join(self.folder, "site.json")
        self.tool("make_bench", "site", self.site)

    @staticmethod
    def room():
        """Memory where there is enough of it: a disk would be measured otherwise."""
        memory = "/dev/shm"
        return memory if os.path.isdir(memory) and shutil.disk_usage(memory).free > 6 << 30 else None

    def tool(self, name, *arguments):
        return subprocess.run([f"{self.build}/tests/{name}", *map(str, arguments)], check=True, stdout=subprocess.PIPE,
                              text=True).stdout

    def measure(self, *command):
        return Run(self.tool("measure", *command))

    def capture(self, kind, packets=None, flows=None):
        """The path of a capture; made when it is not there yet."""
        whole_packets, whole_flows = SHAPES[kind]
        packets = packets or max(10, whole_packets * self.size // 100)
        flows = flows or max(10, whole_flows * self.size // 100)
        path = os.path.join(self.folder, f"{kind}-{packets}-{flows}.pcap")
        if not os.path.exists(path):
            self.tool("make_bench", kind, path, packets, flows)
        return path, packets, flows

    def rolecall(self, path, *options, events="/dev/null", workers=1):
        return [f"{self.build}/rolecall", "analyze", "--site", self.site, "--workers", str(workers), "--events", events,
                *options, path]

    def best(self, *command):
        return min((self.measure(*command) for _ in range(self.runs)), key=lambda run: run.cpu)

    def close(self):
        if self.is_ours:
            shutil.rmtree(self.folder)


def median(values):
    return statistics.median(values)


def say(*words):
    print(*words, flush=True)


def bench_cost(bench, kinds):
    say(f"CPU, medians of {bench.runs} rounds; `loop` is an empty pcap_loop, `lookup` the same with one look-up a packet")
    say(f"{'capture':8} {'packets':>8} {'flows':>8} {'loop':>7} {'lookup':>7} {'rolecall':>9} "
        f"{'/loop':>6} {'/lookup':>8} {'target':>7} {'Mpps/core':>10} {'MiB':>6}")
    for kind in kinds:
        path, packets, flows = bench.capture(kind)
        yardstick = f"{bench.build}/tests/yardstick"
        rounds = [(bench.measure(yardstick, "loop", path), bench.measure(yardstick, "lookup", path),
                   bench.measure(*bench.rolecall(path))) for _ in range(bench.runs)]
        loop, lookup, ours = (median(run.cpu for run in column) for column in zip(*rounds))
        say(f"{kind:8} {packets:8} {flows:8} {loop:6.2f}s {lookup:6.2f}s {ours:8.2f}s "
            f"{median(r[2].cpu / r[0].cpu for r in rounds):6.2f} {median(r[2].cpu / r[1].cpu for r in rounds):8.2f} "
            f"{TARGETS[kind]:7.1f} {packets / ours / 1e6:10.2f} {max(r[2].peak for r in rounds) / 1024:6.0f}")


def bench_size(bench):
    """Memory of a flow, and what a packet costs among few flows and among many."""
    path, packets, flows = bench.capture("many")
    small, _, few = bench.capture("many", 40, 10)
    start = bench.best(*bench.rolecall(small))
    whole = bench.best(*bench.rolecall(path))
    say(f"memory: {(whole.peak - start.peak) * 1024 / (flows - few):.0f} bytes a flow, {flows} flows at once; "
        f"{whole.peak / 1024:.0f} MiB against {start.peak / 1024:.0f} MiB with {few} flows")
    costs = []
    for count in (10000, 100000, 1000000):
        count = count * bench.size // 100
        path, packets, _ = bench.capture("many", packets, count)
        costs.append((count, (bench.best(*bench.rolecall(path)).cpu - start.cpu) / packets * 1e9))
    say("a packet costs " + ", ".join(f"{cost:.0f} ns with {count} flows" for count, cost in costs) +
        f": {costs[-1][1] / costs[0][1]:.1f} times from the first to the last")
    tiny, _, _ = bench.capture("mix", 10, 10)
    first = bench.best(*bench.rolecall(tiny))
    say(f"start to finish with 10 packets: {first.cpu * 1000:.1f} ms of CPU, {first.peak / 1024:.1f} MiB")


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() if hasattr(hashlib, "file_digest") else \
            hashlib.sha256(file.read()).hexdigest()


def bench_workers(bench, kinds):
    say("two workers against one, by the clock")
    for kind in kinds:
        path, _, _ = bench.capture(kind)
        rounds = [(bench.measure(*bench.rolecall(path)), bench.measure(*bench.rolecall(path, workers=2)))
                  for _ in range(bench.runs)]
        outputs = []
        for workers in (1, 2):
            events = os.path.join(bench.folder, f"events-{workers}.ndjson")
            bench.measure(*bench.rolecall(path, "--flows", events=events, workers=workers))
            outputs.append(digest(events))
            os.remove(events)
        say(f"{kind:8} {median(r[0].clock / r[1].clock for r in rounds):5.2f} times as fast, "
            f"{median(r[1].cpu / r[0].cpu for r in rounds):.2f} times the CPU, "
            f"output {'the same' if outputs[0] == outputs[1] else 'DIFFERENT'}")


def bench_flows(bench):
    path, _, _ = bench.capture("many")
    events = os.path.join(bench.folder, "flows.ndjson")
    best = bench.best(*bench.rolecall(path, "--flows", events=events))
    plain = bench.best(*bench.rolecall(path))
    with open(events, "rb") as file:
        count = sum(b'"rolecall.flow"' in line for line in file)
    size = os.path.getsize(events)
    os.remove(events)
    say(f"--flows: {count} flow events, {size >> 20} MiB: {count / best.cpu:.0f} a second and core of the whole run, "
        f"{count / max(best.cpu - plain.cpu, 1e-3):.0f} of the writing alone")


def bench_peers(bench, kinds):
    for name, command in PEERS.items():
        if not shutil.which(command[0]):
            say(f"{name}: not installed")
            continue
        for kind in kinds:
            path, packets, _ = bench.capture(kind)
            scratch = os.path.join(bench.folder, "peer")
            os.makedirs(scratch, exist_ok=True)
            run = bench.measure(*[part.format(file=path, scratch=scratch) for part in command])
            ours = bench.measure(*bench.rolecall(path))
            shutil.rmtree(scratch)
            say(f"{name:12} {kind:8} {run.cpu:8.2f} s of CPU, {run.cpu / ours.cpu:7.1f} times rolecall's, "
                f"{run.peak / 1024:6.0f} MiB, status {run.status}")


def main():
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__.split("\n")[0])
    parser.add_argument("build", help=argparse.SUPPRESS)
    parser.add_argument("--runs", type=int, default=7, help="rounds (default 7)")
    parser.add_argument("--size", type=int, default=100, help="per cent of the packets and flows (default 100)")
    parser.add_argument("--only", default="mix,media,many,worst", help="captures, with commas between")
    parser.add_argument("--parts", default="cost,size,workers,flows,live,peers", help="what to measure")
    parser.add_argument("--folder", help="keep the captures here, and use what is there (default: a folder for the run)")
    options = parser.parse_args()
    kinds, parts = options.only.split(","), options.parts.split(",")
    bench = Bench(options)
    try:
        if "cost" in parts:
            bench_cost(bench, kinds)
        if "size" in parts:
            bench_size(bench)
        if "workers" in parts:
            bench_workers(bench, kinds)
        if "flows" in parts:
            bench_flows(bench)
        if "live" in parts:
            bench_live(bench)
        if "peers" in parts:
            bench_peers(bench, kinds)
    finally:
        bench.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
