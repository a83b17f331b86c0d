#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""`rolecall analyze` from outside: exit statuses, inputs of every kind, options, and what bad input does."""
import gzip
import json
import os
import select
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

ROLECALL = os.environ["ROLECALL"]
SOURCE = os.environ.get("ROLECALL_SOURCE", ".")
GOOD = os.path.join(SOURCE, "pcaps", "sfb-site-good.pcap")
BAD = os.path.join(SOURCE, "pcaps", "sfb-site-violations.pcap")
SITE = os.path.join(SOURCE, "pcaps", "contoso.site.json")


def run(*arguments, data=None):
    return subprocess.run([ROLECALL, "analyze", *arguments], input=data, capture_output=True, timeout=60, check=False)


def order_of(header):
    """How a capture's numbers are packed."""
    return "<" if header[:1] in (b"\xd4", b"\x4d") else ">"


def events(output, dataset=None):
    lines = [json.loads(line) for line in output.splitlines()]
    return [event for event in lines if not dataset or event["event"]["dataset"] == dataset]


class Analyze(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="rolecall-test-")

    def tearDown(self):
        shutil.rmtree(self.folder)

    def path(self, name, data=None):
        path = os.path.join(self.folder, name)
        if data is not None:
            with open(path, "wb") as file:
                file.write(data)
        return path

    def read(self, path):
        with open(path, "rb") as file:
            return file.read()

    # exit statuses

    def test_nothing_found(self):
        self.assertEqual(run("--site", SITE, GOOD).returncode, 0)

    def test_findings(self):
        done = run("--site", SITE, BAD)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"unexpected-port", done.stdout)
        self.assertEqual(done.stderr, b"")

    def test_fail_on(self):
        self.assertEqual(run("--site", SITE, "--fail-on", "never", BAD).returncode, 0)
        self.assertEqual(run("--site", SITE, "--fail-on", "99", BAD).returncode, 0)
        self.assertEqual(run("--site", SITE, "--fail-on", "high", BAD).returncode, 1)
        self.assertEqual(run("--site", SITE, "--fail-on", "much", BAD).returncode, 2)

    def test_usage(self):
        for arguments in ([], ["--site", SITE], ["--no-such-option", GOOD], ["--workers", "0", GOOD], ["--workers", "x", GOOD],
                          ["--from", "yesterday", GOOD], ["--json", "--events", "x", GOOD], ["--matrix", "none", "--site", SITE, GOOD]):
            done = run(*arguments)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertTrue(done.stderr, arguments)

    def test_help(self):
        done = run("--help")
        self.assertEqual(done.returncode, 0)
        self.assertIn(b"Example:", done.stdout)

    def test_nothing_that_could_be_judged(self):
        header = self.read(GOOD)[:24]
        done = run("--site", SITE, self.path("empty.pcap", header))
        self.assertEqual(done.returncode, 4)
        done = run("--site", SITE, "--filter", "udp port 9", GOOD)
        self.assertEqual(done.returncode, 4)

    # inputs

    def test_the_same_from_file_gzip_stdin_and_with_workers(self):
        wanted = run("--site", SITE, "--json", "--flows", BAD).stdout
        self.assertGreater(len(wanted), 10000)
        packed = self.path("packed", gzip.compress(self.read(BAD)))
        self.assertEqual(run("--site", SITE, "--json", "--flows", packed).stdout, wanted)
        self.assertEqual(run("--site", SITE, "--json", "--flows", "-", data=self.read(BAD)).stdout, wanted)
        for workers in "2", "3", "16":
            self.assertEqual(run("--site", SITE, "--json", "--flows", "--workers", workers, BAD).stdout, wanted)

    def test_the_events_of_a_stream_are_not_kept_back(self):
        with subprocess.Popen([ROLECALL, "analyze", "--site", SITE, "--json", "--flows", "-"], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as process:
            process.stdin.write(self.read(BAD))
            process.stdin.flush()
            self.assertTrue(select.select([process.stdout], [], [], 30)[0])  # and the stream goes on
            self.assertEqual(len(events(process.stdout.readline())), 1)
            process.communicate()

    def test_a_capture_in_pieces_is_one_capture(self):
        whole = self.read(BAD)
        header, at, records = whole[:24], 24, []
        while at < len(whole):
            size = 16 + struct.unpack(order_of(whole) + "I", whole[at + 8:at + 12])[0]
            records.append(whole[at:at + size])
            at += size
        half = len(records) // 2
        self.assertGreater(half, 100)
        self.path("b.pcap", header + b"".join(records[:half]))
        self.path("a.pcap", header + b"".join(records[half:]))
        flows = [event["network"]["community_id"] + event["rolecall"]["compliance"]["status"]
                 for event in events(run("--site", SITE, "--json", "--flows", self.folder).stdout, "rolecall.flow")]
        wanted = [event["network"]["community_id"] + event["rolecall"]["compliance"]["status"]
                  for event in events(run("--site", SITE, "--json", "--flows", BAD).stdout, "rolecall.flow")]
        self.assertEqual(flows, wanted)

    def test_stdin_without_a_site_is_refused(self):
        done = run("-", data=self.read(GOOD))
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"--site", done.stderr)

    def test_stdin_beside_a_file_is_refused(self):
        done = run("--site", SITE, "-", GOOD, data=self.read(GOOD))
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"only input", done.stderr)

    def test_without_a_site_roles_are_discovered_and_told(self):
        done = run(GOOD)
        self.assertIn(done.returncode, (0, 1))
        self.assertIn(b"assumed", done.stderr)
        self.assertIn(b"10.20.1.11: front-end", done.stderr)

    def test_truncated_file_is_judged_as_far_as_it_goes(self):
        cut = self.path("cut.pcap", self.read(BAD)[:-7])
        done = run("--site", SITE, "--json", "--fail-on", "never", cut)
        self.assertEqual(done.returncode, 3)
        self.assertIn(b"cut.pcap: cut after packet", done.stderr)
        self.assertTrue(events(done.stdout, "rolecall.alert"))
        self.assertEqual(run("--site", SITE, cut).returncode, 1)

    def test_what_is_no_capture(self):
        for name, data in (("text", b"this is no capture at all, is it?\n"), ("nothing", b""), ("short", b"\xd4\xc3\xb2\xa1\x02"),
                           ("zip", b"\x1f\x8b\x08\0\0\0\0\0\0\3truncated")):
            done = run("--site", SITE, self.path(name, data))
            self.assertEqual(done.returncode, 3, name)
            self.assertIn(name.encode(), done.stderr)

    def test_one_bad_file_among_good_ones(self):
        self.path("a-bad", b"nothing of the kind")
        shutil.copy(GOOD, self.folder)
        done = run("--site", SITE, "--json", "--flows", self.folder)
        self.assertEqual(done.returncode, 3)
        self.assertTrue(events(done.stdout, "rolecall.flow"))

    def test_missing_and_unreadable(self):
        self.assertEqual(run("--site", SITE, self.path("not-there")).returncode, 3)
        os.mkdir(self.path("empty"))
        done = run("--site", SITE, self.path("empty"))
        self.assertEqual(done.returncode, 3)
        self.assertIn(b"empty", done.stderr)

    def test_unknown_link_type(self):
        header = self.read(GOOD)[:20] + struct.pack(order_of(self.read(GOOD)) + "I", 147)
        done = run("--site", SITE, self.path("user0.pcap", header + self.read(GOOD)[24:]))
        self.assertEqual(done.returncode, 3)
        self.assertIn(b"147", done.stderr)

    # options

    def test_filter_and_times(self):
        every = len(events(run("--site", SITE, "--json", "--flows", BAD).stdout, "rolecall.flow"))
        udp = events(run("--site", SITE, "--json", "--flows", "--filter", "udp", BAD).stdout, "rolecall.flow")
        self.assertTrue(0 < len(udp) < every)
        self.assertEqual({event["network"]["transport"] for event in udp}, {"udp"})
        late = events(run("--site", SITE, "--json", "--flows", "--from", "2026-03-02T09:30:10Z", BAD).stdout, "rolecall.flow")
        early = events(run("--site", SITE, "--json", "--flows", "--to", "2026-03-02T09:30:10Z", BAD).stdout, "rolecall.flow")
        self.assertTrue(0 < len(late) < every and 0 < len(early) < every)
        self.assertTrue(all(event["event"]["start"] >= "2026-03-02T09:30:10" for event in late))
        self.assertTrue(all(event["event"]["end"] < "2026-03-02T09:30:10" for event in early))
        self.assertEqual(run("--site", SITE, "--filter", "no such thing", BAD).returncode, 2)

    def test_matrix_takes_the_place_of_the_sites_own(self):
        flows = events(run("--site", SITE, "--json", "--flows", "--matrix", "lync-server-2013", BAD).stdout, "rolecall.flow")
        rows = {row.split("/")[0] for event in flows for row in event["rolecall"]["compliance"]["rows"]}
        self.assertEqual(rows, {"lync-server-2013"})

    def test_events_into_a_file(self):
        path = self.path("events.ndjson")
        done = run("--site", SITE, "--events", path, BAD)
        self.assertIn(b"Findings", done.stdout)
        self.assertEqual(self.read(path), run("--site", SITE, "--json", BAD).stdout)

    def test_output_that_fails(self):
        done = run("--site", SITE, "--events", "/dev/full", GOOD)
        self.assertEqual(done.returncode, 3)
        self.assertIn(b"/dev/full", done.stderr)
        self.assertEqual(run("--site", SITE, "--events", "/no/such/folder/x", GOOD).returncode, 3)

    def test_coverage_as_csv(self):
        path = self.path("coverage.csv")
        run("--site", SITE, "--coverage", path, BAD)
        lines = self.read(path).decode().split("\r\n")
        self.assertEqual(lines[0], "row,host,state,flows,bytes,violated,blocked,first_seen,last_seen,"
                                   "peers,peer_addresses")
        for line in lines[1:-1]:
            fields = line.split(",")
            self.assertEqual(int(fields[9]), len(fields[10].split()))  # none of them has more than eight
            self.assertEqual(fields[9] == "0", fields[2] == "not-seen")
        states = {line.split(",")[2] for line in lines[1:] if line}
        self.assertEqual(states, {"seen", "violated", "blocked", "not-seen"})

    def test_evidence(self):
        folder = self.path("evidence")
        run("--site", SITE, "--evidence", folder, BAD)
        alerts = [event for event in events(run("--site", SITE, "--json", BAD).stdout, "rolecall.alert")
                  if event["rolecall"]["finding"]["state"] == "open"]
        wanted = {f"{alert['rolecall']['finding']['fingerprint']}-{alert['rule']['id']}.pcap" for alert in alerts}
        self.assertEqual(set(os.listdir(folder)), wanted)
        for alert in alerts:
            path = os.path.join(folder, f"{alert['rolecall']['finding']['fingerprint']}-{alert['rule']['id']}.pcap")
            flows = events(run("--site", SITE, "--json", "--flows", path).stdout, "rolecall.flow")
            self.assertIn(alert["network"]["community_id"], {flow["network"]["community_id"] for flow in flows})

    # sites

    def test_five_mistakes_are_told_at_once(self):
        site = self.path("five.json", b"""{
  "site": 7,
  "load_balancing": "software",
  "hosts": [ { "name": "a", "addresses": ["10.0.0.999"], "roles": ["front-ned"] } ],
  "colour": "blue"
}
""")
        done = run("--site", site, GOOD)
        self.assertEqual(done.returncode, 2)
        lines = done.stderr.decode().splitlines()
        self.assertEqual([line.split(":")[1] for line in lines], ["2", "3", "4", "4", "5"], lines)
        self.assertIn("front-end", lines[3])
        self.assertEqual(done.stdout, b"")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
