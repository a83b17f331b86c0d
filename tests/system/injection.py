#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Hostile texts from the wire through the whole program, into everything that it writes.

Texts with newlines, quotes, escapes, invalid UTF-8, NUL, direction marks, markup and 64 KiB of length are put wherever a
protocol has a name of its own: SNI and ALPN, certificates, SIP, HTTP, DNS, DHCP, XMPP, STUN, SSRP, net.tcp. Then every
event is one line, which Python's parser takes, which holds to the schema, and in which each text is the wire's own or
repaired, with its bytes in `rolecall.raw_hex`; the summary (to a file and to a terminal) and the page hold no control
character, no direction mark and no markup that came from a packet; CEF escapes what it must.

$ROLECALL is the program. Exit 77: it is not given, or Python's jsonschema is missing.
"""
import html.parser
import json
import os
import pathlib
import pty
import re
import struct
import subprocess
import sys
import tempfile

try:
    import jsonschema
except ImportError:
    sys.exit(77)


SOURCE = pathlib.Path(os.environ.get("ROLECALL_SOURCE", pathlib.Path(__file__).resolve().parents[2]))
SITE = SOURCE / "pcaps/contoso.site.json"
CLIENT, SERVER = bytes([10, 20, 4, 17]), bytes([10, 20, 1, 11])
WINDOW, SEGMENT = 4096, 1400
HARMFUL = re.compile("[\0-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")

TEXTS = {
    "plain": b"plain.example",
    "newlines": b"a\nb\r\n{\"event\":{}}\n",
    "quotes": b"\",\"event\":{\"kind\":\"alert\"},\"x\":\"",
    "escapes": b"\\u0000\\n\\\\\" \\\\server\\share\\",
    "json ends": b"\"}]}}\n{}",
    "invalid": b"\xff\xfe\xc0\xaf\xed\xa0\x80\xf4\x90\x80\x80\xe2\x82",
    "nul": b"before\0behind",
    "direction": "a\u202egpj.exe\u2066b\u200f\u061c\u2028\u2029\ufeff".encode(),
    "terminal": b"\x1b[2J\x1b]0;owned\x07\x9b31m\x7f\x08\x08",
    "markup": b"\"><script>alert(1)</script><img src=x onerror='alert(1)'>&lt;",
    "cef": b"a=b|c\\|d=e\\=f CEF:0|x|y|z|1|n|9|",
    "formula": b"=cmd|' /C calc'!A0",
    "long": b"\xc3\xa9" * 60 + b"z" * 200,
    "longer than an event": b"\x01" * 9000,
    "64 KiB": b"a\n\xff" * 21845,
}


def prefixed(form, *parts):
    body = b"".join(parts)
    return struct.pack(form, len(body) & (0xFF if form == ">B" else 0xFFFF)) + body


def hello(extension, body):
    extensions = prefixed(">H", struct.pack(">H", extension), prefixed(">H", body))
    message = b"\3\3" + b"\7" * 32 + b"\0\0\2\x13\1\1\0" + extensions
    message = b"\1" + len(message).to_bytes(3, "big") + message
    return b"".join(b"\x16\3\1" + prefixed(">H", message[at:at + 16384]) for at in range(0, len(message), 16384))


def certificate(text):
    """A server's certificate with that common name: just enough of X.509 to be carried."""
    name = b"\x30\x82" + prefixed(">H", b"\x06\3\x55\x04\x03\x0c\x82", prefixed(">H", text[:16000]))
    chain = len(name).to_bytes(3, "big") + name
    message = b"\x0b" + (len(chain) + 3).to_bytes(3, "big") + len(chain).to_bytes(3, "big") + chain
    answer = b"\2\0\0\x26\3\3" + b"\5" * 32 + b"\0\x13\1\0"
    return b"\x16\3\3" + prefixed(">H", answer) + b"\x16\3\3" + prefixed(">H", message[:16384])


