# SPDX-License-Identifier: Apache-2.0
"""Load by wrk, and one request by hand to see that an answer is right."""

import http.client
import os
import signal
import ssl
import subprocess
import time
from dataclasses import dataclass

from .machine import Failure, settle

HERE = os.path.dirname(os.path.abspath(__file__))


@dataclass
class Load:
    """Microseconds for latencies; `status` counts answers from 400 up."""
    requests: int
    seconds: float
    p50: float
    p99: float
    status: int
    broken: int


def run_wrk(work, port, seconds, on):
    scheme = "https" if work.client_tls else "http"
    command = ["wrk", "-t", "1", "-c", str(work.connections), "-d", "10m", "--timeout", "10s", "--latency", "-s",
               os.path.join(HERE, work.script)]
    for header in work.headers:
        command += ["-H", header]
    command += [f"{scheme}://127.0.0.1:{port}{work.path}"]
    wrk = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                           preexec_fn=lambda: settle(on))
    try:
        time.sleep(seconds)
        wrk.send_signal(signal.SIGINT)  # wrk's own durations are whole seconds
        output, _ = wrk.communicate(timeout=30)
    except subprocess.TimeoutExpired as late:
        raise Failure("wrk did not end") from late
    finally:
        wrk.kill()
        wrk.wait()
    for line in output.splitlines():
        if line.startswith("result "):
            values = dict(word.split("=") for word in line.split()[1:])
            return Load(int(values["requests"]), float(values["seconds"]), float(values["p50"]), float(values["p99"]),
                        int(values["status"]), int(values["broken"]) + int(values["timeout"]))
    raise Failure(f"wrk gave no result:\n{output}")


def tls_without_check():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def check_answer(name, work, port):
    """One request; its answer must be the expected one. Returns the TLS
    version and cipher, or "" for plain HTTP."""
    if work.client_tls:
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=10, context=tls_without_check())
    else:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.connect()
        tls = f"{connection.sock.version()} {connection.sock.cipher()[0]}" if work.client_tls else ""
        headers = dict(header.split(": ", 1) for header in work.headers)
        connection.request("GET", work.path, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise Failure(f"{name}, {work.name}: no answer: {error!r}") from error
    finally:
        connection.close()
    if work.size is not None and (answer.status, len(body)) != (200, work.size):
        raise Failure(f"{name}, {work.name}: answered {answer.status} with {len(body)} bytes, not 200 with {work.size}")
    if work.size is None and answer.status < 500:
        raise Failure(f"{name}, {work.name}: answered {answer.status} for an origin that fails")
    return tls
