#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""`rolecall explain` and `rolecall site import` from outside: exit statuses, what is printed, every event of the shipped
captures, and that an imported site judges as one written by hand."""
import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

if "ROLECALL" not in os.environ:
    sys.exit(77)

ROLECALL = os.environ["ROLECALL"]
SOURCE = os.environ.get("ROLECALL_SOURCE", ".")
GOOD = os.path.join(SOURCE, "pcaps", "sfb-site-good.pcap")
BAD = os.path.join(SOURCE, "pcaps", "sfb-site-violations.pcap")
SITE = os.path.join(SOURCE, "pcaps", "contoso.site.json")
TLS = "tcp 10.20.4.17 -> 10.20.1.12:5061 [tls]"


def run(*arguments, data=b""):
    return subprocess.run([ROLECALL, *arguments], input=data, capture_output=True, timeout=60, check=False)


def explain(*arguments, data=b""):
    return run("explain", "--site", SITE, *arguments, data=data)


def events(capture):
    done = run("analyze", "--site", SITE, "--json", "--flows", capture)
    return [json.loads(line) for line in done.stdout.splitlines()]


def verdict(done):
    """Status and findings as they are printed."""
    found = re.search(rb"\nVerdict\n  ([a-z-]+)((?:, [a-z-]+)*)\n", done.stdout)
    return found[1].decode(), [finding.decode() for finding in found[2].split(b", ") if finding]


class Explain(unittest.TestCase):
    def test_every_part_is_printed(self):
        done = explain(TLS)
        self.assertEqual(done.returncode, 0)
        self.assertEqual(done.stderr, b"")
        for part in ("tcp 10.20.4.17 -> 10.20.1.12:5061 [tls]\n", "network office, by prefix 10.20.4.0/22\n",
                     "host fe02.contoso.example\n", "roles: front-end", "in scope: the responder has a server role",
                     "\nVerdict\n  pass\n", "row: skype-for-business-server/server-ports/3\n"):
            self.assertIn(part.encode(), done.stdout)
        lines = done.stdout.decode().splitlines()
        self.assertTrue(any(re.match(r"  yes +\S+/server-ports/3 ", line) for line in lines))
        self.assertTrue(any(re.match(r"  nearly +\S+/server-ports/2 .* port is 1 off$", line) for line in lines))
        self.assertTrue(any(re.match(r"  no +\S+/server-ports/12 .* port differs$", line) for line in lines))

    def test_a_failure_says_what_to_do(self):
        done = explain("tcp 10.20.4.17:50000 -> 10.20.1.12:8089")
        self.assertEqual(done.returncode, 0)
        self.assertEqual(verdict(done), ("fail", ["unexpected-port"]))
        self.assertIn(b"  do: close tcp/8089", done.stdout)

    def test_other_transports_and_ipv6(self):
        self.assertEqual(verdict(explain("esp 10.20.4.17 -> 10.20.1.11")), ("fail", ["ipsec-on-media"]))
        self.assertEqual(verdict(explain("ah 10.20.4.17 -> 10.20.1.11")), ("fail", ["ipsec-on-media"]))
        self.assertEqual(verdict(explain("tcp 2001:db8:4::a7 -> [2001:db8:1::11]:443 [tls]")), ("pass", []))
        self.assertEqual(verdict(explain("udp 10.20.4.17 -> 10.20.1.31:50000 [rtp]")), ("pass", []))

    def test_without_a_site(self):
        done = run("explain", TLS)
        self.assertEqual(done.returncode, 0)
        self.assertIn(b"no site is given", done.stderr)
        self.assertEqual(verdict(done), ("out-of-scope", []))

    def test_usage(self):
        for arguments in (["--site", SITE, "hello"], ["--site", SITE, "tcp 10.20.4.17 -> 10.20.1.12"], ["--site", SITE, TLS, "more"],
                          ["--site", "/none", TLS], ["--rules", "/none", TLS], ["--no-such-option"], ["--site", SITE]):
            done = run("explain", *arguments)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertTrue(done.stderr, arguments)
            self.assertEqual(done.stdout, b"", arguments)

    def test_help(self):
        for command in ("explain", "site"):
            done = run(command, "--help")
            self.assertEqual(done.returncode, 0)
            self.assertIn(b"Example:", done.stdout)

    def test_output_that_fails(self):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([ROLECALL, "explain", "--site", SITE, TLS], stdout=full, stderr=subprocess.PIPE, check=False)
        self.assertEqual(done.returncode, 3)
        self.assertTrue(done.stderr)

    # events

    def test_every_flow_of_the_shipped_captures(self):
        told = 0
        for capture in (GOOD, BAD):
            for event in events(capture):
                if event["event"]["dataset"] != "rolecall.flow":
                    continue
                done = explain(data=json.dumps(event).encode())
                self.assertEqual(done.returncode, 0, done.stderr)
                compliance = event["rolecall"]["compliance"]
                if event["network"]["protocol"] in ("ike", "authip", "esp", "ah"):
                    continue  # what became of the pair stands in no flow event
                self.assertEqual(verdict(done), (compliance["status"], compliance["findings"]), event)
                told += 1
        self.assertGreater(told, 50)

    def test_every_alert_of_the_shipped_captures(self):
        told = set()
        for event in events(BAD):
            if event["event"]["dataset"] != "rolecall.alert":
                continue
            done = explain("-", data=json.dumps(event).encode())
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn(b"\nThe event says\n", done.stdout)
            finding = event["rule"]["id"]
            if event["rolecall"]["compliance"]["status"] == "fail":
                self.assertIn(finding, verdict(done)[1], event)
                told.add(finding)
        self.assertIn("blocked-port", told)
        self.assertIn("ipsec-on-media", told)
        self.assertIn("mutual-tls-missing", told)

    def test_events_that_are_none(self):
        event = json.dumps(next(iter(events(BAD)))).encode()
        for data in (b"", b"{}", b"[1]", event[:-1], event + b"\n" + event, b"\xff", b"{" * 100):
            done = explain(data=data)
            self.assertEqual(done.returncode, 2, data)
            self.assertTrue(done.stderr, data)
            self.assertEqual(done.stdout, b"", data)


class Import(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="rolecall-test-")

    def tearDown(self):
        shutil.rmtree(self.folder)

    def path(self, name, data):
        path = os.path.join(self.folder, name)
        with open(path, "wb") as file:
            file.write(data)
        return path

    def test_an_imported_site_judges_as_one_written_by_hand(self):
        with open(SITE, encoding="utf-8") as file:
            text = re.sub(r"/\*.*?\*/|(?m:^\s*//[^\n]*$)", "", file.read(), flags=re.DOTALL)
        written = json.loads(text)
        table = io.StringIO()
        rows = csv.writer(table)
        rows.writerow(["roles", "name", "address"])
        for host in written["hosts"]:
            rows.writerow(["+".join(host["roles"]), host["name"], "; ".join(host["addresses"] + host.get("translated", []))])
        for network in written["networks"]:
            rows.writerow([" ".join(network["roles"]), network["name"], " ".join(network["prefixes"])])
        done = run("site", "import", self.path("hosts.csv", table.getvalue().encode()))
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        imported = json.loads(done.stdout)
        self.assertEqual(imported["site"], "hosts")
        self.assertEqual([host["name"] for host in imported["hosts"]], [host["name"] for host in written["hosts"]])
        for host in written["hosts"]:
            host["addresses"] += host.pop("translated", [])
        self.assertEqual([sorted(host["roles"]) for host in imported["hosts"]], [sorted(host["roles"]) for host in written["hosts"]])
        self.assertEqual([host["addresses"] for host in imported["hosts"]], [host["addresses"] for host in written["hosts"]])
        self.assertEqual(imported["networks"], written["networks"])
        imported.update({key: written[key] for key in written if key not in ("site", "hosts", "networks")})
        plain = self.path("hosts.json", done.stdout)
        self.assertIn(run("analyze", "--site", plain, GOOD).returncode, (0, 1))
        full = self.path("full.json", json.dumps(imported).encode())
        found = [sorted(event["rule"]["id"] for event in map(json.loads, run("analyze", "--site", site, "--json", BAD).stdout.splitlines())
                        if event["event"]["dataset"] == "rolecall.alert") for site in (SITE, full)]
        self.assertEqual(found[0], found[1])

    def test_standard_input(self):
        done = run("site", "import", "-", data=b"name,address,roles\nfe,10.0.0.1,front-end\n")
        self.assertEqual(done.returncode, 0)
        self.assertEqual(json.loads(done.stdout)["hosts"], [{"name": "fe", "addresses": ["10.0.0.1"], "roles": ["front-end"]}])

    def test_mistakes_are_told_at_once(self):
        path = self.path("hosts.csv", b"name,address,roles\na,10.0.0.300,front-ned\nb,10.0.0.1/8,client\n")
        done = run("site", "import", path)
        self.assertEqual(done.returncode, 2)
        self.assertEqual(done.stdout, b"")
        lines = done.stderr.decode().splitlines()
        self.assertEqual(len(lines), 3, lines)
        self.assertTrue(lines[0].startswith(path + ":2:3: address: found \"10.0.0.300\""), lines)
        self.assertTrue(lines[1].startswith(path + ":2:14: roles: found \"front-ned\""), lines)
        self.assertIn("did you mean \"front-end\"?", lines[1])
        self.assertTrue(lines[2].startswith(path + ":3:3: address: found \"10.0.0.1/8\""), lines)

    def test_usage(self):
        table = self.path("hosts.csv", b"name,address,roles\n")
        for arguments in ([], ["import"], ["export", table], ["import", table, table], ["import", "--rules", "/none", table]):
            done = run("site", *arguments)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertTrue(done.stderr, arguments)

    def test_files_that_are_no_table(self):
        self.assertEqual(run("site", "import", "/none").returncode, 3)
        self.assertEqual(run("site", "import", self.folder).returncode, 3)
        for data in (b"", b"\0" * 100, b"\xff\xfe", b"x" * (1 << 21), GOOD.encode(), b"\"" * 4001):
            done = run("site", "import", self.path("bad.csv", data))
            self.assertEqual(done.returncode, 2, data[:20])
            self.assertTrue(done.stderr, data[:20])
            self.assertEqual(done.stdout, b"", data[:20])


if __name__ == "__main__":
    unittest.main()
