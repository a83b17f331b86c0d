#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A site spoken by real software, watched by `rolecall run` on a mirror port.

A Front End, a Mediation Server, an Edge, a client, a telephone gateway and a name server are network namespaces
(hosts.py). They speak through openssl, sipp, coturn, dnsmasq, udhcpc and Python's web server; the sensor runs `rolecall run`
with a file, rsyslog and syslog-ng (TCP and TLS) as outputs, and tcpdump beside it. Held:
  - the findings are the ones planted (PLANTED), and no others;
  - `rolecall analyze` of tcpdump's capture has the same;
  - every event of the file is in rsyslog's and in syslog-ng's, whole, once.

usage: site.py, by `./dev lab site`, as root. Status: 0 as it should be, 1 not, 77 cannot be done here.
"""
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import receivers
from hosts import Failure, Lab, Skip, end, wait_for

HERE = pathlib.Path(__file__).parent
SOURCE = HERE.parent.parent
ROLECALL = pathlib.Path(os.environ.get("ROLECALL", SOURCE / "build/release/rolecall")).resolve()
DAEMONS = pathlib.Path(os.environ.get("LAB", SOURCE / "build/lab")).resolve()
SITE = HERE / "site.site.json"
TALK, RTP = ["/usr/bin/python3", HERE / "talk.py"], ["/usr/bin/python3", HERE / "rtp.py"]
NETWORKS = ("10.20.0.0/16", "203.0.113.0/24", "198.51.100.0/24")
FE, MED, EDGE, AV, CLIENT, GATEWAY, DNS = ("10.20.1.11", "10.20.1.31", "10.20.9.41", "203.0.113.13", "10.20.4.17",
                                           "10.20.2.5", "10.20.0.9")

# What is done wrong on purpose: finding, and the responder's transport and port, or the two addresses.
PLANTED = {
    ("unexpected-port", FE, "tcp", 8089),
    ("unexpected-protocol", MED, "tcp", 5067),
    ("mutual-tls-missing", FE, "tcp", 8061),
    ("weak-tls", FE, "tcp", 4443),
    ("blocked-port", FE, "tcp", 444),
    ("blocked-port", EDGE, "tcp", 4443),
    ("plaintext-sip", FE, "tcp", 5060),
    ("plaintext-sip", MED, "tcp", 5068),
    ("media-port", CLIENT, FE),
}


def finding_of(event):
    ends = event["source"]["ip"], event["destination"]["ip"]
    name = event["rule"]["id"]
    if name == "media-port":
        return (name, *sorted(ends, reverse=True))
    return (name, ends[1], event["network"]["transport"], event["destination"]["port"])


def findings_of(lines):
    """Each finding told: what it is, and the flows counted when it closed."""
    counts = {}
    for line in lines:
        event = json.loads(line)
        if event["event"]["dataset"] == "rolecall.alert":
            counts[finding_of(event)] = event["rolecall"]["finding"]["count"]
    return counts


class Site:
    def __init__(self, lab):
        self.lab, self.work = lab, lab.work
        make = lambda name, *addresses: lab.host(name, *addresses, networks=NETWORKS)
        self.fe, self.med, self.edge = make("fe", FE), make("med", MED), make("edge", EDGE, AV)
        self.client, self.gateway, self.dns = make("client", CLIENT), make("gateway", GATEWAY), make("dns", DNS)
        self.sensor = lab.host("sensor")
        self.certificates()

    def certificates(self):
        """An authority, a server and a client that it signed."""
        openssl = lambda *words: subprocess.run(["openssl", *map(str, words)], cwd=self.work, check=True, capture_output=True)
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", 2,
                "-subj", "/CN=lab authority")
        for name in ("fe01.lab.example", "med01.lab.example", "localhost"):
            (self.work / "names").write_text(f"subjectAltName=DNS:{name}\n")
            openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
            openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", 2,
                    "-extfile", "names", "-out", f"{name}.pem")

    # ---- servers ----

    def tls_server(self, host, port, *more):
        host.start(["openssl", "s_server", "-accept", f"{host.address}:{port}", "-cert", self.work / "fe01.lab.example.pem", "-key",
                    self.work / "fe01.lab.example.key", "-www", *more], f"tls-{host.address}-{port}")
        wait_for(f"TLS on {port}", lambda: host.listens(port))

    def serve(self):
        mutual = ("-Verify", "2", "-CAfile", self.work / "ca.pem", "-verify_return_error")
        self.tls_server(self.fe, 443)
        self.tls_server(self.fe, 5061)
        self.tls_server(self.fe, 5086, *mutual)
        self.tls_server(self.edge, 5061, *mutual)
        self.tls_server(self.fe, 8061)
        self.tls_server(self.fe, 4443, "-tls1", "-cipher", "ALL:@SECLEVEL=0")
        for host, port in ((self.fe, 8089), (self.med, 5067)):
            host.start(["/usr/bin/python3", "-m", "http.server", "--bind", host.address, "--directory", "/usr/share/doc", port], f"http-{port}")
            wait_for(f"HTTP on {port}", lambda: host.listens(port))
        self.sipp(self.fe, "uas-5060", "-sn", "uas", "-i", FE, "-p", 5060)
        self.sipp(self.med, "uas-5068", "-sn", "uas", "-i", MED, "-p", 5068, "-mp", 49300, "-rtp_echo")
        wait_for("sipp", lambda: self.fe.listens(5060) and self.med.listens(5068))
        self.fe.start([*TALK, "hold", f"{FE}:445"], "hold-445")
        self.edge.start([DAEMONS / "usr/bin/turnserver", "-n", "-L", AV, "-E", AV, "-p", 3478, "--no-tls", "--no-dtls", "--no-tcp",
                         "--no-cli", "--min-port", 50000, "--max-port", 50100, "-u", "lab:lab", "-r", "lab.example", "-a",
                         "--allow-loopback-peers", "-l", "stdout", "--pidfile", self.work / "turn.pid", "--userdb", self.work / "turn.db"], "turnserver")
        wait_for("coturn", lambda: self.edge.listens(3478, "udp"))
        self.dns.start(["dnsmasq", "-k", "-C", "/dev/null", "--no-resolv", "--no-hosts", "--user=root", "--listen-address", DNS,
                        "--bind-interfaces", "--address=/lab.example/10.20.1.11", "--dhcp-range=10.20.4.100,10.20.4.120,255.255.252.0,10m",
                        "--dhcp-range=10.20.0.100,10.20.0.120,255.255.252.0,10m",
                        f"--dhcp-leasefile={self.work}/leases", "--pid-file="], "dnsmasq")
        wait_for("dnsmasq", lambda: self.dns.listens(53, "udp"))

    def sipp(self, host, log, *words):
        return host.start(["sipp", *words, "-t", "t1", "-nostdin"], log, env={**os.environ, "TERM": "dumb"}, cwd=self.work,
                          stdout=subprocess.DEVNULL)

    # ---- what the hosts do ----

    def tls(self, host, address, port, *more):
        host.run("openssl", "s_client", "-connect", f"{address}:{port}", "-CAfile", self.work / "ca.pem", *more,
                 text="GET / HTTP/1.0\r\n\r\n", check=False, timeout=20)

    def shows(self, host, name):
        return ("-cert", self.work / f"{name}.pem", "-key", self.work / f"{name}.key")

    def behave(self):
        """Traffic that the documents allow."""
        self.client.run("/usr/bin/python3", "-c", f"import socket; s=socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(3); "
                        f"s.sendto(bytes.fromhex('1a2b01000001000000000000')+b'\\x04fe01\\x03lab\\x07example\\x00\\x00\\x01\\x00\\x01', ('{DNS}', 53)); s.recv(512)")
        self.client.run("udhcpc", "-i", "eth0", "-n", "-q", "-f", "-t", 3, "-s", "/bin/true", check=False)
        self.tls(self.client, FE, 443)
        self.tls(self.client, FE, 5061)
        self.tls(self.med, FE, 5061, *self.shows(self.med, "med01.lab.example"))
        self.tls(self.med, FE, 5086, *self.shows(self.med, "med01.lab.example"))
        self.tls(self.fe, EDGE, 5061, *self.shows(self.fe, "fe01.lab.example"))
        self.med.run(*TALK, "try", f"{FE}:445")
        self.client.run(DAEMONS / "usr/bin/turnutils_uclient", "-u", "lab", "-w", "lab", "-y", "-n", 10, "-m", 1, "-c", AV, check=False)
        self.call(self.client, f"{CLIENT}:50020", self.fe, f"{FE}:57600", 2)
        # A call from the telephone network: SIP in clear, and its media.
        calling = self.sipp(self.gateway, "uac-5068", "-sn", "uac", f"{MED}:5068", "-i", GATEWAY, "-m", 2, "-r", 1, "-d", 1500, "-mp", 16500)
        self.gateway.run(*RTP, "call", f"{GATEWAY}:16600", f"{MED}:49300", 2)
        calling.wait(30)

    def misbehave(self):
        """One violation of each kind."""
        fetch = "import urllib.request; urllib.request.urlopen('http://%s/', timeout=5).read()"
        self.client.run("/usr/bin/python3", "-c", fetch % f"{FE}:8089")
        self.fe.run("/usr/bin/python3", "-c", fetch % f"{MED}:5067")
        self.tls(self.med, FE, 8061, "-tls1_2")
        self.tls(self.client, FE, 4443, "-tls1", "-cipher", "ALL:@SECLEVEL=0")
        self.med.run(*TALK, "try", f"{FE}:444")
        # The Edge hears the Front End and its answers are lost: it is silent on this port, and was heard elsewhere.
        self.edge.run("ip", "route", "add", "blackhole", f"{FE}/32")
        self.fe.run(*TALK, "try", f"{EDGE}:4443", 1, check=False)
        self.edge.run("ip", "route", "del", "blackhole", f"{FE}/32")
        self.sipp(self.gateway, "uac-5060", "-sn", "uac", f"{FE}:5060", "-i", GATEWAY, "-m", 1, "-d", 200).wait(30)
        self.call(self.client, f"{CLIENT}:30000", self.fe, f"{FE}:57602", 2)

    def call(self, caller, own, answerer, other, seconds):
        answering = answerer.start([*RTP, "answer", other, own, seconds], "rtp-answer")
        wait_for("the other end of the call", lambda: answerer.listens(other.rsplit(":")[1], "udp"))
        caller.run(*RTP, "call", own, other, seconds)
        answering.wait(20)


def analyzed(work):
    done = subprocess.run([ROLECALL, "analyze", "--site", SITE, "--json", "--flows", work / "capture.pcap"], capture_output=True, text=True, check=False)
    if done.returncode > 1:
        raise Failure(f"analyze ended with {done.returncode}: {done.stderr}")
    (work / "analyze.ndjson").write_text(done.stdout)
    return done.stdout.splitlines()


def compare(what, got, wanted):
    missing, more = wanted - got, got - wanted
    if missing or more:
        raise Failure(f"{what}: missing {sorted(missing)}, not planted {sorted(more)}")
    print(f"lab: {what}: {len(got)} findings, as planted")


def compare_receivers(work):
    wanted = receivers.sequences_of(work / "events.ndjson")
    if wanted != list(range(1, len(wanted) + 1)):
        raise Failure("the file's events are not numbered from 1 without a gap")
    for name in ("rsyslog", "syslog-ng"):
        wait_for(f"every event at {name}", lambda: (work / f"{name}.ndjson").exists()
                 and len((work / f"{name}.ndjson").read_text().splitlines()) >= len(wanted))
        got = receivers.sequences_of(work / f"{name}.ndjson")
        if got != wanted:
            raise Failure(f"{name} got {len(got)} events of {len(wanted)}, or in another order")
        print(f"lab: {name}: all {len(got)} events, whole and once")


def main():
    with Lab() as lab:
        site = Site(lab)
        capturing = site.sensor.start(["tcpdump", "-Z", "root", "-i", "eth0", "-n", "-U", "--immediate-mode", "-w", lab.work / "capture.pcap"], "tcpdump")
        wait_for("tcpdump", lambda: "listening on" in lab.log("tcpdump"))
        receivers.start_rsyslog(site.sensor, DAEMONS, lab.work)
        receivers.start_syslog_ng(site.sensor, DAEMONS, lab.work)
        running = site.sensor.start([ROLECALL, "run", "-c", receivers.configure(lab.work, SITE)], "run")
        wait_for("rolecall run", lambda: "capturing on" in lab.log("run"))
        site.serve()
        site.behave()
        site.misbehave()
        time.sleep(3)
        if end(running):
            raise Failure(f"rolecall run ended with {running.returncode}: {lab.log('run')}")
        end(capturing, signal.SIGINT)
        live = findings_of((lab.work / "events.ndjson").read_text().splitlines())
        compare("rolecall run", set(live), PLANTED)
        later = findings_of(analyzed(lab.work))
        compare("rolecall analyze of the same packets", set(later), PLANTED)
        if live != later:
            raise Failure(f"run and analyze count differently: {live} {later}")
        compare_receivers(lab.work)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Skip as skip:
        print(f"lab: skipped: {skip}")
        sys.exit(77)
    except Failure as failure:
        print(f"lab: {failure}")
        sys.exit(1)
