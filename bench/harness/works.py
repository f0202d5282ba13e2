# SPDX-License-Identifier: Apache-2.0
"""What is measured, and what is asked of it."""

from dataclasses import dataclass, field

# As a browser sends; with Host, twelve fields.
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
KIB = 1024
COMPARED = ("gatewhy", "haproxy", "nginx")


@dataclass
class Target:
    """gatewhy's `metric` divided by that of `against` (None: as it is)."""
    metric: str  # "cpu" or "calls" per request, "idle" bytes per client, "busy" percent of a core
    against: str | None
    must: float
    stretch: float | None = None


@dataclass
class Work:
    name: str
    title: str
    path: str = "/1k"
    size: int | None = KIB  # of a right answer; None: a 5xx is the right answer
    headers: list = field(default_factory=list)
    connections: int = 64
    upload: int = 0  # bytes of a request's body
    client: str = "wrk"  # or bench_handshakes' "full" and "resumed", bench_tunnel's "tunnel", "h2load", "idle", or "none"
    streams: int = 0  # at once on a connection: the client speaks HTTP/2
    call: bool = False  # each request is a unary call of gRPC, whose message is `upload`
    client_tls: bool = False
    origin: str = "plain"  # plain, tls, h2 (by prior knowledge), refused, untrusted
    origins: int = 1  # requests go to each in turn, by Host
    endpoints: int = 1  # of the only origin
    checked: bool = False  # each endpoint is, every 5 s, by a request
    routes: int = 1  # requests go to each in turn, by path
    rules: bool = False  # gatewhy's routes are by prefix, regular expression, exact path and method in turn
    workers: int = 1
    spread: bool = False  # the proxy may use every core, load's too
    proxies: tuple = COMPARED
    group: str = "requests"
    most_rounds: int | None = None
    targets: list = field(default_factory=list)


