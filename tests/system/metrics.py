#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Holds the metrics (tests/unit/test_metrics.c --print) to Prometheus' text format 0.0.4 and its naming practice: every family
has HELP and TYPE before its samples and once, counters end in _total and nothing else does, base units only, no sample
twice, labels only of the few that are allowed. Where promtool is installed, or lies in $PROMTOOL, it must find nothing.

Exit 77: $TEST_METRICS is not given."""
import os
import re
import shutil
import subprocess
import sys

if "TEST_METRICS" not in os.environ:
    sys.exit(77)

LABELS = {"version", "result", "interface", "by", "output", "dataset", "worker"}
# Never: an address, a port, a name from the wire would make series without end.
UNITS_REFUSED = re.compile(r"_(ms|milliseconds|minutes|hours|kib|mib|kilobytes|percent)(_|$)")
SAMPLE = re.compile(r'^([a-z_][a-z0-9_]*)(?:\{((?:[a-z]+="(?:[^"\\\n]|\\["\\n])*",?)+)\})? (\d+(?:\.\d+)?)$')

failures = []


def check(what, held):
    if not held:
        failures.append(what)


def check_format(text):
    check("it ends with a newline", text.endswith("\n"))
    types, samples, family = {}, set(), None
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if line.startswith("# HELP "):
            family = line.split()[2]
            check(f"{family}: told twice", family not in types)
            check(f"{family}: no TYPE behind HELP", lines[number + 1].startswith(f"# TYPE {family} "))
            check(f"{family}: HELP is no sentence", re.search(r" [A-Z0-9].*\.$", line))
        elif line.startswith("# TYPE "):
            types[family] = line.split()[3]
            check(f"{family}: type {types[family]}", types[family] in ("counter", "gauge"))
        else:
            sample = SAMPLE.match(line)
            check(f"no sample: {line}", sample)
            if sample:
                check(f"{line}: outside its family", sample.group(1) == family)
                check(f"{line}: twice", line.rsplit(" ", 1)[0] not in samples)
                samples.add(line.rsplit(" ", 1)[0])
                names = re.findall(r'(?:^|,)([a-z]+)="', sample.group(2) or "")
                check(f"{line}: another label", set(names) <= LABELS)
    for name, kind in types.items():
        check(f"{name}: prefix", name.startswith("rolecall_"))
        check(f"{name}: a {kind}", (kind == "counter") == name.endswith("_total"))
        check(f"{name}: no base unit", not UNITS_REFUSED.search(name))
    check("there are many families", len(types) > 40)
    return len(types)


def check_promtool(text):
    promtool = os.environ.get("PROMTOOL") or shutil.which("promtool")
    if not promtool:
        return "promtool is not installed"
    done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    check(f"promtool: {done.stdout}{done.stderr}", done.returncode == 0 and not done.stderr.strip())
    return "promtool finds nothing"


def main():
    text = subprocess.run([os.environ["TEST_METRICS"], "--print"], capture_output=True, text=True, check=True).stdout
    families = check_format(text)
    told = check_promtool(text)
    print("\n".join(failures) or f"{families} families; {told}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
