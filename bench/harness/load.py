# SPDX-License-Identifier: Apache-2.0
"""Load on a proxy, and single requests to see that its answers are right."""

import http.client
import math
import os
import re
import signal
import socket
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


def run_load(bench, work, port, seconds):
    """As much of the work as gets done in `seconds`."""
    if work.client == "h2load":
        return _run_h2load(bench, work, port, seconds)
    if work.client == "wrk":
        output = _run_wrk(work, port, seconds, bench.load_cores)
    else:
        tunnel = work.client == "tunnel"
        command = [bench.tool("bench_tunnel" if tunnel else "bench_handshakes"), f"127.0.0.1:{port}", str(work.connections),
                   str(seconds), str(work.size) if tunnel else work.client]
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 30,
                              preexec_fn=lambda: settle(bench.load_cores))
        output = done.stdout + done.stderr
    for line in output.splitlines():
        if line.startswith("result "):
            values = {name: float(value) for name, value in (word.split("=") for word in line.split()[1:])}
            if "resumed" in values and not resumed_as_asked(work, values["resumed"] / max(values["requests"], 1)):
                raise Failure(f"{work.name}: {values['resumed']:.0f} of {values['requests']:.0f} handshakes were resumed")
            return Load(int(values["requests"]), values["seconds"], values["p50"], values["p99"], int(values["status"]),
                        int(values["broken"] + values["timeout"]))
    raise Failure(f"{work.name}: the load generator gave no result:\n{output}")


def resumed_as_asked(work, share):
    """The first connections of each client have no ticket yet."""
    return share > 0.8 if work.client == "resumed" else share == 0


def _run_wrk(work, port, seconds, on):
    cycles = work.origins > 1 or work.routes > 1
    script = os.path.join(HERE, "wrk_cycle.lua" if cycles else "wrk_upload.lua" if work.upload else "wrk_report.lua")
    command = ["wrk", "-t", "1", "-c", str(work.connections), "-d", "10m", "--timeout", "10s", "--latency", "-s", script]
    for header in work.headers:
        command += ["-H", header]
    command.append(f"{'https' if work.client_tls else 'http'}://127.0.0.1:{port}{work.path}")
    if cycles:
        command += [str(work.origins), str(work.routes)]
    elif work.upload:
        command.append(str(work.upload))
    wrk = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, preexec_fn=lambda: settle(on))
    try:
        time.sleep(seconds)
        wrk.send_signal(signal.SIGINT)  # wrk's own durations are whole seconds
        return wrk.communicate(timeout=30)[0]
    except subprocess.TimeoutExpired as late:
        raise Failure("wrk did not end") from late
    finally:
        wrk.kill()
        wrk.wait()


