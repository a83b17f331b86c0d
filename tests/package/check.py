#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Checks a Debian package of rolecall: check.py PACKAGE.deb SOURCE. lintian finds no error and no warning but those of man
pages, nothing of the build folder stands in the program, the program runs from where it lies, and its own configuration
has no mistake. As root it is also installed, upgraded, removed and purged, in a copy-on-write view of this machine that
nothing of remains (skipped where the kernel gives none)."""
import pathlib
import subprocess
import sys
import tempfile

PACKAGE, SOURCE = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
PRESENT = """etc/rolecall/rolecall.json etc/logrotate.d/rolecall lib/systemd/system/rolecall.service
lib/systemd/system/rolecall@.service usr/lib/sysusers.d/rolecall.conf usr/lib/tmpfiles.d/rolecall.conf usr/bin/rolecall
usr/share/rolecall/rules/skype-for-business-server.json usr/share/doc/rolecall/copyright usr/share/doc/rolecall/changelog.gz
usr/share/doc/rolecall/examples/network.conf usr/share/bash-completion/completions/rolecall
usr/share/zsh/vendor-completions/_rolecall usr/share/fish/vendor_completions.d/rolecall.fish
usr/share/man/man1/rolecall.1.gz usr/share/doc/rolecall/examples/sfb-site-violations.pcap""".split()
failures = []

# What an administrator does, inside the view. systemd does not run there; its helpers see that.
LIFE = """set -eu
export DEBIAN_FRONTEND=noninteractive PATH=/usr/sbin:/usr/bin:/sbin:/bin
dpkg -i --force-depends "$1" >/dev/null
test "$(stat -c %U:%a /var/log/rolecall)" = rolecall:750
test "$(stat -c %U:%a /run/rolecall)" = rolecall:750
getent passwd rolecall | grep -q nologin
rolecall config check -i lo >/dev/null 2>&1
rolecall matrix list >/dev/null
examples=/usr/share/doc/rolecall/examples
rolecall analyze --site $examples/contoso.site.json $examples/sfb-site-violations.pcap | grep -q unexpected-port
test "$(systemctl is-enabled rolecall.service 2>/dev/null || true)" = disabled
echo '// mine' >> /etc/rolecall/rolecall.json
dpkg -i --force-depends "$1" >/dev/null
tail -n 1 /etc/rolecall/rolecall.json | grep -q mine
dpkg --remove --force-depends rolecall >/dev/null
test -f /etc/rolecall/rolecall.json
test -d /var/log/rolecall
dpkg --purge rolecall >/dev/null
test ! -e /etc/rolecall/rolecall.json
test ! -e /var/log/rolecall
test ! -e /usr/bin/rolecall
"""


def run(*words, **more):
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, errors="replace", check=False, **more)


def check(what, held, told=""):
    if not held:
        failures.append(f"{what}{': ' if told else ''}{told}")


def check_lintian():
    done = run("lintian", "--allow-root", "--info", "--tag-display-limit", "0", PACKAGE)
    lines = [line for line in done.stdout.splitlines() if line[:2] in ("E:", "W:") and "groff-message" not in line]
    check("lintian", not lines and done.returncode in (0, 2), "\n".join(lines) + done.stderr)


def check_content(folder):
    for name in PRESENT:
        check(f"{name} is missing", (folder / name).is_file())
    check("static library or headers are in it", not list(folder.rglob("*.a")) and not list(folder.rglob("*.h")))
    program = (folder / "usr/bin/rolecall").read_bytes()
    check("the source folder stands in the program", str(SOURCE).encode() not in program)
    control = folder / "DEBIAN"
    run("dpkg-deb", "-e", PACKAGE, control)
    for script in ("postinst", "prerm", "postrm"):
        check(f"{script} is no shell script", run("sh", "-n", control / script).returncode == 0)
    conffiles = (control / "conffiles").read_text().split()
    kept = sorted("/" + str(path.relative_to(folder)) for path in (folder / "etc").rglob("*") if path.is_file())
    check("conffiles are not what is in /etc", sorted(conffiles) == kept)


def check_program(folder):
    rules = {"PATH": "/usr/bin:/bin", "ROLECALL_RULES": str(folder / "usr/share/rolecall/rules")}
    done = run(folder / "usr/bin/rolecall", "config", "check", "-c", folder / "etc/rolecall/rolecall.json", env=rules)
    check("the installed configuration has mistakes", done.returncode == 0, done.stderr)
    done = run(folder / "usr/bin/rolecall", "version", env=rules)
    check("the program does not run", done.stdout.startswith("rolecall "), done.stderr)


def check_life(folder):
    view = "mount -t tmpfs none {0} && mkdir {0}/up {0}/work {0}/root && mount -t overlay none -o " \
           "lowerdir=/,upperdir={0}/up,workdir={0}/work {0}/root".format(folder)
    if run("unshare", "-m", "sh", "-c", view).returncode:
        return "not installed: no root, or no overlay file system"
    done = run("unshare", "-m", "sh", "-c",
               f"{view} && mount -t tmpfs none {folder}/root/run && mount --rbind /proc {folder}/root/proc && "
               f"mount --rbind /dev {folder}/root/dev && cp {PACKAGE} {folder}/root/tmp/r.deb && "
               f"chroot {folder}/root sh -xc '{LIFE.replace(chr(39), chr(39) * 1 + chr(92) + chr(39) * 2)}' life /tmp/r.deb")
    check("install, upgrade, remove or purge", done.returncode == 0, done.stderr[-2000:])
    return "installed, upgraded, removed and purged"


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        check("the package cannot be unpacked", run("dpkg-deb", "-x", PACKAGE, folder / "x").returncode == 0)
        check_lintian()
        check_content(folder / "x")
        check_program(folder / "x")
        (folder / "view").mkdir()
        life = check_life(folder / "view")
    print("\n".join(failures) or f"{PACKAGE.name}: complete, lintian is content, {life}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
