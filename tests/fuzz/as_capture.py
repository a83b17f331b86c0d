#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A finding of fuzz_frame or fuzz_decode as a capture, to be kept in tests/data/crashes: as_capture.py ARTIFACT OUT.pcapng

The frames (frames.h says how an input holds them) become packets of one interface per link type. What fuzz_frame takes
from its first byte, workers and site, is left to whoever replays it."""
import pathlib
import struct
import sys

LINKS = [1, 0, 101, 108, 113, 276, 228, 229, 12, 147]  # as in frames.h
START_NS, FORWARD, STEPS = 1772443800000000000, 40, 60


def frames(data):
    time = START_NS
    while data:
        link, step, missing, size = struct.unpack(">BBHH", data[:6].ljust(6, b"\0"))
        frame, data = data[6:6 + size], data[6 + size:]
        step %= STEPS
        gone = 1000 << step if step < FORWARD else -(1000 << (step - FORWARD + 10))
        if 0 <= time + gone < 1 << 62:
            time += gone
        yield LINKS[link % len(LINKS)], time, frame, len(frame) + missing


def block(kind, body):
    body += bytes(-len(body) % 4)
    size = struct.pack("<I", len(body) + 12)
    return struct.pack("<I", kind) + size + body + size


def main():
    artifact, out = map(pathlib.Path, sys.argv[1:])
    data = artifact.read_bytes()
    data = data[1:] if "fuzz_frame" in artifact.name else data
    capture = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
    for link in LINKS:
        capture += block(1, struct.pack("<HHIHHB3x", link, 0, 0, 9, 1, 9) + bytes(4))  # if_tsresol: nanoseconds
    for link, time, frame, wirelen in frames(data):
        head = struct.pack("<5I", LINKS.index(link), time >> 32, time & 0xFFFFFFFF, len(frame), wirelen)
        capture += block(6, head + frame)
    out.write_bytes(capture)


if __name__ == "__main__":
    main()
