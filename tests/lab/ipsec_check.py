#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Compares rolecall's account of one lab case with the capture itself, as tshark reads it.

usage: ipsec_check.py CASE VERSION STATE CAPTURE EVENTS

VERSION is the IKE version that was negotiated (1 or 2) and STATE what the case is meant to end in. The capture must show
that state too: a case that does not is as wrong as an event that does not. Ends with status 1 when anything differs.
"""
import json
import subprocess
import sys
from datetime import datetime, timezone
from decimal import Decimal

CLIENT, SERVER = "10.20.4.17", "10.20.1.11"
MEDIA = {"50020", "57600"}
TOLERANCE_MS = Decimal(1)
FIELDS = ["frame.time_epoch", "ip.src", "udp.srcport", "udp.dstport", "isakmp.version", "esp.spi", "rtp.ssrc", "rtp.seq"]


def packets_of(capture):
    """The packets of the two hosts, ICMP and what it quotes left out."""
    command = ["tshark", "-n", "-r", capture, "-d", "udp.port==50020,rtp", "-Y", f"ip.addr=={CLIENT} && ip.addr=={SERVER} && !icmp"]
    command += ["-T", "fields", *(word for field in FIELDS for word in ("-e", field))]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [dict(zip(FIELDS, line.split("\t"))) for line in output.splitlines()]


def time_of(packet):
    return Decimal(packet["frame.time_epoch"])


def milliseconds(first, second):
    return (time_of(second) - time_of(first)) * 1000 if first and second else None


def first(packets):
    return packets[0] if packets else None


def state_of(ike, protected, media):
    if protected:
        return "protected"
    if media and time_of(media[-1]) > time_of(ike[-1]):
        return "fell-back"
    return "negotiating" if any(packet["ip.src"] == SERVER for packet in ike) else "unanswered"


def lost_of(media):
    """Sequence numbers that never came; the senders begin low enough not to wrap."""
    streams = {}
    for packet in media:
        streams.setdefault(packet["rtp.ssrc"], set()).add(int(packet["rtp.seq"]))
    return sum(max(numbers) - min(numbers) + 1 - len(numbers) for numbers in streams.values())


def shown_by(packets):
    """What the packets say, in the event's own terms."""
    ike = [packet for packet in packets if packet["isakmp.version"]]
    protected = [packet for packet in packets if packet["esp.spi"]]
    media = [packet for packet in packets if {packet["udp.srcport"], packet["udp.dstport"]} == MEDIA and packet["rtp.ssrc"]]
    if not ike:
        sys.exit("the capture has no IKE message")
    answers = [packet for packet in ike if packet["ip.src"] == SERVER]
    requests = [packet for packet in ike if not answers or time_of(packet) < time_of(answers[0])]
    late = media and time_of(media[0]) > time_of(ike[0])
    return {
        "negotiation": "ikev2" if ike[0]["isakmp.version"] == "0x20" else "ikev1",
        "state": state_of(ike, protected, media),
        "first_request": ike[0],
        "first_protected": first(protected),
        "negotiation_ms": milliseconds(ike[0], first(protected)),
        "media_start_delay_ms": milliseconds(ike[0], media[0]) if late else None,
        "requests": len(requests),
        "answered": bool(answers),
        "nat_t": any("4500" in (packet["udp.srcport"], packet["udp.dstport"]) for packet in ike + protected),
        "spi": sorted({packet["esp.spi"] for packet in protected}),
        "media_flows": 1 if media else 0,
        "media_packets_lost": lost_of(media),
        "clear_media": len(media),
    }


def epoch(text):
    moment = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc)
    return Decimal(int(moment.timestamp())) + Decimal(moment.microsecond) / 1000000


class Comparison:
    def __init__(self, case):
        self.case = case
        self.wrong = 0

    def differs(self, name, said, shown):
        self.wrong += 1
        print(f"lab: {self.case}: {name} is {said}, the capture shows {shown}", file=sys.stderr)

    def same(self, name, said, shown):
        if said != shown:
            self.differs(name, said, shown)

    def near(self, name, said, shown):
        """Two times or durations in ms; both may be absent."""
        if (said is None) != (shown is None) or (said is not None and abs(said - shown) > TOLERANCE_MS):
            self.differs(name, said, shown)

    def moment(self, name, said, packet):
        self.near(name, epoch(said) * 1000 if said else None, time_of(packet) * 1000 if packet else None)


def compare_episode(compare, ipsec, shown):
    for name in ("negotiation", "state", "requests", "answered", "nat_t", "media_flows", "media_packets_lost"):
        compare.same(name, ipsec.get(name), shown[name])
    compare.same("spi", sorted(ipsec.get("spi", [])), shown["spi"])
    compare.same("rekeys", ipsec.get("rekeys"), 0)
    for name in ("first_request", "first_protected"):
        compare.moment(name, ipsec.get(name), shown[name])
    for name in ("negotiation_ms", "media_start_delay_ms"):
        compare.near(name, Decimal(str(ipsec[name])) if ipsec.get(name) is not None else None, shown[name])


def figure(ipsec, shown, name):
    said = "-" if ipsec.get(name) is None else f"{ipsec[name]:.1f}"
    real = "-" if shown[name] is None else f"{shown[name]:.3f}"
    return f"{name} {said} ({real})"


def main():
    case, version, state, capture, path = sys.argv[1:]
    with open(path, encoding="utf-8") as file:
        events = [json.loads(line) for line in file]
    shown = shown_by(packets_of(capture))
    compare = Comparison(case)
    for name, meant in (("negotiation", "ikev" + version), ("state", state)):
        if shown[name] != meant:
            compare.differs(f"the case's {name}", meant, shown[name])

    episodes = [event for event in events if event["event"]["dataset"] == "rolecall.ipsec"]
    compare.same("rolecall.ipsec events", len(episodes), 1)
    if not episodes:
        return 1
    ipsec, verdict = episodes[0]["rolecall"]["ipsec"], episodes[0]["rolecall"]["compliance"]
    compare_episode(compare, ipsec, shown)
    compare.same("source", episodes[0]["source"]["ip"], CLIENT)
    compare.same("status", verdict["status"], "fail")
    compare.same("findings", verdict.get("findings"), ["ipsec-on-media"])
    told = [event for event in events if event.get("rule", {}).get("id") == "ipsec-on-media"]
    compare.same("the last alert's account", told[-1]["rolecall"].get("ipsec") if told else None, ipsec)

    print(f"{case:18} {ipsec['negotiation']} {ipsec['state']:10} requests {ipsec['requests']}  "
          f"{figure(ipsec, shown, 'negotiation_ms')}  {figure(ipsec, shown, 'media_start_delay_ms')}  "
          f"clear RTP {shown['clear_media']}  {'ok' if not compare.wrong else 'WRONG'}")
    return 1 if compare.wrong else 0


sys.exit(main())
