# SPDX-License-Identifier: BSD-2-Clause
"""Hosts of a lab: network namespaces on one bridge, and a sensor that sees every frame and sends none.

The bridge forgets addresses at once (ageing time 0) and so repeats each frame to every port, as a mirror port does. All
links are made inside the namespaces; nothing is sent from the machine's own. Everything is removed at the end, and only
processes that were started here are ended.
"""
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time


class Failure(Exception):
    """The lab could not be done, or did not show what it should."""


class Skip(Exception):
    """This machine cannot do it."""


def ip(*words):
    subprocess.run(["ip", *map(str, words)], check=True, capture_output=True)


class Lab:
    def __init__(self, mtu=1500):
        self.mtu = mtu
        self.prefix = f"rolecall-{os.getpid()}"
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="rolecall-lab."))
        os.chmod(self.work, 0o755)
        self.names, self.processes = [], []
        self.keep = False

    def __enter__(self):
        try:
            self.switch = self.namespace("switch")
            ip("-n", self.switch, "link", "add", "name", "br0", "type", "bridge", "ageing_time", 0, "mcast_snooping", 0)
            ip("-n", self.switch, "link", "set", "br0", "up")
        except (OSError, subprocess.CalledProcessError) as error:
            self.close()
            raise Skip(f"no network namespaces or bridges here: {error}") from error
        return self

    def __exit__(self, kind, error, trace):
        self.keep = kind is not None and not issubclass(kind, Skip)
        self.close()

    def close(self):
        for process in reversed(self.processes):
            end(process)
        for name in self.names:
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)
        if self.keep:
            print(f"lab: captures and logs: {self.work}")
        else:
            shutil.rmtree(self.work, ignore_errors=True)

    def namespace(self, name):
        full = f"{self.prefix}-{name}"
        ip("netns", "add", full)
        self.names.append(full)
        ip("-n", full, "link", "set", "lo", "up")
        subprocess.run(["ip", "netns", "exec", full, "sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6"],
                       check=False, capture_output=True)
        return full

    def host(self, name, *addresses, networks=()):
        """A host with its addresses, all networks of the lab on its one link."""
        full = self.namespace(name)
        self.plug(full, name)
        for address in addresses:
            ip("-n", full, "address", "add", f"{address}/32", "dev", "eth0")
        for network in networks:
            ip("-n", full, "route", "add", network, "dev", "eth0", "src", addresses[0])
        return Host(self, full, addresses)

    def plug(self, full, name):
        ip("-n", self.switch, "link", "add", "name", f"p{name[:12]}", "mtu", self.mtu, "type", "veth",
           "peer", "name", "eth0", "netns", full, "mtu", self.mtu)
        ip("-n", self.switch, "link", "set", f"p{name[:12]}", "master", "br0", "up")
        # Offloads would show the sensor segments that were never on a wire, with checksums yet to be made.
        subprocess.run(["ip", "netns", "exec", full, "ethtool", "-K", "eth0", "tx", "off", "tso", "off", "gso", "off", "gro", "off"],
                       check=False, capture_output=True)
        ip("-n", full, "link", "set", "eth0", "up")

    def start(self, words, log, **more):
        with open(self.work / f"{log}.log", "ab") as out:
            process = subprocess.Popen([str(word) for word in words], stdin=more.pop("stdin", subprocess.DEVNULL),
                                       stdout=more.pop("stdout", out), stderr=out, **more)
        self.processes.append(process)
        return process

    def log(self, name):
        path = self.work / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""


class Host:
    def __init__(self, lab, full, addresses):
        self.lab, self.name, self.addresses = lab, full, addresses
        self.address = addresses[0] if addresses else None

    def inside(self, words):
        return ["ip", "netns", "exec", self.name, *map(str, words)]

    def start(self, words, log, **more):
        return self.lab.start(self.inside(words), log, **more)

    def run(self, *words, timeout=60, check=True, text=None):
        done = subprocess.run(self.inside(words), input=text, stdin=None if text is not None else subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=timeout, check=False)
        if check and done.returncode:
            raise Failure(f"{' '.join(map(str, words))} ended with {done.returncode}: {(done.stderr or done.stdout)[-500:]}")
        return done

    def listens(self, port, transport="tcp"):
        sockets = self.run("ss", "-Hnl", "-t" if transport == "tcp" else "-u", f"sport = :{port}").stdout
        return bool(sockets.strip())


def end(process, how=signal.SIGTERM, patience=10):
    """Ends a process that was started here; the value is its exit status."""
    if process.poll() is None:
        process.send_signal(how)
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    return process.returncode


def wait_for(what, held, patience=15.0, every=0.05):
    until = time.monotonic() + patience
    while not held():
        if time.monotonic() > until:
            raise Failure(f"{what}: not within {patience:.0f} s")
        time.sleep(every)
