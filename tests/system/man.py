#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The manual pages that the build made: mandoc finds no fault, each has a name and says what it is, and every command,
event dataset and key of the files that they are about stands in them.

$MAN is the folder with the pages. Exit 77: there are none (the build found no lowdown), or there is no mandoc."""
import os
import pathlib
import re
import shutil
import subprocess
import sys

PAGES = pathlib.Path(os.environ.get("MAN", "/nowhere"))
if not PAGES.is_dir() or not shutil.which("mandoc"):
    print("skipped: no manual pages, or no mandoc")
    sys.exit(77)
ROLECALL = os.environ["ROLECALL"]
failures = []


def read(page):
    done = subprocess.run(["mandoc", "-T", "utf8", page], capture_output=True, text=True, check=True)
    return re.sub(".\x08", "", done.stdout)


def main():
    pages = {page.name: page for page in sorted(PAGES.iterdir())}
    for name, page in pages.items():
        lint = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", page], capture_output=True, text=True, check=False)
        if lint.returncode or lint.stdout:
            failures.append(f"{name}: mandoc says:\n{lint.stdout}")
        if not re.search(rf"NAME\n +{re.escape(page.stem)} - \w", read(page)):
            failures.append(f"{name}: no name and summary, as apropos wants them")
        if re.search(r":\s+- [A-Z]", read(page)):
            failures.append(f"{name}: a list runs on in its paragraph")
    if "rolecall.1" not in pages or "rolecall-site.5" not in pages:
        failures.append(f"pages are missing: {', '.join(pages)}")
    listed = subprocess.run([ROLECALL, "--help"], capture_output=True, text=True, check=True).stdout
    manual = read(pages["rolecall.1"])
    for command in re.findall(r"^  ([a-z]+) ", listed, re.M):
        if f"usage: rolecall {command}" not in manual:
            failures.append(f"rolecall.1 does not tell of {command}")
    print("\n".join(failures) or f"{len(pages)} manual pages")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
