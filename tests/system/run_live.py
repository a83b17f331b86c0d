#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""`rolecall run` on a pair of virtual interfaces inside a network namespace of its own: what is sent into one end is
watched at the other. Needs root, or user namespaces; skips itself otherwise."""
import json
import os
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest

ROLECALL = os.environ.get("ROLECALL", "build/dev/rolecall")
SITE = "pcaps/contoso.site.json"
CAPTURE = "pcaps/sfb-site-violations.pcap"
WIRE, SENSOR = "wire0", "mon0"
SO_TIMESTAMPNS, ETH_P_ALL = 35, 3


def sh(*words):
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)


def add_pair(wire=WIRE, sensor=SENSOR):
    """A pair on which nobody but us speaks."""
    sh("ip", "link", "add", wire, "type", "veth", "peer", "name", sensor)
    for name in wire, sensor:
        try:
            with open(f"/proc/sys/net/ipv6/conf/{name}/disable_ipv6", "w", encoding="ascii") as file:
                file.write("1")
        except OSError:
            pass
        sh("ip", "link", "set", name, "mtu", "65535", "up")


def frames_of(path):
    """The frames of a pcap file."""
    with open(path, "rb") as file:
        data = file.read()
    order = ">" if data[:2] == b"\xa1\xb2" else "<"
    at, frames = 24, []
    while at < len(data):
        caplen = struct.unpack_from(order + "I", data, at + 8)[0]
        frames.append(data[at + 16:at + 16 + caplen])
        at += 16 + caplen
    return frames


def received(interface):
    with open("/proc/net/dev", encoding="ascii") as file:
        for line in file:
            if line.strip().startswith(interface + ":"):
                return int(line.split(":")[1].split()[1])
    raise KeyError(interface)


class Wire:
    """Sends frames, and writes down what arrives at the sensor, with the kernel's own times."""

    def __init__(self, wire=WIRE, sensor=SENSOR):
        self.out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        self.out.bind((wire, 0))
        self.tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.tap.bind((sensor, 0))
        self.tap.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.tap.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 20)
        self.records = []

    def send(self, frames):
        for frame in frames:
            self.out.send(frame)
            self.note()

    def note(self):
        while select.select([self.tap], [], [], 0)[0]:
            frame, ancillary, _, _ = self.tap.recvmsg(65536, 256)
            seconds, nanos = struct.unpack("qq", ancillary[0][2][:16])
            self.records.append((seconds, nanos, frame))

    def write(self, path):
        with open(path, "wb") as file:
            file.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, 1))
            for seconds, nanos, frame in self.records:
                file.write(struct.pack("<IIII", seconds, nanos, len(frame), len(frame)) + frame)

    def close(self):
        self.out.close()
        self.tap.close()


