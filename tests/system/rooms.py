#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Who may know whom (docs/ARCHITECTURE.md): reads the #include lines of src/ and include/rolecall/."""
import os
import re
import sys

SOURCE = os.environ.get("ROLECALL_SOURCE", ".")

# The room that each public header belongs to.
ROOMS = {
    "base": "bytes addr ahead clock digits hash map pool slab json_in json_out json_fields mistakes show utf8",
    "packet": "packet",
    "capture": "capture live pcap_out",
    "decode": "decode",
    "proto": "proto identify",
    "flow": "flow",
    "rules": "rules site policy",
    "judge": "judge discover explain",
    "event": "event",
    "line": "event_line cef",
    "sink": "sink line_file",
    "engine": "engine",
    "report": "report",
    "daemon": "config control daemon rulebook",
}
# What a folder of src/ may use besides its own headers.
MAY_USE = {
    "base": "base",
    "capture": "base packet capture",
    "decode": "base packet decode",
    "proto": "base proto",
    "flow": "base packet proto flow",
    "rules": "base proto rules",
    "judge": "base packet proto flow rules judge",
    "event": "base packet proto flow rules judge event line",
    "sink": "base line sink",
    "report": "base proto rules report",
    "command": " ".join(ROOMS),
    "daemon": " ".join(ROOMS),
    "": " ".join(ROOMS),
}
ROOM_OF = {header: room for room, headers in ROOMS.items() for header in headers.split()}


def includes(path):
    with open(path, encoding="utf-8") as file:
        return re.findall(r'^#include [<"]([^>"]+)[>"]', file.read(), re.M)


def main():
    wrong = []
    for folder, _, names in os.walk(os.path.join(SOURCE, "src")):
        room = os.path.relpath(folder, os.path.join(SOURCE, "src")).replace(".", "")
        for name in names:
            path = os.path.join(folder, name)
            for include in includes(path) if name.endswith((".c", ".h")) else []:
                if include.startswith("pcap") and room != "capture":
                    wrong.append(f"{path}: libpcap belongs to src/capture")
                if include.startswith(("openssl/ssl", "librdkafka/")) and room != "sink":
                    wrong.append(f"{path}: connections belong to src/sink")
                if include.startswith("rolecall/"):
                    used = ROOM_OF.get(include[len("rolecall/"):-2])
                    if used is None:
                        wrong.append(f"{path}: {include} is in no room of {os.path.basename(__file__)}")
                    elif room in MAY_USE and used not in MAY_USE[room].split():
                        wrong.append(f"{path}: src/{room} must not know {include}")
                    elif room not in MAY_USE:
                        wrong.append(f"{path}: src/{room} is no room")
                elif "/" in include and not include.startswith(("cjson/", "sys/", "arpa/", "netinet/", "net/", "openssl/", "linux/", "librdkafka/", "command/")):
                    wrong.append(f"{path}: {include}: another room's own header")
    print("\n".join(wrong) if wrong else "every #include keeps to its room")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
