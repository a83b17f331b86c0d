#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Help and completions: every command tells how it is used, with an example, and each shell completes commands,
subcommands, options and their arguments from those same texts. A shell that is not installed is passed over.

$ROLECALL is the program. Exit 77: it is not given."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

if "ROLECALL" not in os.environ:
    sys.exit(77)
ROLECALL = pathlib.Path(os.environ["ROLECALL"]).resolve()
failures = []


def check(what, held):
    if not held:
        failures.append(what)


def run(*words):
    return subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)


def commands():
    listed = run(ROLECALL, "--help")
    check("--help exits with 0 and is on standard output", listed.returncode == 0 and not listed.stderr)
    check("--help fits into 80 columns", all(len(line) <= 79 for line in listed.stdout.splitlines()))
    return re.findall(r"^  ([a-z]+) ", listed.stdout, re.M)


def check_help(command):
    shown = run(ROLECALL, command, "--help")
    check(f"{command} --help exits with 0", shown.returncode == 0)
    check(f"{command} --help begins with its usage", shown.stdout.startswith(f"usage: rolecall {command}"))
    check(f"{command} --help has an example", "Example: rolecall " + command in shown.stdout)
    check(f"{command} --help fits into 80 columns", all(len(line) <= 79 for line in shown.stdout.splitlines()))
    with open("/dev/full", "wb") as full:
        lost = subprocess.run([ROLECALL, command, "--help"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    check(f"{command} --help tells that it could not be written", lost.returncode == 3 and "No space left" in lost.stderr)
    whole = [line for line in shown.stdout.splitlines() if line.startswith("  -") and (line[-1] in ":," or line.count("(") != line.count(")"))]
    check(f"{command} --help: what completions show of an option is whole: {whole}", not whole)
    told = [line for line in shown.stdout.splitlines() if re.match(r"usage:|       rolecall|  -", line)]
    return sorted({option for line in told for option in re.findall(r"--[a-z][a-z-]*", line[:line.find("  ", 3)] if line[0] == " " and line[2] == "-" else line)})


def bash(words):
    script = f"""
        eval "$('{ROLECALL}' completion bash)"
        COMP_WORDS=({" ".join(f"'{word}'" for word in words)}) COMP_CWORD={len(words) - 1}
        _rolecall; printf '%s\\n' "${{COMPREPLY[@]}}" """
    return run("bash", "--norc", "-c", script).stdout.split()


def fish(words):
    home = tempfile.mkdtemp()
    try:
        done = subprocess.run(["fish", "--no-config", "-c", f"'{ROLECALL}' completion fish | source; complete -C '{' '.join(words)}'"],
                              env={**os.environ, "HOME": home, "XDG_DATA_HOME": home}, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=60, check=False)
    finally:
        shutil.rmtree(home, ignore_errors=True)
    return [line.split("\t")[0] for line in done.stdout.splitlines()]


def zsh(words):
    """The words that _arguments or _describe is given, with those two and compdef as stand-ins."""
    script = f"""
        compdef() {{ : }}; _arguments() {{ print -rl -- "$@" }}; _describe() {{ print -rl -- "${{names[@]}}" }}
        eval "$('{ROLECALL}' completion zsh)"
        words=({" ".join(f"'{word}'" for word in words)}) CURRENT={len(words)}
        _rolecall"""
    return run("zsh", "-f", "-c", script).stdout.splitlines()


def check_shells(options_of):
    names = sorted(options_of)
    if shutil.which("bash"):
        check("bash completes commands", set(names) <= set(bash(["rolecall", ""])))
        check("bash completes by beginning", bash(["rolecall", "anal"]) == ["analyze"])
        for name, options in options_of.items():
            check(f"bash completes the options of {name}", set(bash(["rolecall", name, "--"])) >= set(options))
        check("bash completes subcommands", bash(["rolecall", "matrix", "s"]) == ["show"])
        check("bash completes levels", bash(["rolecall", "analyze", "--fail-on", "n"]) == ["never"])
        check("bash completes no file for a number", bash(["rolecall", "analyze", "--workers", ""]) == [])
        check("bash completes files", "/etc/passwd" in bash(["rolecall", "analyze", "/etc/passw"]))
    if shutil.which("fish"):
        check("fish completes commands", set(names) <= set(fish(["rolecall", ""])))
        for name, options in options_of.items():
            check(f"fish completes the options of {name}", set(fish(["rolecall", name, "--"])) >= set(options))
        check("fish completes levels", "never" in fish(["rolecall", "analyze", "--fail-on", "n"]))
        check("fish completes subcommands", "show" in fish(["rolecall", "matrix", "s"]))
    if shutil.which("zsh"):
        check("zsh completes commands", {name for name in names} <= {line.split(":")[0] for line in zsh(["rolecall", ""])})
        for name, options in options_of.items():
            given = {line.split("[")[0] for line in zsh(["rolecall", name, "--"])}
            check(f"zsh completes the options of {name}", set(options) <= given)
        check("zsh completes subcommands", any(line.startswith("1:subcommand:(list show") for line in zsh(["rolecall", "matrix", ""])))


def main():
    names = commands()
    check("there are commands", "analyze" in names and "completion" in names)
    options_of = {name: check_help(name) for name in names}
    check("analyze has options", "--fail-on" in options_of["analyze"])
    check_shells(options_of)
    wrong = run(ROLECALL, "analyse")
    check("an unknown command exits with 2, on standard error", wrong.returncode == 2 and "analyse" in wrong.stderr and not wrong.stdout)
    check("an unknown shell exits with 2", run(ROLECALL, "completion", "csh").returncode == 2)
    print("\n".join(failures) or f"{len(names)} commands have help, examples and completions")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
