# SPDX-License-Identifier: BSD-2-Clause
"""Receivers of events on a sensor's loopback: rsyslog over TCP, syslog-ng over TLS, as docs/SIEM.md sets them up; and the
daemon's configuration that writes to both and to a file."""
import json

from hosts import wait_for

RSYSLOG_PORT, SYSLOG_NG_PORT = 6601, 6514

RSYSLOG = """
global(workDirectory="{work}" maxMessageSize="64k")
module(load="imtcp")
input(type="imtcp" address="127.0.0.1" port="{port}" ruleset="events")
template(name="event" type="string" string="%msg%\\n")
ruleset(name="events") {{
  action(type="omfile" file="{file}" template="event")
}}
"""

SYSLOG_NG = """@version: 3.38
options {{ log-msg-size(65536); stats-freq(0); }};
source s_rolecall {{
  syslog(ip("127.0.0.1") port({port}) transport("tls")
    tls(key-file("{work}/localhost.key") cert-file("{work}/localhost.pem") peer-verify(optional-untrusted)));
}};
destination d_events {{ file("{file}" template("$MSG\\n")); }};
log {{ source(s_rolecall); destination(d_events); flags(flow-control); }};
"""


def start_rsyslog(host, daemons, work, name="rsyslog"):
    """The process; its events go to NAME.ndjson."""
    conf = work / f"{name}.conf"
    conf.write_text(RSYSLOG.format(work=work, port=RSYSLOG_PORT, file=work / f"{name}.ndjson"))
    modules = f"{daemons}/usr/lib/x86_64-linux-gnu/rsyslog"
    process = host.start([daemons / "usr/sbin/rsyslogd", "-n", "-f", conf, "-i", work / f"{name}.pid", "-M", modules], name)
    wait_for("rsyslog", lambda: host.listens(RSYSLOG_PORT))
    return process


def start_syslog_ng(host, daemons, work):
    conf = work / "syslog-ng.conf"
    conf.write_text(SYSLOG_NG.format(work=work, port=SYSLOG_NG_PORT, file=work / "syslog-ng.ndjson"))
    libraries = daemons / "usr/lib/syslog-ng"
    process = host.start(["env", f"LD_LIBRARY_PATH={libraries}", daemons / "usr/sbin/syslog-ng", "-F", "--no-caps", "-f", conf,
                          "-p", work / "syslog-ng.pid", "-R", work / "syslog-ng.persist", "-c", work / "syslog-ng.ctl",
                          "--module-path", libraries / "3.38"], "syslog-ng")
    wait_for("syslog-ng", lambda: host.listens(SYSLOG_NG_PORT))
    return process


def configure(work, site, interface="eth0", **more):
    """A configuration with all three outputs; its path."""
    config = {
        "capture": {"interfaces": [interface]},
        "flows": {"every_flow": True},
        "site": str(site),
        "outputs": [
            {"type": "file", "path": str(work / "events.ndjson")},
            {"type": "syslog", "name": "rsyslog", "server": f"127.0.0.1:{RSYSLOG_PORT}"},
            {"type": "syslog", "name": "syslog-ng", "server": f"localhost:{SYSLOG_NG_PORT}", "transport": "tls", "ca": str(work / "ca.pem")},
        ],
        "control": {"socket": str(work / "control.sock")},
        "user": "root",
        "stats_s": 1,
    }
    config.update(more)
    path = work / "rolecall.json"
    path.write_text(json.dumps(config, indent=2))
    return path


def sequences_of(path):
    """The sequence numbers in a file of events; every line must be a whole event."""
    return [json.loads(line)["event"]["sequence"] for line in path.read_text().splitlines()]
