#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Holds the shipped rules and a sample site to their JSON Schemas, and each schema to its strictness: an unknown
field, put anywhere an object may stand, must be refused. Exit 77: the jsonschema module is missing."""
import copy
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

try:
    import jsonschema
except ImportError:
    sys.exit(77)

ROOT = pathlib.Path(__file__).resolve().parents[2]

SITE = {
    "site": "contoso-hq",
    "matrices": ["skype-for-business-server", "lync-server-2013-edge"],
    "load_balancing": "dns",
    "features": ["federation", "public-im", "xmpp"],
    "hosts": [{"name": "av", "addresses": ["203.0.113.12"], "roles": ["edge-av"], "translated": ["192.0.2.12"]}],
    "networks": [{"name": "office", "prefixes": ["10.20.4.0/22", "2001:db8:4::/64"], "roles": ["client"]}],
    "media_ports": {"client": {"audio": "50020-50039", "video": "58000-58019", "application-sharing": "42000-42019"}},
    "ports": {"edge-web-conferencing": {"443": "444"}},
    "ipsec": "media-only",
    "min_tls": "1.2",
    "strict_outbound": True,
    "narrow": {"lync-server-2013-edge/edge-internal-interface/2": ["director", "front-end"]},
    "mute": ["weak-tls"],
    "severity": {"plaintext-sip": "high", "media-port": 21},
    "allow": [{"name": "admin", "from": ["10.20.0.5"], "to": ["front-end"], "transport": "tcp",
               "ports": ["3389", "5000-5010"], "expires": "2027-01-31", "reason": "jump host"}],
}

# Each is the sample site with one thing wrong.
WRONG_SITES = [
    {"ipsec": "never"},
    {"min_tls": "3.0"},
    {"load_balancing": "both"},
    {"severity": {"media-port": 50}},
    {"severity": {"no-such-finding": 21}},
    {"mute": ["no-such-finding"]},
    {"media_ports": {"client": {"sound": "50020-50039"}}},
    {"media_ports": {"client": {"audio": "from 50020"}}},
    {"hosts": [{"name": "no address", "roles": []}]},
    {"allow": [{"name": "neither end"}]},
    {"allow": [{"to": [], "expires": "31.1.2027"}]},
    {"strict_outbound": "yes"},
]

CONFIG = {
    "name": "span-hq-1",
    "user": "rolecall",
    "capture": {"interfaces": ["ens1"], "ring_mib": 64, "exclude": "port 53", "workers": 2, "promiscuous": True, "silence_s": 60},
    "flows": {"max": 262144, "every_flow": True},
    "site": "/etc/rolecall/site.json",
    "rules": "/usr/share/rolecall/rules",
    "matrices": ["lync-server-2013"],
    "outputs": [
        {"type": "file", "name": "file", "format": "ecs", "datasets": ["alert", "loss"], "min_severity": "low", "queue_mib": 4, "path": "/x"},
        {"type": "stdout", "format": "cef"},
        {"type": "unix", "path": "/run/s"},
        {"type": "syslog", "server": "siem.example.net:6514", "transport": "tls", "facility": 16, "ca": "/c", "certificate": "/d", "key": "/k",
         "server_name": "siem"},
        {"type": "syslog", "name": "plain", "server": "[2001:db8::5]:601"},
        {"type": "kafka", "brokers": "k1:9092", "topic": "rolecall", "properties": {"compression.type": "zstd"}},
    ],
    "metrics": {"file": "/run/m", "interval_s": 15, "listen": "[::1]:9469"},
    "control": {"socket": ""},
    "stats_s": 60,
    "limits": {"memory_mib": 512},
}

# Each is refused by the schema and by the program alike.
WRONG_CONFIGS = [
    {"capture": {"workers": 17}},
    {"capture": {"interfaces": ["ens1", "ens1"]}},
    {"flows": {"max": 10}},
    {"site": "site.json"},
    {"matrices": []},
    {"user": "a b"},
    {"outputs": []},
    {"outputs": [{"path": "/x"}]},
    {"outputs": [{"type": "file"}]},
    {"outputs": [{"type": "stdout", "path": "/x"}]},
    {"outputs": [{"type": "syslog", "server": "nowhere"}]},
    {"outputs": [{"type": "syslog", "server": "a:1", "ca": "/c"}]},
    {"outputs": [{"type": "syslog", "server": "a:1", "transport": "tls", "key": "/k"}]},
    {"outputs": [{"type": "syslog", "server": "a:1", "topic": "x"}]},
    {"outputs": [{"type": "file", "path": "/x", "server": "a:1"}]},
    {"outputs": [{"type": "kafka", "brokers": "k1:9092"}]},
    {"outputs": [{"type": "file", "path": "/x", "datasets": ["flows"]}]},
    {"metrics": {"listen": "0.0.0.0:9469"}},
    {"control": {"socket": "run/control.sock"}},
    {"stats_s": -1},
    {"limits": {"memory_mib": 1.5}},
]

# Objects whose keys are names (roles, ports, rows, findings), not fields.
MAPS = {"roles", "media_ports", "ports", "narrow", "severity", "properties"}

failures = []


def refuses(validator, document, what):
    if validator.is_valid(document):
        failures.append(f"accepted, but should not be: {what}")


def objects(value, path=()):
    """Every object with fixed fields, as the path to it."""
    if isinstance(value, dict):
        if not path or path[-1] not in MAPS:
            yield path
        for key, inner in value.items():
            yield from objects(inner, path + (key,))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from objects(inner, path + (index,))


def refuses_unknown_fields(validator, document):
    for path in objects(document):
        changed = copy.deepcopy(document)
        place = changed
        for step in path:
            place = place[step]
        place["unknown"] = 1
        refuses(validator, changed, f"an unknown field at {path}")


def without_comments(text):
    """Blanks comments, but not what looks like one inside a text."""
    return re.sub(r'"(?:[^"\\]|\\.)*"|//[^\n]*|/\*.*?\*/',
                  lambda m: m.group() if m.group()[0] == '"' else " ", text, flags=re.S)


def takes(rolecall, config, folder):
    """Does the program take this configuration? Site and rules are looked at too: they must not be what is wrong.
    The certificates that it names need not be there."""
    path = pathlib.Path(folder) / "config.json"
    path.write_text(json.dumps({**config, "site": str(ROOT / "pcaps/contoso.site.json")} if config.get("site", "/")[0] == "/" else config))
    done = subprocess.run([rolecall, "config", "check", "-c", path, "-i", "lo"], capture_output=True, text=True, check=False,
                          env={**os.environ, "ROLECALL_RULES": str(ROOT / "rules")})
    mistakes = [line for line in done.stderr.splitlines() if ": warning: " not in line and "found No such file" not in line]
    return done.returncode in (0, 2) and not mistakes, done.stderr


def check_config():
    schema = jsonschema.Draft202012Validator(json.loads((ROOT / "rules/config.schema.json").read_text()))
    schema.check_schema(schema.schema)
    failures.extend(f"sample configuration: {e.json_path}: {e.message}" for e in schema.iter_errors(CONFIG))
    refuses_unknown_fields(schema, CONFIG)
    for wrong in WRONG_CONFIGS:
        refuses(schema, wrong, wrong)
    rolecall = os.environ.get("ROLECALL")
    if not rolecall:
        return
    default = subprocess.run([rolecall, "config", "default"], capture_output=True, text=True, check=True).stdout
    failures.extend(f"config default: {e.json_path}: {e.message}" for e in schema.iter_errors(json.loads(without_comments(default))))
    for name, path in (("config", "rules/config.schema.json"), ("site", "rules/site.schema.json"), ("matrix", "rules/schema.json"),
                       ("event", "docs/event.schema.json")):
        shown = subprocess.run([rolecall, "config", "schema", name], capture_output=True, text=True, check=True).stdout
        if shown != (ROOT / path).read_text():
            failures.append(f"config schema {name} is not {path}")
    with tempfile.TemporaryDirectory() as folder:
        sample = {key: value for key, value in CONFIG.items() if key != "rules"}
        taken, told = takes(rolecall, {**sample, "outputs": sample["outputs"][:5]}, folder)  # Kafka may not be built in
        if not taken:
            failures.append(f"the program refuses the sample configuration: {told}")
        failures.extend(f"the program takes {wrong}" for wrong in WRONG_CONFIGS if takes(rolecall, wrong, folder)[0])


def silent_objects(schema, path="$"):
    """Objects of a schema that do not say what becomes of other keys."""
    if isinstance(schema, dict):
        if schema.get("type") == "object" and "additionalProperties" not in schema:
            yield path
        for key, inner in schema.items():
            yield from silent_objects(inner, f"{path}.{key}")


def main():
    failures.extend(f"the event schema lets other keys pass at {path}"
                    for path in silent_objects(json.loads((ROOT / "docs/event.schema.json").read_text())))
    check_config()
    schemas = {name: json.loads((ROOT / "rules" / name).read_text()) for name in ("schema.json", "site.schema.json")}
    for schema in schemas.values():
        jsonschema.Draft202012Validator.check_schema(schema)
    matrix = jsonschema.Draft202012Validator(schemas["schema.json"])
    site = jsonschema.Draft202012Validator(schemas["site.schema.json"])

    files = sorted(p for p in (ROOT / "rules").glob("*.json") if not p.name.endswith("schema.json"))
    if len(files) < 3:
        failures.append(f"only {len(files)} rule files")
    for path in files:
        document = json.loads(path.read_text())
        failures.extend(f"{path.name}: {e.json_path}: {e.message}" for e in matrix.iter_errors(document))
        document["rows"] = document["rows"][:2]
        refuses_unknown_fields(matrix, document)
        document["rows"][0]["direction"] = "sideways"
        refuses(matrix, document, f"{path.name} with another direction")

    failures.extend(f"sample site: {e.json_path}: {e.message}" for e in site.iter_errors(SITE))
    refuses_unknown_fields(site, SITE)
    for wrong in WRONG_SITES:
        refuses(site, {**SITE, **wrong}, wrong)
    for path in sorted((ROOT / "pcaps").glob("*.site.json")):
        document = json.loads(without_comments(path.read_text()))
        failures.extend(f"{path.name}: {e.json_path}: {e.message}" for e in site.iter_errors(document))

    print("\n".join(failures) or f"{len(files)} rule files and the sample site fit; unknown fields are refused")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
