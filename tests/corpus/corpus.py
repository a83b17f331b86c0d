#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Identification against independent tools: `./dev corpus`.

usage: corpus.py ROLECALL CORPUS [--misses [PROTOCOL]]

CORPUS holds captures in folders, TRUTH.tsv (per flow, by tshark) and NDPI.tsv (what nDPI's own tests expect). Rows
whose basis says malformed are skipped, and rows without payload but for ESP and AH; QUIC+TLS is QUIC; a flow inside
AH counts by the name of what is inside. A name of ours that tshark does not give is `false` where tshark dissected every
packet of the flow as something else, and `unproven` where it left packets as data or has no name at all; `plain` is the
precision if those were false too. Exits with 1 where a protocol of the list stays under its mark, with 77 where
there is no corpus.
"""
import collections
import csv
import json
import os
import subprocess
import sys

MARKED = "TLS SIP RTP RTCP STUN HTTP DNS DHCP SMB DCERPC XMPP ISAKMP ESP AH TDS DTLS".split()
RECALL, PRECISION = 0.98, 0.99

# Our names in tshark's words; MS-TURN is what tshark knows as STUN, SRTP as RTP.
NAMES = {"http2": "HTTP", "ike": "ISAKMP", "authip": "ISAKMP", "ms-turn": "STUN", "srtp": "RTP", "net-tcp": "NET.TCP"}
TRUTH_NAMES = {"DHCPV6": "DHCP", "HTTP2": "HTTP", "NBSS": "SMB", "TURN": "STUN"}
NDPI_NAMES = {"TLS": "TLS", "HTTP": "HTTP", "DNS": "DNS", "DHCP": "DHCP", "DHCPV6": "DHCP", "QUIC": "QUIC", "STUN": "STUN",
              "RTP": "RTP", "SRTP": "RTP", "RTCP": "RTCP", "SIP": "SIP", "DTLS": "DTLS", "Jabber": "XMPP", "IPSec": "IPSEC",
              "Kerberos": "KERBEROS", "LDAP": "LDAP", "NTP": "NTP", "SSDP": "SSDP", "MDNS": "MDNS", "LLMNR": "LLMNR",
              "NetBIOS": "NBNS", "RDP": "RDP", "MsSQL-TDS": "TDS", "SMBv1": "SMB", "SMBv23": "SMB", "RPC": "DCERPC"}


def rows(path):
    with open(path, encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)


def flow_key(l4, a, a_port, b, b_port):
    return l4.lower(), frozenset([(a.lower(), int(a_port or 0)), (b.lower(), int(b_port or 0))])


def truth_of(row):
    """The protocols of a row, or None where it is to be skipped."""
    if "malformed" in row["basis"]:
        return None
    names = {TRUTH_NAMES.get(name, name) for name in row["verdict"].split("+")}
    if row["packets_with_payload"] == "0" and not names & {"ESP", "AH"}:
        return None
    if "QUIC" in names:
        names.discard("TLS")
    return names - {"unidentified"}


def found_in(rolecall, path):
    """What rolecall says of each flow of a capture."""
    run = subprocess.run([rolecall, "analyze", "--json", "--flows", "--fail-on", "never", path],
                         capture_output=True, timeout=120, check=False)
    flows = collections.defaultdict(set)
    for line in run.stdout.splitlines():
        event = json.loads(line)
        if event["event"]["dataset"] != "rolecall.flow":
            continue
        network, flow = event["network"], event["rolecall"]["flow"]
        source, destination = event["source"], event["destination"]
        names = {network["protocol"], flow.get("upgraded_to"), *flow.get("also", [])} - {None, "unidentified"}
        key = flow_key(network.get("transport", network["iana_number"]), source["ip"], source.get("port"), destination["ip"],
                       destination.get("port"))
        flows[key] |= {NAMES.get(name, name.upper()) for name in names}
        if "ah" in flow.get("tunnel", []) or "ah" in names:
            flows[key].add("(in AH)")
    return flows


def ndpi_by_capture(corpus):
    """nDPI's expectations, by the capture's own file name."""
    result = collections.defaultdict(dict)
    for row in rows(os.path.join(corpus, "NDPI.tsv")):
        name = NDPI_NAMES.get(row["ndpi"].split(".")[0])
        if name:
            key = flow_key(row["l4"], row["a"], row["aport"], row["b"], row["bport"])
            result["nDPI__" + os.path.basename(row["path"])][key] = name
    return result


def find_captures(corpus):
    return {name: os.path.join(folder, name) for folder, _, names in os.walk(corpus) for name in names if ".pcap" in name}


class Tally:
    def __init__(self):
        self.truth = self.found = self.otherwise = self.missed = self.claimed = self.false = self.unproven = 0
        self.misses, self.falses = [], []

    def recall(self):
        return self.found / self.truth if self.truth else 1.0

    def precision(self):
        claims = self.found + self.false
        return self.found / claims if claims else 1.0

    def plain(self):
        claims = self.found + self.false + self.unproven
        return self.found / claims if claims else 1.0


def score(rolecall, corpus):
    tallies = collections.defaultdict(Tally)
    both = collections.Counter()
    captures, by_capture = find_captures(corpus), collections.defaultdict(list)
    for row in rows(os.path.join(corpus, "TRUTH.tsv")):
        by_capture[row["capture"]].append(row)
    ndpi = ndpi_by_capture(corpus)
    for capture, truths in sorted(by_capture.items()):
        if capture not in captures:
            continue
        flows = found_in(rolecall, captures[capture])
        for row in truths:
            wanted = truth_of(row)
            if wanted is None:
                continue
            key = flow_key(row["l4"], row["src"], row["sport"], row["dst"], row["dport"])
            ours = flows.get(key, set())
            in_ah = "(in AH)" in ours
            ours = ours - {"(in AH)"}
            where = f"{capture} {row['stream']} {row['src']}:{row['sport']}-{row['dst']}:{row['dport']} truth={row['verdict']} ours={'+'.join(sorted(ours)) or '-'} {row['proto_counts']}"
            for name in wanted:
                tally = tallies[name]
                tally.truth += 1
                if name in ours or (name == "AH" and in_ah):
                    tally.found += 1
                elif ours:
                    tally.otherwise += 1
                    tally.misses.append(where)
                else:
                    tally.missed += 1
                    tally.misses.append(where)
            for name in ours - wanted:
                if in_ah:
                    continue
                if wanted and "data=" not in row["proto_counts"]:
                    tallies[name].false += 1
                    tallies[name].falses.append(where)
                else:
                    tallies[name].unproven += 1
                    tallies[name].falses.append("(not all dissected by tshark) " + where)
            second = ndpi.get(capture, {}).get(key)
            if second and second in wanted:
                both[second, "agree"] += 1
                both[second, "ours"] += second in ours
    return tallies, both


def main():
    arguments = sys.argv[1:]
    rolecall, corpus = arguments[0], arguments[1]
    if not os.path.exists(os.path.join(corpus, "TRUTH.tsv")):
        print(f"skipped: no corpus at {corpus} (set ROLECALL_CORPUS)")
        return 77
    tallies, both = score(rolecall, corpus)
    print(f"{'protocol':<10}{'truth':>7}{'found':>7}{'otherwise':>11}{'missed':>8}{'false':>7}{'unproven':>10}{'recall':>9}{'precision':>11}"
          f"{'plain':>8}{'tshark=nDPI':>13}{'ours':>6}")
    low = []
    for name in MARKED + sorted(set(tallies) - set(MARKED)):
        tally = tallies[name]
        print(f"{name:<10}{tally.truth:>7}{tally.found:>7}{tally.otherwise:>11}{tally.missed:>8}{tally.false:>7}{tally.unproven:>10}"
              f"{tally.recall():>9.3f}{tally.precision():>11.3f}{tally.plain():>8.3f}{both[name, 'agree']:>13}{both[name, 'ours']:>6}")
        if name in MARKED and (tally.recall() < RECALL or tally.precision() < PRECISION):
            low.append(name)
    if "--misses" in arguments:
        only = arguments[arguments.index("--misses") + 1:]
        for name, tally in sorted(tallies.items()):
            if only and name not in only:
                continue
            for where in tally.misses:
                print(f"miss {name}: {where}")
            for where in tally.falses:
                print(f"false {name}: {where}")
    if low:
        print(f"under recall {RECALL} or precision {PRECISION}: {' '.join(low)}")
    return 1 if low else 0


if __name__ == "__main__":
    sys.exit(main())
