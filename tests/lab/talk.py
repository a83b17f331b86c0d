#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Small ends of a conversation that no program of Debian's has without more around it.

usage: talk.py try ADDRESS:PORT [TIMES]         a TCP connection, tried so often; a second between
       talk.py hold ADDRESS:PORT...             TCP ports that accept, read and close
       talk.py send ADDRESS:PORT TEXT           TCP: sends a line, waits for the end
       talk.py replay INTERFACE CAPTURE RATE    every frame of a pcap file; RATE packets a second, 0: as fast as it goes
       talk.py flood INTERFACE COUNT SEED RATE  so many UDP packets, each of another 5-tuple, in 10.128.0.0/9
"""
import random
import selectors
import socket
import struct
import sys
import time


def endpoint(text):
    address, port = text.rsplit(":", 1)
    return address, int(port)


def attempt(where, times=1):
    for number in range(times):
        if number:
            time.sleep(1)
        try:
            with socket.create_connection(where, timeout=8):
                pass
        except OSError as error:
            print(error, file=sys.stderr)


def hold(places):
    doors = selectors.DefaultSelector()
    for place in places:
        door = socket.create_server(place)
        doors.register(door, selectors.EVENT_READ)
    while True:
        for key, _ in doors.select():
            peer, _ = key.fileobj.accept()
            with peer:
                peer.settimeout(2)
                try:
                    while peer.recv(4096):
                        pass
                except OSError:
                    pass


def send(where, text):
    with socket.create_connection(where, timeout=3) as peer:
        peer.sendall(text.encode() + b"\r\n")
        peer.shutdown(socket.SHUT_WR)
        try:
            while peer.recv(4096):
                pass
        except OSError:
            pass


def frames_of(path):
    """The frames of a pcap file."""
    with open(path, "rb") as file:
        order = "<" if file.read(24)[3] == 0xA1 else ">"
        while header := file.read(16):
            yield file.read(struct.unpack(order + "IIII", header)[2])


def replay(interface, path, rate):
    frames = list(frames_of(path))
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as door:
        door.bind((interface, 0))
        began = time.monotonic()
        for number, frame in enumerate(frames):
            if rate:
                time.sleep(max(0.0, began + number / rate - time.monotonic()))
            put(door, frame)
    print(len(frames))


def put(door, frame):
    while True:
        try:
            door.send(frame)
            return
        except OSError as error:
            if error.errno != 105:  # ENOBUFS: the link is full
                raise
            time.sleep(0.0005)


def flood(interface, count, seed, rate):
    dice = random.Random(seed)
    ethernet = bytes.fromhex("020000000001 020000000002 0800")
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as door:
        door.bind((interface, 0))
        began = time.monotonic()
        for number in range(count):
            if rate and number % 16 == 0:
                time.sleep(max(0.0, began + number / rate - time.monotonic()))
            addresses = struct.pack(">II", 0x0A800000 | dice.getrandbits(23), 0x0A800000 | dice.getrandbits(23))
            ip = struct.pack(">BBHHHBBH", 0x45, 0, 36, 0, 0, 64, 17, 0) + addresses
            words = struct.unpack(">10H", ip)
            total = sum(words)
            total = (total & 0xFFFF) + (total >> 16)
            ip = ip[:10] + struct.pack(">H", ~(total + (total >> 16)) & 0xFFFF) + ip[12:]
            udp = struct.pack(">HHHH", dice.randrange(1024, 65536), dice.randrange(1024, 65536), 16, 0)
            put(door, ethernet + ip + udp + dice.randbytes(8))


def main():
    verb, *words = sys.argv[1:]
    if verb == "try":
        attempt(endpoint(words[0]), int(words[1]) if len(words) > 1 else 1)
    elif verb == "hold":
        hold([endpoint(word) for word in words])
    elif verb == "send":
        send(endpoint(words[0]), words[1])
    elif verb == "replay":
        replay(words[0], words[1], float(words[2]))
    elif verb == "flood":
        flood(words[0], int(words[1]), int(words[2]), float(words[3]))
    else:
        sys.exit(__doc__)


main()
