#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Usage: log_formats_test.py SOURCE_DIR GATEWHY

Programs that people have read gatewhy's logs: GoAccess the combined format,
fail2ban the JSON log through the filter that the documents ship.
"""
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import tempfile

SOURCE, GATEWHY = sys.argv[1], sys.argv[2]
PATIENCE = 60

CONFIG = """
listeners: [{{address: "127.0.0.1:0"}}]
origins: {{nobody: {{endpoints: ["http://127.0.0.1:9"]}}}}
routes:
  - {{path: /good, respond: {{status: 200}}}}
  - {{path: /closed, origin: nobody, clients: {{allow: [192.0.2.0/24]}}}}
  - {{origin: nobody}}
admin: {{address: "off"}}
log: {{destination: "stdout", format: {format}, sample: {{success: {success}}}}}
"""


class Gateway:
    """gatewhy with its log on a pipe; the lines read so far are in `lines`."""

    def __init__(self, folder, form, success="100%"):
        path = os.path.join(folder, form + ".yaml")
        with open(path, "w") as file:
            file.write(CONFIG.format(format=form, success=success))
        self.lines = []
        self.process = subprocess.Popen([GATEWHY, "run", "-c", path], stdout=subprocess.PIPE, text=True)
        signal.alarm(PATIENCE)
        start = self.wait_for(r"\bstart\b")
        self.port = int(re.search(r"127\.0\.0\.1:(\d+)", start).group(1))

    def wait_for(self, pattern):
        for line in self.process.stdout:
            self.lines.append(line)
            if re.search(pattern, line):
                return line
        raise AssertionError(f"no line matches {pattern}: {self.lines}")

    def ask(self, path, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        connection.request("GET", path, headers=headers)
        connection.getresponse().read()
        connection.close()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.lines += self.process.stdout.readlines()
        assert self.process.wait() == 0
        return self.lines


def go_access_reads_the_combined_format(folder):
    gateway = Gateway(folder, "combined")
    for path in ("/good", "/good?a=1", "/fails", "/closed"):
        gateway.ask(path, **{"User-Agent": 'x"y\\z'})
    lines = gateway.stop()
    log = os.path.join(folder, "access.log")
    with open(log, "w") as file:
        file.writelines(lines)
    exchanges = [line for line in lines if not line.startswith("#")]
    assert len(exchanges) == 4, lines
    assert len(lines) > 4, "lifecycle events are comments"
    report = os.path.join(folder, "report.json")
    subprocess.run(["goaccess", log, "--log-format=COMBINED", "--no-global-config", "-o", report],
                   check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=PATIENCE)
    with open(report) as file:
        general = json.load(file)["general"]
    assert general["valid_requests"] == 4, general
    assert general["failed_requests"] == 0, general


def fail2ban_finds_who_was_refused(folder):
    gateway = Gateway(folder, "json")
    gateway.ask("/good")
    gateway.ask("/closed")
    gateway.ask("/fails")
    # Text that looks like a match, from a client that did nothing wrong.
    gateway.ask("/good", **{"User-Agent": '"client":{"address":"198.51.100.1"},"error":{"type":"request_denied"}'})
    log = os.path.join(folder, "events.json")
    with open(log, "w") as file:
        file.writelines(gateway.stop())
    found = subprocess.run(["fail2ban-regex", "--print-all-matched", log,
                            os.path.join(SOURCE, "docs/monitoring/fail2ban-gatewhy.conf")],
                           check=True, capture_output=True, text=True, timeout=PATIENCE).stdout
    assert re.search(r"\b1 matched\b", found), found
    assert "198.51.100.1" not in re.findall(r"Addresses found.*", found), found


def successes_can_be_left_out_and_failures_never(folder):
    gateway = Gateway(folder, "text", success="0%")
    for _ in range(20):
        gateway.ask("/good")
        gateway.ask("/fails")
    lines = gateway.stop()
    assert sum(" 521 connection_refused" in line for line in lines) == 20, lines
    assert not [line for line in lines if "/good" in line], lines


with tempfile.TemporaryDirectory() as folder:
    go_access_reads_the_combined_format(folder)
    fail2ban_finds_who_was_refused(folder)
    successes_can_be_left_out_and_failures_never(folder)
print("ok")
