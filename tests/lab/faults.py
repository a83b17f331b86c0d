#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What goes wrong around a daemon that runs for months, each thing once, with its test.

A sender plays the second shipped capture into a mirror port over and over; the sensor runs `rolecall run` with a file and
rsyslog as outputs. See FAULTS for what is done to it.

usage: faults.py [FAULT...], by `./dev lab faults`, as root. Status: 0 all held, 1 not, 77 cannot be done here.
"""
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import time

import receivers
from hosts import Failure, Lab, Skip, end, wait_for

HERE = pathlib.Path(__file__).parent
SOURCE = HERE.parent.parent
ROLECALL = pathlib.Path(os.environ.get("ROLECALL", SOURCE / "build/release/rolecall")).resolve()
DAEMONS = pathlib.Path(os.environ.get("LAB", SOURCE / "build/lab")).resolve()
SITE, CAPTURE = SOURCE / "pcaps/contoso.site.json", SOURCE / "pcaps/sfb-site-violations.pcap"
TALK = ["/usr/bin/python3", HERE / "talk.py"]
FILE = {"type": "file", "path": None}
FEW_FLOWS = {"max": 1024, "every_flow": True}


class Daemon:
    """A sensor with `rolecall run` on it, and a sender beside it."""

    def __init__(self, lab, outputs, **more):
        self.lab, self.work = lab, lab.work
        self.sensor, self.sender = lab.host("sensor"), lab.host("sender")
        self.events = self.work / "events.ndjson"
        self.site = self.work / "site.json"
        shutil.copy(SITE, self.site)
        for output in outputs:
            if output["type"] == "file" and not output["path"]:
                output["path"] = str(self.events)
        self.config = receivers.configure(self.work, self.site, outputs=outputs, **more)
        self.process = self.begin()

    def begin(self):
        process = self.sensor.start([ROLECALL, "run", "-c", self.config], "run")
        wait_for("rolecall run", lambda: "capturing on" in self.lab.log("run") and self.ctl("status").returncode == 0)
        return process

    def ctl(self, *words):
        return subprocess.run([ROLECALL, "ctl", *words, "--socket", self.work / "control.sock"], capture_output=True, text=True,
                              timeout=30, check=False)

    def metrics(self):
        """Every sample: name and labels, to its value."""
        text = self.ctl("metrics").stdout
        return {key: float(value) for key, value in re.findall(r"^(rolecall_\S+) (\S+)$", text, re.M)}

    def metric(self, beginning):
        return sum(value for key, value in self.metrics().items() if key.startswith(beginning))

    def play(self, rate=0, capture=CAPTURE):
        self.sender.run(*TALK, "replay", "eth0", capture, rate, timeout=300)

    def play_on(self, rate=3000):
        """The capture again and again, until the process is ended."""
        loop = f"while :; do {' '.join(map(str, TALK))} replay eth0 {CAPTURE} {rate} >/dev/null; done"
        return self.sender.start(["sh", "-c", f"exec 2>&1; {loop}"], "sender")

    def flood_on(self, rate):
        """Packets of ever new flows; with few flows followed at a time, each of them ends one, and makes an event."""
        return self.sender.start([*TALK, "flood", "eth0", 10000000, 4711, rate], "flood")

    def finish(self, patience=12):
        began = time.monotonic()
        status = end(self.process, patience=patience)
        if status != 0:
            raise Failure(f"rolecall run ended with {status}: {self.lab.log('run')[-600:]}")
        return time.monotonic() - began

    def received(self):
        """How many packets the sensor's interface took since it is there."""
        return int(self.sensor.run("cat", "/sys/class/net/eth0/statistics/rx_packets").stdout)

    def told(self):
        """Packets seen and packets dropped, as the daemon tells."""
        now = self.metrics()
        of = lambda name: sum(value for key, value in now.items() if key.startswith(name))
        return of("rolecall_interface_packets_total"), of("rolecall_interface_dropped_packets_total")

    def catch_up(self):
        wait_for("every packet to be seen or dropped", lambda: sum(self.told()) >= self.received(), 120, 0.3)


def events_in(*paths):
    events = []
    for path in paths:
        if not path.exists():
            continue
        text = path.read_text()
        if text and not text.endswith("\n"):
            raise Failure(f"{path.name} ends in the middle of a line")
        events += [json.loads(line) for line in text.splitlines()]
    return events


def numbers(events):
    return [event["event"]["sequence"] for event in events]


def need_all(what, events):
    got = numbers(events)
    if got != list(range(1, len(got) + 1)):
        raise Failure(f"{what}: {len(got)} events that are not 1 to {max(got, default=0)} in order")


def losses_of(events):
    """The loss events, and how many lines they tell of."""
    told = [event["rolecall"]["loss"] for event in events if event["event"]["dataset"] == "rolecall.loss"]
    return told, sum(loss[kind] for loss in told for kind in ("alerts", "flows", "events", "metrics"))


# ---- the faults ----

