# SPDX-License-Identifier: Apache-2.0
"""Tables of what was measured, for a terminal and for docs/performance.md."""


def number(value, digits=3):
    if value is None:
        return "–"
    if value >= 10 ** (digits - 1):
        return f"{value:.0f}"
    return f"{value:.{digits}g}" if value >= 1 else f"{value:.2f}"


def spread(ratio):
    return "–" if ratio is None else f"{ratio[0]:.2f} ({ratio[1]:.2f}–{ratio[2]:.2f})"


def work_rows(samples):
    """One row a proxy, for a work under load."""
    rows = []
    for name in samples.names:
        def median(metric):
            return samples.median(name, metric)
        calls = median("calls")
        rows.append([name, number(median("cpu")), number(median("user")), number(median("system")),
                     "–" if calls is None else f"{calls:.1f}", number(median("rate"), 3), number(median("p50")),
                     number(median("p99")), spread(samples.ratio("gatewhy", name, "cpu")) if name != "gatewhy" else ""])
    return ["", "CPU µs", "user", "sys", "calls", "req/s", "p50 µs", "p99 µs", "gatewhy ÷ it (range)"], rows


def memory_rows(samples):
    return (["", "bytes per idle client", "process with none, KiB"],
            [[name, number(samples.median(name, "idle"), 6), number(samples.median(name, "base") / 1024, 6)]
             for name in samples.names])


def sink_rows(samples):
    """What one more destination costs: the worker for each event, all threads, and clients."""
    def more(name, metric):
        pairs = zip(samples.values[name].get(metric, []), samples.values["gatewhy"].get(metric, []))
        return sorted(mine - base for mine, base in pairs)

    rows = []
    for name in samples.names:
        added = more(name, "worker")
        rows.append([name, f"{samples.median(name, 'worker'):.2f}",
                     f"{added[len(added) // 2]:+.2f} ({added[0]:+.2f}–{added[-1]:+.2f})" if name != "gatewhy" and added else "",
                     number(samples.median(name, "cpu")), number(samples.median(name, "p50")), number(samples.median(name, "p99")),
                     spread(samples.ratio(name, "gatewhy", "p99")) if name != "gatewhy" else ""])
    return ["", "worker's CPU µs", "more than without (must be ≤ 1)", "all threads", "p50 µs", "p99 µs", "p99 ÷ without"], rows


def flaws(samples):
    """What went wrong in the rounds, in words; a work without flaws gives nothing."""
    words = {"wrong": "answers were not the expected ones", "broken": "connections broke or timed out",
             "unlogged": "requests were not logged"}
    return [f"{name}: {sum(samples.values[name][metric])} {text}" for name in samples.names for metric, text in words.items()
            if sum(samples.values[name].get(metric, []))]


def print_work(work, samples):
    print(f"\n{work.title} ({work.name}){', ' + samples.tls if samples.tls else ''}")
    if work.client == "idle":
        print(plain(*memory_rows(samples)), flush=True)
        return
    print(plain(*(sink_rows(samples) if work.group == "sinks" else work_rows(samples))))
    for name in samples.names:
        print("  calls of " + calls_line(name, samples))
    for flaw in flaws(samples):
        print("  ! " + flaw)
    print(end="", flush=True)


def target_rows(works, results):
    """One row a target: what was asked, what came."""
    rows = []
    for work in works:
        samples = results.get(work.name)
        if samples is None:
            continue
        for target in work.targets:
            if target.against is None:
                value = samples.median("gatewhy", target.metric)
                came = None if value is None else f"{value:.1f}" if target.metric == "calls" else f"{value:.0f}"
                what = {"calls": "system calls per request", "idle": "bytes of memory"}[target.metric]
            else:
                ratio = samples.ratio("gatewhy", target.against, target.metric)
                value = ratio and ratio[0]
                came, what = ratio and spread(ratio), f"CPU ÷ {target.against}'s"
            if value is None:
                continue
            verdict = "missed"
            if value <= target.must:
                verdict = "reached"
                if target.stretch is not None and value <= target.stretch:
                    verdict = "stretch reached"
            stretch = "" if target.stretch is None else f"{target.stretch:g}"
            rows.append([work.title, what, f"{target.must:g}", stretch, came, verdict])
    return ["work", "measure", "must be ≤", "stretch", "measured", ""], rows


def plain(header, rows):
    """Columns for a terminal."""
    table = [header, *rows]
    widths = [max(len(str(row[column])) for row in table) for column in range(len(header))]
    return "\n".join("  ".join(str(cell).ljust(width) if column == 0 else str(cell).rjust(width)
                               for column, (cell, width) in enumerate(zip(row, widths))).rstrip() for row in table)


def calls_line(name, samples):
    calls = {metric[6:]: samples.median(name, metric) for metric in samples.values[name] if metric.startswith("calls.")}
    often = sorted(((count, call) for call, count in calls.items() if count >= 0.005), reverse=True)
    return f"{name}: " + ", ".join(f"{call} {count:.2f}" for count, call in often)
