#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The report in a real browser: no console message, nothing wider than the window, no request, text that can be read on
its ground, at 1280 and 400 pixels, light, dark and printed; hostile names stay text. Debian's chromium and
chromium-driver; without them exit 77.

    report_browser.py [--shots DIR] [PAGE.html...]      pictures of these pages into DIR, for a person to look at
"""
import base64
import json
import os
import pathlib
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

SOURCE = pathlib.Path(os.environ.get("ROLECALL_SOURCE", pathlib.Path(__file__).resolve().parents[2]))
SITE = str(SOURCE / "pcaps/contoso.site.json")
CAPTURES = ("sfb-site-violations.pcap", "sfb-site-good.pcap")
WINDOWS = ((1280, 900), (400, 800))
SCHEMES = ("light", "dark")
SIZE_MAX, PART = 2 << 20, 1500
failures, slowest = [], {}

# Contrast of every text on what lies behind it (WCAG 2.2, 1.4.3), and what is wider than the window.
LOOK = r"""
const wide = [], faint = [];
const numbers = c => (c.match(/[\d.]+/g) || [0, 0, 0, 0]).map(Number);
const light = c => { const p = c.slice(0, 3).map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
                     return 0.2126 * p[0] + 0.7152 * p[1] + 0.0722 * p[2]; };
const ground = e => { for (; e; e = e.parentElement) { const c = numbers(getComputedStyle(e).backgroundColor);
                      if (c.length < 4 || c[3] > 0) return c; } return [255, 255, 255]; };
const scrolls = e => { for (; e; e = e.parentElement) if (e.classList.contains('wide')) return true; return false; };
const root = document.scrollingElement;
for (const e of document.body.querySelectorAll('*')) {
  const box = e.getBoundingClientRect();
  if (box.width && box.right > innerWidth + 1 && !scrolls(e)) wide.push(e.tagName + ' ' + e.className.baseVal + ' ' + box.right);
  const own = [...e.childNodes].some(n => n.nodeType == 3 && n.data.trim());
  if (!own || !box.width || ['TITLE', 'title'].includes(e.tagName)) continue;
  const style = getComputedStyle(e), svg = e.namespaceURI.endsWith('svg');
  const a = light(numbers(svg ? style.fill : style.color)), b = light(ground(e));
  const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  if (contrast < 4.5) faint.push(e.tagName + '.' + e.className + ' ' + contrast.toFixed(2) + ' ' + e.textContent.slice(0, 30));
}
return {inner: innerWidth, scroll: root.scrollWidth, wide: wide.slice(0, 5), faint: [...new Set(faint)].slice(0, 5),
        scripts: document.scripts.length, images: document.images.length,
        requests: performance.getEntriesByType('resource').length,
        pictures: [...document.querySelectorAll('svg')].filter(s => !s.getAttribute('aria-label') && s.getAttribute('aria-hidden') != 'true').length,
        headings: [...document.querySelectorAll('h1,h2,h3')].map(h => h.tagName).join(' '),
        captions: [...document.querySelectorAll('table')].filter(t => !t.caption).length,
        landmarks: ['header', 'nav', 'main', 'footer'].filter(l => !document.querySelector(l)),
        broken: [...document.querySelectorAll('a[href^="#"]')].filter(a => !document.querySelector(a.getAttribute('href'))).length,
        seconds: performance.timing.loadEventEnd ? (performance.timing.loadEventEnd - performance.timing.navigationStart) / 1000 : -1};
