#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Holds rules/*.json against tests/data/matrix/*.tsv, the documents' rows as facts, both ways: the same rows in the
same order, and the same in every column. With the program in $ROLECALL, `matrix list --json` is held to them too."""
import csv
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
KEYS = ["row", "matrix", "table", "direction", "from", "to", "service", "ports", "own_port", "documented", "transport",
        "application", "application_source", "condition", "when", "purpose"]
COUNTS = {"skype-for-business-server": 106, "lync-server-2013": 90, "lync-server-2013-edge": 37}


def expected_rows(matrix):
    with open(ROOT / "tests/data/matrix" / f"{matrix}.tsv", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            yield {
                "row": row["row"], "matrix": matrix, "table": row["table"], "direction": row["direction"],
                "from": row["from"], "to": row["to"], "service": row["service"], "ports": row["ports"].split("/"),
                "own_port": row["own_port"] == "yes", "documented": row["protocol"],
                "transport": row["transport"].split("|"), "application": row["application"].split("|"),
                "application_source": row["application_source"], "condition": row["condition"], "when": row["when"],
                "purpose": row["purpose"],
            }


def shipped_rows(matrix):
    document = json.loads((ROOT / "rules" / f"{matrix}.json").read_text())
    assert document["matrix"] == matrix
    for row in document["rows"]:
        yield {key: row.get(key, {"own_port": False}.get(key, "")) for key in KEYS} | {"matrix": matrix}


def compare(what, expected, found):
    failures = []
    if [r["row"] for r in expected] != [r["row"] for r in found]:
        missing = {r["row"] for r in expected} - {r["row"] for r in found}
        surplus = {r["row"] for r in found} - {r["row"] for r in expected}
        failures.append(f"{what}: missing {sorted(missing)}, surplus {sorted(surplus)}, or another order")
    by_id = {r["row"]: r for r in found}
    for row in expected:
        for key in KEYS:
            other = by_id.get(row["row"], row)
            if row[key] != other[key] or type(row[key]) is not type(other[key]):
                failures.append(f"{what}: {row['row']}: {key}: {other[key]!r}, the document has {row[key]!r}")
    return failures


def main():
    failures = []
    everything = []
    for matrix, count in COUNTS.items():
        expected = list(expected_rows(matrix))
        if len(expected) != count:
            failures.append(f"{matrix}.tsv: {len(expected)} rows, not {count}")
        failures += compare(f"{matrix}.json", expected, list(shipped_rows(matrix)))
        everything += expected
    program = os.environ.get("ROLECALL")
    if program:
        command = [program, "matrix", "list", "--json", "--rules", str(ROOT / "rules")]
        lines = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
        listed = [json.loads(line) for line in lines]
        failures += [f"keys or their order: {line}" for line in listed if list(line) != KEYS]
        order = {matrix: place for place, matrix in enumerate(sorted(COUNTS, key=lambda m: m + ".json"))}
        everything.sort(key=lambda row: order[row["matrix"]])
        failures += compare("matrix list --json", everything, listed)
    print("\n".join(failures) or f"{len(everything)} rows agree")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
