#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The report (docs/REPORT.md): one page for the same events, however they reach it; all of them on it; well-formed and
inert whatever they say. $ROLECALL is the program. Exit 77: it is not given."""
import base64
import hashlib
import html.parser
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

if "ROLECALL" not in os.environ:
    sys.exit(77)
ROLECALL = os.environ["ROLECALL"]
SOURCE = pathlib.Path(os.environ.get("ROLECALL_SOURCE", pathlib.Path(__file__).resolve().parents[2]))
SITE = str(SOURCE / "pcaps/contoso.site.json")
CAPTURES = [str(SOURCE / "pcaps" / name) for name in ("sfb-site-violations.pcap", "sfb-site-good.pcap")]
VOID = {"meta", "br"}
TAGS = set("html head meta title style body header nav main section article footer h1 h2 h3 p b a ol ul li dl dt dd div span i "
           "figure figcaption table caption thead tbody tr th td code svg g rect path text tspan".split())
HARMFUL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
EVIL = "<script>alert(1)</script>\"' onload=x &amp;&lt;\u202e\u2066\u0000\u001b[31m]]><!--</style></svg>javascript:"
failures = []


def check(what, held):
    if not held:
        failures.append(what)


def run(*words, text=None):
    return subprocess.run([ROLECALL, *map(str, words)], input=text, stdin=None if text is not None else subprocess.DEVNULL,
                          capture_output=True, timeout=120, check=False)


class Page(html.parser.HTMLParser):
    """Every tag closed in order, from a short list, with attributes that cannot do anything."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.wrong, self.titles, self.ids, self.text = [], [], [], [], []
        self.feed(text)
        self.close()
        if self.open:
            self.wrong.append(f"left open: {self.open}")

    def handle_starttag(self, tag, attrs):
        if tag not in TAGS:
            self.wrong.append(f"tag {tag}")
        for name, value in attrs:
            if name.startswith("on") or name in ("style", "src", "srcdoc", "action") or (name == "href" and not value.startswith("#")):
                self.wrong.append(f"{tag} {name}={value}")
            if name == "id":
                self.ids.append(value)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag):
        if tag in VOID:
            return
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"/{tag} closes nothing")

    def handle_data(self, data):
        (self.titles if self.open[-1:] == ["title"] and "svg" in self.open else self.text).append(data)


def look(what, data):
    text = data.decode("utf-8")
    page = Page(text)
    check(f"{what}: {page.wrong[:5]}", not page.wrong)
    check(f"{what}: an id stands twice", len(page.ids) == len(set(page.ids)))
    check(f"{what}: harmful characters", not HARMFUL.search(text))
    check(f"{what}: {len(data)} bytes", len(data) < 2 << 20)
    style = re.search(r"<style>(.*?)</style>", text, re.S).group(1)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    check(f"{what}: the policy is not that of the style", f"default-src 'none'; style-src 'sha256-{digest}'" in text)
    check(f"{what}: something is loaded", not re.search(r"url\(|@import|<link|<img|<script", text))
    return page


def events_of(capture, *options):
    return run("analyze", "--site", SITE, "--json", *options, capture).stdout


def one_way(folder, capture):
    """The same page from a file of events, while reading, and with more workers; events are not changed by it."""
    events, pages = folder / "events.ndjson", [folder / f"{i}.html" for i in range(3)]
    events.write_bytes(events_of(capture, "--flows"))
    done = run("report", events, "-o", pages[0])
    check(f"report of {capture}: status {done.returncode} {done.stderr}", done.returncode == 0 and not done.stderr)
    plain = events_of(capture)
    check(f"{capture}: --report changes the events", events_of(capture, "--report", pages[1]) == plain)
    run("analyze", "--site", SITE, "--flows", "--workers", "3", "--report", pages[2], capture)
    first = pages[0].read_bytes()
    check(f"{capture}: the page depends on how it is made", all(page.read_bytes() == first for page in pages[1:]))
    check(f"{capture}: standard input and output", run("report", "-", "-o", "-", text=events.read_bytes()).stdout == first)
    return events.read_text().splitlines(), first