def output_stopped(lab):
    """rsyslog is gone for 30 s under load; when it is back, what is missing is exactly what a loss event tells."""
    daemon = Daemon(lab, [FILE | {"queue_mib": 16}, {"type": "syslog", "name": "rsyslog", "server": f"127.0.0.1:{receivers.RSYSLOG_PORT}", "queue_mib": 1}], flows=FEW_FLOWS)
    rsyslog = receivers.start_rsyslog(daemon.sensor, DAEMONS, lab.work)
    sending = daemon.flood_on(1000)
    time.sleep(3)
    end(rsyslog)
    time.sleep(20)
    daemon.play(5000)  # its alerts come while the queue is full of flows
    time.sleep(10)
    receivers.start_rsyslog(daemon.sensor, DAEMONS, lab.work)
    time.sleep(5)
    end(sending)
    wait_for("the queue to empty", lambda: daemon.metric("rolecall_output_queued_events") == 0, 40)
    daemon.finish()
    whole = events_in(daemon.events)
    need_all("the file", whole)
    time.sleep(1)
    got = set(numbers(events_in(lab.work / "rsyslog.ndjson")))
    missing = set(numbers(whole)) - got
    told, count = losses_of(whole)
    ranges = [(loss["first_sequence"], loss["last_sequence"]) for loss in told]
    if not missing:
        raise Failure("nothing was lost: the load was too small to fill the queue")
    if count != len(missing) or not all(any(low <= number <= high for low, high in ranges) for number in missing):
        raise Failure(f"{len(missing)} events are missing, {count} are told lost, in {ranges}")
    alerts = {event["event"]["sequence"] for event in whole if event["event"]["dataset"] == "rolecall.alert"}
    if missing & alerts:
        raise Failure("alerts were shed while flows were there")
    return f"{len(whole)} events, {len(missing)} shed by the full queue, all told, no alert among them"


def disk_full(lab):
    """The log's disk is full, then freed: nothing is lost, and the state is told meanwhile."""
    disk = lab.work / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "none", disk], check=True)
    try:
        filler = disk / "filler"
        filler.write_bytes(bytes(400 * 1024))
        daemon = Daemon(lab, [FILE | {"path": str(disk / "events.ndjson"), "queue_mib": 16}], flows=FEW_FLOWS)
        sending = daemon.flood_on(500)
        wait_for("the disk to be full", lambda: daemon.ctl("health").returncode == 1, 30)
        unwell = daemon.ctl("health").stdout
        time.sleep(1)
        end(sending)
        subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)
        filler.unlink()
        wait_for("the output to be well again", lambda: daemon.metric("rolecall_output_queued_events") == 0, 40)
        daemon.finish()
        whole = events_in(disk / "events.ndjson")
        need_all("the file", whole)
        if "space" not in unwell.lower():
            raise Failure(f"health did not tell of the full disk: {unwell}")
        return f"{len(whole)} events, none lost; health said: {unwell.strip().splitlines()[-1].strip()}"
    finally:
        subprocess.run(["umount", "-l", disk], check=False)


def renamed(lab):
    """The file is renamed and reopened every second under load: every event is in one of the files."""
    daemon = Daemon(lab, [dict(FILE)], flows=FEW_FLOWS)
    sending = daemon.flood_on(5000)
    files = []
    for number in range(8):
        time.sleep(1)
        files.append(lab.work / f"events.{number}")
        daemon.events.rename(files[-1])
        if number % 2 and daemon.ctl("reopen").returncode:
            raise Failure("ctl reopen failed")
        if not number % 2:
            daemon.process.send_signal(signal.SIGUSR1)
        wait_for("the new file", daemon.events.exists)
    end(sending)
    daemon.finish()
    whole = events_in(*files, daemon.events)
    need_all("the files", whole)
    return f"{len(whole)} events in {len(files) + 1} files, none lost"


def bad_reloads(lab):
    """100 reloads of a broken site under traffic: refused with the place, the old rules stay, no packet is lost by it."""
    daemon = Daemon(lab, [dict(FILE)])
    good = daemon.site.read_text()
    sending = daemon.play_on(3000)
    dice = random.Random(4711)
    for _ in range(100):
        at = dice.randrange(50, len(good))
        daemon.site.write_text(good[:at])  # cut: never JSON
        done = daemon.ctl("reload")
        if done.returncode != 2 or "site.json" not in done.stdout + done.stderr:
            raise Failure(f"a bad reload ended with {done.returncode}: {done.stdout}{done.stderr}")
    daemon.site.write_text(good)
    done = daemon.ctl("reload")
    if done.returncode:
        raise Failure(f"the good reload was refused: {done.stdout}{done.stderr}")
    end(sending)
    dropped = daemon.metric("rolecall_interface_dropped_packets_total")
    refused = daemon.metric('rolecall_reloads_total{result="refused"}')
    daemon.finish()
    whole = events_in(daemon.events)
    need_all("the file", whole)
    if dropped or refused != 100:
        raise Failure(f"{dropped} packets dropped, {refused} reloads refused")
    if not any(event["event"]["dataset"] == "rolecall.alert" for event in whole):
        raise Failure("no finding: the rules were lost")
    return "100 refused, 1 taken, no packet lost"


