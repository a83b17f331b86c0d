#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Outputs against the real thing: files on real file systems, sockets on loopback, TLS with certificates made here.

$SINK_FEED is tests/support/sink_feed.c: it gives events to outputs as a daemon does. Every event has a sequence number;
each test ends by asking where every single one is: at the receiver, or told as lost. Exit 77: $SINK_FEED is not given."""
import collections
import json
import os
import pathlib
import queue
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import warnings

import jsonschema

if "SINK_FEED" not in os.environ:
    print("skipped: no SINK_FEED")
    sys.exit(77)
FEED = os.environ["SINK_FEED"]
SOURCE = pathlib.Path(os.environ.get("ROLECALL_SOURCE", pathlib.Path(__file__).resolve().parents[2]))
PATIENCE = 30  # seconds until something that must happen has happened


def until(condition, what):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"never happened: {what}")


class Feed:
    def __init__(self, *arguments, **popen):
        self.process = subprocess.Popen([FEED, *arguments], stdin=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, bufsize=1, **popen)
        self.losses, self.answers, self.words = [], queue.Queue(), []
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stderr:
            try:
                answer = json.loads(line)
            except ValueError:
                self.words.append(line)
                continue
            if isinstance(answer, dict):
                self.losses.append(answer)
            else:
                self.answers.put(answer)
        self.answers.put(EOFError)

    def answer(self):
        answer = self.answers.get(timeout=2 * PATIENCE)
        if answer is EOFError:
            raise AssertionError(f"sink_feed ended: {self.words}")
        return answer

    def started(self):
        assert self.answer() == "started"
        return self

    def tell(self, command):
        self.process.stdin.write(command + "\n")

    def send(self, count, dataset="flow", size=1000, per_second=0):
        self.tell(f"send {count} {dataset} {size} {per_second}")

    def state(self, index=0):
        self.tell("state")
        return self.answer()[index]

    def drain(self, milliseconds=20000):
        self.tell(f"drain {milliseconds}")
        return self.answer()

    def lost_at_end(self):
        self.tell("losses")
        assert self.answer() is None
        return self.losses

    def told_loss(self):
        """As a daemon asks, until there is one."""
        def ask():
            self.tell("tell")
            self.state()
            return self.losses
        return until(ask, "a loss is told")

    def close(self):
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        self.process.wait(PATIENCE)
        self.reader.join(PATIENCE)
        self.process.stderr.close()
        return self.process.returncode


def events_of(lines):
    return [json.loads(line) for line in lines]


def sequences_of(lines):
    return [event["event"]["sequence"] for event in events_of(lines)]


def messages_of(stream):
    """The messages of an octet-counted stream, and how many bytes of an unfinished one are left."""
    messages, at = [], 0
    while True:
        head = re.match(rb"([1-9][0-9]{0,4}) ", stream[at:at + 6])
        if not head:
            assert len(stream) - at < 6, stream[at:at + 40]
            break
        end = at + head.end() + int(head[1])
        if end > len(stream):
            break
        messages.append(stream[at + head.end():end])
        at = end
    return messages, len(stream) - at


HEADER = re.compile(rb"<([0-9]{1,3})>1 ([0-9T:.-]{26}Z) ([!-~]+) rolecall ([0-9]+) (rolecall\.[a-z]+) "
                    rb"\[origin software=\"rolecall\" swVersion=\"[^\"]+\"\]\[meta sequenceId=\"([0-9]+)\"\] (.*)", re.S)


def bodies_of(streams):
    """What the messages of several connections hold; each connection may end within a message."""
    bodies = []
    for stream in streams:
        for message in messages_of(stream)[0]:
            header = HEADER.fullmatch(message)
            assert header, message[:200]
            bodies.append(header[7])
    return bodies


class Receiver:
    """Listens on loopback; keeps the bytes of each connection apart."""

    def __init__(self, port=0, address=None, tls=None, reads=True, receive_buffer=None):
        family = socket.AF_UNIX if address else socket.AF_INET
        self.listener = socket.socket(family)
        if receive_buffer:
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(address or ("127.0.0.1", port))
        self.listener.listen()
        self.port = None if address else self.listener.getsockname()[1]
        self.tls, self.streams, self.connections, self.errors = tls, [], [], []
        self.reads = threading.Event()
        if reads:
            self.reads.set()
        self.stopping = False
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while not self.stopping:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections.append(connection)
            threading.Thread(target=self.take, args=(connection,), daemon=True).start()

    def take(self, connection):
        stream = bytearray()
        self.streams.append(stream)
        try:
            if self.tls:
                connection = self.tls.wrap_socket(connection, server_side=True)
                self.connections.append(connection)
            while True:
                self.reads.wait()
                part = connection.recv(65536)
                if not part:
                    return
                stream += part
        except OSError as error:  # ssl.SSLError is one
            self.errors.append(str(error))

    def stop(self):
        """As if it were killed: what it has not read is gone."""
        if self.stopping:
            return
        self.stopping = True
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in self.connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            connection.close()
        self.reads.set()

    def bytes(self):
        return sum(len(stream) for stream in self.streams)


def syslog(receiver, *more, queue_size=1 << 20, kind="syslog", host="127.0.0.1"):
    return Feed("name=siem", f"kind={kind}", f"host={host}", f"port={receiver.port}", f"queue={queue_size}", *more)


class Base(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="rolecall-sinks-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def feed(self, feed):
        self.addCleanup(feed.close)
        return feed.started()

    def check_all_there(self, got, losses, last):
        """Each sequence number up to `last` was received, or lies in a loss; and losses are counted exactly."""
        missing = set(range(1, last + 1)) - set(got)
        told = sum(loss[kind] for loss in losses for kind in ("alerts", "flows", "metrics"))
        self.assertEqual(told, len(missing))
        for sequence in missing:
            self.assertTrue(any(loss["first"] <= sequence <= loss["last"] for loss in losses), sequence)
        for loss in losses:
            self.assertIn(loss["first"], missing)
            self.assertIn(loss["last"], missing)


class Files(Base):
    def test_lines_are_appended_and_only_we_may_read_them(self):
        path = self.folder / "events"
        path.write_text('{"before": true}\n')
        feed = self.feed(Feed("name=f", "kind=file", f"path={path}"))
        feed.send(1000)
        self.assertTrue(feed.drain())
        lines = path.read_text().splitlines()
        self.assertEqual(lines[0], '{"before": true}')
        self.assertEqual(sequences_of(lines[1:]), list(range(1, 1001)))
        new = self.folder / "new"
        self.feed(Feed("name=f", "kind=file", f"path={new}"))
        self.assertEqual(new.stat().st_mode & 0o777, 0o640)

    def test_a_path_that_cannot_be_opened_is_refused(self):
        feed = Feed("name=f", "kind=file", f"path={self.folder}/none/events")
        self.assertEqual(feed.close(), 1)
        self.assertIn("No such file or directory", "".join(feed.words))

    def test_renamed_and_reopened_under_load(self):
        path = self.folder / "events"
        feed = self.feed(Feed("name=f", "kind=file", f"path={path}"))
        feed.send(40000, size=300, per_second=20000)
        for number in range(8):
            time.sleep(0.15)
            os.rename(path, self.folder / f"old{number}")
            feed.process.stdin.flush()
            if number % 2 == 0:
                feed.tell("reopen")  # heard after the lines; the inode tells sooner
            until(path.exists, "the file is there again")
        self.assertTrue(feed.drain())
        lines = []
        for file in sorted(self.folder.iterdir()):
            text = file.read_text()
            self.assertTrue(not text or text.endswith("\n"), file)
            lines += text.splitlines()
        self.assertEqual(sorted(sequences_of(lines)), list(range(1, 40001)))

    def test_reopen_is_heard_at_once(self):
        path, old = self.folder / "events", self.folder / "old"
        feed = self.feed(Feed("name=f", "kind=file", f"path={path}"))
        feed.send(10)
        until(lambda: feed.state()["written"] == 10, "ten lines are written")
        os.rename(path, old)
        opened = feed.state()["opened"]
        feed.tell("reopen")
        until(path.exists, "a new file")
        feed.send(10)
        self.assertTrue(feed.drain())
        self.assertEqual(sequences_of(old.read_text().splitlines()), list(range(1, 11)))
        self.assertEqual(sequences_of(path.read_text().splitlines()), list(range(11, 21)))
        self.assertGreater(feed.state()["opened"], opened)

    def test_a_file_that_was_removed_is_made_again(self):
        path = self.folder / "events"
        feed = self.feed(Feed("name=f", "kind=file", f"path={path}"))
        path.unlink()
        until(path.exists, "the file is there again")

    def test_a_full_device_keeps_lines_waiting(self):
        feed = self.feed(Feed("name=f", "kind=file", "path=/dev/full", "queue=262144"))
        feed.send(100)
        state = until(lambda: (lambda s: s if s["health"] == "retrying" else None)(feed.state()), "it is told")
        self.assertIn("No space left on device", state["error"])
        self.assertEqual((state["written"], state["queued"], state["lost"]), (0, 100, 0))
        self.assertFalse(feed.drain(100))
        losses = feed.lost_at_end()
        self.assertEqual(len(losses), 1)
        self.assertEqual((losses[0]["first"], losses[0]["last"], losses[0]["flows"]), (1, 100, 100))
        self.assertIn("No space left on device", losses[0]["reason"])

    def test_the_cut_end_of_a_killed_program_is_taken_off(self):
        for tail in ('{"@timest', '{"@timestamp":"2026', "CEF:0|role"):
            path = self.folder / "events"
            path.write_text('{"whole": 1}\n' + tail)
            self.feed(Feed("name=f", "kind=file", f"path={path}")).close()
            self.assertEqual(path.read_text(), '{"whole": 1}\n')
        path.write_text("a stranger's text")
        self.feed(Feed("name=f", "kind=file", f"path={path}")).close()
        self.assertEqual(path.read_text(), "a stranger's text\n")

    def test_killed_under_load(self):
        """The kernel may end a write that SIGKILL meets between two pages of the file. Readers take lines by their
        newline; the next start takes such an end off."""
        path = self.folder / "events"
        for round_number in range(10):
            feed = self.feed(Feed("name=f", "kind=file", f"path={path}"))
            text = path.read_bytes()
            self.assertTrue(text.endswith(b"\n") or not text)
            events_of(text.splitlines())
            feed.send(1000000, size=900)
            until(lambda: path.stat().st_size > len(text) + 100000, "lines are written")
            feed.process.send_signal(signal.SIGKILL)
            feed.process.wait()
            events_of(path.read_bytes().rpartition(b"\n")[0].splitlines())

    @unittest.skipIf(os.geteuid() != 0 or not shutil.which("unshare"), "a file system of its own needs root")
    def test_a_full_file_system_is_survived(self):
        disk = self.folder / "disk"
        disk.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", disk], check=False)
        if mounted.returncode:
            self.skipTest("tmpfs cannot be mounted")
        self.addCleanup(subprocess.run, ["umount", "-l", disk], check=False)
        path = disk / "events"
        (disk / "ballast").write_bytes(bytes(128 << 10))
        feed = self.feed(Feed("name=f", "kind=file", f"path={path}", "queue=4194304"))
        feed.send(200)
        state = until(lambda: (lambda s: s if s["health"] == "retrying" else None)(feed.state()), "the disk is full")
        self.assertIn("No space left", state["error"])
        text = path.read_text()
        self.assertTrue(text.endswith("\n"))
        self.assertGreater(len(sequences_of(text.splitlines())), 50)
        (disk / "ballast").unlink()
        self.assertTrue(feed.drain())
        self.assertEqual(sequences_of(path.read_text().splitlines()), list(range(1, 201)))
        self.assertEqual(feed.state()["lost"], 0)


class Stdout(Base):
    def test_a_reader_that_goes_away(self):
        read, write = os.pipe()
        feed = self.feed(Feed("name=o", "kind=stdout", stdout=write))
        os.close(write)
        feed.send(10)
        until(lambda: feed.state()["written"] == 10, "ten lines are written")
        os.close(read)
        state = until(lambda: (lambda s: s if s["health"] == "failed" else None)(feed.state()), "it is noticed")
        self.assertIn("Broken pipe", state["error"])
        feed.send(5)
        self.assertEqual(feed.state()["lost"], 5)
        self.assertEqual(feed.lost_at_end()[0]["flows"], 5)


class Unix(Base):
    def test_a_socket_that_comes_later_and_again(self):
        address = str(self.folder / "socket")
        feed = self.feed(Feed("name=u", "kind=unix", f"path={address}"))
        feed.send(10)
        until(lambda: feed.state()["health"] == "retrying", "it is not there")
        first = Receiver(address=address)
        until(lambda: feed.state()["written"] == 10, "ten lines")
        first.stop()
        os.unlink(address)
        feed.send(10)
        until(lambda: "connection" in feed.state()["error"] or "refused" in feed.state()["error"]
              or "No such" in feed.state()["error"], "the end is noticed")
        second = Receiver(address=address)
        self.addCleanup(second.stop)
        self.assertTrue(feed.drain())

        def got():
            whole = [bytes(stream).rpartition(b"\n")[0] for stream in first.streams + second.streams]
            return set(sequences_of(line for text in whole for line in text.splitlines()))
        until(lambda: got() == set(range(1, 21)), "all lines")


class Syslog(Base):
    def test_what_a_message_looks_like(self):
        receiver = Receiver()
        self.addCleanup(receiver.stop)
        feed = self.feed(syslog(receiver, "hostname=span1.example.net"))
        feed.send(1, "alert", 300)
        feed.send(1, "flow", 7600)
        self.assertTrue(feed.drain())
        until(lambda: len(bodies_of(map(bytes, receiver.streams))) == 2, "two messages")
        messages, rest = messages_of(bytes(receiver.streams[0]))
        self.assertEqual(rest, 0)
        alert, flow = (HEADER.fullmatch(message) for message in messages)
        self.assertEqual(alert[1], b"131")  # local0.err
        self.assertEqual(flow[1], b"134")  # local0.info
        self.assertEqual(alert[3], b"span1.example.net")
        self.assertEqual((alert[5], flow[5]), (b"rolecall.alert", b"rolecall.flow"))
        self.assertEqual((alert[6], flow[6]), (b"1", b"2"))
        self.assertEqual(json.loads(alert[7])["@timestamp"].encode(), alert[2])
        self.assertLessEqual(max(map(len, messages)), 8096)

    def test_a_receiver_that_is_away_for_a_while(self):
        first = Receiver()
        feed = self.feed(syslog(first))
        feed.send(100)
        until(lambda: len(bodies_of(map(bytes, first.streams))) == 100, "a hundred messages")
        first.stop()
        feed.send(50, "alert")
        feed.send(5000)  # much more than the queue holds
        feed.send(100, "alert")
        until(lambda: feed.state()["health"] == "retrying", "it is noticed")
        second = Receiver(port=first.port)
        self.addCleanup(second.stop)
        until(lambda: feed.state()["queued"] == 0, "the queue is empty")
        losses = feed.told_loss()
        feed.send(10)
        self.assertTrue(feed.drain())
        last = 5250 + 1 + 10
        until(lambda: last in sequences_of(bodies_of(map(bytes, second.streams))), "the last one")
        got = sequences_of(bodies_of(map(bytes, first.streams + second.streams)))
        self.check_all_there(got, losses, last)
        self.assertEqual(sum(loss["alerts"] for loss in losses), 0)
        told = [event for event in events_of(bodies_of(map(bytes, second.streams)))
                if event["event"]["dataset"] == "rolecall.loss"]
        self.assertEqual([event["rolecall"]["loss"]["first_sequence"] for event in told], [losses[0]["first"]])
        self.assertEqual(told[0]["rolecall"]["loss"]["flows"], losses[0]["flows"])
        self.assertGreater(losses[0]["flows"], 3000)

    def test_a_receiver_that_does_not_read(self):
        receiver = Receiver(reads=False, receive_buffer=8192)
        self.addCleanup(receiver.stop)
        feed = self.feed(syslog(receiver))
        feed.send(4000)
        until(lambda: "reads nothing" in feed.state()["error"], "it is told")
        self.assertGreater(feed.state()["lost"], 0)
        receiver.reads.set()
        losses = feed.told_loss()
        self.assertTrue(feed.drain())
        until(lambda: 4001 in sequences_of(bodies_of(map(bytes, receiver.streams))), "the loss event")
        got = sequences_of(bodies_of(map(bytes, receiver.streams)))
        self.check_all_there(got, losses, 4001)
        self.assertEqual(len(got), len(set(got)))
        self.assertEqual(feed.state()["health"], "ok")

    def test_connections_that_are_reset_under_load(self):
        receiver = Receiver(receive_buffer=16384)
        self.addCleanup(receiver.stop)
        feed = self.feed(syslog(receiver, queue_size=64 << 20))
        feed.send(20000, per_second=10000)
        for _ in range(4):
            seen = receiver.bytes()
            until(lambda: receiver.bytes() > seen + 200000, "lines come")
            receiver.reads.clear()  # what comes now is never read
            time.sleep(0.2)
            connection = receiver.connections[-1]
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
            connection.shutdown(socket.SHUT_RD)
            connection.close()
            receiver.reads.set()
        self.assertTrue(feed.drain())
        until(lambda: 20000 in sequences_of(bodies_of(map(bytes, receiver.streams))), "the last one")
        got = sequences_of(bodies_of(map(bytes, receiver.streams)))
        self.assertEqual(set(range(1, 20001)) - set(got), set())
        state = feed.state()
        self.assertEqual(state["lost"], 0)
        self.assertGreater(state["resent"], 0)
        self.assertGreaterEqual(state["opened"], 5)

    def test_what_an_output_never_took_is_told_by_the_others(self):
        closed = socket.socket()
        closed.bind(("127.0.0.1", 0))
        self.addCleanup(closed.close)
        path = self.folder / "events"
        feed = self.feed(Feed("name=dead", "kind=syslog", "host=127.0.0.1", f"port={closed.getsockname()[1]}",
                              "name=file", "kind=file", f"path={path}"))
        feed.send(30, "alert")
        self.assertFalse(feed.drain(500))
        losses = feed.lost_at_end()
        self.assertEqual([(loss["loss"], loss["alerts"], loss["first"], loss["last"]) for loss in losses],
                         [("dead", 30, 1, 30)])
        feed.close()
        last = events_of(path.read_text().splitlines())[-1]
        self.assertEqual(last["rolecall"]["loss"]["output"], "dead")
        self.assertIn("Connection refused", last["rolecall"]["loss"]["reason"])
        jsonschema.validate(last, json.loads((SOURCE / "docs/event.schema.json").read_text()))

    def test_a_name_that_does_not_exist(self):
        feed = self.feed(Feed("name=n", "kind=syslog", "host=no-such-host.invalid", "port=514"))
        feed.send(1)
        until(lambda: "no-such-host.invalid" in feed.state()["error"], "it is told")


@unittest.skipIf(not shutil.which("openssl"), "certificates need the openssl command")
class Tls(Base):
    @classmethod
    def setUpClass(cls):
        cls.keys = pathlib.Path(tempfile.mkdtemp(prefix="rolecall-tls-"))
        for authority in ("ca", "other"):
            cls.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                        "-subj", f"/CN={authority}", "-keyout", f"{authority}.key", "-out", f"{authority}.pem")
        cls.issue("server", "DNS:siem.example.net")
        cls.issue("address", "IP:127.0.0.1")
        cls.issue("client", "DNS:sensor.example.net")

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.keys)

    @classmethod
    def openssl(cls, *words):
        subprocess.run(["openssl", *words], cwd=cls.keys, check=True, capture_output=True)

    @classmethod
    def issue(cls, name, alternative):
        (cls.keys / "san").write_text(f"subjectAltName={alternative}\n")
        cls.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                    "-keyout", f"{name}.key", "-out", f"{name}.csr")
        cls.openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                    "-days", "2", "-extfile", "san", "-out", f"{name}.pem")

    def receiver(self, certificate="server", client_ca=None, newest=None, **more):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.keys / f"{certificate}.pem", self.keys / f"{certificate}.key")
        if newest:
            warnings.simplefilter("ignore", DeprecationWarning)
            context.set_ciphers("ALL:@SECLEVEL=0")
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = newest
        if client_ca:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self.keys / client_ca)
        receiver = Receiver(tls=context, **more)
        self.addCleanup(receiver.stop)
        return receiver

    def connect(self, receiver, *more, ca="ca", **options):
        return self.feed(syslog(receiver, f"ca_file={self.keys}/{ca}.pem", *more, kind="syslog-tls", **options))

    def check_accepted(self, receiver, feed):
        feed.send(500)
        self.assertTrue(feed.drain())
        until(lambda: len(bodies_of(map(bytes, receiver.streams))) >= 500, "all messages")
        self.assertEqual(set(sequences_of(bodies_of(map(bytes, receiver.streams)))), set(range(1, 501)))

    def check_refused(self, receiver, feed, word):
        feed.send(5)
        until(lambda: re.search(word, feed.state()["error"]), word)
        self.assertEqual(feed.state()["lost"], 0)
        self.assertEqual(receiver.bytes(), 0)

    def test_the_right_name(self):
        for newest in (None, ssl.TLSVersion.TLSv1_2):
            receiver = self.receiver(newest=newest)
            self.check_accepted(receiver, self.connect(receiver, "server_name=siem.example.net"))

    def test_the_right_address(self):
        receiver = self.receiver("address")
        self.check_accepted(receiver, self.connect(receiver))

    def test_the_wrong_name(self):
        receiver = self.receiver()
        self.check_refused(receiver, self.connect(receiver, "server_name=other.example.net"), "[Hh]ostname mismatch")
        self.check_refused(receiver, self.connect(receiver), "IP address mismatch")

    def test_an_unknown_authority(self):
        receiver = self.receiver()
        self.check_refused(receiver, self.connect(receiver, "server_name=siem.example.net", ca="other"),
                           "unable to get local issuer certificate")

    def test_an_old_version(self):
        receiver = self.receiver(newest=ssl.TLSVersion.TLSv1_1)
        self.check_refused(receiver, self.connect(receiver, "server_name=siem.example.net"), "TLS: ")

    def test_a_certificate_of_our_own(self):
        receiver = self.receiver(client_ca="ca.pem")
        own = (f"cert_file={self.keys}/client.pem", f"key_file={self.keys}/client.key")
        self.check_accepted(receiver, self.connect(receiver, "server_name=siem.example.net", *own))

    def test_a_certificate_that_is_asked_for_and_absent(self):
        receiver = self.receiver(client_ca="ca.pem")
        feed = self.connect(receiver, "server_name=siem.example.net")
        self.check_refused(receiver, feed, "certificate required|handshake failure")

    def test_files_that_are_wrong_are_refused_at_once(self):
        for more in ((f"ca_file={self.keys}/none.pem",), (f"cert_file={self.keys}/server.pem", f"key_file={self.keys}/client.key"),
                     (f"ca_file={self.keys}/ca.key",)):
            feed = Feed("name=t", "kind=syslog-tls", "host=127.0.0.1", "port=1", *more)
            self.assertEqual(feed.close(), 1, more)
            self.assertTrue(feed.words)

    def test_a_receiver_that_is_away_for_a_while(self):
        first = self.receiver()
        feed = self.connect(first, "server_name=siem.example.net")
        feed.send(100)
        until(lambda: len(bodies_of(map(bytes, first.streams))) == 100, "a hundred messages")
        first.stop()
        feed.send(3000)
        until(lambda: feed.state()["health"] == "retrying", "it is noticed")
        second = self.receiver(port=first.port)
        until(lambda: feed.state()["queued"] == 0, "the queue is empty")
        losses = feed.told_loss()
        self.assertTrue(feed.drain())
        until(lambda: 3101 in sequences_of(bodies_of(map(bytes, second.streams))), "the loss event")
        got = sequences_of(bodies_of(map(bytes, first.streams + second.streams)))
        self.check_all_there(got, losses, 3101)


class Shedding(Base):
    def test_alerts_outlive_flows(self):
        feed = self.feed(Feed("name=f", "kind=file", "path=/dev/full", "queue=262144"))
        feed.send(1000, "flow", 900)
        feed.send(100, "alert", 900)
        state = feed.state()
        self.assertEqual(state["alerts_lost"], 0)
        self.assertEqual(state["queued"] + state["lost"], 1100)
        feed.send(1000, "alert", 900)
        feed.send(10, "flow", 900)
        self.assertFalse(feed.drain(0))
        losses = feed.lost_at_end()
        kinds = collections.Counter()
        for loss in losses:
            kinds.update({kind: loss[kind] for kind in ("alerts", "flows", "metrics")})
        self.assertEqual((kinds["flows"], kinds["alerts"]), (1010, 1100))
        self.assertEqual((losses[0]["first"], losses[-1]["last"]), (1, 2110))


if __name__ == "__main__":
    unittest.main(verbosity=1)
