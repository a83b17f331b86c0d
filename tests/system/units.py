#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Holds systemd/: how much each unit leaves open (systemd-analyze security), that each open point has its reason in
systemd/README.md and none is told that is closed, that systemd finds no fault in the units, and that users, folders and log
rotation are as systemd and logrotate read them. What is not installed is passed over; exit 77: no systemd-analyze."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(os.environ.get("ROLECALL_SOURCE", pathlib.Path(__file__).resolve().parents[2]))
UNITS = SOURCE / "systemd"
failures = []

if not shutil.which("systemd-analyze"):
    print("skipped: no systemd-analyze")
    sys.exit(77)


def run(*words, **more):
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False, **more)


def check(what, held, told=""):
    if not held:
        failures.append(f"{what}{': ' if told else ''}{told}")


def exposure(unit):
    """The figure of 0 to 10, and the names of what is open."""
    shown = run("systemd-analyze", "security", "--offline=true", "--no-pager", unit).stdout
    points = json.loads(run("systemd-analyze", "security", "--offline=true", "--json=short", unit).stdout or "[]")
    total = re.search(r"exposure level for \S+: ([0-9.]+)", shown)
    return float(total.group(1)) if total else 10.0, {point["name"] for point in points if not point["set"] and point["exposure"]}


def with_drop_in(folder):
    (folder / "rolecall.service.d").mkdir()
    shutil.copy(UNITS / "rolecall.service", folder)
    shutil.copy(UNITS / "network.conf", folder / "rolecall.service.d")
    return folder / "rolecall.service"


def reasons():
    rows = re.findall(r"^\| `(.+?)` \|", (UNITS / "README.md").read_text(), re.M)
    return {row.replace("\\|", "|") for row in rows}


def check_exposure():
    with tempfile.TemporaryDirectory() as folder:
        plain, instance = exposure(UNITS / "rolecall.service"), exposure(UNITS / "rolecall@.service")
        network = exposure(with_drop_in(pathlib.Path(folder)))
    for name, (total, _), bound in (("rolecall.service", plain, 1.4), ("rolecall@.service", instance, 1.4), ("with network.conf", network, 1.9)):
        check(f"{name} leaves {total} open, more than {bound}", total <= bound)
    found = plain[1] | instance[1] | network[1]
    check("open, without a reason in systemd/README.md", not found - reasons(), ", ".join(sorted(found - reasons())))
    check("closed, but with a reason in systemd/README.md", not reasons() - found, ", ".join(sorted(reasons() - found)))


def check_units():
    """The same words in both units, but for what an instance has of its own; and none that systemd does not know."""
    for name in ("rolecall.service", "rolecall@.service"):
        done = run("systemd-analyze", "verify", "--man=no", UNITS / name)
        told = [line for line in done.stderr.splitlines() if UNITS.name in line and "is not executable" not in line]
        check(f"{name}", not told, "\n".join(told))
    own = re.compile(r"^(#.*|Description=.*|ExecStart=.*|ExecReload=.*|RuntimeDirectory=.*|LogsDirectory=.*|After=.*|BindsTo=.*)$")
    plain, instance = ([line for line in (UNITS / name).read_text().splitlines() if line and not own.match(line)]
                       for name in ("rolecall.service", "rolecall@.service"))
    check("the units differ in more than an instance needs", plain == instance, str(set(plain) ^ set(instance)))


def check_readers():
    with tempfile.TemporaryDirectory() as root:
        if shutil.which("systemd-sysusers"):
            (pathlib.Path(root) / "etc").mkdir()
            done = run("systemd-sysusers", f"--root={root}", UNITS / "rolecall.sysusers")
            made = (pathlib.Path(root) / "etc/passwd")
            check("sysusers", made.exists() and ":/nonexistent:/usr/sbin/nologin" in made.read_text(), done.stderr)
            if shutil.which("systemd-tmpfiles") and os.geteuid() == 0:
                done = run("systemd-tmpfiles", f"--root={root}", "--create", UNITS / "rolecall.tmpfiles")
                check("tmpfiles", (pathlib.Path(root) / "run/rolecall").is_dir(), done.stderr)
    rotate = shutil.which("logrotate", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if rotate:
        text = re.sub(r"^ *su .*$", "", (UNITS / "rolecall.logrotate").read_text(), flags=re.M).replace("create 0640 rolecall rolecall", "create")
        with tempfile.NamedTemporaryFile("w") as rules:
            rules.write(text)
            rules.flush()
            done = run(rotate, "-d", rules.name)
            check("logrotate", "error" not in done.stderr, done.stderr)


def main():
    check_exposure()
    check_units()
    check_readers()
    print("\n".join(failures) or "the units are closed but for what has a reason")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
