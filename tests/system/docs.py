#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Holds README.md and docs/*.md to the program.

Each document has a scratch folder of its own with links to the source folder's contents and a capture monday.pcap (the
second shipped one); its commands run there, in order, by bash, so that what one writes the next can read. In a ```console
fence they begin with "$ " and their output follows, standard error in the same stream: it must print what is shown, a line
"..." standing for any lines, "..." inside a line for anything there. In a ```sh fence every line is a command, which must
not fail (0, 1: findings, or 4: nothing judged). Commands run where their first word is one of COMMANDS, and are not `run` or
`ctl`, which need an interface or a daemon (what OPERATION.md shows of `ctl`, ctl.py holds to one). What is shown of `./dev demo` must be what its command prints. A ```json fence
of TUTORIAL.md is written to site.json. `docs.py --update` writes anew what `--help` and `config default` print.

Other fences and tables: ```json in SITE.md is a site file and in MATRIX.md a matrix file that the program takes; in
EVENTS.md it is an event of the second shipped capture, "..." standing for any value or for any further elements of a
list. EVENTS.md names every field that the shipped captures' events have, FINDINGS.md every finding, PROTOCOLS.md every
protocol, and links lead to files that are there.

$ROLECALL is the program, $ROLECALL_SOURCE the source folder. Exit 77: they are not given.
"""
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

if "ROLECALL" not in os.environ:
    sys.exit(77)

ROLECALL = os.environ["ROLECALL"]
SOURCE = pathlib.Path(os.environ.get("ROLECALL_SOURCE", pathlib.Path(__file__).resolve().parents[2]))
SITE = "pcaps/contoso.site.json"
GOOD, VIOLATIONS = "pcaps/sfb-site-good.pcap", "pcaps/sfb-site-violations.pcap"
DEMO = f"rolecall analyze --site {SITE} {VIOLATIONS}"
ANY = "..."
COMMANDS = ("rolecall", "cat", "cp", "diff", "grep", "head", "ls", "sed", "tail", "wc")

failures = []


def documents():
    return [SOURCE / "README.md", SOURCE / "NEWS.md", *sorted((SOURCE / "docs").glob("*.md"))]


def fences(path, wanted=None):
    """Each fence's language, the number of its first line inside, and its lines."""
    language, start, lines = None, 0, []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if language is None and line.startswith("```"):
            language, start, lines = line[3:], number + 1, []
        elif language is not None and line == "```":
            if wanted in (None, language):
                yield language, start, lines
            language = None
        elif language is not None:
            lines.append(line)


class Scratch:
    """A folder where a document's commands run."""

    def __init__(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self.temporary.name, "work")
        self.folder.mkdir()
        for entry in SOURCE.iterdir():
            if not entry.name.startswith("."):
                (self.folder / entry.name).symlink_to(entry)
        (self.folder / "monday.pcap").write_bytes((SOURCE / VIOLATIONS).read_bytes())
        programs = pathlib.Path(self.temporary.name, "bin")
        programs.mkdir()
        (programs / "rolecall").symlink_to(pathlib.Path(ROLECALL).resolve())
        self.environment = {key: value for key, value in os.environ.items()
                            if key not in ("ROLECALL_RULES", "NO_COLOR", "COLUMNS")}
        self.environment["PATH"] = f"{programs}:{self.environment['PATH']}"

    def run(self, command):
        done = subprocess.run(["bash", "-c", command], cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
                              timeout=120, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        return done.returncode, done.stdout.decode("utf-8", "replace").replace("\r\n", "\n")  # CSV has both


def run(words):
    return scratch.run(shlex.join(["rolecall", *words]))


def is_run(command):
    words = command.split()
    needs_more = words[:2] in (["rolecall", "run"], ["rolecall", "ctl"]) and "--help" not in words
    return bool(words) and words[0] in COMMANDS and not needs_more


def pattern_of(shown):
    """The shown output as a regular expression."""
    parts = []
    for line in shown:
        if line.strip() == ANY:
            parts.append(r"(?:.*\n)*?")
        else:
            parts.append(".*".join(re.escape(part) for part in line.split(ANY)) + r"\n")
    return "".join(parts)


def first_difference(shown, output):
    """How many of the shown lines still match as a beginning: the one after them is where to look."""
    for count in range(len(shown), 0, -1):
        if re.match(pattern_of(shown[:count]), output):
            return count
    return 0


def check_command(place, command, shown, scratch):
    if command == "./dev demo":
        command = DEMO
    if not is_run(command):
        return
    _, output = scratch.run(command)
    if re.fullmatch(pattern_of(shown), output):
        return
    matched = first_difference(shown, output)
    wanted = shown[matched] if matched < len(shown) else "(nothing more)"
    failures.append(f"{place}: {command}\n  does not print line {matched + 1} of what is shown: {wanted}\n  it prints:\n"
                    + "\n".join("    " + line for line in output.splitlines()[:80]))


def check_console(path, start, lines, scratch):
    commands = [i for i, line in enumerate(lines) if line.startswith("$ ")]
    if not commands or commands[0] != 0:
        failures.append(f"{path.name}:{start}: a console fence begins with a command")
    for i, end in zip(commands, commands[1:] + [len(lines)]):
        check_command(f"{path.name}:{start + i}", lines[i][2:], lines[i + 1:end], scratch)


def check_script(path, start, lines, scratch):
    for i, line in enumerate(lines):
        if is_run(line):
            status, output = scratch.run(line)
            if status not in (0, 1, 4):
                failures.append(f"{path.name}:{start + i}: {line}\n  ends with {status}: {output}")


def check_fences(path):
    scratch = Scratch()
    for language, start, lines in fences(path):
        if language == "console":
            check_console(path, start, lines, scratch)
        elif language == "sh":
            check_script(path, start, lines, scratch)
        elif language == "json" and path.name == "TUTORIAL.md":
            (scratch.folder / "site.json").write_text("\n".join(lines) + "\n", encoding="utf-8")


def update_help(path):
    """What --help prints, written into the document."""
    lines, out = path.read_text(encoding="utf-8").splitlines(), []
    shown = False
    for line in lines:
        shown = shown and line != "```"
        if not shown:
            out.append(line)
        if re.fullmatch(r"\$ rolecall ([a-z]+ --help|config default)", line):
            shown = True
            out += scratch.run(line[2:])[1].rstrip("\n").splitlines()
    path.write_text("\n".join(out) + "\n", encoding="utf-8")


def check_files(path, what, words):
    """Each ```json fence is a file that the program takes."""
    for _, start, lines in fences(path, "json"):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "example.json")
            file.write_text("\n".join(lines), encoding="utf-8")
            status, output = run([str(file) if word == "FILE" else word for word in words])
        if status == 2:
            failures.append(f"{path.name}:{start}: this {what} is refused:\n{output}")


