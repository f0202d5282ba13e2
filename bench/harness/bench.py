# SPDX-License-Identifier: Apache-2.0
"""One run: origins, then each work in rounds, the proxies taking turns."""

import os
import socket
import statistics
import sys
import time

from .certificates import Certificates
from .load import check_answer, run_wrk
from .machine import Failure, Processes, cores
from .measure import Cpu, SystemCalls
from .proxies import PROXIES


class Bench:
    """Shared by all works of a run: cores, origins, certificates."""

    def __init__(self, processes, binary, origin_binary, names):
        self.processes = processes
        self.binary = binary
        self.names = names
        load, proxy = cores()
        self.load_cores, self.proxy_cores = {load}, {proxy}
        self.certificates = Certificates(processes.directory)
        self.refusing = socket.socket()  # bound, not listening: the kernel refuses
        self.refusing.bind(("127.0.0.1", 0))
        self.ports = {"refused": self.refusing.getsockname()[1], "plain": self._origin(origin_binary)}
        for kind, name in (("tls", "origin"), ("untrusted", "untrusted")):
            self.ports[kind] = self._origin(origin_binary, self.certificates.path(f"{name}.pem"),
                                            self.certificates.path(f"{name}.key"))

    def _origin(self, binary, *tls):
        child = self.processes.start([binary, "0.0.0.0:0", *tls], self.load_cores, stdout=-1, text=True)
        words = child.stdout.readline().split()
        if len(words) != 2:
            raise Failure("bench_origin did not start")
        return int(words[1])

    def origin_port(self, kind):
        return self.ports[kind]


class Samples:
    """Per proxy and metric, one value a round."""

    def __init__(self, names):
        self.values = {name: {} for name in names}
        self.tls = ""

    def add(self, name, **metrics):
        for metric, value in metrics.items():
            self.values[name].setdefault(metric, []).append(value)

    def median(self, name, metric):
        values = self.values.get(name, {}).get(metric)
        return statistics.median(values) if values else None

    def ratio(self, name, other, metric):
        """(median, least, most) of the rounds' ratios."""
        pairs = zip(self.values.get(name, {}).get(metric, []), self.values.get(other, {}).get(metric, []))
        ratios = [mine / theirs for mine, theirs in pairs if theirs]
        return (statistics.median(ratios), min(ratios), max(ratios)) if ratios else None


def measure_work(bench, work, rounds, seconds, note):
    """Runs one work on every proxy; returns Samples."""
    samples = Samples(bench.names)
    running = [PROXIES[name](bench, work).start() for name in bench.names]
    try:
        spoken = {check_answer(proxy.name, work, proxy.port) for proxy in running}
        if len(spoken) != 1:
            raise Failure(f"{work.name}: the proxies agreed on different TLS: {', '.join(sorted(spoken))}")
        samples.tls = spoken.pop()
        for proxy in running:
            run_wrk(work, proxy.port, 0.5, bench.load_cores)
        time.sleep(1.2)  # batched log lines of the warm-up reach their files
        for proxy in running:
            proxy.log_lines()
        for number in range(rounds):
            note(f"{work.name}: round {number + 1} of {rounds}")
            # Whoever begins has no advantage: the order turns.
            for proxy in running[number % len(running):] + running[:number % len(running)]:
                _round(bench, work, proxy, seconds, samples)
        calls = SystemCalls(bench.processes.directory)
        for proxy in running:
            calls.start(proxy.pid)
            load = run_wrk(work, proxy.port, min(seconds, 1), bench.load_cores)
            for call, count in calls.stop().items():
                samples.add(proxy.name, **{"calls" if call == "total" else f"calls.{call}": count / max(load.requests, 1)})
    finally:
        for proxy in running:
            proxy.stop()
    return samples


def _round(bench, work, proxy, seconds, samples):
    before = Cpu(proxy.pid)
    load = run_wrk(work, proxy.port, seconds, bench.load_cores)
    total, user, system = Cpu(proxy.pid).since(before)
    if load.requests == 0:
        raise Failure(f"{proxy.name}, {work.name}: no request was answered")
    if work.size is not None and load.status > 0:
        raise Failure(f"{proxy.name}, {work.name}: {load.status} of {load.requests} answers were errors")
    if work.size is None and load.status != load.requests:
        raise Failure(f"{proxy.name}, {work.name}: {load.requests - load.status} answers were no errors")
    time.sleep(1.2)
    lines = proxy.log_lines()
    if lines < load.requests:
        print(f"  {proxy.name}, {work.name}: {load.requests} requests, but {lines} log lines", file=sys.stderr)
    each = 1e6 / load.requests
    samples.add(proxy.name, cpu=total * each, user=user * each, system=system * each, rate=load.requests / load.seconds,
                p50=load.p50, p99=load.p99, busy=total / load.seconds, broken=load.broken, unlogged=max(0, load.requests - lines))
