#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs rolecall over the captures of LIST and compares its events with the expected ones.

usage: run.py [--update] [CASE...]

$ROLECALL is the program to run, $MAKE_CAPTURES the one that makes pcaps/ (where it is given, the committed captures
are compared with what it makes now). Each line of LIST names a case, a capture and a site (below pcaps/), and the exit
status; the events expected are in CASE.ndjson, one line each with sorted keys. Counters (rolecall.stats) and what
differs from build to build (the version, the run id and with it event.id) are left out. Every line must also keep
docs/event.schema.json; where Python's jsonschema is missing the exit status is 77 after everything else has passed.
--update writes the expected files anew.
"""
import difflib
import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
SKIPPED = 77

try:
    import jsonschema
except ImportError:
    jsonschema = None


def cases(wanted):
    with open(os.path.join(HERE, "LIST")) as lines:
        for line in lines:
            words = line.split("#")[0].split()
            if words and (not wanted or words[0] in wanted):
                yield words[0], words[1], words[2], int(words[3])


def analyze(rolecall, capture, site, workers):
    pcaps = os.path.join(ROOT, "pcaps")
    command = [rolecall, "analyze", "--rules", os.path.join(ROOT, "rules"), "--site", os.path.join(pcaps, site)]
    command += ["--workers", str(workers), "--json", "--flows", os.path.join(pcaps, capture)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return done.returncode, done.stdout, done.stderr.decode(errors="replace")


def comparable(lines):
    """What users rely on: without the counters of this program's insides."""
    for event in map(json.loads, lines):
        if event["event"]["dataset"] != "rolecall.stats":
            del event["event"]["id"]
            del event["observer"]["version"]
            yield json.dumps(event, sort_keys=True, ensure_ascii=False)


def schema_mistakes(lines):
    """One message per line that breaks the schema of its dataset."""
    with open(os.path.join(ROOT, "docs", "event.schema.json")) as file:
        schema = json.load(file)
    validators = {}
    for number, line in enumerate(lines, 1):
        event = json.loads(line)
        dataset = event["event"]["dataset"]
        if dataset not in validators:
            part = {"$ref": "#/$defs/" + dataset, "$defs": schema["$defs"]}
            validators[dataset] = jsonschema.Draft202012Validator(part)
        for mistake in validators[dataset].iter_errors(event):
            yield "line %d: %s: %s" % (number, ".".join(map(str, mistake.absolute_path)), mistake.message)


def objects_in(value, path=""):
    """Every object of an event that may hold only named fields."""
    if isinstance(value, dict) and path not in (".rolecall.raw_hex", ".rolecall.stats"):
        yield path, value
        for key, inner in value.items():
            yield from objects_in(inner, path + "." + key)


def loose_places(lines):
    """Where the schema would let an unknown field pass, tried on the first event of each dataset."""
    with open(os.path.join(ROOT, "docs", "event.schema.json")) as file:
        validator = jsonschema.Draft202012Validator(json.load(file))
    tried = set()
    for event in map(json.loads, lines):
        if event["event"]["dataset"] in tried:
            continue
        tried.add(event["event"]["dataset"])
        for path, value in list(objects_in(event)):
            value["unknown"] = True
            if validator.is_valid(event):
                yield "the schema lets an unknown field pass in %s%s" % (event["event"]["dataset"], path)
            del value["unknown"]


def run_case(rolecall, name, capture, site, status, update):
    """The mistakes of one case, as text."""
    returned, output, told = analyze(rolecall, capture, site, 1)
    if returned != status:
        yield "exit status %d, expected %d\n%s" % (returned, status, told)
    lines = output.decode("utf-8").splitlines()
    if not lines:
        yield "no events\n" + told
        return
    if jsonschema:
        yield from list(schema_mistakes(lines))[:20]
        yield from loose_places(lines)
    if analyze(rolecall, capture, site, 4)[1] != output:
        yield "four workers give other output than one"
    got = list(comparable(lines))
    path = os.path.join(HERE, name + ".ndjson")
    if update:
        with open(path, "w") as file:
            file.write("\n".join(got) + "\n")
        return
    with open(path) as file:
        expected = file.read().splitlines()
    yield from list(difflib.unified_diff(expected, got, "expected", "got", "", "", 0, ""))[:40]


def stale_captures():
    """What make_captures says when the committed captures are not what it makes."""
    if "MAKE_CAPTURES" not in os.environ:
        return
    with tempfile.TemporaryDirectory() as folder:
        command = [os.environ["MAKE_CAPTURES"], folder, os.path.join(ROOT, "pcaps")]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if done.returncode != 0:
            yield done.stderr.decode(errors="replace").strip()


def report(name, mistakes):
    print("%s %s" % ("FAIL" if mistakes else "ok  ", name))
    for mistake in mistakes:
        print("     " + mistake)
    return bool(mistakes)


def main():
    words = sys.argv[1:]
    if "ROLECALL" not in os.environ or "--help" in words:
        sys.exit(__doc__)
    update = "--update" in words
    wanted = [word for word in words if word != "--update"]
    failed = report("captures are those that make_captures makes", list(stale_captures()))
    for name, capture, site, status in cases(wanted):
        failed |= report(name, list(run_case(os.environ["ROLECALL"], name, capture, site, status, update)))
    if failed:
        sys.exit(1)
    if not jsonschema:
        print("python3-jsonschema is missing: the schema was not checked")
        sys.exit(SKIPPED)


if __name__ == "__main__":
    main()
