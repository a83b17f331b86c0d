#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""One end of a call: sends RTP every 20 ms for so many seconds, and takes what the other end sends.

usage: rtp.py call|answer OWN_ADDRESS:PORT PEER_ADDRESS:PORT SECONDS [SILENT_PORT...]

The end that answers begins when it hears the other. The silent ports are held open without ever answering, so that a request to them gets no ICMP either.
"""
import random
import socket
import struct
import sys
import time

PAYLOAD_TYPE = 114  # x-msrta, 16 kHz
SPACING = 0.02
SAMPLES = 320


def endpoint(text):
    address, port = text.rsplit(":", 1)
    return address, int(port)


def opened(address, port):
    door = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    door.bind((address, port))
    return door


def main():
    own, peer, seconds = endpoint(sys.argv[2]), endpoint(sys.argv[3]), float(sys.argv[4])
    silent = [opened(own[0], int(port)) for port in sys.argv[5:]]
    media = opened(*own)
    if sys.argv[1] == "answer":
        media.recv(2048)
    source, sequence = random.getrandbits(32), random.getrandbits(15)
    began = time.monotonic()
    for number in range(int(seconds / SPACING)):
        time.sleep(max(0.0, began + number * SPACING - time.monotonic()))
        marker = 0x80 if number == 0 else 0
        header = struct.pack(">BBHII", 0x80, marker | PAYLOAD_TYPE, (sequence + number) & 0xFFFF, number * SAMPLES, source)
        media.sendto(header + random.randbytes(60), peer)
    time.sleep(max(0.0, began + seconds - time.monotonic()))
    for door in [*silent, media]:
        door.close()


main()