"""


def check(what, held):
    if not held:
        failures.append(what)


class Browser:
    """WebDriver over HTTP, as far as this test needs it."""

    def __init__(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.home = tempfile.mkdtemp()
        self.driver = subprocess.Popen(["chromedriver", f"--port={self.port}"], stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL, env={**os.environ, "HOME": self.home})
        self.path = ""
        options = {"args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                            f"--user-data-dir={self.home}/data", "--hide-scrollbars"]}
        wanted = {"browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
        for _ in range(100):
            try:
                answer = self.ask("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
                break
            except (ConnectionError, urllib.error.URLError) as error:
                if isinstance(error, urllib.error.HTTPError):
                    raise
                time.sleep(0.1)
        self.path = "/session/" + answer["sessionId"]

    def ask(self, method, path, body=None):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{self.path}{path}", method=method,
                                         data=None if body is None else json.dumps(body).encode(),
                                         headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.load(answer)["value"]

    def command(self, name, **parameters):
        return self.ask("POST", "/goog/cdp/execute", {"cmd": name, "params": parameters})

    def run(self, script):
        return self.ask("POST", "/execute/sync", {"script": script, "args": []})

    def messages(self):
        return self.ask("POST", "/se/log", {"type": "browser"})

    def show(self, page, width, height, scheme, media="screen"):
        self.command("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.command("Emulation.setEmulatedMedia", media=media, features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.ask("POST", "/url", {"url": page.resolve().as_uri()})

    def pictures(self, path):
        """The whole page, in parts that a person can look at."""
        height, width = self.run("return document.scrollingElement.scrollHeight"), self.run("return innerWidth")
        for part, top in enumerate(range(0, min(height, 40 * PART), PART)):
            shot = self.command("Page.captureScreenshot", captureBeyondViewport=True,
                                clip={"x": 0, "y": top, "width": width, "height": min(PART, height - top), "scale": 1})
            pathlib.Path(f"{path}-{part:02}.png").write_bytes(base64.b64decode(shot["data"]))

    def close(self):
        try:
            self.ask("DELETE", "")
        finally:
            self.driver.terminate()
            self.driver.wait()
            shutil.rmtree(self.home, ignore_errors=True)


def million(path):
    """The second capture again and again, 20 s later each time and with other clients: 1,000,000 packets."""
    source = (SOURCE / "pcaps" / CAPTURES[0]).read_bytes()
    packets, at = [], 24
    assert source.startswith(b"\xa1\xb2\x3c\x4d") # big-endian, nanoseconds
    while at < len(source):
        seconds, fraction, size, wire = struct.unpack_from(">IIII", source, at)
        packets.append((seconds, fraction, size, wire, source[at + 16:at + 16 + size]))
        at += 16 + size
    with open(path, "wb") as file:
        file.write(source[:24])
        for copy in range(1000000 // len(packets) + 1):
            clients = {bytes((10, 20, net, host)): bytes((10, 20, net, 20 + copy % 200)) for net, host in ((4, 17), (4, 23), (5, 22))}
            for number, (seconds, fraction, size, wire, data) in enumerate(packets):
                if copy * len(packets) + number == 1000000:
                    return
                for old, new in clients.items():
                    data = data.replace(old, new)
                file.write(struct.pack(">IIII", seconds + 20 * copy, fraction, size, wire) + data)


def look(browser, page, name):
    for width, height in WINDOWS:
        for scheme in SCHEMES:
            where = f"{name} at {width} px, {scheme}"
            browser.show(page, width, height, scheme)
            seen = browser.run(LOOK)
            check(f"{where}: {seen['scroll']} px wide", seen["scroll"] <= seen["inner"] == width and not seen["wide"])
            check(f"{where}: {seen['wide']} are too wide", not seen["wide"])
            check(f"{where}: too faint: {seen['faint']}", not seen["faint"])
            check(f"{where}: scripts, images or requests", not (seen["scripts"] or seen["images"] or seen["requests"]))
            check(f"{where}: {seen['pictures']} pictures say nothing to who cannot see", not seen["pictures"])
            check(f"{where}: {seen['captions']} tables without a caption", not seen["captions"])
            check(f"{where}: no {seen['landmarks']}", not seen["landmarks"])
            check(f"{where}: {seen['broken']} links lead nowhere", not seen["broken"])
            check(f"{where}: one h1, and no heading skips a level: {seen['headings']}",
                  re.fullmatch(r"H1( H2( H3)*)+", seen["headings"]))
            slowest[name] = max(slowest.get(name, 0), seen["seconds"]) # told, not tested: a machine may be busy
            messages = browser.messages()
            check(f"{where}: console: {messages}", not messages)
    browser.show(page, 794, 1123, "dark", "print")
    printed = browser.run("return getComputedStyle(document.body).backgroundColor")
    check(f"{name} printed: ground {printed}", printed == "rgb(255, 255, 255)")


def main():
    if not (shutil.which("chromium") and shutil.which("chromedriver")) or "ROLECALL" not in os.environ:
        print("skipped: Debian's chromium and chromium-driver are not installed")
        return 77
    browser = Browser()
    try:
        if sys.argv[1:2] == ["--shots"]:
            for page in map(pathlib.Path, sys.argv[3:]):
                for width, height in WINDOWS:
                    for scheme in SCHEMES:
                        browser.show(page, width, height, scheme)
                        browser.pictures(pathlib.Path(sys.argv[2], f"{page.stem}-{width}-{scheme}"))
            return 0
        with tempfile.TemporaryDirectory() as folder:
            large = pathlib.Path(folder, "1,000,000 packets")
            million(large)
            for capture in (*(SOURCE / "pcaps" / name for name in CAPTURES), large):
                page = pathlib.Path(folder, capture.name + ".html")
                subprocess.run([os.environ["ROLECALL"], "analyze", "--site", SITE, "--report", page, capture],
                               stdout=subprocess.DEVNULL, check=False)
                check(f"{capture.name}: {page.stat().st_size} bytes", page.stat().st_size < SIZE_MAX)
                look(browser, page, capture.name)
                print(f"{capture.name}: {page.stat().st_size} bytes, opened in {slowest[capture.name]} s at most")
            if "ROLECALL_KEEP" in os.environ:
                shutil.copy(pathlib.Path(folder, large.name + ".html"), os.environ["ROLECALL_KEEP"])
    finally:
        browser.close()
    print("\n".join(failures) or "the report looks right in a browser")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
