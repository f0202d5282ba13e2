# SPDX-License-Identifier: Apache-2.0
"""gatewhy, HAProxy and nginx, each configured to do the same job for a work:
so many workers, kept connections to the origin, X-Forwarded-For, -Proto and
X-Request-ID added, one line logged for every request. Where HAProxy or nginx has
a setting that suits a work better than its default, it gets that one."""

import os
import socket
import subprocess
import threading

from .machine import Failure, free_port, wait_for_port

CONFIGS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "configs")
BIG = 64 * 1024


def fill(template, values):
    with open(os.path.join(CONFIGS, template)) as file:
        text = file.read()
    for name, value in values.items():
        text = text.replace(f"@{name}@", str(value))
    return "\n".join(line for line in text.splitlines() if line.strip()) + "\n"


class Proxy:
    """One proxy, from its configuration to its end."""
    name = ""
    template = ""
    logs = True

    def __init__(self, bench, work):
        self.bench = bench
        self.work = work
        self.port = free_port()
        self.directory = os.path.join(bench.processes.directory, f"{self.name}-{work.name}-{self.port}")
        os.mkdir(self.directory)
        os.chmod(self.directory, 0o777)  # nginx's worker is nobody
        self.log = os.path.join(self.directory, "log")
        self.file = os.path.join(self.directory, self.template)
        self.child = None

    def configure(self):
        with open(self.file, "w") as file:
            file.write(fill(self.template, {"workers": self.work.workers, "port": self.port, "log": self.log, "dir": self.directory,
                                            **self.values()}))

    def start(self):
        self.configure()
        cores = self.bench.proxy_cores | (self.bench.load_cores if self.work.spread else set())
        errors = os.path.join(self.directory, "output")
        with open(errors, "wb") as output, open(self.log, "ab") as log:
            self.child = self.bench.processes.start(self.command(), cores, stdin=subprocess.DEVNULL, stdout=log, stderr=output,
                                                    cwd=self.directory)
        try:
            wait_for_port(self.port, self.child, self.name)
        except Failure as failure:
            with open(errors, errors="replace") as output:
                raise Failure(f"{failure}\n{output.read()[-2000:]}") from failure
        return self

    def stop(self):
        self.bench.processes.stop(self.child)

    @property
    def pid(self):
        return self.child.pid

    def endpoints(self):
        """(host, path prefix, address) of each route. Origins differ by
        loopback address; one process listens on all of them."""
        port = self.bench.origin_port(self.work.origin)
        count = max(self.work.origins, self.work.routes)
        for number in range(count):
            at = number if self.work.origins > 1 else 0
            address = f"127.0.{1 + at // 250}.{1 + at % 250}" if self.work.origins > 1 else "127.0.0.1"
            yield (f"h{number}.test" if self.work.origins > 1 else None, f"/r{number}/" if self.work.routes > 1 else None,
                   f"{address}:{port}")

    def addresses(self, address):
        """Of an origin's endpoints, that one and further ones."""
        if self.work.endpoints == 1:
            return [address]
        port = self.bench.origin_port(self.work.origin)
        return [f"127.1.{1 + at // 250}.{1 + at % 250}:{port}" for at in range(self.work.endpoints)]

    def origin_tls(self):
        return self.work.origin in ("tls", "untrusted")

    def log_lines(self):
        lines = 0
        with open(self.log, "rb") as file:
            while block := file.read(1 << 22):
                lines += block.count(b"\n")
        return lines

    def empty_log(self):
        os.truncate(self.log, 0)