def dns(text):
    labels = b"".join(prefixed(">B", text[at:at + 63]) for at in range(0, min(len(text), 240), 63))
    return b"\0\1\1\0\0\1\0\0\0\0\0\0" + labels + b"\0\0\1\0\1"


def dhcp(option):
    return lambda text: (b"\1\1\6\0" + b"\x11" * 4 + bytes(228) + b"\x63\x82\x53\x63\x35\1\1"
                         + bytes([option]) + prefixed(">B", text[:255]) + b"\xff")


def sip(head):
    tail = b"Via: SIP/2.0/UDP b;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:b@b>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n"
    return lambda text: head.replace(b"%", text[:8000]) + b"\r\n" + tail + b"\r\n"


def stun(text):
    text = text[:1000]
    attribute = b"\x80\x22" + struct.pack(">H", len(text)) + text + b"\0" * (-len(text) % 4)
    return b"\0\1" + struct.pack(">H", len(attribute)) + b"\x21\x12\xa4\x42" + b"\1" * 12 + attribute


def ssrp(text):
    body = b"ServerName;" + text[:900] + b";InstanceName;B;IsClustered;No;Version;9.0;tcp;1433;;"
    return b"\5" + struct.pack("<H", len(body)) + body


# place: (transport, port of the server, who says it, its payload with a text, field of the event or None)
PLACES = {
    "tls sni": ("tcp", 443, 0, lambda t: hello(0, prefixed(">H", b"\0", prefixed(">H", t[:65000]))), "tls.client.server_name"),
    "tls alpn": ("tcp", 5061, 0, lambda t: hello(16, prefixed(">H", prefixed(">B", t[:255]))), "rolecall.detail"),
    "certificate": ("tcp", 5067, 1, certificate, None),
    "http host": ("tcp", 80, 0, lambda t: b"GET / HTTP/1.1\r\nHost: " + t + b"\r\n\r\n", "url.domain"),
    "http agent": ("tcp", 8080, 0, lambda t: b"GET / HTTP/1.1\r\nUser-Agent: " + t + b"\r\n\r\n", "user_agent.original"),
    "http target": ("tcp", 8081, 0, lambda t: b"GET /" + t + b" HTTP/1.1\r\nHost: a\r\n\r\n", "rolecall.detail"),
    "sip host": ("udp", 5060, 0, sip(b"INVITE sip:a@% SIP/2.0"), "url.domain"),
    "sip agent": ("udp", 5060, 0, sip(b"INVITE sip:a@b SIP/2.0\r\nUser-Agent: %"), "user_agent.original"),
    "dns": ("udp", 53, 0, dns, "dns.question.name"),
    "dhcp name": ("udp", 67, 0, lambda t: dhcp(43)(b"\1\x0cMS-UC-Client\3" + prefixed(">B", t[:200])), "url.domain"),
    "dhcp class": ("udp", 67, 0, dhcp(60), "user_agent.original"),
    "xmpp to": ("tcp", 5269, 0, lambda t: b"<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:stream="
                b"'http://etherx.jabber.org/streams' to='" + t + b"' version='1.0'>", "url.domain"),
    "stun software": ("udp", 3478, 0, stun, "user_agent.original"),
    "ssrp server": ("udp", 1434, 1, ssrp, "url.domain"),
    "net.tcp via": ("tcp", 8061, 0, lambda t: b"\0\1\0\1\2\2" + prefixed(">B", b"net.tcp://" + t[:100]) + b"\3\x08\x0c", "url.domain"),
}


