#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""docs/SIEM.md's pieces for rsyslog and syslog-ng, run as they stand there (with other paths and ports): every event that
sink_feed gives arrives whole, once and in order, over TCP and over TLS with certificates both ways; one without is refused.

The receivers are taken from PATH, or from build/lab, where `./dev lab` unpacks Debian's packages; they run in the foreground from
a scratch folder. Exit 77: neither is there."""
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest

SOURCE = pathlib.Path(os.environ.get("ROLECALL_SOURCE", pathlib.Path(__file__).resolve().parents[2]))
FEED = os.environ.get("SINK_FEED")
LAB = SOURCE / "build/lab"
MODULES = "usr/lib/x86_64-linux-gnu/rsyslog"
PATIENCE = 30


def find(name):
    inside = LAB / "usr/sbin" / name
    return str(inside) if inside.exists() else shutil.which(name)


RSYSLOG, SYSLOG_NG = find("rsyslogd"), find("syslog-ng")
if not FEED or not shutil.which("openssl") or not (RSYSLOG or SYSLOG_NG):
    print("skipped: no sink_feed, no openssl, or neither rsyslog nor syslog-ng")
    sys.exit(77)


def pieces(language):
    text = (SOURCE / "docs/SIEM.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.M | re.S)


def until(condition, what):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError(f"never happened: {what}")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


class Siem(unittest.TestCase):
    def setUp(self):
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="rolecall-siem-"))
        self.addCleanup(shutil.rmtree, self.work, ignore_errors=True)
        self.port = free_port()

    def openssl(self, *words):
        subprocess.run(["openssl", *words], cwd=self.work, check=True, capture_output=True)

    def make_certificates(self):
        key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
        self.openssl("req", "-x509", *key, "-days", "2", "-subj", "/CN=authority", "-keyout", "ca.key", "-out", "ca.pem")
        for name, alternative in (("siem", "DNS:siem.example.net"), ("sensor", "DNS:sensor.example.net")):
            (self.work / "san").write_text(f"subjectAltName={alternative}\n")
            self.openssl("req", *key, "-subj", f"/CN={alternative[4:]}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
            self.openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
                         "-extfile", "san", "-out", f"{name}.pem")

    def settle(self, piece):
        for folder in ("/etc/rsyslog.d", "/etc/syslog-ng", "/var/log/rolecall"):
            piece = piece.replace(folder + "/", f"{self.work}/")
        piece = re.sub(r'port="[0-9]+"', f'address="127.0.0.1" port="{self.port}"', piece)
        return re.sub(r'ip\("0.0.0.0"\) port\([0-9]+\)', f'ip("127.0.0.1") port({self.port})', piece)

    def start(self, command):
        log = open(self.work / "log", "wb")
        self.addCleanup(log.close)
        process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)
        until(lambda: process.poll() is not None or answers(self.port), "the receiver listens")
        self.assertIsNone(process.poll(), (self.work / "log").read_text())

    def start_rsyslog(self, piece):
        (self.work / "conf").write_text(f'global(workDirectory="{self.work}")\n' + self.settle(piece))
        modules = ["-M", LAB / MODULES] if RSYSLOG.startswith(str(LAB)) else []
        self.start([RSYSLOG, "-n", "-f", self.work / "conf", "-i", self.work / "pid", *modules])

    def start_syslog_ng(self, piece):
        (self.work / "conf").write_text(self.settle(piece))
        own = SYSLOG_NG.startswith(str(LAB))
        libraries = LAB / "usr/lib/syslog-ng"
        self.start([*(["env", f"LD_LIBRARY_PATH={libraries}"] if own else []), SYSLOG_NG, "-F", "--no-caps", "-f", self.work / "conf",
                    "-p", self.work / "pid", "-R", self.work / "persist", "-c", self.work / "ctl",
                    *(["--module-path", next(libraries.glob("[0-9]*"))] if own else [])])

    def feed(self, *options, patience_ms=20000):
        done = subprocess.run([FEED, "name=siem", "host=127.0.0.1", f"port={self.port}", *options], text=True, capture_output=True,
                              input="send 50 alert 300 0\nsend 2000 flow 1300 0\nsend 3 coverage 7600 0\nstate\n"
                                    f"drain {patience_ms}\nstate\n",
                              check=False)
        return done.stderr

    def tls(self, *more):
        return ("kind=syslog-tls", f"ca_file={self.work}/ca.pem", "server_name=siem.example.net", *more)

    def own_certificate(self):
        return (f"cert_file={self.work}/sensor.pem", f"key_file={self.work}/sensor.key")

    def sequences(self, name="events.ndjson"):
        path = self.work / name
        text = path.read_text() if path.exists() else ""
        return [json.loads(line)["event"]["sequence"] for line in text.splitlines()] if text.endswith("\n") else []

    def check_all_arrive(self, *options):
        told = self.feed(*options)
        self.assertIn("\ntrue\n", told)
        until(lambda: len(self.sequences()) >= 2053, told)
        self.assertEqual(self.sequences(), list(range(1, 2054)))

    @unittest.skipUnless(RSYSLOG, "no rsyslog")
    def test_rsyslog_over_tcp(self):
        self.start_rsyslog(pieces("rsyslog")[1])
        self.check_all_arrive("kind=syslog")
        self.assertEqual(self.sequences("alerts.ndjson"), list(range(1, 51)))

    @unittest.skipUnless(RSYSLOG, "no rsyslog")
    def test_rsyslog_over_tls(self):
        self.make_certificates()
        self.start_rsyslog(pieces("rsyslog")[0])
        self.assertIn("\nfalse\n", self.feed(*self.tls(), patience_ms=1500))
        self.assertEqual(self.sequences(), [])
        self.check_all_arrive(*self.tls(*self.own_certificate()))

    @unittest.skipUnless(SYSLOG_NG, "no syslog-ng")
    def test_syslog_ng_over_tcp(self):
        self.start_syslog_ng(pieces("syslog-ng")[1])
        self.check_all_arrive("kind=syslog")

    @unittest.skipUnless(SYSLOG_NG, "no syslog-ng")
    def test_syslog_ng_over_tls(self):
        self.make_certificates()
        self.start_syslog_ng(pieces("syslog-ng")[0])
        self.assertIn("\nfalse\n", self.feed(*self.tls(), patience_ms=1500))
        self.assertEqual(self.sequences(), [])
        self.check_all_arrive(*self.tls(*self.own_certificate()))


if __name__ == "__main__":
    unittest.main(verbosity=1)