class Gatewhy(Proxy):
    name = "gatewhy"
    template = "gatewhy.yaml"

    def command(self):
        return [self.bench.binary, "run", "-c", self.file]

    def destinations(self):
        return f"\"{self.log}\""

    def values(self):
        path = self.bench.certificates.path
        scheme, origin_tls = "h2c" if self.work.origin == "h2" else "http", ""
        if self.origin_tls():
            scheme, origin_tls = "https", f"\n    tls: {{ca_file: \"{path('ca.pem')}\", server_name: origin.test}}"
        origins, routes = [], []
        for number, (host, prefix, address) in enumerate(self.endpoints()):
            if number < self.work.origins:
                urls = ", ".join(f"\"{scheme}://{one}\"" for one in self.addresses(address))
                checks = f"\n    health: {{path: {self.work.path}, interval: 5s}}" if self.work.checked else ""
                origins.append(f"  o{number}:\n    endpoints: [{urls}]\n    retry: {{attempts: 0}}\n"
                               f"    limits: {{connections: 9000, pending: 9000}}\n    keep_alive: {{idle: 1024}}{origin_tls}{checks}")
            match = f"host: {host}, " * (host is not None) + f"path: {prefix}, " * (prefix is not None)
            if self.work.rules and prefix is not None:
                match = (f"path: {prefix}, ", f"path_regex: \"^{prefix}[0-9]+k$\", ", f"path_exact: {prefix[:-1]}{self.work.path}, ",
                         f"path: {prefix}, match: {{methods: [GET]}}, ")[number % 4]
            routes.append(f"  - {{{match}origin: o{number if host else 0}}}")
        tls = f"    tls: {{certificates: [{{certificate: \"{path('site.pem')}\", key: \"{path('site.key')}\"}}]}}"
        listener = tls if self.work.client_tls else "    http2: true" if self.work.streams else ""
        return {"client_tls": listener, "origins": "\n".join(origins), "routes": "\n".join(routes),
                "destinations": self.destinations()}


class Haproxy(Proxy):
    name = "haproxy"
    template = "haproxy.cfg"
    request_id = True

    def command(self):
        return ["haproxy", "-db", "-f", self.file]

    def log_target(self):
        return "stdout format raw local0"

    def values(self):
        path = self.bench.certificates.path
        tls = f" ssl crt {path('site-both.pem')} alpn http/1.1" if self.work.client_tls else ""
        suffix = " pool-max-conn 1024 maxconn 9000" + " proto h2" * (self.work.origin == "h2")
        if self.origin_tls():
            suffix += f" ssl verify required ca-file {path('ca.pem')} sni str(origin.test) verifyhost origin.test"
        backends, hosts, prefixes = [], [], []
        for number, (host, prefix, address) in enumerate(self.endpoints()):
            if number < self.work.origins:
                check = f"    option httpchk GET {self.work.path}\n" if self.work.checked else ""
                suffix += " check inter 5s" if self.work.checked else ""
                backends.append(f"backend o{number}\n{check}" + "\n".join(
                    f"    server s{at} {one}{suffix}" for at, one in enumerate(self.addresses(address))))
            if host:
                hosts.append(f"{host} o{number}")
            if prefix:
                prefixes.append(f"{prefix} o0")
        use = "    default_backend o0"
        for lines, fetch in ((hosts, "req.hdr(host),map_str"), (prefixes, "path,map_beg")):
            if lines:
                with open(os.path.join(self.directory, "routes.map"), "w") as file:
                    file.write("\n".join(lines) + "\n")
                use = f"    use_backend %[{fetch}({self.directory}/routes.map)]"
        splice = [f"    option splice-{way}" for way, size in (("response", self.work.size), ("request", self.work.upload))
                  if (size or 0) > BIG and not self.work.client_tls]
        unique = "    unique-id-format %{+X}o%ci%cp%Ts%rt%pid\n    unique-id-header X-Request-ID"
        return {"client_tls": tls, "scheme": "https" if self.work.client_tls else "http", "routes": use,
                "backends": "\n".join(backends), "log_target": self.log_target(),
                "splice": "\n".join(splice), "unique_id": unique if self.request_id else "",
                "id": "%ID " if self.request_id else ""}


class HaproxyRingLog(Haproxy):
    """Its log lines go by TCP, many at a time, to a collector: this thread."""
    name = "haproxy-ring-log"

    def log_target(self):
        listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._collect, args=(listener,), daemon=True).start()
        self.ring = (f"ring events\n    format raw\n    maxlen 2000\n    size 4000000\n    timeout connect 5s\n    timeout server 10s\n"
                     f"    server collector 127.0.0.1:{listener.getsockname()[1]}")
        return "ring@events format raw local0"

    def values(self):
        values = super().values()
        values["backends"] += "\n" + self.ring
        return values

    def _collect(self, listener):
        with listener, listener.accept()[0] as connection, open(self.log, "ab", buffering=0) as log:
            while block := connection.recv(1 << 20):
                log.write(block)