def packets(transport, port, side, payload, client_port):
    """What the client's end says (side 0), or the server's after a first word of the client."""
    def ends(forward):
        return (CLIENT, SERVER, client_port, port) if forward else (SERVER, CLIENT, port, client_port)

    def ip(forward, protocol, body):
        source, destination, _, _ = ends(forward)
        return struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(body), 0, 0x4000, 64, protocol, 0) + source + destination + body

    if transport == "udp":
        for forward, data in [(True, b"\3")] * side + [(side == 0, payload[:65000])]:
            yield ip(forward, 17, struct.pack(">4H", *ends(forward)[2:], 8 + len(data), 0) + data)
        return
    sent = [1000, 5000]

    def tcp(sender, flags, data=b""):
        segment = struct.pack(">HHIIBBHHH", *ends(sender == 0)[2:], sent[sender], sent[1 - sender], 0x50, flags, 8192, 0, 0)
        sent[sender] = (sent[sender] + len(data) + bool(flags & 3)) % 2 ** 32
        return ip(sender == 0, 6, segment + data)

    yield tcp(0, 2)
    yield tcp(1, 0x12)
    if side:
        yield tcp(0, 0x18, hello(23, b""))
    for at in range(0, len(payload), SEGMENT):
        yield tcp(side, 0x18, payload[at:at + SEGMENT])


def write_capture(path):
    """Each text at each place: a flow of its own. {client port: (place, text's name, payload)}."""
    flows, time = {}, 0
    with path.open("wb") as capture:
        capture.write(struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 101))
        for place, (transport, port, side, make, _) in PLACES.items():
            for name, text in TEXTS.items():
                client_port = 20000 + len(flows)
                payload = make(text)
                flows[client_port] = (place, name, payload)
                for packet in packets(transport, port, side, payload, client_port):
                    time += 1
                    capture.write(struct.pack("<4I", 1772443800, time, len(packet), len(packet)) + packet)
    return flows


def find(event, path):
    for key in path.split("."):
        event = event.get(key, {}) if isinstance(event, dict) else {}
    return event or None


def strings(value):
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)
    elif isinstance(value, str):
        yield value


def repaired(raw):
    """As docs/EVENTS.md has it, but for the length: each bad byte, or bad character, becomes U+FFFD."""
    out, at = "", 0
    while at < len(raw):
        for size in (1, 2, 3, 4):
            try:
                character = raw[at:at + size].decode()
                break
            except UnicodeDecodeError:
                character = None
        out += "\ufffd" if character is None or HARMFUL.search(character) else character
        at += size if character is not None else 1
    return out


def check_text(event, field, payload, problems, where):
    value, raw = find(event, field), event["rolecall"].get("raw_hex", {}).get(field)
    cut = field in event["rolecall"].get("truncated", [])
    if value is None:
        return 0
    if len(value.encode()) > 256:
        problems.append(f"{where}: {len(value.encode())} bytes in {field}")
    if raw is None:
        if value.encode() not in payload:
            problems.append(f"{where}: {value!r} does not stand in the packet, and no raw_hex tells")
        return 1
    raw = bytes.fromhex(raw)
    ours = repaired(raw)
    same = value == ours or ((cut or len(raw) == 128) and (value.startswith(ours[:80]) or ours.startswith(value[:80])))
    if raw not in payload and field != "dns.question.name": # there dots stand between labels
        problems.append(f"{where}: raw_hex of {field} does not stand in the packet")
    if not same:
        problems.append(f"{where}: {value!r} is not {ours!r}")
    return 1


def check_events(text, flows, problems):
    schema = jsonschema.Draft202012Validator(json.loads((SOURCE / "docs/event.schema.json").read_text()))
    seen = {}
    if not text.endswith("\n"):
        problems.append("the last event has no end")
    for number, line in enumerate(text[:-1].split("\n"), 1):
        try:
            event = json.loads(line)
        except ValueError as error:
            problems.append(f"line {number}: {error}")
            continue
        problems += [f"line {number}: {error.message[:200]}" for error in schema.iter_errors(event)]
        problems += [f"line {number}: {bad!r}" for bad in strings(event) if HARMFUL.search(bad)]
        if len(line.encode()) > 7600:
            problems.append(f"line {number}: {len(line.encode())} bytes")
        port = find(event, "source.port") if find(event, "source.port") in flows else find(event, "destination.port")
        if event["event"]["dataset"] == "rolecall.flow" and port in flows:
            place, name, payload = flows[port]
            field = PLACES[place][4]
            seen[place] = seen.get(place, 0) + (check_text(event, field, payload, problems, f"{place}, {name}") if field else 1)
    problems += [f"{place}: no event has any of the texts" for place in PLACES if not seen.get(place)]
    return seen