def _run_h2load(bench, work, port, seconds):
    """Its own summary has no percentiles: they come from its log of each request."""
    log = os.path.join(bench.processes.directory, "h2load")
    command = ["h2load", "-t", "1", "-c", str(work.connections), "-m", str(work.streams), "-D", str(math.ceil(seconds)),
               "--log-file", log, *_request_options(bench.processes.directory, work), f"http://127.0.0.1:{port}{work.path}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 30,
                              preexec_fn=lambda: settle(bench.load_cores))
        with open(log) as file:
            answers = [(int(words[1]), int(words[2])) for words in (line.split() for line in file)]
    finally:
        if os.path.exists(log):
            os.remove(log)
    summary = re.search(r"requests: .* (\d+) failed, (\d+) errored, (\d+) timeout", done.stdout)
    data = re.search(r"\((\d+)\) data", done.stdout)
    if summary is None or data is None or not answers:
        raise Failure(f"{work.name}: h2load gave no result:\n{done.stdout + done.stderr}")
    took = sorted(microseconds for _, microseconds in answers)
    # A call that failed has status 200 and no message.
    wrong = max(sum(status >= 400 for status, _ in answers), len(answers) - int(data[1]) // work.size)
    return Load(len(answers), math.ceil(seconds), took[len(took) // 2], took[len(took) * 99 // 100], wrong,
                int(summary[2]) + int(summary[3]))


def _request_options(directory, work):
    """For curl and h2load: fields, and the file of a message of gRPC."""
    options = [word for header in work.headers for word in ("-H", header)]
    if work.call:
        message = os.path.join(directory, "message")
        with open(message, "wb") as file:
            file.write(b"\0" + (work.upload - 5).to_bytes(4, "big") + b"x" * (work.upload - 5))
        options += ["-d", message]
    return options


def tls_without_check():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def check_answer(bench, name, work, port):
    """The first and the last route or origin must give the expected answer.
    Returns the TLS version and cipher, or "" for plain HTTP."""
    if work.client == "tunnel":
        return ""  # bench_tunnel looks at each answer
    if work.streams:
        return _check_http2(bench, name, work, port)
    count = max(work.origins, work.routes)
    for number in {0, count - 1}:
        path = f"/r{number}{work.path}" if work.routes > 1 else work.path
        host = f"h{number}.test" if count > 1 else "bench.test"
        tls = _check_one(name, work, port, path, host)
    return tls


def _check_one(name, work, port, path, host):
    if work.client_tls:
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=10, context=tls_without_check())
    else:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.connect()
        tls = f"{connection.sock.version()} {connection.sock.cipher()[0]}" if work.client_tls else ""
        headers = dict(header.split(": ", 1) for header in work.headers)
        body = b"x" * work.upload or None
        connection.request("POST" if work.upload else "GET", path, body, {"Host": host, **headers})
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


def _check_http2(bench, name, work, port):
    options = _request_options(bench.processes.directory, work)
    if work.call:
        options[-2:] = "--data-binary", f"@{options[-1]}"
    done = subprocess.run(["curl", "-s", "--http2-prior-knowledge", "-o", os.devnull, "-D", "-", "-w",
                           "%{http_version} %{http_code} %{size_download}", *options, f"http://127.0.0.1:{port}{work.path}"],
                          capture_output=True, text=True, timeout=20)
    if not done.stdout.endswith(f"\n2 200 {work.size}") or (work.call and "\ngrpc-status: 0\n" not in done.stdout):
        raise Failure(f"{name}, {work.name}: curl got {done.stdout!r}, not 200 with {work.size} bytes by HTTP/2")
    return ""


def _open_http2(work, port):
    """A connection by HTTP/2 (RFC 9113) that had one answer and now waits."""
    def frame(kind, flags, stream, payload=b""):
        return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload

    def literal(text):
        return bytes((len(text),)) + text.encode()

    # RFC 7541: GET, http, and two literals with the static table's names.
    block = b"\x82\x86\x04" + literal(work.path) + b"\x01" + literal("bench.test")
    connection = socket.create_connection(("127.0.0.1", port), timeout=10)
    connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0) + frame(1, 5, 1, block))
    stream = connection.makefile("rb")
    while True:
        head = stream.read(9)
        stream.read(int.from_bytes(head[:3], "big"))
        if head[3] == 4 and not head[4] & 1:
            connection.sendall(frame(4, 1, 0))
        elif head[3] in (3, 7):
            raise Failure(f"{work.name}: an idle client was turned away")
        elif head[3] in (0, 1) and head[4] & 1:
            return connection


def open_idle(work, port, count):
    """`count` connections that each had one answer and now wait."""
    if work.streams:
        return [_open_http2(work, port) for _ in range(count)]
    context = tls_without_check() if work.client_tls else None
    request = f"GET {work.path} HTTP/1.1\r\nHost: bench.test\r\nUser-Agent: bench\r\n\r\n".encode()
    connections = []
    for _ in range(count):
        connection = socket.create_connection(("127.0.0.1", port), timeout=10)
        if context is not None:
            connection = context.wrap_socket(connection)
        connection.sendall(request)
        head, body = connection.recv(65536), b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(65536)
        body = head.split(b"\r\n\r\n", 1)[1]
        if not head.startswith(b"HTTP/1.1 200"):
            raise Failure(f"{work.name}: idle client was answered {head[:40]!r}")
        while len(body) < work.size:
            body += connection.recv(65536)
        connections.append(connection)
    return connections