class HaproxyNoId(Haproxy):
    name = "haproxy-no-id"
    request_id = False


class Nginx(Proxy):
    name = "nginx"
    template = "nginx.conf"
    request_id = True

    def command(self):
        return ["nginx", "-p", self.directory, "-c", self.file, "-e", os.path.join(self.directory, "nginx-error.log")]

    def values(self):
        path = self.bench.certificates.path
        listen = f"        listen 127.0.0.1:{self.port}{' ssl' if self.work.client_tls else ''}{' http2' if self.work.streams else ''} backlog=4096;"
        if self.work.client_tls:
            listen += (f"\n        ssl_certificate {path('site.pem')};\n        ssl_certificate_key {path('site.key')};\n"
                       f"        ssl_protocols TLSv1.2 TLSv1.3;\n        ssl_ecdh_curve X25519:prime256v1;\n"
                       f"        ssl_prefer_server_ciphers on;\n"
                       f"        ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384;\n"
                       f"        ssl_session_cache shared:tls:20m;")
        scheme, origin_tls = "http", ""
        if self.origin_tls():
            scheme = "https"
            origin_tls = (f"    proxy_ssl_protocols TLSv1.2 TLSv1.3;\n    proxy_ssl_verify on;\n    proxy_ssl_trusted_certificate "
                          f"{path('ca.pem')};\n    proxy_ssl_server_name on;\n    proxy_ssl_name origin.test;")
        upstreams, servers, locations = [], [], []
        for number, (host, prefix, address) in enumerate(self.endpoints()):
            if number < self.work.origins:
                upstreams.append(f"    upstream o{number} {{\n        server {address} max_fails=0;\n        keepalive 1024;\n"
                                 f"        keepalive_requests 1000000000;\n    }}")
            to = "grpc_pass grpc" if self.work.call else f"proxy_pass {scheme}"
            location = f"        location {prefix or '/'} {{ {to}://o{number if host else 0}; }}"
            if host:
                servers.append(f"    server {{\n{listen.replace(' backlog=4096', '') if number else listen}\n"
                               f"        server_name {host};\n{location}\n    }}")
            else:
                locations.append(location)
        if locations:
            servers.append(f"    server {{\n{listen}\n" + "\n".join(locations) + "\n    }")
        big = (self.work.size or 0) > BIG
        connection = '    proxy_set_header Connection "";'
        if self.work.client == "tunnel":
            connection = "    proxy_set_header Upgrade $http_upgrade;\n    proxy_set_header Connection upgrade;"
        body = "    client_max_body_size 0;\n    client_body_buffer_size 64k;\n    proxy_request_buffering off;"
        # What a gRPC origin is told, and on which terms, has directives of its own.
        calls = "".join(f"    grpc_set_header {field};\n" for field in (
            "Host $http_host", "X-Forwarded-For $proxy_add_x_forwarded_for", "X-Forwarded-Proto $scheme", "X-Request-ID $request_id"))
        return {"calls": calls + "    grpc_next_upstream off;" if self.work.call else "", "connection": connection, "request_body": body if self.work.upload else "", "origin_tls": origin_tls, "upstreams": "\n".join(upstreams), "servers": "\n".join(servers),
                "buffers": "    proxy_buffer_size 64k;\n    proxy_buffers 8 64k;\n    proxy_busy_buffers_size 256k;" if big else "",
                "id": '"request_id":"$request_id",' if self.request_id else "",
                "id_headers": "    proxy_set_header X-Request-ID $request_id;\n    add_header X-Request-ID $request_id always;"
                              if self.request_id else ""}


class NginxNoId(Nginx):
    name = "nginx-no-id"
    request_id = False


class Relay(Proxy):
    """Not a proxy: the least that passing bytes on can cost."""
    name = "relay"
    logs = False

    def configure(self):
        pass

    def command(self):
        return [self.bench.tool("bench_relay"), str(self.port), str(self.bench.origin_port(self.work.origin))]


PROXIES = {proxy.name: proxy for proxy in (Relay, Gatewhy, Haproxy, HaproxyRingLog, HaproxyNoId, Nginx, NginxNoId)}
