# SPDX-License-Identifier: Apache-2.0
"""Further destinations of gatewhy's log, and what takes their events. A receiver
may be slower than the load: what the worker pays for an event is the same, and
what the destination's own thread cannot pass on is dropped and counted."""

import os
import socket
import subprocess
import threading

from .machine import Failure, free_port, wait_for_port
from .proxies import Gatewhy


class GatewhyWithSink(Gatewhy):
    """Beside the file that all works log to."""

    def start(self):
        self.open_receiver()
        return super().start()

    def destinations(self):
        return f"{super().destinations()}, \"{self.to}\""


class GatewhyNats(GatewhyWithSink):
    name = "gatewhy-nats"

    def open_receiver(self):
        port = free_port()
        self.server = self.bench.processes.start(["nats-server", "-a", "127.0.0.1", "-p", str(port), "-js", "-sd", self.directory],
                                                 self.bench.load_cores, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for_port(port, self.server, "nats-server")
        self.to = f"nats://127.0.0.1:{port}"
        done = subprocess.run([self.bench.binary, "fleet", "init", "--nats", self.to, "--max-bytes", "256MiB"],
                              capture_output=True, text=True, timeout=30)
        if done.returncode != 0:
            raise Failure(f"{self.name}: {done.stderr}")

    def stop(self):
        super().stop()
        self.bench.processes.stop(self.server)


class GatewhySyslog(GatewhyWithSink):
    name = "gatewhy-syslog"

    def open_receiver(self):
        listener = socket.create_server(("127.0.0.1", 0))
        self.to = f"syslog://127.0.0.1:{listener.getsockname()[1]}"
        threading.Thread(target=self._collect, args=(listener,), daemon=True).start()

    @staticmethod
    def _collect(listener):
        with listener, listener.accept()[0] as connection:
            while connection.recv(1 << 20):
                pass


class GatewhyOtlp(GatewhyWithSink):
    name = "gatewhy-otlp"

    def open_receiver(self):
        listener = socket.create_server(("127.0.0.1", 0))
        self.to = f"otlp+http://127.0.0.1:{listener.getsockname()[1]}"
        threading.Thread(target=self._collect, args=(listener,), daemon=True).start()

    @staticmethod
    def _collect(listener):
        with listener, listener.accept()[0] as connection:
            held = b""
            while block := connection.recv(1 << 20):
                held += block
                while (end := held.find(b"\r\n\r\n")) >= 0:
                    length = int(held[:end].lower().split(b"content-length:")[1].split(b"\r\n")[0])
                    if len(held) < end + 4 + length:
                        break
                    held = held[end + 4 + length:]
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")


SINKS = (GatewhyNats, GatewhyOtlp, GatewhySyslog)
