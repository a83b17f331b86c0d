#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""One whole run under valgrind's memcheck, which sees what sanitizers do not: bytes that were never written.

The shipped capture with a violation of each kind is judged, with its summary, events of every flow, page, coverage,
evidence and two workers. Nothing may be read that was not written, no system call may be given such bytes, and no memory
may be lost. $ROLECALL is the program. Exit 77: it is not given, valgrind is missing, or the program has sanitizers in it.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(os.environ.get("ROLECALL_SOURCE", pathlib.Path(__file__).resolve().parents[2]))
FOUND = 99


def memcheck(*arguments):
    command = ["valgrind", "--quiet", "--leak-check=full", "--errors-for-leak-kinds=definite,possible",
               f"--error-exitcode={FOUND}", os.environ["ROLECALL"], *arguments]
    return subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)


def main():
    if "ROLECALL" not in os.environ or not shutil.which("valgrind"):
        sys.exit(77)
    if memcheck("version").returncode != 0:
        sys.exit(77)  # a sanitizer and valgrind do not go together
    capture, site = SOURCE / "pcaps/sfb-site-violations.pcap", SOURCE / "pcaps/contoso.site.json"
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        made = ["--flows", "--events", folder / "e.ndjson", "--report", folder / "r.html", "--coverage", folder / "c.csv",
                "--evidence", folder / "evidence"]
        runs = [("analyze", "--site", site, *made, capture),
                ("analyze", "--site", site, "--workers", "2", "--json", capture),
                ("discover", capture),
                ("report", folder / "e.ndjson", "-o", folder / "again.html")]
        for arguments in runs:
            run = memcheck(*arguments)
            if run.returncode not in (0, 1) or "==" in run.stderr:
                print(run.stderr[-4000:])
                sys.exit(f"{arguments[0]}: exit status {run.returncode}")
        if (folder / "r.html").read_bytes() != (folder / "again.html").read_bytes() or not list((folder / "evidence").iterdir()):
            sys.exit("the runs did not write what they should")
    print(f"{len(runs)} runs without a word from memcheck")


if __name__ == "__main__":
    main()
