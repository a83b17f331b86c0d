#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A daemon as its operator sees it: `rolecall run -c` on a pair of virtual interfaces in a namespace of this test's own, asked
with `rolecall ctl` about everything; its metrics as a file, over HTTP and by ctl; what it tells systemd; what the kernel
says of its privileges; and `config check` before it. Exit 77: no root or no user namespaces, or no program."""
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

ROLECALL = os.environ.get("ROLECALL", "build/dev/rolecall")
SOURCE = pathlib.Path(os.environ.get("ROLECALL_SOURCE", ".")).resolve()
PORT = 9469  # in a network namespace of our own nobody else has it
SANITIZED = "asan" in ROLECALL or "tsan" in ROLECALL


def sh(*words):
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)


class Daemon:
    def __init__(self, folder, **more):
        self.folder = pathlib.Path(folder)
        self.config = self.folder / "rolecall.json"
        self.log = self.folder / "log" / "events.ndjson"
        self.socket = self.folder / "run" / "control.sock"
        self.metrics = self.folder / "run" / "rolecall.prom"
        self.rules = self.folder / "rules"
        self.site = self.folder / "site.json"
        shutil.copytree(SOURCE / "rules", self.rules)
        shutil.copy(SOURCE / "pcaps/contoso.site.json", self.site)
        for name in ("log", "run"):
            (self.folder / name).mkdir()
            os.chmod(self.folder / name, 0o777)
        os.chmod(self.folder, 0o755)
        settings = {"capture": {"interfaces": ["mon0"], "ring_mib": 4, "silence_s": 3600}, "flows": {"max": 4096},
                    "site": str(self.site), "rules": str(self.rules),
                    "outputs": [{"type": "file", "path": str(self.log), "queue_mib": 1}], "stats_s": 1,
                    "metrics": {"file": str(self.metrics), "interval_s": 1, "listen": f"127.0.0.1:{PORT}"},
                    "control": {"socket": str(self.socket)}}
        if os.geteuid() == 0 and in_host_users():
            settings["user"] = "daemon"
        settings.update(more)
        self.config.write_text("// made by a test\n" + json.dumps(settings, indent=1))
        self.process = None
        self.notified = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notified.bind("\0rolecall-test-" + str(os.getpid()))
        self.notified.settimeout(20)

    def start(self):
        environment = {**os.environ, "NOTIFY_SOCKET": "@rolecall-test-" + str(os.getpid()), "WATCHDOG_USEC": "4000000"}
        with open(self.folder / "messages", "wb") as messages:
            self.process = subprocess.Popen([ROLECALL, "run", "-c", self.config], env=environment, stdout=subprocess.DEVNULL,
                                            stderr=messages)
        return self.hear("READY=1")

    def hear(self, wanted):
        """What systemd is told until the wanted word comes."""
        heard = []
        while wanted not in heard:
            try:
                heard += self.notified.recv(4096).decode().split("\n")
            except TimeoutError:
                raise AssertionError(f"no {wanted}: {heard}\n{(self.folder / 'messages').read_text()}") from None
        return heard

    def ctl(self, *words):
        return subprocess.run([ROLECALL, "ctl", *words, "-c", self.config], capture_output=True, text=True, timeout=60, check=False)

    def status(self):
        return json.loads(self.ctl("status", "--json").stdout)

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(timeout=20)
        self.notified.close()


def in_host_users():
    """In a user namespace with one user there is nobody else to become."""
    with open("/proc/self/uid_map", encoding="ascii") as file:
        return int(file.read().split()[2]) > 1


def until(what, seconds=20):
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


class Ctl(unittest.TestCase):
    def setUp(self):
        sh("ip", "link", "add", "wire0", "type", "veth", "peer", "name", "mon0")
        for name in "wire0", "mon0", "lo":
            sh("ip", "link", "set", name, "up")
        self.folder = tempfile.TemporaryDirectory()
        self.daemon = Daemon(self.folder.name)

    def tearDown(self):
        self.daemon.stop()
        self.folder.cleanup()
        subprocess.run(["ip", "link", "del", "wire0"], capture_output=True, check=False)

    def send(self, count):
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as wire:
            wire.bind(("wire0", 0))
            for number in range(count):
                wire.send(bytes.fromhex("ffffffffffff020000000001" "0800" "4500001c0000000040110000" "0a140411" "0a14010b") +
                          (40000 + number).to_bytes(2, "big") + (5060).to_bytes(2, "big") + bytes.fromhex("00080000"))

    def test_status_and_health(self):
        self.daemon.start()
        self.send(50)
        self.assertTrue(until(lambda: self.daemon.status()["engine"]["packets"] >= 50))
        status = self.daemon.status()
        self.assertEqual(status["pid"], self.daemon.process.pid)
        self.assertEqual(status["site_file"], str(self.daemon.site))
        self.assertEqual([one["name"] for one in status["interfaces"]], ["mon0"])
        self.assertEqual(status["outputs"][0]["state"], "ok")
        self.assertGreater(status["rows"], 100)
        self.assertGreater(status["memory_ceiling"], status["memory_resident"] if not SANITIZED else 0)
        text = self.daemon.ctl("status")
        self.assertEqual(text.returncode, 0)
        for word in ("mon0", "up", "events", "packets", "behind", "sandbox"):
            self.assertIn(word, text.stdout)
        health = self.daemon.ctl("health")
        self.assertEqual((health.returncode, health.stdout), (0, "healthy\n"))
        sh("ip", "link", "set", "mon0", "down")
        self.assertTrue(until(lambda: self.daemon.ctl("health").returncode == 1))
        self.assertIn("interface mon0 is down", self.daemon.ctl("health").stdout)
        self.assertFalse(json.loads(self.daemon.ctl("health", "--json").stdout)["healthy"])
        sh("ip", "link", "set", "mon0", "up")
        self.assertTrue(until(lambda: self.daemon.ctl("health").returncode == 0))
        self.send(50)  # after down and up the same handle goes on, without any privilege
        self.assertTrue(until(lambda: self.daemon.status()["engine"]["packets"] >= 100))

    def test_an_output_that_fails_is_no_health(self):
        self.daemon.config.write_text(self.daemon.config.read_text().replace(
            '"outputs": [', '"outputs": [{"type": "unix", "path": "/nowhere/siem.sock"},'))
        self.daemon.start()
        self.assertTrue(until(lambda: self.daemon.ctl("health").returncode == 1))
        self.assertIn("output unix", self.daemon.ctl("health").stdout)

    def test_what_the_manual_shows(self):
        """Line by line, but for numbers, sizes, addresses and times."""
        def shape(text):
            return [re.sub(r"\b[KMG]?i?B\b", "B", re.sub(r"\S*[0-9]\S*", "#", line)).split() for line in text.splitlines()]
        fence = re.search(r"```console\n\$ rolecall ctl status\n(.*?)\.\.\.\n\$ rolecall ctl health\n(.*?)```",
                          (SOURCE / "docs/OPERATION.md").read_text(), re.S)
        self.daemon.config.write_text(self.daemon.config.read_text().replace(
            '"queue_mib": 1\n  }', '"queue_mib": 1\n  },\n  {"type": "syslog", "name": "siem", "server": "127.0.0.1:9"}'))
        self.daemon.start()
        self.send(50)
        self.assertTrue(until(lambda: "Connection refused" in self.daemon.ctl("health").stdout))
        self.assertTrue(until(lambda: self.daemon.status()["engine"]["packets"] >= 50))
        shown, printed = shape(fence[1]), shape(self.daemon.ctl("status").stdout)
        for wanted, line in zip(shown, printed):
            few = wanted[:1] in (["sandbox"], ["site"])  # the test's user and folder are others
            self.assertEqual(wanted[:1] if few else wanted, line[:1] if few else line)
        self.assertEqual(shape(fence[2]), shape(self.daemon.ctl("health").stdout))

    def test_reload_and_reopen(self):
        self.daemon.start()
        good = self.daemon.site.read_text()
        done = self.daemon.ctl("reload")
        self.assertEqual((done.returncode, done.stdout), (0, "reloaded\n"), done.stderr)
        self.daemon.site.write_text(good.replace('"roles"', '"rolls"', 1).replace('"networks"', '"networcks"', 1))
        refused = self.daemon.ctl("reload")
        self.assertEqual(refused.returncode, 2)
        self.assertIn("did you mean \"roles\"", refused.stderr)
        self.assertIn("did you mean \"networks\"", refused.stderr)
        self.assertRegex(refused.stderr, r"site\.json:\d+:\d+: ")
        self.assertEqual(self.daemon.status()["reload"]["refused"], 1)
        self.assertIn("reload was refused", self.daemon.ctl("health").stdout)
        self.daemon.site.write_text(good)
        self.assertEqual(self.daemon.ctl("reload").returncode, 0)
        self.assertEqual(self.daemon.ctl("health").returncode, 0)
        config = self.daemon.config.read_text()
        self.daemon.config.write_text("// moved\n" + config.replace('"stats_s": 1', '"stats_s": 2').replace('"max": 4096', '"max": 8192'))
        changed = self.daemon.ctl("reload")
        self.assertEqual((changed.returncode, changed.stdout), (0, "reloaded\n"))
        self.assertEqual(changed.stderr, "changed in the configuration, in force after a restart: flows, stats_s\n")
        self.daemon.config.write_text(config.replace('"stats_s"', '"stat_s"'))
        refused = self.daemon.ctl("reload", "--socket", self.daemon.socket)
        self.assertEqual(refused.returncode, 2)
        self.assertIn("did you mean \"stats_s\"", refused.stderr)
        self.daemon.config.write_text(config)
        self.assertEqual(self.daemon.ctl("reload").stderr, "")
        old = self.daemon.log.with_suffix(".1")
        os.rename(self.daemon.log, old)
        self.assertEqual(self.daemon.ctl("reopen").returncode, 0)
        self.assertTrue(until(lambda: self.daemon.log.exists() and self.daemon.log.stat().st_size > 0))
        sequences = [json.loads(line)["event"]["sequence"] for path in (old, self.daemon.log)
                     for line in path.read_text().splitlines()]
        self.assertEqual(sequences, list(range(1, len(sequences) + 1)))

    def test_metrics_everywhere(self):
        self.daemon.start()
        self.send(20)
        self.assertTrue(until(self.daemon.metrics.exists))
        asked = self.daemon.ctl("metrics").stdout
        with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/metrics", timeout=10) as page:
            self.assertEqual(page.headers["Content-Type"], "text/plain; version=0.0.4; charset=utf-8")
            served = page.read().decode()
        names = [re.findall(r"^# TYPE (\S+)", text, re.M) for text in (asked, served, self.daemon.metrics.read_text())]
        self.assertGreater(len(names[0]), 40)
        self.assertEqual(names[0], names[1])
        self.assertEqual(names[0], names[2])
        for counter in self.daemon.status()["engine"]:
            if not counter.startswith("capture_"):
                self.assertIn(f"rolecall_engine_{counter}_total ", asked)
        self.assertIn('rolecall_interface_up{interface="mon0"} 1', asked)
        # What is watched never becomes a label.
        self.assertNotRegex(asked, r"10\.20\.|5060|contoso")
        promtool = os.environ.get("PROMTOOL") or shutil.which("promtool")
        if promtool:
            done = subprocess.run([promtool, "check", "metrics"], input=asked, capture_output=True, text=True, check=False)
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_what_systemd_hears(self):
        heard = self.daemon.start()
        self.daemon.hear("WATCHDOG=1")
        self.daemon.hear("WATCHDOG=1")
        self.daemon.process.send_signal(signal.SIGTERM)
        self.daemon.hear("STOPPING=1")
        self.assertEqual(self.daemon.process.wait(timeout=20), 0)
        self.assertIn("READY=1", heard)
        self.assertFalse(self.daemon.socket.exists())

    def test_what_the_kernel_says_of_its_privileges(self):
        self.daemon.start()
        self.send(1)
        self.assertTrue(until(lambda: self.daemon.status()["engine"]["packets"] >= 1))
        threads = list(pathlib.Path(f"/proc/{self.daemon.process.pid}/task").iterdir())
        self.assertGreater(len(threads), 1)
        for thread in threads:
            facts = dict(re.findall(r"^(\w+):[ \t]*(.*)$", (thread / "status").read_text(), re.M))
            for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
                self.assertEqual(int(facts[name], 16), 0, name)
            self.assertEqual(facts["NoNewPrivs"], "1")
            if "no seccomp" not in self.daemon.status()["sandbox"]:
                self.assertEqual(facts["Seccomp"], "2")
            if in_host_users():
                self.assertNotIn("0", facts["Uid"].split())
                self.assertNotIn("0", facts["Gid"].split())
                self.assertEqual(facts["Groups"], "")
        self.assertEqual(self.daemon.socket.stat().st_mode & 0o777, 0o660)

    def test_config_check(self):
        def check(*words):
            return subprocess.run([ROLECALL, "config", "check", "-c", self.daemon.config, *words], capture_output=True, text=True, check=False)
        clean = check()
        self.assertEqual(clean.returncode, 0, clean.stderr)
        sh("ip", "link", "set", "mon0", "down")
        self.assertIn("mon0: warning: state: found down", check().stderr)
        gone = check("-i", "nosuch0")
        self.assertEqual(gone.returncode, 2)
        self.assertIn("nosuch0: found no such interface", gone.stderr)
        good = self.daemon.config.read_text()
        self.daemon.config.write_text(good.replace(
            '"outputs": [', '"outputs": [{"type": "syslog", "server": "[::1]:6514", "transport": "tls", "ca": "/nowhere/ca.pem"},'))
        certificate = check()
        self.assertEqual(certificate.returncode, 2)
        self.assertIn("/nowhere/ca.pem: found No such file or directory, expected a PEM file", certificate.stderr)
        self.daemon.config.write_text(json.dumps({**json.loads(good.split("\n", 1)[1]), "user": "no-one"}))
        nobody = check()
        self.assertEqual(nobody.returncode, 0)
        self.assertIn("warning: user: found no-one, expected a user that there is", nobody.stderr)
        self.daemon.config.write_text(good.replace('"stats_s"', '"stat_s"'))
        self.daemon.site.write_text(self.daemon.site.read_text().replace('"roles"', '"rolls"', 1))
        both = check()
        self.assertEqual(both.returncode, 2)
        self.assertIn('did you mean "stats_s"', both.stderr)
        self.assertIn('did you mean "roles"', both.stderr)  # the site that it names is read all the same
        self.assertNotIn("capture.interfaces", both.stderr)
        self.assertIn("mon0: warning: state: found down", both.stderr)

    def test_nobody_answers(self):
        done = self.daemon.ctl("status")
        self.assertEqual(done.returncode, 3)
        self.assertIn("is the daemon running?", done.stderr)


class Default(unittest.TestCase):
    """`config default` works as it is."""

    def test_it_has_no_mistakes(self):
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            file.write(subprocess.run([ROLECALL, "config", "default"], capture_output=True, text=True, check=True).stdout)
            file.flush()
            done = subprocess.run([ROLECALL, "config", "check", "-c", file.name, "-i", "lo"], capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertNotRegex(done.stderr, r"\.json:\d+:\d+")


def main():
    if "IN_NAMESPACE" not in os.environ:
        root = os.geteuid() == 0
        words = ["unshare", "--net"] if root else ["unshare", "--net", "--map-root-user"]
        link = ["sh", "-c", "ip link add name trial0 type veth peer name trial1"]
        if not os.path.exists(ROLECALL) or subprocess.run([*words, *link], capture_output=True, check=False).returncode:
            print("skipped: no network namespace with virtual interfaces can be made here, or no program")
            return 77
        return subprocess.run([*words, sys.executable, *sys.argv], env={**os.environ, "IN_NAMESPACE": "1"}, check=False).returncode
    unittest.main(verbosity=2)
    return 0


if __name__ == "__main__":
    sys.exit(main())