REQUESTS = [
    Work("1k", "1 KiB, keep-alive",
         targets=[Target("cpu", "haproxy", 0.80, 0.65), Target("calls", None, 4.5)]),
    Work("1k-headers", "1 KiB, 12 request header fields", headers=BROWSER,
         targets=[Target("cpu", "haproxy", 0.80, 0.65), Target("calls", None, 4.5)]),
    Work("1k-close", "1 KiB, a new client connection per request", headers=["Connection: close"],
         targets=[Target("cpu", "haproxy", 0.95, 0.85), Target("calls", None, 12)]),
    Work("100k", "100 KiB", path="/100k", size=100 * KIB,
         targets=[Target("cpu", "nginx", 1.0, 0.8), Target("calls", None, 7)]),
    Work("10m", "10 MiB", path="/10m", size=10 * KIB * KIB, connections=8,
         targets=[Target("cpu", "nginx", 0.6, 0.5)]),
    Work("1k-origin-tls", "1 KiB, TLS to the origin", origin="tls",
         targets=[Target("cpu", "haproxy", 0.85, 0.7), Target("calls", None, 5.5)]),
    Work("1k-client-tls", "1 KiB, TLS from the client", client_tls=True,
         targets=[Target("cpu", "haproxy", 0.85, 0.7)]),
    Work("100k-client-tls", "100 KiB, TLS from the client", path="/100k", size=100 * KIB, client_tls=True,
         targets=[Target("cpu", "haproxy", 0.85, 0.7)]),
    Work("handshakes", "a new TLS connection per request, full handshake", client="full", client_tls=True, connections=16,
         targets=[Target("cpu", "haproxy", 1.0)]),
    Work("handshakes-resumed", "a new TLS connection per request, resumed", client="resumed", client_tls=True, connections=16),
]
HTTP2 = [
    Work(f"h2-{size}k-{streams}", f"{size} KiB, HTTP/2, {streams} streams on each connection", path=f"/{size}k", size=size * KIB,
         client="h2load", streams=streams, connections=8, group="http2",
         targets=[Target("cpu", "haproxy", 1.0), Target("cpu", "nginx", 0.75)] if size == 1 else [])
    for size in (1, 100) for streams in (10, 100)
]
# nginx speaks HTTP/2 to origins only where they are gRPC's.
HTTP2_ORIGINS = [
    Work("h2-origin-1k", "1 KiB, HTTP/2 to the origin", origin="h2", proxies=("gatewhy", "haproxy"), group="http2-origins",
         targets=[Target("cpu", "haproxy", 1.0)]),
    *(Work(f"h2-both-1k-{streams}", f"1 KiB, HTTP/2 on both sides, {streams} streams on each connection", origin="h2", client="h2load",
           streams=streams, connections=8, proxies=("gatewhy", "haproxy"), group="http2-origins", targets=[Target("cpu", "haproxy", 1.0)])
      for streams in (10, 100)),
    Work("grpc", "a unary call of gRPC, 1 KiB, 10 on each connection", path="/bench.Calls/Unary", size=KIB + 5, upload=105, call=True,
         origin="h2", client="h2load", streams=10, connections=8, group="http2-origins",
         headers=["content-type: application/grpc", "te: trailers"], targets=[Target("cpu", "haproxy", 1.0)]),
]
BODIES = [
    Work("upload-100k", "upload of 100 KiB", upload=100 * KIB, group="bodies"),
    Work("upload-10m", "upload of 10 MiB", upload=10 * KIB * KIB, connections=8, group="bodies"),
    Work("100k-chunked", "100 KiB in chunks of 8 KiB", path="/100k-chunked", size=100 * KIB, group="bodies"),
    Work("10m-chunked", "10 MiB in chunks of 8 KiB", path="/10m-chunked", size=10 * KIB * KIB, connections=8, group="bodies"),
    Work("tunnel", "a message of 1 KiB through a WebSocket, and back", path="/tunnel", client="tunnel", group="bodies"),
]
FAILURES = [
    Work("refused", "origin refuses the connection", origin="refused", size=None, group="failures",
         targets=[Target("cpu", "haproxy", 1.0)]),
    Work("untrusted", "origin's certificate is not trusted", origin="untrusted", size=None, group="failures",
         targets=[Target("cpu", "haproxy", 1.0)]),
]
MEMORY = [
    Work("idle", "an idle client, plain", client="idle", connections=2000, group="memory",
         targets=[Target("idle", None, 2 * KIB, KIB)]),
    Work("idle-tls", "an idle client, TLS", client="idle", client_tls=True, connections=2000, group="memory",
         targets=[Target("idle", None, 16 * KIB, 12 * KIB)]),
    Work("idle-h2", "an idle client, HTTP/2", client="idle", streams=1, connections=2000, group="memory",
         targets=[Target("idle", None, 22 * KIB)]),  # 20 KiB more than the first may have
]
CHECKS = [
    Work("checks-none", "an origin of 1000 endpoints, not checked", client="none", proxies=("gatewhy", "haproxy"), endpoints=1000,
         group="checks", most_rounds=3),
    Work("checks-1000", "1000 endpoints, each checked every 5 s", client="none", proxies=("gatewhy", "haproxy"), endpoints=1000,
         checked=True, group="checks", most_rounds=3, targets=[Target("busy", None, 2)]),
]
GROWTH = [
    *(Work(f"clients-{count}", f"{count} clients", connections=count, group="clients", most_rounds=3) for count in (10, 100, 1000, 10000)),
    *(Work(f"origins-{count}", f"{count} origin{'s' * (count > 1)}", origins=count, group="origins", most_rounds=3) for count in (1, 10, 100, 1000)),
    *(Work(f"routes-{count}", f"{count} route{'s' * (count > 1)}", routes=count, group="routes", most_rounds=3) for count in (1, 10, 100, 1000)),
    *(Work(f"rules-{count}", f"{count} route{'s' * (count > 1)}", routes=count, rules=True, group="rules", most_rounds=3) for count in (1, 1000)),
    *(Work(f"workers-{count}", f"{count} worker{'s' * (count > 1)}, both cores shared with the load", workers=count, spread=True,
           group="workers") for count in (1, 2)),
]
# The same work, with HAProxy and nginx set otherwise.
SETTINGS = [
    Work("settings", "1 KiB, keep-alive, other settings", group="settings",
         proxies=("relay", "gatewhy", "haproxy", "haproxy-ring-log", "haproxy-no-id", "nginx", "nginx-no-id")),
]
# Each event goes to one more destination of the log.
SINKS = [
    Work("sinks", "1 KiB, keep-alive, each event to one more destination", group="sinks",
         proxies=("gatewhy", "gatewhy-nats", "gatewhy-otlp", "gatewhy-syslog")),
]
WORKS = REQUESTS + HTTP2 + HTTP2_ORIGINS + BODIES + FAILURES + MEMORY + CHECKS + GROWTH + SETTINGS + SINKS
GROUPS = list(dict.fromkeys(work.group for work in WORKS))