def events_of(capture):
    lines = run(["analyze", "--site", SITE, "--json", "--flows", capture])[1].splitlines()
    return [json.loads(line) for line in lines]


def is_like(shown, value):
    if shown == ANY:
        return True
    if isinstance(shown, dict):
        return isinstance(value, dict) and shown.keys() == value.keys() and all(
            is_like(shown[key], value[key]) for key in shown)
    if isinstance(shown, list):
        if shown and shown[-1] == ANY and isinstance(value, list):
            value, shown = value[:len(shown) - 1], shown[:-1]
        return isinstance(value, list) and len(shown) == len(value) and all(map(is_like, shown, value))
    return shown == value


def check_examples(path, events):
    for _, start, lines in fences(path, "json"):
        shown = json.loads("\n".join(lines))
        if not any(is_like(shown, event) for event in events):
            failures.append(f"{path.name}:{start}: no event of {VIOLATIONS} is like this one")


def fields_of(value, path=""):
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from fields_of(inner, f"{path}.{key}" if path else key)
    else:
        yield path


def check_named(path, names):
    text = path.read_text(encoding="utf-8")
    failures.extend(f"{path.name}: `{name}` is not there" for name in sorted(set(names)) if f"`{name}`" not in text)


def check_links(path):
    for target in re.findall(r"\]\(([^)#\s]+)", path.read_text(encoding="utf-8")):
        if "://" not in target and not (path.parent / target).exists():
            failures.append(f"{path.name}: a link to {target}, which is not there")


def source_names(file, pattern):
    return re.findall(pattern, (SOURCE / file).read_text(encoding="utf-8"), re.M)


scratch = Scratch()  # for what is no document's command


def main():
    docs = SOURCE / "docs"
    if sys.argv[1:] == ["--update"]:
        update_help(docs / "COMMANDS.md")
        update_help(docs / "CONFIG.md")
    for path in documents():
        check_fences(path)
        check_links(path)
    check_files(docs / "SITE.md", "site file", ["analyze", "--site", "FILE", GOOD])
    check_files(docs / "MATRIX.md", "matrix file", ["matrix", "check", "FILE"])
    violations = events_of(VIOLATIONS)
    check_examples(docs / "EVENTS.md", violations)
    check_named(docs / "EVENTS.md", [field for event in violations + events_of(GOOD) for field in fields_of(event)])
    check_named(docs / "FINDINGS.md", source_names("src/judge/findings.c", r'\[FINDING_\w+\] = \{"([a-z-]+)"'))
    identifiers = source_names("src/proto/list.h", r"^PROTOCOL\((\w+)\)")
    check_named(docs / "PROTOCOLS.md", [name.replace("_", "-") for name in identifiers])
    print("\n".join(failures) or f"{len(documents())} documents agree with the program")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
