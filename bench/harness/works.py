# SPDX-License-Identifier: Apache-2.0
"""What is measured, and what is asked of it."""

from dataclasses import dataclass, field

BROWSER = [
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language: en-US,en;q=0.5",
    "Accept-Encoding: gzip, deflate, br",
    "Referer: https://shop.example.com/",
    "Cookie: session=0123456789abcdef0123456789abcdef; theme=dark",
    "Upgrade-Insecure-Requests: 1",
    "Sec-Fetch-Dest: document",
    "Sec-Fetch-Mode: navigate",
    "Sec-Fetch-Site: same-origin",
    "Cache-Control: max-age=0",
]


@dataclass
class Target:
    """gatewhy's `metric` divided by that of `against` (None: as it is)."""
    metric: str  # "cpu" per request, "calls" per request
    against: str | None
    must: float
    stretch: float | None = None


@dataclass
class Work:
    name: str
    title: str
    path: str = "/1k"
    size: int | None = 1024  # of a right answer; None: a 5xx is the right answer
    headers: list = field(default_factory=list)
    connections: int = 64
    client_tls: bool = False
    origin: str = "plain"  # plain, tls, refused, untrusted
    script: str = "wrk_report.lua"
    targets: list = field(default_factory=list)


WORKS = [
    Work("1k", "1 KiB, keep-alive",
         targets=[Target("cpu", "haproxy", 0.80, 0.65), Target("calls", None, 4.5)]),
    Work("1k-headers", "1 KiB, 12 request header fields", headers=BROWSER,
         targets=[Target("cpu", "haproxy", 0.80, 0.65), Target("calls", None, 4.5)]),
    Work("1k-close", "1 KiB, a new client connection per request", headers=["Connection: close"],
         targets=[Target("cpu", "haproxy", 0.95, 0.85), Target("calls", None, 12)]),
    Work("100k", "100 KiB", path="/100k", size=102400,
         targets=[Target("cpu", "nginx", 1.0, 0.8), Target("calls", None, 7)]),
    Work("10m", "10 MiB", path="/10m", size=10485760, connections=8,
         targets=[Target("cpu", "nginx", 0.6, 0.5)]),
    Work("1k-origin-tls", "1 KiB, TLS to the origin", origin="tls",
         targets=[Target("cpu", "haproxy", 0.85, 0.7), Target("calls", None, 5.5)]),
    Work("1k-client-tls", "1 KiB, TLS from the client", client_tls=True,
         targets=[Target("cpu", "haproxy", 0.85, 0.7)]),
    Work("100k-client-tls", "100 KiB, TLS from the client", path="/100k", size=102400, client_tls=True,
         targets=[Target("cpu", "haproxy", 0.85, 0.7)]),
    Work("refused", "origin refuses the connection", origin="refused", size=None,
         targets=[Target("cpu", "haproxy", 1.0)]),
    Work("untrusted", "origin's certificate is not trusted", origin="untrusted", size=None,
         targets=[Target("cpu", "haproxy", 1.0)]),
]