def interface_down(lab):
    """The interface goes down and comes up again: capture goes on."""
    daemon = Daemon(lab, [dict(FILE)])
    daemon.play(5000)
    before = daemon.metric("rolecall_interface_packets_total")
    subprocess.run(["ip", "-n", daemon.sensor.name, "link", "set", "eth0", "down"], check=True)
    wait_for("down to be told", lambda: daemon.metric("rolecall_interface_up") == 0)
    subprocess.run(["ip", "-n", daemon.sensor.name, "link", "set", "eth0", "up"], check=True)
    wait_for("up to be told", lambda: daemon.metric("rolecall_interface_up") == 1)
    time.sleep(0.5)
    daemon.play(5000)
    wait_for("packets again", lambda: daemon.metric("rolecall_interface_packets_total") >= before + 849)
    daemon.finish()
    need_all("the file", events_in(daemon.events))
    return f"{before:.0f} packets before, as many after"


def terminated(lab):
    """SIGTERM under load: it ends within 10 s with everything told."""
    daemon = Daemon(lab, [dict(FILE)], flows=FEW_FLOWS)
    sending = daemon.flood_on(10000)
    time.sleep(3)
    took = daemon.finish()
    end(sending)
    whole = events_in(daemon.events)
    need_all("the file", whole)
    last = whole[-1]["event"]["dataset"]
    if took > 10 or last != "rolecall.stats":
        raise Failure(f"it took {took:.1f} s, and the last event is {last}")
    return f"{took:.1f} s, {len(whole)} events, the last one the counters"


def killed(lab):
    """SIGKILL under load: the file has whole lines only."""
    daemon = Daemon(lab, [dict(FILE)], flows=FEW_FLOWS)
    sending = daemon.flood_on(10000)
    time.sleep(3)
    daemon.process.kill()
    daemon.process.wait()
    end(sending)
    whole = events_in(daemon.events)
    need_all("the file", whole)
    return f"{len(whole)} whole lines"


def flooded(lab):
    """1,000,000 packets of random 5-tuples: memory stays under the ceiling, and an alert of before is updated after."""
    daemon = Daemon(lab, [dict(FILE)], flows={"max": 65536, "every_flow": False})
    daemon.play(5000)
    before = daemon.metrics()
    daemon.sender.run(*TALK, "flood", "eth0", 1000000, 4711, 0, timeout=400)
    daemon.catch_up()
    after = daemon.metrics()
    daemon.play(5000)
    daemon.catch_up()
    seen = daemon.metric("rolecall_interface_packets_total")
    daemon.finish()
    whole = events_in(daemon.events)
    need_all("the file", whole)
    ceiling, used = after["rolecall_memory_ceiling_bytes"], after["rolecall_memory_resident_bytes"]
    evicted = sum(value for key, value in after.items() if key.startswith("rolecall_engine_flows_evicted"))
    if used > ceiling or not evicted:
        raise Failure(f"{used / 2**20:.0f} MiB used of {ceiling / 2**20:.0f}; {evicted:.0f} flows evicted")
    states = {}
    for event in whole:
        if event["event"]["dataset"] == "rolecall.alert" and event["rule"]["id"] == "unexpected-protocol":
            finding = event["rolecall"]["finding"]
            states.setdefault(finding["fingerprint"], []).append((finding["state"], finding["count"]))
    if not states or any(told[-1] != ("close", 2) or len([s for s, _ in told if s == "open"]) != 1 for told in states.values()):
        raise Failure(f"the finding of before the flood was not carried on: {states}")
    return (f"{seen:.0f} packets seen, {evicted:.0f} flows evicted, {used / 2**20:.0f} MiB of {ceiling / 2**20:.0f}; "
            f"the finding of before has count 2; resident before: {before['rolecall_memory_resident_bytes'] / 2**20:.0f} MiB")


def fastest(lab):
    """As fast as the machine sends: packets seen and dropped are the interface's own count, exactly."""
    daemon = Daemon(lab, [dict(FILE)], flows={"every_flow": False})
    for _ in range(40):
        daemon.play(0)
    daemon.catch_up()
    seen, dropped = daemon.told()
    came = daemon.received()
    daemon.finish()
    if seen + dropped != came:
        raise Failure(f"{seen:.0f} seen and {dropped:.0f} dropped are not {came}")
    return f"{seen:.0f} seen + {dropped:.0f} dropped = {came} received by the interface"


FAULTS = {"output-stopped": output_stopped, "disk-full": disk_full, "renamed": renamed, "bad-reloads": bad_reloads,
          "interface-down": interface_down, "terminated": terminated, "killed": killed, "flooded": flooded, "fastest": fastest}


def main():
    bad = 0
    for name in sys.argv[1:] or FAULTS:
        try:
            with Lab(mtu=9000) as lab:
                print(f"lab: {name}: {FAULTS[name](lab)}", flush=True)
        except Failure as failure:
            print(f"lab: {name}: FAILED: {failure}", flush=True)
            bad = 1
    return bad


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Skip as skip:
        print(f"lab: skipped: {skip}")
        sys.exit(77)
