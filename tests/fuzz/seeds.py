#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Cuts seeds for the fuzz targets from captures: seeds.py ROLECALL OUT [CAPTURES...]

Writes OUT/<target>/<number> in the form each target reads (its file says which), and OUT/json.dict, a dictionary of the
words in our own JSON. Captures are those of pcaps/, and all files below the folders given. What a flow speaks is asked
of ROLECALL itself; a flow that it does not see, or does not name, serves the whole-flow targets only. Nothing here is
committed, so other people's packets stay where they are.
"""
import gzip
import ipaddress
import json
import os
import pathlib
import re
import struct
import subprocess
import sys

SOURCE = pathlib.Path(__file__).resolve().parents[2]
LINKS = [1, 0, 101, 108, 113, 276, 228, 229, 12, 147]  # as in frames.h
MESSAGES_MAX, MESSAGE_SIZE_MAX, FRAMES_MAX, FLOWS_PER_NAME = 12, 1400, 24, 150


def read_pcap(data):
    order = {b"\xd4\xc3\xb2\xa1": "<", b"\x4d\x3c\xb2\xa1": "<", b"\xa1\xb2\xc3\xd4": ">", b"\xa1\xb2\x3c\x4d": ">"}
    end = order[data[:4]]
    link = struct.unpack(end + "I", data[20:24])[0] & 0xFFFF
    at = 24
    while at + 16 <= len(data):
        seconds, fraction, caplen, wirelen = struct.unpack(end + "4I", data[at:at + 16])
        yield link, wirelen, data[at + 16:at + 16 + caplen]
        at += 16 + caplen


def read_pcapng(data):
    end, at, links = "<", 0, []
    while at + 12 <= len(data):
        if data[at:at + 4] == b"\x0a\x0d\x0d\x0a":
            end = "<" if data[at + 8:at + 12] == b"\x4d\x3c\x2b\x1a" else ">"
            links = []
        kind, size = struct.unpack(end + "II", data[at:at + 8])
        if size < 12:
            return
        if kind == 1:
            links.append(struct.unpack(end + "H", data[at + 8:at + 10])[0])
        elif kind == 6:
            interface, _, _, caplen, wirelen = struct.unpack(end + "5I", data[at + 8:at + 28])
            if interface < len(links):
                yield links[interface], wirelen, data[at + 28:at + 28 + caplen]
        at += size


def read_capture(path):
    data = path.read_bytes()
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    try:
        return list((read_pcapng if data[:4] == b"\x0a\x0d\x0d\x0a" else read_pcap)(data))
    except (KeyError, struct.error):
        return []


def network(link, frame):
    """The IP packet in a frame, or nothing: good enough for seeds."""
    if link == 1:
        at = 12
        while frame[at:at + 2] in (b"\x81\x00", b"\x88\xa8"):
            at += 4
        return frame[at + 2:] if frame[at:at + 2] in (b"\x08\x00", b"\x86\xdd") else b""
    return frame[{101: 0, 228: 0, 229: 0, 0: 4, 108: 4, 113: 16, 276: 20}.get(link, len(frame)):]


def segment(link, frame):
    """(transport, (address, port) of sender, of receiver, payload) of a TCP segment or UDP datagram, or None."""
    ip = network(link, frame)
    try:
        if ip[0] >> 4 == 4 and struct.unpack(">H", ip[6:8])[0] & 0x3FFF == 0:
            header, protocol, ends = (ip[0] & 15) * 4, ip[9], (ip[12:16], ip[16:20])
            total = struct.unpack(">H", ip[2:4])[0] or len(ip)
        elif ip[0] >> 4 == 6:
            header, protocol, ends = 40, ip[6], (ip[8:24], ip[24:40])
            total = 40 + struct.unpack(">H", ip[4:6])[0]
        else:
            return None
        if protocol not in (6, 17):
            return None
        body = ip[header:total]
        ports = struct.unpack(">HH", body[:4])
        payload = body[8:] if protocol == 17 else body[(body[12] >> 4) * 4:]
    except (IndexError, struct.error):
        return None
    sender, receiver = ((str(ipaddress.ip_address(a)), p) for a, p in zip(ends, ports))
    return ("udp" if protocol == 17 else "tcp"), sender, receiver, payload


def names_of(rolecall, path):
    """What rolecall calls each flow: {(transport, both ends): {names}}."""
    run = subprocess.run([rolecall, "analyze", "--site", SOURCE / "pcaps/contoso.site.json", "--json", "--flows", path],
                         capture_output=True, text=True, errors="replace", check=False)
    names = {}
    for line in run.stdout.splitlines():
        event = json.loads(line)
        try:
            source, destination = event["source"], event["destination"]
            ends = frozenset(((source["ip"], source["port"]), (destination["ip"], destination["port"])))
            names.setdefault((event["network"]["transport"], ends), set()).add(event["network"]["protocol"])
        except KeyError:
            continue
    return names


class Seeds:
    def __init__(self, out):
        self.out, self.seen, self.counts = out, set(), {}

    def add(self, target, seed, limit=None):
        if (target, seed) in self.seen or (limit and self.counts.get(target, 0) >= limit):
            return
        self.seen.add((target, seed))
        self.counts[target] = self.counts.get(target, 0) + 1
        folder = self.out / target
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{self.counts[target]:04d}").write_bytes(seed)

    def add_frames(self, target, head, frames):
        seed = bytes(head)
        for link, wirelen, frame in frames:
            if link in LINKS and len(frame) < 65536:
                seed += struct.pack(">BBHH", LINKS.index(link), 10, min(max(wirelen - len(frame), 0), 65535),
                                    len(frame)) + frame
        self.add(target, seed)

    def add_flow(self, transport, messages, ports, names):
        """The opening of one flow: [(side, payload)]."""
        is_tcp = transport == "tcp"
        talk = struct.pack(">BHHH", is_tcp, 4711, *ports)
        for side, payload in messages:
            talk += struct.pack(">BH", side, len(payload)) + payload
        self.add("fuzz_identify", talk)
        for name in names - {"unidentified"}:
            for options in (is_tcp, is_tcp | 2, is_tcp | 4):  # with a customary port; from the middle
                seed = bytes([options])
                for side, payload in messages:
                    seed += struct.pack(">BHH", side | 0x10, 7, len(payload)) + payload
                self.add("fuzz_proto_" + name.replace("-", "_").replace(".", "_"), seed, FLOWS_PER_NAME)


def cut_capture(seeds, rolecall, path):
    frames = read_capture(path)
    names, flows = names_of(rolecall, path), {}
    for link, _, frame in frames:
        found = segment(link, frame)
        if not found:
            continue
        transport, sender, receiver, payload = found
        key = (transport, frozenset((sender, receiver)))
        first, messages = flows.setdefault(key, ((sender, receiver), []))
        message = (int(sender != first[0]), payload[:MESSAGE_SIZE_MAX])
        if payload and len(messages) < MESSAGES_MAX and message not in messages[-2:]:
            messages.append(message)
    for (transport, ends), (first, messages) in flows.items():
        if messages:
            seeds.add_flow(transport, messages, (first[0][1], first[1][1]), names.get((transport, ends), set()))
    for at in range(0, min(len(frames), 10 * FRAMES_MAX), FRAMES_MAX):
        seeds.add_frames("fuzz_frame", [0], frames[at:at + FRAMES_MAX])
    seeds.add_frames("fuzz_decode", [], frames[:FRAMES_MAX // 2])


def add_json(seeds):
    words = set()
    site = (SOURCE / "pcaps/contoso.site.json").read_bytes()
    for target in ("fuzz_site", "fuzz_json_in"):
        seeds.add(target, site)
        seeds.add(target, b'// a comment\n{"matrices": [], "hosts": [{"addresses": ["192.0.2.1"], "roles": ["client"]}]}')
    seeds.add("fuzz_config", subprocess.run([os.path.abspath(sys.argv[1]), "config", "default"], capture_output=True, check=True).stdout)
    seeds.add("fuzz_config", b'{"capture": {"interfaces": ["a"], "workers": 2}, "metrics": {"listen": "[::1]:9469"}, "outputs": [{"type": "syslog", '
                             b'"server": "h:601", "transport": "tls", "ca": "/c", "certificate": "/d", "key": "/k"}, {"type": "stdout"}]}')
    events = subprocess.run([os.path.abspath(sys.argv[1]), "analyze", "--site", SOURCE / "pcaps/contoso.site.json", "--json", "--flows",
                             SOURCE / "pcaps/sfb-site-violations.pcap"], capture_output=True, check=False).stdout.splitlines()
    for event in events:
        seeds.add("fuzz_cef", event, 40)
        words.update(re.findall(rb'"([a-z@_]{1,39})":', event))
    seeds.add("fuzz_cef", events[-1])
    for command in (b"status", b"health", b"metrics", b"reload", b"reopen"):
        seeds.add("fuzz_control", b"\x07" + b'{"command":"' + command + b'"}\n')
    for path in sorted((SOURCE / "rules").glob("*.json")):
        document = json.loads(path.read_text())
        if "rows" not in document:
            continue
        for first in range(0, len(document["rows"]), 16):  # a few rows are enough to start from
            part = json.dumps({**document, "rows": document["rows"][first:first + 4]}, indent=1).encode()
            seeds.add("fuzz_rules", part)
            seeds.add("fuzz_json_in", part)
    for text in [site, *(path.read_bytes() for path in (SOURCE / "rules").glob("*.json"))]:
        words.update(re.findall(rb'"([ -!#-[\]-~]{1,39})"', text))
    lines = ['"\\"{}\\""\n'.format(word.decode()) for word in sorted(words)]
    (seeds.out / "json.dict").write_text("".join(lines))


def add_events(seeds, rolecall):
    """Events of the shipped captures, a few lines at a time; and texts that an event could have."""
    for path in sorted((SOURCE / "pcaps").glob("*.pcap")):
        run = subprocess.run([rolecall, "analyze", "--site", SOURCE / "pcaps/contoso.site.json", "--json", "--flows", path],
                             capture_output=True, check=False)
        lines = run.stdout.splitlines(keepends=True)
        for at in range(0, len(lines), 6):
            seeds.add("fuzz_report", b"".join(lines[at:at + 6]))
    for text in (b"sip.contoso.example", b"\xff\xfe\0\r\n\"\\", "\u202e\u2028\u00e9".encode(), b"a" * 300):
        seeds.add("fuzz_event", bytes(135) + b"".join(struct.pack(">H", len(t)) + t for t in (text, text[::-1], text)))


def add_files(seeds, path):
    """The beginning of a capture file as it is, and packed."""
    data = path.read_bytes()
    if len(data) <= 16384 or data[:2] != b"\x1f\x8b":
        seeds.add("fuzz_capture", data[:16384])
        seeds.add("fuzz_capture", gzip.compress(data[:4096], mtime=0))


def main():
    rolecall, out = os.path.abspath(sys.argv[1]), pathlib.Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    seeds = Seeds(out)
    paths = sorted((SOURCE / "pcaps").glob("*.pcap"))
    for folder in sys.argv[3:]:
        paths += [path for path in sorted(pathlib.Path(folder).rglob("*")) if "cap" in path.suffix]
    for path in paths:
        cut_capture(seeds, rolecall, path)
        add_files(seeds, path)
    add_json(seeds)
    add_events(seeds, rolecall)
    for target in sorted(seeds.counts):
        print(f"{target}: {seeds.counts[target]} seeds", file=sys.stderr)


if __name__ == "__main__":
    main()