class Page(html.parser.HTMLParser):
    def __init__(self, problems):
        super().__init__()
        self.problems = problems

    def handle_starttag(self, tag, attrs):
        if tag in ("script", "img", "iframe", "object", "form", "base") or any(key.startswith("on") for key, _ in attrs):
            self.problems.append(f"the page has <{tag} {attrs}>")


def check_text_output(what, text, problems):
    left = HARMFUL.sub(lambda found: "" if found[0] == "\n" else found[0], text)
    if HARMFUL.search(left):
        problems.append(f"{what}: {HARMFUL.search(left)[0]!r}")


def on_terminal(command):
    """What the command writes to a terminal on its standard output, colours taken out."""
    ours, its = pty.openpty()
    with subprocess.Popen(command, stdout=its, stderr=subprocess.DEVNULL, env={**os.environ, "TERM": "xterm-256color"}) as run:
        os.close(its)
        out = b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:
                break
            if not part:
                break
            out += part
        run.wait()
    os.close(ours)
    return re.sub("\x1b\\[[0-9;]*m", "", out.decode().replace("\r\n", "\n"))


def check_cef(rolecall, events, problems):
    run = subprocess.run([rolecall, "convert", "--to", "cef"], input=events.encode(), capture_output=True, check=False)
    lines = run.stdout.decode().split("\n")[:-1]
    if run.returncode or not lines:
        problems.append(f"convert: exit status {run.returncode}, {len(lines)} lines: {run.stderr[:200]!r}")
    value = r"(?:[^=\\\r\n]|\\[=\\nr])*"
    whole = re.compile(r"CEF:0\|" + r"(?:[^|\\]|\\[|\\])*\|" * 6 + rf"[A-Za-z0-9]+={value}(?: [A-Za-z0-9]+={value})*")
    glued = re.compile(r"(?<! )\bcs[2346]Label=")
    problems += [f"CEF: {line[-300:]!r}" for line in lines if not whole.fullmatch(line)]
    for line in lines:
        check_text_output("CEF", line, problems)
        if glued.search(line.split("|", 7)[-1][3:]):
            problems.append(f"CEF: a key does not stand apart: {line[-300:]!r}")
    return len(lines)


def main():
    rolecall = os.environ.get("ROLECALL")
    if not rolecall:
        sys.exit(77)
    problems = []
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        flows = write_capture(folder / "c.pcap")
        command = [rolecall, "analyze", "--site", SITE, "--flows", folder / "c.pcap"]
        run = subprocess.run([*command, "--json", "--report", folder / "r.html", "--coverage", folder / "c.csv"],
                             capture_output=True, check=False)
        if run.returncode not in (0, 1):
            sys.exit(f"exit status {run.returncode}: {run.stderr[:500]!r}")
        events = run.stdout.decode()
        seen = check_events(events, flows, problems)
        Page(problems).feed((folder / "r.html").read_text())
        check_text_output("page", (folder / "r.html").read_text(), problems)
        check_text_output("coverage", (folder / "c.csv").read_text(), problems)
        check_text_output("summary", subprocess.run(command, capture_output=True, check=False).stdout.decode(), problems)
        check_text_output("terminal", on_terminal(command), problems)
        lines = check_cef(rolecall, events, problems)
    for problem in problems[:40]:
        print(problem)
    print(f"{len(flows)} hostile flows, {events.count(chr(10))} events, {lines} lines of CEF, {len(problems)} problems")
    print(", ".join(f"{place} {count}" for place, count in seen.items()))
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
