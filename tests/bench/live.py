# SPDX-License-Identifier: BSD-2-Clause
"""The part `live` of `./dev bench`: how fast a span port may be before the sensor drops, rolecall beside tcpdump.

A sender on one processor plays mix into a veth pair at a given rate; a sensor on another reads the far end with a ring of
the same size, in turn `rolecall run` and `tcpdump -w /dev/null`. The rate at which drops begin is bisected. All is in
network namespaces that are removed at the end. What was seen and dropped must be what the interface received.
"""
import json
import os
import pathlib
import re
import shutil
import signal
import statistics
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lab"))
from hosts import Failure, Lab, Skip, end, ip, wait_for  # pylint: disable=wrong-import-position

SOURCE = pathlib.Path(__file__).resolve().parent.parent.parent
SENDER, SENSOR = 0, 1  # processors
RING_MIB = 16
STEPS = 5  # the rate is found to a thirty-second of the sender's fastest


class Span:
    """The span port: an end to send into, and the sensor's end."""

    def __init__(self, lab, capture, packets, player):
        self.lab, self.capture, self.packets, self.player = lab, capture, packets, player
        self.source, self.sensor = lab.namespace("source"), lab.namespace("sensor")
        ip("-n", self.source, "link", "add", "span0", "mtu", 9000, "type", "veth", "peer", "name", "eth0", "netns", self.sensor,
           "mtu", 9000)
        ip("-n", self.source, "link", "set", "span0", "up")
        ip("-n", self.sensor, "link", "set", "eth0", "up")

    def inside(self, namespace, processor, *words):
        return ["taskset", "-c", str(processor), "ip", "netns", "exec", namespace, *map(str, words)]

    def play(self, rate):
        """Sends the capture once; packets a second as they went. 0: as fast as they go."""
        done = subprocess.run(self.inside(self.source, SENDER, self.player, self.capture, "span0", rate, self.packets), check=True,
                              capture_output=True, text=True)
        count, seconds = done.stdout.split()
        return int(count) / float(seconds)

    def received(self):
        shown = subprocess.run(["ip", "netns", "exec", self.sensor, "cat", "/sys/class/net/eth0/statistics/rx_packets"], check=True,
                               capture_output=True, text=True)
        return int(shown.stdout)


def processor_time(pid):
    """Seconds of all threads of a process."""
    return sum(int(path.read_text().split()[0]) for path in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9


class Sensor:
    """One of the programs that are compared."""

    def __init__(self, name, command, ready, told):
        self.name, self.command, self.ready, self.told = name, command, ready, told

    def trial(self, span, rate):
        """One capture sent at that rate: the rate as it was, packets dropped, CPU seconds."""
        log, before = f"sensor-{time.monotonic_ns()}", span.received()
        process = span.lab.start(span.inside(span.sensor, SENSOR, *self.command), log)
        wait_for(self.name, lambda: self.ready in span.lab.log(log))
        time.sleep(0.2)
        idle = processor_time(process.pid)
        went = span.play(rate)
        time.sleep(1.2)  # tcpdump reads a block that did not fill after a second
        took = processor_time(process.pid) - idle
        end(process, signal.SIGINT)
        seen, dropped = self.told(span.lab.log(log))
        if seen + dropped != span.received() - before:
            raise Failure(f"{self.name}: {seen} seen and {dropped} dropped are not {span.received() - before} received")
        return went, dropped, took

    def limit(self, span):
        """The lowest rate with a drop, None where there is none; the highest without; CPU seconds at that one."""
        went, dropped, took = self.trial(span, 0)
        if not dropped:
            return None, went, took
        low, high, cpu = 0, went, None
        for _ in range(STEPS):
            went, dropped, took = self.trial(span, int((low + high) / 2))
            if dropped:
                high = min(high, went)
            else:
                low, cpu = max(low, went), took
        return high, low, cpu


def rolecall_told(log):
    found = re.search(r"(\d+) packets, (\d+) dropped for want of room", log)
    return int(found[1]), int(found[2])


def tcpdump_told(log):
    """tcpdump counts as received what the kernel dropped as well."""
    received, dropped = (int(re.search(rf"(\d+) packets {what}", log)[1]) for what in ("received by filter", "dropped by kernel"))
    return received - dropped, dropped


def sensors(build, site, work):
    config = work / "rolecall.json"
    config.write_text(json.dumps({
        "capture": {"interfaces": ["eth0"], "ring_mib": RING_MIB, "workers": 1}, "user": "root", "site": str(site),
        "rules": str(SOURCE / "rules"), "outputs": [{"type": "file", "path": str(work / "events.ndjson")}],
        "control": {"socket": str(work / "control.sock")}}))
    return [Sensor("rolecall", [pathlib.Path(build, "rolecall").resolve(), "run", "-c", config], "capturing on", rolecall_told),
            Sensor("tcpdump", ["tcpdump", "-Z", "root", "-i", "eth0", "-n", "-B", RING_MIB * 1024, "-w", "/dev/null"],
                   "listening on", tcpdump_told)]


def missing():
    """Why it cannot be done here; None: it can."""
    tools = [tool for tool in ("ip", "taskset", "tcpdump") if not shutil.which(tool)]
    if tools:
        return f"not installed: {', '.join(tools)}"
    if os.geteuid() != 0:
        return "network namespaces need root"
    return None if (os.cpu_count() or 1) > SENSOR else "two processors are needed"


def show(name, rounds):
    """One program's line: where it drops, and what a packet costs."""
    drops = [high for high, _, _, _ in rounds if high]
    kept = statistics.median(low for _, low, _, _ in rounds)
    costs = [took / packets * 1e9 for _, _, took, packets in rounds if took]
    cost = f"{statistics.median(costs):.0f} ns of CPU a packet" if costs else "it dropped at every rate"
    where = f"drops from {statistics.median(drops) / 1e3:.0f} k packets/s in {len(drops)} of {len(rounds)} rounds" if drops \
        else "never dropped, at the fastest that the sender went"
    print(f"live {name:9} {where}; kept up with {kept / 1e3:.0f} k; {cost}", flush=True)


def ratio(ours, theirs):
    """Of the rates at which drops begin. The sender's fastest stands for the rate of one that did not drop at it."""
    if not ours[0] and not theirs[0]:
        return 1.0
    return (ours[0] or ours[1]) / (theirs[0] or theirs[1])


def bench_live(bench):
    why = missing()
    if why:
        print(f"live: skipped: {why}")
        return
    capture, packets, _ = bench.capture("mix", max(10, 1000000 * bench.size // 100), max(10, 20000 * bench.size // 100))
    try:
        with Lab() as lab:
            span = Span(lab, capture, packets, pathlib.Path(bench.build, "tests/player").resolve())
            pair = sensors(bench.build, bench.site, lab.work)
            rounds = [[(*sensor.limit(span), packets) for sensor in pair] for _ in range(bench.runs)]
    except Skip as skip:
        print(f"live: skipped: {skip}")
        return
    for sensor, column in zip(pair, zip(*rounds)):
        show(sensor.name, column)
    print(f"live: rolecall drops from {statistics.median(ratio(*both) for both in rounds):.2f} of tcpdump's rate on; ring {RING_MIB} MiB, "
          f"{packets} packets of mix, {bench.runs} rounds")
