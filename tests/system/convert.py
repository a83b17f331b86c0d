#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""`rolecall convert --to cef`: the shipped captures' events, read back by a CEF reader written here; bad lines told by
their number; exit statuses. $ROLECALL is the program. Exit 77: it is not given."""
import datetime
import json
import os
import pathlib
import re
import subprocess
import sys
import unittest

if "ROLECALL" not in os.environ:
    sys.exit(77)
ROLECALL = os.environ["ROLECALL"]
SOURCE = pathlib.Path(os.environ.get("ROLECALL_SOURCE", pathlib.Path(__file__).resolve().parents[2]))
GOOD_LINE = b'{"event":{"dataset":"rolecall.stats","action":"stats"}}'


def convert(data, *arguments):
    return subprocess.run([ROLECALL, "convert", *(arguments or ("--to", "cef"))], input=data, capture_output=True, check=False)


def read_cef(line):
    """Header fields and extension of a line, unescaped; fails where the line is not as the format says."""
    head = re.match(r"CEF:0((?:\|(?:[^|\\\n]|\\[|\\])*){6})\|(.*)", line)
    assert head, line
    fields = [re.sub(r"\\(.)", r"\1", field) for field in re.split(r"(?<!\\)(?:\\\\)*\|", head[1])[1:]]
    extension, keys = {}, list(re.finditer(r"(?:^| )([A-Za-z0-9]+)=", head[2]))
    for key, after in zip(keys, [*keys[1:], None]):
        value = head[2][key.end():after.start() if after else len(head[2])]
        assert not re.search(r"(?<!\\)(?:\\\\)*=", value), value
        assert key[1] not in extension, key[1]
        extension[key[1]] = re.sub(r"\\(.)", lambda m: {"n": "\n", "r": "\r"}.get(m[1], m[1]), value)
    return fields, extension


def at(event, path):
    for key in path.split("."):
        if not isinstance(event, dict) or key not in event:
            return None
        event = event[key]
    return event


def milliseconds(time):
    moment = datetime.datetime.fromisoformat(time.replace("Z", "+00:00"))
    return str(int((moment - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)) / datetime.timedelta(milliseconds=1)))


class Convert(unittest.TestCase):
    def test_the_shipped_captures(self):
        for capture in ("sfb-site-good.pcap", "sfb-site-violations.pcap"):
            events = subprocess.run([ROLECALL, "analyze", "--site", SOURCE / "pcaps/contoso.site.json", "--json", "--flows",
                                     SOURCE / "pcaps" / capture], capture_output=True, check=False).stdout
            done = convert(events)
            self.assertEqual((done.returncode, done.stderr), (0, b""))
            lines = done.stdout.decode().split("\n")
            self.assertEqual(lines.pop(), "")
            events = [json.loads(line) for line in events.splitlines()]
            self.assertEqual(len(lines), len(events))
            for line, event in zip(lines, events):
                self.check(line, event)

    def check(self, line, event):
        fields, extension = read_cef(line)
        self.assertLessEqual(len(line.encode()), 7600)
        self.assertEqual(fields[:2], ["rolecall", "rolecall"])
        self.assertEqual(fields[3], event["event"]["action"])
        self.assertEqual(int(fields[5]), event["event"].get("severity", 0) // 10)
        self.assertEqual(extension["rt"], milliseconds(event["@timestamp"]))
        for key, path in (("externalId", "event.id"), ("cat", "event.dataset"), ("cn1", "event.sequence"),
                          ("spt", "source.port"), ("dpt", "destination.port"), ("app", "network.protocol"), ("in", "source.bytes"),
                          ("act", "rolecall.compliance.status"), ("cnt", "rolecall.finding.count"),
                          ("cs6", "rolecall.site"), ("flexString1", "network.community_id"),
                          ("flexString2", "rolecall.advice")):
            found = at(event, path)
            self.assertEqual(extension.get(key), None if found is None else str(found), (key, line))
        for key, key6, path in (("src", "c6a2", "source.ip"), ("dst", "c6a3", "destination.ip")):
            found = at(event, path)
            self.assertEqual(extension.get(key6 if ":" in (found or "") else key), found)
        if event["event"]["dataset"] == "rolecall.alert":
            self.assertEqual(extension["msg"], event["event"]["reason"])
            self.assertEqual(fields[4], event["rule"]["name"])
        for key in extension:
            if re.fullmatch("(cs|cn|cfp|c6a|flexString)[0-9]", key):
                self.assertIn(key + "Label", extension)

    def test_bad_lines_are_told_and_the_rest_goes_on(self):
        done = convert(b"\n".join([GOOD_LINE, b"nonsense", b"", b'{"event":{}}', b'{"a":"\xff"}', GOOD_LINE]))
        self.assertEqual(done.returncode, 3)
        self.assertEqual(done.stdout.count(b"CEF:0|"), 2)
        words = done.stderr.decode()
        for number in (2, 4, 5):
            self.assertIn(f"line {number}, ", words)
        self.assertIn("3 of 6 lines were no events", words)

    def test_long_lines(self):
        longest = GOOD_LINE[:-1] + b" " * (65536 - len(GOOD_LINE)) + b"}"
        done = convert(longest + b"\n")
        self.assertEqual((done.returncode, done.stdout.count(b"\n")), (0, 1))
        done = convert(longest + b" \n" + GOOD_LINE)
        self.assertEqual((done.returncode, done.stdout.count(b"\n")), (3, 1))
        self.assertIn(b"line 1, ", done.stderr)
        done = convert(b"x" * 5000000)
        self.assertEqual((done.returncode, done.stdout), (3, b""))

    def test_many_bad_lines_are_counted(self):
        done = convert(b"x\n" * 1000)
        self.assertEqual(done.returncode, 3)
        self.assertLess(done.stderr.count(b"\n"), 30)
        self.assertIn(b"and 980 more", done.stderr)
        self.assertIn(b"1000 of 1000 lines", done.stderr)

    def test_nothing_is_nothing(self):
        done = convert(b"")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, b"", b""))

    def test_usage(self):
        for arguments in (("--to", "leef"), ("--to",), ("--from", "cef"), ("--to", "cef", "file"), ("-x",)):
            done = convert(b"", *arguments)
            self.assertEqual((done.returncode, done.stdout), (2, b""), arguments)
            self.assertTrue(done.stderr)
        self.assertEqual(subprocess.run([ROLECALL, "convert"], stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode, 2)

    def test_output_that_fails(self):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([ROLECALL, "convert", "--to", "cef"], input=GOOD_LINE, stdout=full, stderr=subprocess.PIPE, check=False)
        self.assertEqual(done.returncode, 3)
        self.assertIn(b"No space left", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=1)