class Run:
    """One `rolecall run`, its events in a file."""
    current = None

    def __init__(self, *options, interface=SENSOR):
        self.folder = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.folder.name, "events")
        self.events_file = open(self.path, "wb")
        words = ["-i", interface] if interface else []
        self.process = subprocess.Popen([ROLECALL, "run", *words, *options], stdout=self.events_file,
                                        stderr=subprocess.PIPE, text=True)
        self.messages = ""
        Run.current = self
        self.wait_for("capturing on")

    def wait_for(self, text):
        while text not in self.messages:
            line = self.process.stderr.readline()
            if not line:
                raise AssertionError(f"ended without \"{text}\":\n{self.messages}")
            self.messages += line

    def lines(self):
        with open(self.path, "rb") as file:
            return file.read().split(b"\n")

    def events(self):
        return [json.loads(line) for line in self.lines() if line]

    def wait_event(self, wanted, seconds=5):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for line in self.lines()[:-1]:
                event = json.loads(line)
                if wanted(event):
                    return event
            time.sleep(0.02)
        raise AssertionError("no such event in time:\n" + self.messages)

    def end(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        return self.wait()

    def wait(self):
        _, messages = self.process.communicate(timeout=20)
        self.messages += messages
        self.process.stderr.close()
        self.events_file.close()
        return self.process.returncode


def findings(events):
    """What was found at the end: each finding's last event."""
    last = {}
    for event in events:
        if event["event"]["dataset"] == "rolecall.alert":
            last[event["rolecall"]["finding"]["fingerprint"]] = event
    return {(mark, event["rule"]["id"], event["event"]["severity"], event["rolecall"]["finding"]["count"])
            for mark, event in last.items()}


def counters(events):
    return [event for event in events if event["event"]["dataset"] == "rolecall.stats"][-1]["rolecall"]["stats"]


class Live(unittest.TestCase):
    def setUp(self):
        add_pair()
        self.wire = Wire()

    def tearDown(self):
        self.wire.close()
        if Run.current:
            if Run.current.process.poll() is None:
                Run.current.end(signal.SIGKILL)
            Run.current.folder.cleanup()
            Run.current = None
        subprocess.run(["ip", "link", "del", WIRE], check=False, stderr=subprocess.DEVNULL)

    def analyze(self, *options):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "tap.pcap")
            self.wire.write(path)
            done = subprocess.run([ROLECALL, "analyze", "--json", *options, path], stdout=subprocess.PIPE, check=False)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def test_same_findings_as_analyze(self):
        run = Run("--site", SITE)
        before = received(SENSOR)
        self.wire.send(frames_of(CAPTURE))
        time.sleep(0.5)
        self.wire.note()
        self.assertEqual(run.end(), 0, run.messages)
        wanted = findings(self.analyze("--site", SITE))
        self.assertGreater(len(wanted), 3)
        self.assertEqual(findings(run.events()), wanted)
        stats = counters(run.events())
        self.assertEqual(stats["capture_packets"] + stats["capture_dropped_ring"], received(SENSOR) - before)

    def test_alert_within_a_second(self):
        run = Run("--site", SITE)
        self.wire.send(frames_of(CAPTURE))
        start = time.monotonic()
        run.wait_event(lambda event: event["event"]["dataset"] == "rolecall.alert")
        self.assertLess(time.monotonic() - start, 1)
        self.assertEqual(run.end(), 0, run.messages)

    def test_down_and_up_again(self):
        run = Run("--flows")
        frames = frames_of(CAPTURE)
        before = received(SENSOR)
        self.wire.send(frames[:200])
        time.sleep(0.4)
        sh("ip", "link", "set", SENSOR, "down")
        time.sleep(0.4)
        sh("ip", "link", "set", SENSOR, "up")
        time.sleep(0.4)
        for frame in frames[200:]:
            self.wire.out.send(frame)
        time.sleep(0.4)
        self.assertEqual(run.end(), 0, run.messages)
        self.assertEqual(counters(run.events())["capture_packets"], len(frames))
        self.assertEqual(counters(run.events())["capture_packets"], received(SENSOR) - before)

    def test_gone(self):
        run = Run("--site", SITE)
        self.wire.send(frames_of(CAPTURE))
        sh("ip", "link", "del", WIRE)
        self.assertEqual(run.wait(), 3, run.messages)
        self.assertIn(SENSOR + ": ", run.messages)
        self.assertGreater(len(findings(run.events())), 3)

    def test_reader_gone(self):
        """Events to a program that ends: nothing to run for."""
        process = subprocess.Popen([ROLECALL, "run", "-i", SENSOR, "--site", SITE], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        self.assertIn("capturing on", process.stderr.readline())
        process.stdout.close()
        self.wire.send(frames_of(CAPTURE))
        messages = process.stderr.read()
        process.stderr.close()
        self.assertEqual(process.wait(20), 3, messages)
        self.assertIn("Broken pipe", messages)

    def test_interrupted(self):
        run = Run("--site", SITE)
        self.wire.send(frames_of(CAPTURE))
        self.assertEqual(run.end(signal.SIGINT), 0, run.messages)
        self.assertGreater(len(findings(run.events())), 3)

    def test_refused(self):
        def refused(*options):
            done = subprocess.run([ROLECALL, "run", *options], stderr=subprocess.PIPE, text=True, check=False)
            self.assertEqual(done.returncode, 2, done.stderr)
            return done.stderr
        self.assertIn("there is no such interface", refused("-i", "nothing0"))
        self.assertIn("there is no such interface", refused("-i", SENSOR, "-i", "n" * 40))
        sh("ip", "link", "set", SENSOR, "down")
        self.assertIn("is down", refused("-i", SENSOR))
        sh("ip", "link", "set", SENSOR, "up")
        done = subprocess.run(["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--", ROLECALL, "run", "-i", SENSOR],
                              stderr=subprocess.PIPE, text=True, check=False)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("cap_net_raw", done.stderr)

    def flood(self, seconds, process):
        """Sends as fast as this goes, until the process has ended or the time is over; how many frames."""
        frames, end, sent = frames_of(CAPTURE), time.monotonic() + seconds, 0
        while time.monotonic() < end and process.poll() is None:
            for frame in frames:
                self.wire.out.send(frame)
            sent += len(frames)
        return sent

    def test_every_frame_is_counted(self):
        """Handed out and dropped together are what the interface received; here with a ring that is too small."""
        path, run = self.daemon("{}", {"ring_mib": 1, "exclude": "udp port 9"})
        before = received(SENSOR)
        frame = frames_of(CAPTURE)[0][:12] + b"\x08\x00" + bytes(1400)
        run.process.send_signal(signal.SIGSTOP)
        for _ in range(3000):
            self.wire.out.send(frame)
        run.process.send_signal(signal.SIGCONT)
        self.flood(1, run.process)
        time.sleep(1.5)
        status = json.loads(self.ctl(path, "status", "--json")[1])["interfaces"][0]
        self.assertGreater(status["dropped_ring"], 0)
        self.assertEqual(status["packets"] + status["dropped_ring"], received(SENSOR) - before)
        self.assertEqual(self.ctl(path, "health")[0], 1)
        self.assertEqual(run.end(), 0, run.messages)
        with open(path("events"), encoding="utf-8") as file:
            events = [json.loads(line) for line in file]
        stats = counters(events)
        self.assertEqual(stats["capture_packets"] + stats["capture_dropped_ring"], received(SENSOR) - before)
        self.assertEqual(stats["capture_interface_received"], received(SENSOR) - before)
        self.assertEqual(stats["packets"], stats["capture_packets"])

    def test_spread_over_workers(self):
        """Three rings for each of two interfaces, spread by address pair: the same findings as from one."""
        add_pair("wire1", "mon1")
        self.addCleanup(subprocess.run, ["ip", "link", "del", "wire1"], check=False)
        with open(SITE, encoding="utf-8") as file:
            path, run = self.daemon(file.read(), {"workers": 3, "interfaces": [SENSOR, "mon1"]})
        before = received(SENSOR)
        self.wire.send(frames_of(CAPTURE))
        sh("ip", "link", "set", SENSOR, "down")
        sh("ip", "link", "set", SENSOR, "up")
        time.sleep(0.5)
        for source in range(240):
            self.wire.out.send(frames_of(CAPTURE)[0][:26] + bytes([192, 0, 2, source, 192, 0, 2, 250]) + bytes(60))
        time.sleep(1)
        self.assertEqual(run.end(), 0, run.messages)
        with open(path("events"), encoding="utf-8") as file:
            events = [json.loads(line) for line in file]
        self.assertEqual(findings(events), findings(self.analyze("--site", SITE)))
        self.assertEqual(counters(events)["capture_packets"], received(SENSOR) - before)
        shares = [int(share) for share in re.findall(r"worker \d: (\d+) packets", run.messages)]
        self.assertEqual(sum(shares), received(SENSOR) - before)
        self.assertEqual(len(shares), 3)
        self.assertGreater(min(shares), 60)

    def test_tags_and_snap_lengths(self):
        """A tag that the kernel takes out of the frame is put back; media alone is shortened."""
        run = Run("--flows")
        ip = lambda protocol, size: (struct.pack(">BBHHHBBH", 0x45, 0, 20 + size, 1, 0, 64, protocol, 0) +
                                     bytes([10, 0, 0, 1, 10, 0, 0, 2]))
        udp = struct.pack(">HHHH", 40000, 50000, 8 + 1000, 0)
        head = bytes(range(12)) + struct.pack(">HHH", 0x8100, 77, 0x0800)
        for sequence in range(20):
            rtp = struct.pack(">BBHII", 0x80, 111, sequence, 160 * sequence, 4711) + bytes(1000 - 12)
            self.wire.out.send(head + ip(17, 8 + 1000) + udp + rtp)
            self.wire.out.send(head + ip(47, 1008) + udp + rtp)
        time.sleep(0.4)
        self.assertEqual(run.end(), 0, run.messages)
        flows = [event for event in run.events() if event["event"]["dataset"] == "rolecall.flow"]
        by_transport = {flow["network"]["iana_number"]: flow for flow in flows}
        self.assertEqual({flow["network"]["vlan"]["id"] for flow in flows}, {"77"})
        self.assertEqual(by_transport["17"]["rolecall"]["flow"]["truncated_packets"], 20)
        self.assertEqual(by_transport["17"]["network"]["protocol"], "rtp")
        self.assertEqual(by_transport["17"]["source"]["bytes"], 20 * 1028)
        self.assertEqual(counters(run.events())["capture_shortened"], 20)

    def test_terminated_under_load(self):
        run = Run("--site", SITE, "--flows")
        self.flood(1, run.process)
        run.process.send_signal(signal.SIGTERM)
        start = time.monotonic()
        self.flood(10, run.process)
        self.assertEqual(run.wait(), 0, run.messages)
        self.assertLess(time.monotonic() - start, 10)
        self.assertGreater(len(findings(run.events())), 3)
        self.assertEqual(run.lines()[-1], b"")

    def daemon(self, site_text, capture=None):
        """A daemon with configuration, control socket and outputs of its own; its folder."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        os.chmod(folder.name, 0o755)
        path = lambda name: os.path.join(folder.name, name)
        with open(path("site.json"), "w", encoding="utf-8") as file:
            file.write(site_text)
        with open(path("rolecall.json"), "w", encoding="utf-8") as file:
            json.dump({"name": "sensor-1", "user": "root", "capture": {"interfaces": [SENSOR], **(capture or {})}, "site": path("site.json"),
                       "outputs": [{"type": "file", "path": path("events")}], "control": {"socket": path("control")},
                       "metrics": {"file": path("metrics.prom"), "interval_s": 1}}, file)
        return path, Run("-c", path("rolecall.json"), interface=None)

    def ctl(self, path, *words):
        done = subprocess.run([ROLECALL, "ctl", *words, "--socket", path("control")], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, check=False, timeout=30)
        return done.returncode, done.stdout + done.stderr

    def ask(self, path, command):
        with socket.socket(socket.AF_UNIX) as asking:
            asking.connect(path("control"))
            asking.sendall(b'{"command":"%s"}\n' % command.encode())
            return b"".join(iter(lambda: asking.recv(65536), b""))

    def test_daemon(self):
        with open(SITE, encoding="utf-8") as file:
            site = file.read()
        path, run = self.daemon(site)
        before = received(SENSOR)
        frames = frames_of(CAPTURE)
        self.wire.send(frames[:300])
        time.sleep(1.2)
        status = json.loads(self.ctl(path, "status", "--json")[1])
        self.assertEqual(status["interfaces"][0]["packets"], 300)
        self.assertEqual(status["interfaces"][0]["state"], "up")
        self.assertEqual(self.ctl(path, "health"), (0, "healthy\n"))
        self.assertIn("rolecall_", self.ctl(path, "metrics")[1])

        # Mistakes are told with their place, and change nothing.
        with open(path("site.json"), "w", encoding="utf-8") as file:
            file.write(site.replace('"edge-av"', '"edge-ov"'))
        exit_status, text = self.ctl(path, "reload")
        self.assertEqual(exit_status, 2, text)
        self.assertRegex(text, r'site.json:\d+:\d+: .*"edge-ov".*did you mean "edge-av"')
        for _ in range(99):
            self.wire.send(frames[300:303])
            self.assertTrue(self.ask(path, "reload").startswith(b'{"exit":2,'))
        status = json.loads(self.ctl(path, "status", "--json")[1])
        self.assertEqual((status["reload"]["good"], status["reload"]["refused"]), (0, 100))
        run.process.send_signal(signal.SIGHUP)
        run.wait_for("not reloaded")

        # A good one takes over, whether the file was written or replaced.
        with open(path("new"), "w", encoding="utf-8") as file:
            file.write(site.replace("contoso-hq", "contoso-new"))
        os.rename(path("new"), path("site.json"))
        self.assertEqual(self.ctl(path, "reload"), (0, "reloaded\n"))
        os.rename(path("events"), path("events.1"))
        self.assertEqual(self.ctl(path, "reopen"), (0, "reopened\n"))
        self.wire.send(frames[303:])
        time.sleep(1.5)
        self.assertTrue(os.path.exists(path("metrics.prom")))
        self.assertEqual(run.end(), 0, run.messages)
        self.assertFalse(os.path.exists(path("control")))

        events = []
        for name in "events.1", "events":
            with open(path(name), encoding="utf-8") as file:
                text = file.read()
            self.assertTrue(text.endswith("\n") or not text)
            events += [json.loads(line) for line in text.splitlines()]
        self.assertEqual([event["event"]["sequence"] for event in events], list(range(1, len(events) + 1)))
        self.assertEqual({event["observer"]["name"] for event in events}, {"sensor-1"})
        self.assertEqual(events[-1]["event"]["dataset"], "rolecall.stats")
        self.assertEqual(counters(events)["capture_packets"], received(SENSOR) - before)
        wanted = findings(self.analyze("--site", SITE))
        self.assertEqual({one[1:3] for one in findings(events)}, {one[1:3] for one in wanted})
        self.assertIn("contoso-new", {event["rolecall"].get("site") for event in events})

    def test_killed_under_load(self):
        run = Run("--site", SITE, "--flows")
        self.flood(1, run.process)
        self.assertEqual(run.end(signal.SIGKILL), -signal.SIGKILL)
        self.assertEqual(run.lines()[-1], b"")
        self.assertGreater(len(run.events()), 10)

    def test_two_interfaces(self):
        """A TAP: each direction on an interface of its own. The order of frames is that of their times."""
        add_pair("wire1", "mon1")
        other = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        other.bind(("wire1", 0))
        run = Run("--site", SITE, "-i", "mon1")
        for frame in frames_of(CAPTURE):
            way = self.wire.out if frame[26:30] < frame[30:34] else other
            way.send(frame)
        time.sleep(0.8)
        self.assertEqual(run.end(), 0, run.messages)
        other.close()
        self.wire.send(frames_of(CAPTURE))
        wanted = {finding[1:3] for finding in findings(self.analyze("--site", SITE))}
        self.assertEqual({finding[1:3] for finding in findings(run.events())}, wanted)
        self.assertEqual(counters(run.events())["capture_packets"], len(frames_of(CAPTURE)))
        subprocess.run(["ip", "link", "del", "wire1"], check=False)


def inside():
    """This script again, in a network namespace of its own."""
    unshare = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--net"]
    probe = "ip link add wire0 type veth peer name mon0"
    try:
        works = subprocess.run([*unshare, "sh", "-c", probe], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               check=False).returncode == 0
    except OSError:
        works = False
    if not works:
        print("skipped: no network namespace with virtual interfaces can be made here")
        sys.exit(77)
    os.execvp("unshare", [*unshare, sys.executable, os.path.abspath(__file__), "--inside", *sys.argv[1:]])


if __name__ == "__main__":
    if "--inside" not in sys.argv:
        inside()
    sys.argv.remove("--inside")
    unittest.main(verbosity=2)
