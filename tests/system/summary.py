#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The summary on a terminal: no line longer than it, columns aligned, coloured only there and not with NO_COLOR, inert
whatever the site names its hosts; the progress bar, which leaves nothing behind. $ROLECALL is the program. Exit 77: it
is not given."""
import fcntl
import json
import os
import pathlib
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios
import unicodedata

if "ROLECALL" not in os.environ:
    sys.exit(77)
ROLECALL = os.environ["ROLECALL"]
SOURCE = pathlib.Path(os.environ.get("ROLECALL_SOURCE", pathlib.Path(__file__).resolve().parents[2]))
SITE, CAPTURE = SOURCE / "pcaps/contoso.site.json", SOURCE / "pcaps/sfb-site-violations.pcap"
COLOUR = re.compile(r"\x1b\[(?:0|1|31|33|36)m")
failures = []


def check(what, held):
    if not held:
        failures.append(what)


def has_terminals():
    try:
        for end in pty.openpty():
            os.close(end)
    except OSError:
        return False
    return True


def on_terminal(words, columns, **environment):
    """What the program writes to a terminal of so many columns (0: one that does not know)."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    known = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "COLUMNS", "TERM")}
    with subprocess.Popen([ROLECALL, *map(str, words)], stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs,
                          env={**known, "TERM": "xterm", **environment}) as process:
        os.close(theirs)
        written = b""
        try:
            while part := os.read(ours, 65536):
                written += part
        except OSError:
            pass # the other end is closed: all was read
    os.close(ours)
    return process.returncode, written.decode("utf-8").replace("\r\n", "\n")


def width(line):
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)


def look(what, text, columns):
    plain = COLOUR.sub("", text)
    harmful = [c for c in plain if c != "\n" and (unicodedata.category(c) in ("Cc", "Cf") or c in "\u2028\u2029")]
    check(f"{what}: control characters {harmful[:5]}", not harmful)
    for line in plain.split("\n"):
        check(f"{what}: {width(line)} columns: {line}", width(line) <= columns)
    lines = plain.split("\n")
    table = lines[lines.index("Coverage of the documented rows") + 1:]
    widths = {width(line) for line in table if line}
    check(f"{what}: the table's lines differ in width: {widths}", len(widths) == 1)
    return plain


def hostile_site(folder):
    site = json.loads(re.sub(r"/\*.*?\*/", "", re.sub(r"^\s*//.*$|\s// .*$", "", SITE.read_text(), flags=re.M), flags=re.S))
    names = ["\x1b[31mred\x1b[0m", "n" * 120, "会議サーバー" * 7, "e\u0301" * 40, "\u202eabc", "\u2028x", "\x9b31m", "a b c d"]
    for host, name in zip(site["hosts"], names):
        host["name"] = name
    site["site"] = "\x1b]0;title\x07" + "s" * 110
    path = folder / "site.json"
    path.write_text(json.dumps(site))
    return path


def progress(folder):
    """A file of 24 MiB is long enough; the bar is drawn over itself and wiped out."""
    capture, header = folder / "long.pcap", CAPTURE.read_bytes()[:24]
    packets = CAPTURE.read_bytes()[24:]
    with open(capture, "wb") as file:
        file.write(header)
        for _ in range((24 << 20) // len(packets) + 1):
            file.write(packets)
    _, text = on_terminal(["analyze", "--site", SITE, capture], 80)
    bars = re.findall(r"\r\[#* *\] +\d+ %", text)
    check(f"{len(bars)} progress bars", len(bars) >= 2)
    check("the bar is longer than the terminal", all(len(bar) <= 80 for bar in bars))
    before = text[:text.index("rolecall ")]
    check("the bar is not wiped out", before.endswith("\r") and not before.split("\r")[-2].strip())
    done = subprocess.run([ROLECALL, "analyze", "--site", SITE, capture], capture_output=True, check=False, stdin=subprocess.DEVNULL)
    check("a bar where there is no terminal", b"%" not in done.stderr and b"\r" not in done.stderr)


def muted(folder):
    """What the site mutes is no finding, but is not hidden either."""
    site = json.loads(hostile_site(folder).read_text())
    path = folder / "muted.json"
    path.write_text(json.dumps(site | {"mute": ["unexpected-port"]}))
    told = subprocess.run([ROLECALL, "analyze", "--site", path, CAPTURE], capture_output=True, check=False, stdin=subprocess.DEVNULL).stdout.decode()
    check("a muted finding is shown", "unexpected-port" not in told)
    check("muted findings are not counted", re.search(r"^  [1-9]\d* muted by the site$", told, re.M))


def main():
    if not has_terminals():
        print("skipped: no pseudo-terminals here")
        return 77
    words = ["analyze", "--site", SITE, CAPTURE]
    for columns in (56, 80, 200):
        status, text = on_terminal(words, columns)
        check(f"status {status}", status == 1)
        look(f"{columns} columns", text, columns)
        check(f"{columns} columns: no colour", "\x1b[31m" in text and "\x1b[1m" in text)
        check(f"{columns} columns: the width is not used", max(width(COLOUR.sub("", line)) for line in text.split("\n")) > columns * 0.7)
    for name, environment in (("NO_COLOR", {"NO_COLOR": "1"}), ("a dumb terminal", {"TERM": "dumb"})):
        check(f"{name}: coloured", "\x1b" not in on_terminal(words, 80, **environment)[1])
    check("an empty NO_COLOR takes the colour", "\x1b[31m" in on_terminal(words, 80, NO_COLOR="")[1])
    look("COLUMNS", on_terminal(words, 0, COLUMNS="72")[1], 72)
    done = subprocess.run([ROLECALL, *map(str, words)], capture_output=True, check=False, stdin=subprocess.DEVNULL)
    check("colour without a terminal", b"\x1b" not in done.stdout)
    look("no terminal", done.stdout.decode(), 100)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        hostile = hostile_site(folder)
        for columns in (80, 200):
            _, text = on_terminal(["analyze", "--site", hostile, CAPTURE], columns, NO_COLOR="1")
            start = text.index("rolecall 0") if "rolecall 0" in text else 0
            look(f"hostile names, {columns} columns", text[start:], columns)
        progress(folder)
        muted(folder)
    print("\n".join(failures[:20]) or "the summary fits the terminal")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
