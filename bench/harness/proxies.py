# SPDX-License-Identifier: Apache-2.0
"""gatewhy, HAProxy and nginx, each configured to do the same job for a work:
one worker, kept connections to the origin, X-Forwarded-For, X-Forwarded-Proto and
X-Request-ID added, and one line logged for every request."""

import os
import subprocess

from .machine import Failure, free_port, wait_for_port

CONFIGS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "configs")


def _fill(template, values):
    with open(os.path.join(CONFIGS, template)) as file:
        text = file.read()
    for name, value in values.items():
        text = text.replace(f"@{name}@", str(value))
    return text


class Proxy:
    """One running proxy. `origin`: (scheme, port) as seen from here."""
    name = ""
    template = ""

    def __init__(self, bench, work, workers=1):
        self.bench = bench
        self.work = work
        self.workers = workers
        self.port = free_port()
        self.directory = os.path.join(bench.processes.directory, f"{self.name}-{work.name}-{self.port}")
        os.mkdir(self.directory)
        os.chmod(self.directory, 0o777)
        self.log = os.path.join(self.directory, "log")
        self.file = os.path.join(self.directory, self.template)
        self.child = None

    def start(self):
        with open(self.file, "w") as file:
            file.write(_fill(self.template, self.values()))
        with open(os.path.join(self.directory, "output"), "wb") as output, open(self.log, "ab") as log:
            self.child = self.bench.processes.start(self.command(), self.bench.proxy_cores, stdin=subprocess.DEVNULL,
                                                    stdout=self.standard_output(output, log), stderr=output,
                                                    cwd=self.directory)
        try:
            wait_for_port(self.port, self.child, self.name)
        except Failure as failure:
            with open(os.path.join(self.directory, "output"), errors="replace") as output:
                raise Failure(f"{failure}\n{output.read()[-2000:]}") from failure
        return self

    def stop(self):
        self.bench.processes.stop(self.child)

    @property
    def pid(self):
        return self.child.pid

    def standard_output(self, output, log):
        return output

    def origin(self):
        return self.bench.origin_port(self.work.origin)

    def origin_tls(self):
        return self.work.origin in ("tls", "untrusted")

    def log_lines(self):
        """Lines logged since the last call; the file is emptied."""
        lines = 0
        with open(self.log, "rb") as file:
            while block := file.read(1 << 22):
                lines += block.count(b"\n")
        os.truncate(self.log, 0)
        return lines


class Gatewhy(Proxy):
    name = "gatewhy"
    template = "gatewhy.yaml"

    def command(self):
        return [self.bench.binary, "run", "-c", self.file]

    def values(self):
        certificates = self.bench.certificates
        tls = (f"    tls: {{certificates: [{{certificate: {certificates.path('site.pem')}, "
               f"key: {certificates.path('site.key')}}}]}}")
        if self.origin_tls():
            origin = (f"  origin:\n    endpoints: [\"https://127.0.0.1:{self.origin()}\"]\n"
                      f"    tls: {{ca_file: {certificates.path('ca.pem')}, server_name: origin.test}}\n")
        else:
            origin = f"  origin:\n    endpoints: [\"http://127.0.0.1:{self.origin()}\"]\n"
        origin += "    retry: {attempts: 0}\n    limits: {connections: 9000, pending: 9000}\n    keep_alive: {idle: 1024}"
        return {"workers": self.workers, "port": self.port, "client_tls": tls if self.work.client_tls else "", "origins": origin,
                "routes": "", "log": self.log}


class Haproxy(Proxy):
    name = "haproxy"
    template = "haproxy.cfg"

    def command(self):
        return ["haproxy", "-db", "-f", self.file]

    def standard_output(self, output, log):
        return log

    def values(self):
        certificates = self.bench.certificates
        tls = f" ssl crt {certificates.path('site-both.pem')} alpn http/1.1"
        server = f"    server origin 127.0.0.1:{self.origin()} maxconn 9000 pool-max-conn 1024"
        if self.origin_tls():
            server += f" ssl verify required ca-file {certificates.path('ca.pem')} sni str(origin.test) verifyhost origin.test"
        splice = "    option splice-auto" if self.work.size and self.work.size >= 1 << 20 else ""
        return {"workers": self.workers, "port": self.port, "client_tls": tls if self.work.client_tls else "",
                "scheme": "https" if self.work.client_tls else "http", "global": "", "defaults": splice,
                "routes": "    default_backend origin", "backends": f"backend origin\n{server}", "log": "stdout format raw"}


class Nginx(Proxy):
    name = "nginx"
    template = "nginx.conf"

    def command(self):
        return ["nginx", "-p", self.directory, "-c", self.file, "-e", os.path.join(self.directory, "nginx-error.log")]

    def values(self):
        certificates = self.bench.certificates
        listen = f"listen 127.0.0.1:{self.port}{' ssl' if self.work.client_tls else ''} backlog=4096;"
        if self.work.client_tls:
            listen += (f"\n        ssl_certificate {certificates.path('site.pem')};\n        ssl_certificate_key "
                       f"{certificates.path('site.key')};\n        ssl_protocols TLSv1.2 TLSv1.3;\n"
                       f"        ssl_ecdh_curve X25519:prime256v1;\n        ssl_session_cache shared:tls:20m;")
        origin_tls = ""
        if self.origin_tls():
            origin_tls = (f"    proxy_ssl_protocols TLSv1.2 TLSv1.3;\n    proxy_ssl_verify on;\n    proxy_ssl_trusted_certificate "
                          f"{certificates.path('ca.pem')};\n    proxy_ssl_server_name on;\n    proxy_ssl_name origin.test;")
        scheme = "https" if self.origin_tls() else "http"
        upstream = (f"    upstream origin {{\n        server 127.0.0.1:{self.origin()} max_fails=0;\n        keepalive 1024;\n"
                    f"        keepalive_requests 1000000000;\n    }}")
        server = (f"    server {{\n        {listen}\n        location / {{\n            proxy_pass {scheme}://origin;\n"
                  f"        }}\n    }}")
        return {"workers": self.workers, "dir": self.directory, "log": self.log, "origin_tls": origin_tls, "upstreams": upstream,
                "servers": server}


PROXIES = {proxy.name: proxy for proxy in (Gatewhy, Haproxy, Nginx)}
