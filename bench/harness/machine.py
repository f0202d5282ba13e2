# SPDX-License-Identifier: Apache-2.0
"""The machine: its cores, free ports, the processes of a run and their end."""

import ctypes
import os
import platform
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time


class Failure(Exception):
    """The run cannot go on; the text is for people."""


def cores():
    """(load core, proxy core): the first and the last this process may use."""
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:
        raise Failure("two cores are needed: one for the proxy, one for load and origin")
    return allowed[0], allowed[-1]


def free_port():
    """A port that nothing listens on, below the range of outgoing ones."""
    for _ in range(200):
        port = random.randrange(12000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("0.0.0.0", port))
                return port
            except OSError:
                continue
    raise Failure("no free port found")


NICE = -10
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


def settle(on):
    """For a child before it runs: its cores, and its end with its parent. It
    runs before the machine's other programs where that is allowed, so that they
    disturb less. Each child is a session of its own, because the kernel's
    autogroups give a session one weight and split it over the cores."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    os.sched_setaffinity(0, on)
    os.setsid()
    try:
        os.setpriority(os.PRIO_PROCESS, 0, NICE)
        with open("/proc/self/autogroup", "w") as file:
            file.write(str(NICE))
    except OSError:
        pass


class Processes:
    """Starts children on given cores and ends each by its own pid."""

    def __init__(self):
        base = "/dev/shm" if os.path.isdir("/dev/shm") else None
        self.directory = tempfile.mkdtemp(prefix="gatewhy-bench-", dir=base)
        self.children = []

    def __enter__(self):
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        return self

    def __exit__(self, *_):
        for child in reversed(self.children):
            self.stop(child)
        shutil.rmtree(self.directory, ignore_errors=True)

    def start(self, command, on, **options):
        """`on`: the set of cores."""
        child = subprocess.Popen(command, preexec_fn=lambda: settle(on), **options)
        self.children.append(child)
        return child

    def stop(self, child):
        if child in self.children:
            self.children.remove(child)
        if child.poll() is not None:
            return
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(5)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def wait_for_port(port, child, what, seconds=10):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if child.poll() is not None:
            raise Failure(f"{what} ended with status {child.returncode} before it listened")
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise Failure(f"{what} did not listen on port {port} within {seconds} s")


def first_line(command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10)
    except OSError:
        return "absent"
    lines = (done.stdout + done.stderr).strip().splitlines()
    return lines[0] if lines else "silent"


def processor():
    with open("/proc/cpuinfo") as file:
        names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    return f"{len(names)} × {names[0]}" if names else platform.machine()


def describe(binary, commit):
    """What was measured on what, as (name, value) rows."""
    return [
        ("processor", processor()),
        ("kernel", platform.release()),
        ("gatewhy", f"{first_line([binary, '--version'])}, {commit}"),
        ("HAProxy", first_line(["haproxy", "-v"])),
        ("nginx", first_line(["nginx", "-v"])),
        ("load", first_line(["wrk", "-v"])),
        ("OpenSSL", first_line(["openssl", "version"])),
    ]
