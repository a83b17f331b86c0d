#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Cost attacks: what an identifier reads must cost in proportion to its bytes.

For each pattern, the worst that a grammar allows (the smallest units, attributes without end, lines of one letter),
captures are made whose payloads have n, 2n and 4n bytes, and the whole program reads them under callgrind, which counts
instructions: the same on every machine and in every run. The second doubling may add at most 2.3 times what the first
one added; work that grows with the square of the bytes adds four times as much. A little is allowed for free, so that
patterns nobody reads are not measured by their noise.

$ROLECALL is the program. Exit 77: it is not given, or valgrind is missing, or the program has sanitizers in it.
`cost.py PATTERN...` measures these only.
"""
import concurrent.futures
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(os.environ.get("ROLECALL_SOURCE", pathlib.Path(__file__).resolve().parents[2]))
MATRIX = "lync-server-2013-edge"
FLOWS, RATIO_MAX, FREE_PER_BYTE = 6, 2.3, 4
STREAM, DATAGRAM = 1000, 8000  # n: a stream is read through a window of 4096 bytes, a datagram at once


def ber(tag, body):
    return bytes([tag, 0x83]) + len(body).to_bytes(3, "big") + body


def fill(head, unit, n, tail=b""):
    """`unit` repeated up to n bytes in all."""
    return head + unit * ((n - len(head) - len(tail)) // len(unit)) + tail


def sip(unit):
    return lambda n: fill(b"INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP b\r\n", unit, n)


def sdp(unit):
    head = b"INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n"
    return lambda n: fill(head, unit, n)


def stun(unit, cookie=b"\x21\x12\xa4\x42", first=b""):
    def make(n):
        body = fill(first, unit, n - 20)
        return b"\x00\x03" + struct.pack(">H", len(body)) + cookie + b"\x01" * 12 + body
    return make


def records(unit, flags=0x8180, question=b"\1a\0\0\1\0\1"):
    def make(n):
        count = (n - 12 - len(question)) // len(unit)
        return struct.pack(">6H", 1, flags, 1, count, 0, 0) + question + unit * count
    return make


def ike(n):
    head = b"\x11" * 8 + bytes(8) + b"\x0d\x10\x02\x00" + bytes(4)
    return fill(head + struct.pack(">I", n), b"\x0d\x00\x00\x04", n).ljust(n, b"\0")


def hello(unit):
    def make(n):
        extensions = fill(b"", unit, n - 60)
        body = b"\x03\x03" + b"\x07" * 32 + b"\x00\x00\x02\x13\x01\x01\x00" + struct.pack(">H", len(extensions)) + extensions
        return b"\x16\x03\x01" + struct.pack(">H", len(body) + 4) + b"\x01" + len(body).to_bytes(3, "big") + body
    return make


def http(unit):
    return lambda n: fill(b"GET / HTTP/1.1\r\nHost: a\r\n", unit, n)


def dcerpc(n):
    contexts = fill(b"", struct.pack("<HBB", 0, 0, 0) + b"\x01" * 20, n - 28)
    body = struct.pack("<HHI", 5840, 5840, 0) + bytes([255, 0, 0, 0]) + contexts
    return b"\x05\x00\x0b\x03\x10\x00\x00\x00" + struct.pack("<HHI", 16 + len(body), 0, 1) + body


def dhcp(unit):
    return lambda n: fill(b"\x01\x01\x06\x00" + b"\x11" * 4 + bytes(228) + b"\x63\x82\x53\x63\x35\x01\x01", unit, n)


def tds(n):
    body = fill(b"", b"\x00\x00\x1a\x00\x06", n - 8)
    return b"\x12\x01" + struct.pack(">H", len(body) + 8) + bytes([0, 0, 1, 0]) + body


# name: (transport, customary port, payload of about n bytes)
PATTERNS = {
    "dns: records": ("udp", 53, records(b"\xc0\x0c\0\1\0\1\0\0\0\1\0\0")),
    "dns: records with long names": ("udp", 53, records(b"\1a" * 120 + b"\0\0\1\0\1\0\0\0\1\0\0")),
    "mdns: records": ("udp", 5353, records(b"\xc0\x0c\0\1\0\1\0\0\0\1\0\0", 0x8400)),
    "nbns: records": ("udp", 137, records(b"\xc0\x0c\0\x20\0\1\0\0\0\1\0\0", 0x8500, b"\x20" + b"CA" * 16 + b"\0\0\x20\0\1")),
    "sip: short headers": ("udp", 5060, sip(b"a:b\r\n")),
    "sip: one long line": ("udp", 5060, sip(b"a")),
    "sip: blanks": ("udp", 5060, sip(b" ")),
    "sip: empty lines": ("udp", 5060, lambda n: b"\r\n" * (n // 2)),
    "sip: headers over tcp": ("tcp", 5060, sip(b"a:b\r\n")),
    "sip: keep-alives over tcp": ("tcp", 5060, lambda n: fill(b"OPTIONS sip:a SIP/2.0\r\nContent-Length: 0\r\n\r\n", b"\r\n", n)),
    "sdp: media": ("udp", 5060, sdp(b"m=audio 9 RTP/AVP 0\r\n")),
    "sdp: attributes": ("udp", 5060, sdp(b"a=x\r\n")),
    "sdp: candidates": ("udp", 5060, sdp(b"a=candidate:1 1 UDP 1 192.0.2.1 9 typ host\r\n")),
    "sdp: connections": ("udp", 5060, sdp(b"c=IN IP4 192.0.2.1\r\n")),
    "stun: empty attributes": ("udp", 3478, stun(b"\x80\x00\x00\x00")),
    "stun: software": ("udp", 3478, stun(b"\x80\x22\x00\x00")),
    "stun: data": ("udp", 3478, stun(b"\x00\x13\x00\x00")),
    "stun: classic": ("udp", 3478, stun(b"\x80\x00\x00\x00", b"\x01" * 4)),
    "stun: messages over tcp": ("tcp", 3478, lambda n: fill(b"", b"\x00\x01\x00\x00\x21\x12\xa4\x42" + b"\x01" * 12, n)),
    "ms_turn: attributes": ("udp", 3478, stun(b"\x80\x00\x00\x00", b"\x05" * 4, b"\x00\x0f\x00\x04\x72\xc6\x4b\xc6")),
    "rtcp: packets": ("udp", 5005, lambda n: fill(b"\x80\xc9\x00\x01\0\0\0\7", b"\x81\xca\x00\x02\0\0\0\7\0\0\0\0", n)),
    "rtcp: goodbyes": ("udp", 5005, lambda n: fill(b"\x80\xc9\x00\x01\0\0\0\7", b"\x80\xcb\x00\x00", n)),
    "dtls: small records": ("udp", 443, lambda n: fill(b"", b"\x14\xfe\xfd" + bytes(8) + b"\x00\x01\x01", n)),
    "dtls: empty messages": ("udp", 443, lambda n: fill(b"", b"\x16\xfe\xfd" + bytes(8) + struct.pack(">H", 1200)
                                                       + (b"\x0e" + bytes(11)) * 100, n)),
    "ike: payloads": ("udp", 500, ike),
    "quic: versions": ("udp", 443, lambda n: fill(b"\x80\0\0\0\0\0\0", b"\x1a\x2a\x3a\x4a", n)),
    "dhcp: padding": ("udp", 67, dhcp(b"\0")),
    "dhcp: empty options": ("udp", 67, dhcp(b"\x3c\0")),
    "ssdp: headers": ("udp", 1900, lambda n: fill(b"M-SEARCH * HTTP/1.1\r\nMAN: x\r\n", b"a:b\r\n", n)),
    "ssrp: fields": ("udp", 1434, lambda n: b"\x05" + struct.pack("<H", n - 3)
                     + fill(b"ServerName;A;InstanceName;B;IsClustered;No;Version;9.0;", b"a;", n - 3)[:n - 4] + b";"),
    "ldap: unbinds": ("udp", 389, lambda n: fill(b"", b"\x30\x05\x02\x01\x01\x42\x00", n)),
    "ldap: dotted name": ("udp", 389, lambda n: ber(0x30, b"\x02\x01\x01" + ber(0x77, ber(0x80, b"1." * ((n - 18) // 2))))),
    "ldap: messages over tcp": ("tcp", 389, lambda n: fill(b"", b"\x30\x06\x02\x01\x01\x50\x01\x01", n)),
    "nothing: zeros": ("udp", 40000, lambda n: bytes(n)),
    "tls: small records": ("tcp", 443, lambda n: fill(b"", b"\x14\x03\x03\x00\x01\x01", n)),
    "tls: empty extensions": ("tcp", 443, hello(b"\x00\x17\x00\x00")),
    "tls: names": ("tcp", 443, hello(b"\x00\x10\x00\x04\x00\x02\x01\x68")),
    "tls: alerts": ("tcp", 443, lambda n: fill(b"", b"\x15\x03\x03\x00\x02\x01\x00", n)),
    "http: headers": ("tcp", 80, http(b"a:b\r\n")),
    "http: one long line": ("tcp", 80, http(b"a")),
    "http: requests": ("tcp", 80, lambda n: fill(b"", b"GET / HTTP/1.1\r\n\r\n", n)),
    "http: chunks": ("tcp", 80, lambda n: fill(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n", n)),
    "http2: empty frames": ("tcp", 80, lambda n: fill(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\0\0\0\4\0\0\0\0\0", n)),
    "xmpp: tags": ("tcp", 5269, lambda n: fill(b"<stream:stream xmlns='jabber:server'>", b"<a>", n)),
    "xmpp: attributes": ("tcp", 5269, lambda n: fill(b"<stream:stream xmlns='jabber:server' ", b" id=x", n, b">")),
    "xmpp: open quotes": ("tcp", 5269, lambda n: fill(b"<stream:stream xmlns='jabber:server' ", b' id="', n, b">")),
    "xmpp: almost a name": ("tcp", 5269, lambda n: fill(b"<stream:stream ", b"jabber:serve", n, b">")),
    "smb: small messages": ("tcp", 445, lambda n: fill(b"", b"\0\0\0\x04\xfeSMB", n)),
    "dcerpc: contexts": ("tcp", 135, dcerpc),
    "dcerpc: small fragments": ("tcp", 135, lambda n: fill(b"", b"\5\0\0\3\x10\0\0\0\x18\0\0\0\1\0\0\0" + bytes(8), n)),
    "tds: options": ("tcp", 1433, tds),
    "tds: small packets": ("tcp", 1433, lambda n: fill(b"", b"\1\1\0\x0c\0\0\1\0" + b"a\0b\0", n)),
    "net_tcp: records": ("tcp", 8061, lambda n: fill(b"\0\1\0\1\2\2\1a", b"\3\0", n)),
    "rdp: cookie": ("tcp", 3389, lambda n: b"\3\0" + struct.pack(">H", n) + b"\x0f\xe0\0\0\0\0\0" + fill(b"Cookie: mstshash=", b"a", n - 13) + b"\r\n"),
}


def ip(protocol, forward, body):
    ends = bytes([192, 0, 2, 1]), bytes([192, 0, 2, 2])
    source, destination = ends if forward else ends[::-1]
    return struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(body), 0, 0x4000, 64, protocol, 0) + source + destination + body


def packets(transport, port, payload):
    for flow in range(FLOWS):
        client = 20000 + 7 * flow
        if transport == "udp":
            yield ip(17, True, struct.pack(">4H", client, port, 8 + len(payload), 0) + payload)
            continue

        def tcp(forward, flags, sequence, acknowledgement, data=b""):
            ports = (client, port) if forward else (port, client)
            return ip(6, forward, struct.pack(">HHIIBBHHH", *ports, sequence, acknowledgement, 0x50, flags, 8192, 0, 0) + data)

        yield tcp(True, 0x02, 999, 0)
        yield tcp(False, 0x12, 4999, 1000)
        yield tcp(True, 0x18, 1000, 5000, payload)


def instructions(folder, name, size):
    transport, port, make = PATTERNS[name]
    path = folder / f"{re.sub('[^a-z0-9]', '-', name)}-{size}.pcap"
    with path.open("wb") as capture:
        capture.write(struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 101))
        for i, packet in enumerate(packets(transport, port, make(size))):
            capture.write(struct.pack("<4I", 1772443800, i * 100, len(packet), len(packet)) + packet)
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", os.environ["ROLECALL"], "analyze",
               "--json", "--rules", folder / "rules", "--site", folder / "site.json", path]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"Collected : (\d+)", run.stderr)
    return int(found[1]) if found and '"rolecall.stats"' in run.stdout else None


def measure(folder, name):
    n = DATAGRAM if PATTERNS[name][0] == "udp" else STREAM
    return [instructions(folder, name, size) for size in (n, 2 * n, 4 * n)], n


def main():
    if "ROLECALL" not in os.environ or not shutil.which("valgrind"):
        sys.exit(77)
    failures = 0
    with tempfile.TemporaryDirectory() as name, concurrent.futures.ThreadPoolExecutor(2) as pool:
        folder = pathlib.Path(name)
        (folder / "rules").mkdir()  # the shortest document: reading rules is not what is measured
        shutil.copy(SOURCE / "rules" / (MATRIX + ".json"), folder / "rules")
        (folder / "site.json").write_text(
            '{"matrices": ["%s"], "hosts": [{"addresses": ["203.0.113.1"], "roles": ["client"]}]}' % MATRIX)
        if instructions(folder, "nothing: zeros", 100) is None:
            sys.exit(77)  # a sanitizer and valgrind do not go together
        chosen = sys.argv[1:] or list(PATTERNS)
        for pattern, (counts, n) in zip(chosen, pool.map(lambda p: measure(folder, p), chosen)):
            first, second = counts[1] - counts[0], counts[2] - counts[1]
            free = FREE_PER_BYTE * FLOWS * n
            bad = second > RATIO_MAX * max(first, 0) + free
            failures += bad
            print(f"{pattern:36} {first / FLOWS / n:9.1f} {second / FLOWS / n / 2:9.1f} instructions a byte"
                  + ("  GROWS FASTER THAN ITS BYTES" if bad else ""))
    print(f"{failures} of {len(chosen)} patterns cost more than in proportion")
    sys.exit(failures > 0)


if __name__ == "__main__":
    main()
