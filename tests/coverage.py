#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Lines of src/decode and src/proto that tests and fuzz targets reach: `./dev coverage`.

usage: coverage.py [LEAST]

Works on a build of the preset `coverage`. Runs the unit tests, then each fuzz target once over its seeds and over what
`./dev fuzz` has learnt in build/fuzz/corpus; ROLECALL_CORPUS may name a folder of captures for more seeds. Prints a line per
file and per folder; build/coverage/lines has the sources with the count of each line. Exits with 1 where a folder stays
under LEAST percent (default 90).
"""
import json
import os
import pathlib
import subprocess
import sys

SOURCE = pathlib.Path(__file__).resolve().parents[1]
BUILD = SOURCE / "build" / "coverage"
FOLDERS = ["src/decode", "src/proto"]


def run(command, profile, log):
    """A program of this build; its counts go to `profile`, its words to `log`, which is shown where it fails."""
    environment = dict(os.environ, LLVM_PROFILE_FILE=str(BUILD / "profiles" / profile))
    with open(BUILD / log, "wb") as words:
        done = subprocess.run(command, cwd=SOURCE, env=environment, stdout=words, stderr=words, check=False)
    if done.returncode:
        sys.exit(f"{(BUILD / log).read_text(errors='replace')[-2000:]}\ncoverage: {command[0]} failed: {BUILD / log}")


def run_fuzz_targets():
    seeds, learnt = BUILD / "seeds", SOURCE / "build" / "fuzz" / "corpus"
    captures = [os.environ["ROLECALL_CORPUS"]] if os.environ.get("ROLECALL_CORPUS") else []
    run(["/usr/bin/python3", "tests/fuzz/seeds.py", BUILD / "rolecall", seeds, *captures], "seeds-%p", "seeds.log")
    for target in (BUILD / "fuzz_targets").read_text().split():
        inputs = [folder / target for folder in (seeds, learnt) if (folder / target).is_dir()]
        run([BUILD / "tests" / "fuzz" / target, "-runs=0", *inputs], f"{target}.profraw", f"{target}.log")


def print_lines(name, count, covered):
    print(f"{name:<28}{covered:>6} of {count:>5} lines {100 * covered / count:>6.1f} %")


def print_folder(folder, files):
    """Its percentage."""
    total = covered = 0
    for file in files:
        name = os.path.relpath(BUILD / file["filename"], SOURCE) # compilers may have been told relative paths
        if name.startswith(f"{folder}/"):
            lines = file["summary"]["lines"]
            print_lines(name, lines["count"], lines["covered"])
            total += lines["count"]
            covered += lines["covered"]
    print_lines(folder, total, covered)
    return 100 * covered / total


def main():
    least = float(sys.argv[1]) if len(sys.argv) > 1 else 90
    profiles = BUILD / "profiles"
    profiles.mkdir(exist_ok=True)
    for old in profiles.iterdir():
        old.unlink()
    run(["ctest", "--preset", "coverage", "-j", str(os.cpu_count()), "-R", "^unit/"], "%m-%p.profraw", "tests.log")
    run_fuzz_targets()

    raw = sorted(profiles.glob("*.profraw"))
    merged = BUILD / "profile"
    subprocess.run(["llvm-profdata", "merge", "-sparse", "-o", merged, *raw], check=True)
    of_build = [f"-instr-profile={merged}", BUILD / "rolecall"]
    with open(BUILD / "lines", "wb") as lines:
        subprocess.run(["llvm-cov", "show", *of_build], stdout=lines, check=True)
    told = subprocess.run(["llvm-cov", "export", "-summary-only", *of_build], stdout=subprocess.PIPE, check=True)
    low = [folder for folder in FOLDERS if print_folder(folder, json.loads(told.stdout)["data"][0]["files"]) < least]
    return 1 if low else 0


if __name__ == "__main__":
    sys.exit(main())
