# SPDX-License-Identifier: Apache-2.0
"""The measured part of docs/performance.md, in Markdown."""

import re

from .report import flaws, number, sink_rows, spread, target_rows
from .works import COMPARED, WORKS

BEGIN, END = "<!-- measured: written by bench/run --page -->", "<!-- /measured -->"
GROUP_TITLES = {
    "clients": "Clients, all asking at once (connecting is included)",
    "origins": "Origins, asked in turn, chosen by Host",
    "routes": "Routes, asked in turn, chosen by path prefix",
    "rules": "Routes, asked in turn; gatewhy's are by prefix, regular expression, exact path and method in turn, the others' by prefix",
    "workers": "Workers; proxy, load and origin share both cores",
}


def write(path, about, results):
    """Puts the figures between the two marks of the page."""
    with open(path) as file:
        page = file.read()
    body = f"{BEGIN}\n\n{render(about, results)}\n{END}"
    with open(path, "w") as file:
        file.write(re.sub(f"{re.escape(BEGIN)}.*{re.escape(END)}", lambda _: body, page, flags=re.S))


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "| --- |" + " ---: |" * (len(header) - 1)]
    lines += ["| " + " | ".join(str(cell or "") for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def render(about, results):
    done = [work for work in WORKS if work.name in results]
    parts = [table(["machine and versions", ""], about),
             "## Targets\n\nEvery exchange logged, one worker.\n", table(*target_rows(done, results))]
    loaded = [work for work in done if work.group in ("requests", "http2", "http2-origins", "bodies", "failures")]
    parts += ["## CPU per request\n\nMicroseconds, user + system; ratios of the same round: median (least–most).\n",
              table(["work", *COMPARED, "÷ haproxy", "÷ nginx"], [_cpu_row(work, results[work.name]) for work in loaded]),
              "## System calls per request\n", table(["work", *COMPARED], [_per_proxy(work, results[work.name], _calls)
                                                                         for work in loaded]),
              "What they are, for 1 KiB kept alive:\n" if "1k" in results else "",
              _call_names(results["1k"]) if "1k" in results else "",
              "## Throughput and latency\n\nAnswers a second, with p50 / p99 in milliseconds. One core serves; the load, which comes "
              "as fast as answers do, has another. Both share them with whatever else runs, so these say less than CPU time.\n",
              table(["work", *COMPARED], [_per_proxy(work, results[work.name], _rate) for work in loaded]),
              "## Per CPU second\n\nWhat a core could do at most: handshakes, and diagnosed failures against HAProxy's plain 503s.\n",
              table(["work", *COMPARED], [_per_proxy(work, results[work.name], _per_cpu_second) for work in loaded
                                          if work.group == "failures" or work.client in ("full", "resumed")])]
    memory = [work for work in done if work.group == "memory"]
    if memory:
        parts += ["## Memory of an idle client\n\nBytes of the process (proportional resident set) for each of "
                  f"{memory[0].connections} connections that had one answer and wait; kernel buffers not included.\n",
                  table(["", *COMPARED], [_per_proxy(work, results[work.name], lambda samples, name: number(
                      samples.median(name, "idle"), 6)) for work in memory])]
    checks = [work for work in done if work.group == "checks"]
    if checks:
        parts += ["## Health checks\n\nPercent of a core that the process takes while nothing is asked of it.\n",
                  table(["", "gatewhy", "haproxy"], [[work.title, *(number(results[work.name].median(name, "busy"))
                                                                    for name in work.proxies)] for work in checks])]
    growing = [work for work in done if work.group in GROUP_TITLES]
    if growing:
        parts.append("## Growth\n\nCPU per request of 1 KiB; in brackets, relative to the first line of its table.\n")
        for group, title in GROUP_TITLES.items():
            works = [work for work in growing if work.group == group]
            if works:
                parts += [f"{title}:\n", table(["", *COMPARED, "÷ haproxy", "÷ nginx"],
                                              [_growth_row(work, works[0], results) for work in works])]
    sinks = [work for work in done if work.group == "sinks"]
    if sinks:
        parts += ["## Destinations of the log\n\n1 KiB, kept alive, every exchange to a file and to one more destination. The worker hands "
                  "a line over; the rest is done by a thread of the destination's own. Proxy, these threads and nothing else "
                  "share one core here, and receivers share the load's, so latency says what a full core does.\n", table(*sink_rows(results[sinks[0].name]))]
    settings = [work for work in done if work.group == "settings"]
    if settings:
        parts += ["## Other settings\n\n1 KiB, kept alive, one run of its own. `relay` copies bytes and understands nothing: no parsing, "
                  "no pool, no log; the kernel's share. `-no-id`: without X-Request-ID. `-ring-log`: HAProxy sends its lines by TCP, "
                  "many at a time, to a collector outside of what is measured.\n", _settings(results[settings[0].name])]
    found = [f"{work.title}: {flaw}" for work in done for flaw in flaws(results[work.name])]
    if found:
        parts += ["## What went wrong on the way\n", "".join(f"- {line}\n" for line in found)]
    return "\n".join(part for part in parts if part)


def _cpu(samples, name):
    cpu = samples.median(name, "cpu")
    if cpu is None:
        return "–"
    return f"{number(cpu)} ({number(samples.median(name, 'user'))} + {number(samples.median(name, 'system'))})"


def _ratios(samples):
    return [spread(samples.ratio("gatewhy", other, "cpu")) for other in ("haproxy", "nginx")]


def _cpu_row(work, samples):
    return [work.title, *(_cpu(samples, name) for name in COMPARED), *_ratios(samples)]


def _per_proxy(work, samples, cell):
    return [work.title, *(cell(samples, name) for name in COMPARED)]


def _calls(samples, name):
    calls = samples.median(name, "calls")
    return "–" if calls is None else f"{calls:.1f}" if calls < 100 else f"{calls:.0f}"


def _rate(samples, name):
    rate = samples.median(name, "rate")
    if rate is None:
        return "–"
    return f"{number(rate)}, {number(samples.median(name, 'p50') / 1000)} / {number(samples.median(name, 'p99') / 1000)}"


def _per_cpu_second(samples, name):
    cpu = samples.median(name, "cpu")
    return "–" if cpu is None else number(1e6 / cpu)


def _call_names(samples):
    calls = {name: {metric[6:]: samples.median(name, metric) for metric in samples.values[name] if metric.startswith("calls.")}
             for name in samples.names}
    names = {call for counts in calls.values() for call, count in counts.items() if count >= 0.01}
    rows = [[f"`{call}`", *(f"{calls[name].get(call, 0):.2f}" for name in COMPARED)] for call in names]
    return table(["call", *COMPARED], sorted(rows, key=lambda row: (-float(row[1]), row[0])))


def _growth_row(work, first, results):
    samples = results[work.name]
    cells = []
    for name in COMPARED:
        cpu, base = samples.median(name, "cpu"), results[first.name].median(name, "cpu")
        cells.append("–" if cpu is None or base is None else f"{number(cpu)} ({cpu / base:.2f})")
    return [work.title.split(",")[0], *cells, *_ratios(samples)]


def _settings(samples):
    floor = samples.median("relay", "cpu")
    rows = []
    for name in samples.names:
        cpu = samples.median(name, "cpu")
        above = "" if name == "relay" or floor is None else number(cpu - floor)
        ratio = spread(samples.ratio("gatewhy", name, "cpu")) if name != "gatewhy" else ""
        rows.append([name, _cpu(samples, name), above, _calls(samples, name), ratio])
    return table(["", "CPU µs (user + system)", "above the relay", "system calls", "gatewhy ÷ it"], rows)
