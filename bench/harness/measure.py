# SPDX-License-Identifier: Apache-2.0
"""What a process tree used: CPU time, memory, system calls."""

import os
import re
import signal
import subprocess
import time

TICK = 1.0 / os.sysconf("SC_CLK_TCK")
CALLS = ["epoll_wait", "epoll_pwait", "epoll_ctl", "accept4", "connect", "socket", "close", "shutdown", "recvfrom", "recvmsg",
         "read", "readv", "sendto", "sendmsg", "write", "writev", "splice", "setsockopt", "getsockopt", "getsockname",
         "getpeername", "futex", "clock_gettime", "getpid", "ioctl", "timerfd_settime", "brk", "mmap", "munmap"]


def tree(pid):
    """The process and its descendants."""
    pids = [pid]
    for known in pids:
        try:
            for thread in os.listdir(f"/proc/{known}/task"):
                with open(f"/proc/{known}/task/{thread}/children") as file:
                    pids.extend(int(child) for child in file.read().split())
        except OSError:
            continue
    return pids


class Cpu:
    """CPU seconds of all threads of the tree. The sum has the scheduler's
    nanoseconds; its split into user and system is the kernel's, in ticks."""

    def __init__(self, pid):
        self.total = self.user = self.system = 0.0
        self.threads = {}  # by their name
        for process in tree(pid):
            for thread in os.listdir(f"/proc/{process}/task"):
                try:
                    with open(f"/proc/{process}/task/{thread}/schedstat") as file:
                        seconds = int(file.read().split()[0]) / 1e9
                    with open(f"/proc/{process}/task/{thread}/comm") as file:
                        name = file.read().strip()
                except OSError:
                    continue
                self.total += seconds
                self.threads[name] = self.threads.get(name, 0.0) + seconds
            with open(f"/proc/{process}/stat") as file:
                fields = file.read().rsplit(")", 1)[1].split()
            self.user += int(fields[11]) * TICK
            self.system += int(fields[12]) * TICK

    def since(self, before):
        """(total, user, system) seconds since `before`."""
        total = self.total - before.total
        user, system = self.user - before.user, self.system - before.system
        share = user / (user + system) if user + system > 0 else 0.0
        return total, total * share, total * (1 - share)

    def thread_since(self, before, name):
        """CPU seconds of the threads of that name. gatewhy's workers have its own; those of the log and their libraries others."""
        return self.threads.get(name, 0.0) - before.threads.get(name, 0.0)


def memory(pid):
    """Proportional resident bytes of the tree."""
    total = 0
    for process in tree(pid):
        with open(f"/proc/{process}/smaps_rollup") as file:
            total += sum(int(line.split()[1]) * 1024 for line in file if line.startswith("Pss:"))
    return total


class SystemCalls:
    """Counts system calls of the tree between start() and stop(): with perf
    where it can (tracepoints, hardly slower), else with strace (much slower,
    but a count is a count)."""

    def __init__(self, directory):
        self.output = os.path.join(directory, "calls")
        self.perf = subprocess.run(["perf", "stat", "-e", "raw_syscalls:sys_enter", "true"],
                                   capture_output=True).returncode == 0 if _have("perf") else False
        self.strace = not self.perf and _have("strace")
        self.child = None

    def method(self):
        return "perf stat, raw_syscalls:sys_enter" if self.perf else "strace -c -f" if self.strace else "not counted"

    def start(self, pid):
        if not self.perf and not self.strace:
            return
        pids = ",".join(str(process) for process in tree(pid))
        if self.perf:
            events = ["raw_syscalls:sys_enter"] + [f"syscalls:sys_enter_{call}" for call in CALLS
                                                   if os.path.isdir(f"/sys/kernel/tracing/events/syscalls/sys_enter_{call}")]
            command = ["perf", "stat", "-x", ",", "-o", self.output, "-e", ",".join(events), "-p", pids]
        else:
            command = ["strace", "-c", "-f", "-q", "-o", self.output]
            for process in pids.split(","):
                command += ["-p", process]
        self.child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.5)

    def stop(self):
        """{call: count}, with "total"; nothing where they cannot be counted."""
        if self.child is None:
            return {}
        self.child.send_signal(signal.SIGINT)
        self.child.wait(20)
        if not os.path.exists(self.output):
            return {}
        with open(self.output) as file:
            text = file.read()
        os.remove(self.output)
        counts = {}
        if self.perf:
            for count, event in re.findall(r"^(\d+),[^,]*,([\w:]+)", text, re.M):
                name = event.split("sys_enter_")[-1] if "sys_enter_" in event else "total"
                if int(count) > 0:
                    counts[name] = int(count)
        else:
            for line in text.splitlines():
                words = line.split()
                if len(words) >= 5 and words[3].isdigit():
                    counts["total" if words[-1] == "total" else words[-1]] = int(words[3])
        return counts


def _have(program):
    return any(os.access(os.path.join(folder, program), os.X_OK) for folder in os.environ.get("PATH", "").split(":"))