def complete(what, lines, data):
    """Whatever the events tell is on the page."""
    page = look(what, data)
    text = " ".join(page.text)
    cells = 0
    findings = {}
    for event in map(json.loads, lines):
        own = event["rolecall"]
        if event["event"]["dataset"] == "rolecall.alert":
            findings[own["finding"]["fingerprint"]] = event
        if event["event"]["dataset"] == "rolecall.coverage":
            states = own["coverage"]
            rows = {row for state in ("seen", "violated", "blocked", "not_seen") for row in states[state]}
            cells += len(rows)
            for row in rows:
                state = "violated" if row in states["violated"] else "blocked" if row in states["blocked"] else \
                    "seen working" if row in states["seen"] else "never seen"
                title = f"{row}, {event['host']['name']}: {state}"
                check(f"{what}: no cell says {title}", any(t.startswith(title) for t in page.titles))
    shown = [event for event in findings.values() if event["rolecall"]["finding"]["count"]]
    check(f"{what}: {len(shown)} findings", f"{len(shown)} finding" in text or not shown)
    for event in shown:
        for part in (event["event"]["reason"][:200], event["rolecall"]["advice"], *event["rolecall"]["compliance"].get("rows", [])[:6]):
            check(f"{what}: not on the page: {part}", part in text)
    check(f"{what}: cells", sum(": " in title and "," in title and title.count("/") == 2 for title in page.titles) >= cells)
    return shown


def evil(value, key=""):
    if isinstance(value, dict):
        return {k: evil(v, k) for k, v in value.items()}
    if isinstance(value, list):
        return [evil(v, key) for v in value]
    return value + EVIL if isinstance(value, str) and key not in ("dataset", "fingerprint", "status", "state", "@timestamp") else value


def hostile(folder, lines):
    """Every string of every event ends with what would do harm."""
    spoilt = [json.dumps(evil(json.loads(line))) for line in lines]
    spoilt += ['{"event":{"dataset":"rolecall.flow"},"x":"' + "A" * 65536 + '"}', "\x00\x1b]0;evil\x07", '{"event":{"dataset":"rolecall.' + EVIL.replace('"', "") + '"']
    events, target = folder / "hostile.ndjson", folder / "hostile.html"
    events.write_text("\n".join(spoilt), encoding="utf-8", newline="")
    done = run("report", events, "-o", target)
    page = look("hostile events", target.read_bytes())
    check("hostile events: status", done.returncode == 3)
    check("hostile events: text is kept as text", any("<script>alert(1)</script>" in text for text in page.text))
    bad = int(re.search(rb": (\d+) lines are no events", done.stderr).group(1))
    check(f"hostile events: {bad} bad lines", bad >= 3 and f"{bad}" in " ".join(page.text))


def statuses(folder):
    empty, good = folder / "empty.ndjson", folder / "good.ndjson"
    empty.write_text("\n\n")
    good.write_text('{"event":{"dataset":"rolecall.stats"}}\n')
    for what, words, status in (("no output", ["report", good], 2), ("no events", ["report", "-o", folder / "x"], 2),
                                ("an unknown option", ["report", "--colour", good], 2), ("an absent file", ["report", folder / "none", "-o", folder / "x"], 3),
                                ("a file without events", ["report", empty, "-o", folder / "y"], 3), ("events", ["report", good, "-o", folder / "z"], 0),
                                ("an output that cannot be", ["report", good, "-o", folder / "no/where"], 3), ("a full disk", ["report", good, "-o", "/dev/full"], 3),
                                ("rules that are not there", ["report", "--rules", folder, good, "-o", folder / "r"], 0)):
        done = run(*words)
        check(f"{what}: status {done.returncode}, not {status}: {done.stderr}", done.returncode == status)
        check(f"{what}: nothing is said", status == 0 or done.stderr)
    check("a page was made of no events", not (folder / "y").exists())
    done = run("analyze", "--site", SITE, "--report", folder / "no/where", CAPTURES[1])
    check("analyze --report into nowhere: status", done.returncode == 3 and b"no/where" in done.stderr)


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        lines, data = one_way(folder, CAPTURES[0])
        check("the violations have findings", len(complete("violations", lines, data)) > 8)
        hostile(folder, lines)
        lines, data = one_way(folder, CAPTURES[1])
        check("the good site has none", not complete("good", lines, data) and b"No finding" in data)
        statuses(folder)
    print("\n".join(failures[:20]) or "the report is whole and inert")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
