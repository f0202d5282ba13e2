# SPDX-License-Identifier: Apache-2.0
"""One run: origins, then each work in rounds, the proxies taking turns."""

import os
import socket
import statistics
import time

from .certificates import Certificates
from .load import check_answer, open_idle, run_load
from .machine import Failure, cores
from .measure import Cpu, SystemCalls, memory
from .proxies import PROXIES
from .sinks import SINKS

PROXIES = {**PROXIES, **{sink.name: sink for sink in SINKS}}
FLUSH_SECONDS = 1.5  # gatewhy and nginx write their batches each second


class Bench:
    """Shared by all works of a run: cores, tools, origins, certificates."""

    def __init__(self, processes, binary, tools):
        self.processes = processes
        self.binary = binary
        self.tools = tools
        load, proxy = cores()
        self.load_cores, self.proxy_cores = {load}, {proxy}
        os.sched_setaffinity(0, self.load_cores)  # what this program does itself counts as load
        self.certificates = Certificates(processes.directory)
        self.refusing = socket.socket()  # bound, not listening: the kernel refuses
        self.refusing.bind(("127.0.0.1", 0))
        self.ports = {"refused": self.refusing.getsockname()[1], "plain": self._origin("bench_origin"),
                      "h2": self._origin("bench_h2_origin")}
        for kind, name in (("tls", "origin"), ("untrusted", "untrusted")):
            self.ports[kind] = self._origin("bench_origin", self.certificates.path(f"{name}.pem"), self.certificates.path(f"{name}.key"))

    def tool(self, name):
        return os.path.join(self.tools, name)

    def _origin(self, tool, *tls):
        child = self.processes.start([self.tool(tool), "0.0.0.0:0", *tls], self.load_cores, stdout=-1, text=True)
        words = child.stdout.readline().split()
        if len(words) != 2:
            raise Failure(f"{tool} did not start")
        return int(words[1])

    def origin_port(self, kind):
        return self.ports[kind]


class Samples:
    """Per proxy and metric, one value a round."""

    def __init__(self, names, values=None):
        self.names = names
        self.values = values or {name: {} for name in names}
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


def measure_work(bench, work, names, rounds, seconds, note):
    """Runs one work on the named proxies; returns Samples."""
    if work.client == "idle":
        return _measure_idle(bench, work, names, note)
    if work.client == "none":
        return _measure_alone(bench, work, names, rounds, seconds, note)
    return _measure_load(bench, work, names, rounds, seconds, note)


def _measure_load(bench, work, names, rounds, seconds, note):
    samples = Samples(names)
    seconds = max(seconds, work.connections / 2000)  # thousands take a while to connect
    running = []
    try:
        for name in names:
            running.append(PROXIES[name](bench, work).start())
        spoken = {check_answer(bench, proxy.name, work, proxy.port) for proxy in running}
        if len(spoken) != 1:
            raise Failure(f"{work.name}: the proxies agreed on different TLS: {', '.join(sorted(spoken))}")
        samples.tls = spoken.pop()
        for proxy in running:
            run_load(bench, work, proxy.port, max(0.5, work.connections / 2000))
        time.sleep(FLUSH_SECONDS)
        for proxy in running:
            proxy.empty_log()
        requests = dict.fromkeys(names, 0)
        for number in range(rounds):
            note(f"{work.name}: round {number + 1} of {rounds}")
            # Whoever begins has no advantage: the order turns.
            turn = number % len(running)
            for proxy in running[turn:] + running[:turn]:
                requests[proxy.name] += _round(bench, work, proxy, seconds, samples)
        time.sleep(FLUSH_SECONDS)
        for proxy in running:
            if proxy.logs and work.client != "tunnel":  # of which the log has a line each, not each message
                samples.add(proxy.name, unlogged=max(0, requests[proxy.name] - proxy.log_lines()))
        calls = SystemCalls(bench.processes.directory)
        for proxy in running:
            calls.start(proxy.pid)
            load = run_load(bench, work, proxy.port, min(seconds, max(1, work.connections / 2000)))
            for call, count in calls.stop().items():
                samples.add(proxy.name, **{"calls" if call == "total" else f"calls.{call}": count / max(load.requests, 1)})
    finally:
        for proxy in running:
            proxy.stop()
    return samples


def _round(bench, work, proxy, seconds, samples):
    """Returns how many requests were answered."""
    before = Cpu(proxy.pid)
    load = run_load(bench, work, proxy.port, seconds)
    after = Cpu(proxy.pid)
    total, user, system = after.since(before)
    if load.requests == 0:
        raise Failure(f"{proxy.name}, {work.name}: no request was answered")
    errors = load.status if work.size is not None else load.requests - load.status
    each = 1e6 / load.requests
    if work.group == "sinks":
        samples.add(proxy.name, worker=after.thread_since(before, "gatewhy") * each)
    samples.add(proxy.name, cpu=total * each, user=user * each, system=system * each, rate=load.requests / load.seconds,
                p50=load.p50, p99=load.p99, busy=total / load.seconds, broken=load.broken, wrong=errors)
    return load.requests


def _measure_alone(bench, work, names, rounds, seconds, note):
    """What a proxy does of itself, in percent of a core; with checks over two of their intervals or more."""
    samples = Samples(names)
    seconds = max(seconds, 10) if rounds > 1 else seconds
    for number in range(rounds):
        for name in names:
            note(f"{work.name}: {name}, round {number + 1} of {rounds}")
            proxy = PROXIES[name](bench, work).start()
            try:
                time.sleep(min(seconds, 6))  # the first ones come closer together
                before, began = Cpu(proxy.pid), time.monotonic()
                time.sleep(seconds)
                total, user, system = Cpu(proxy.pid).since(before)
                percent = 100 / (time.monotonic() - began)
                samples.add(name, busy=total * percent, user=user * percent, system=system * percent)
            finally:
                proxy.stop()
    return samples


def _measure_idle(bench, work, names, note):
    """Memory of a new process for each client that has had an answer and waits."""
    samples = Samples(names)
    for name in names:
        note(f"{work.name}: {name}")
        proxy = PROXIES[name](bench, work).start()
        try:
            for connection in open_idle(work, proxy.port, 50):
                connection.close()
            time.sleep(1)
            before = memory(proxy.pid)
            connections = open_idle(work, proxy.port, work.connections)
            time.sleep(2)
            after = memory(proxy.pid)
            for connection in connections:
                connection.close()
            samples.add(name, idle=(after - before) / work.connections, base=before)
        finally:
            proxy.stop()
    return samples
