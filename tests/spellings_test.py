#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tests/spellings.tsv against the servers themselves, and against gatewhy in front of them.

Usage: spellings_test.py SOURCE_DIR GATEWHY NGINX APACHE

nginx and Apache are asked what they make of each spelling, which must be what the table says. Then the same through gatewhy, with a
rule that closes /int/: whatever the server behind answers, it must not be something below /int."""
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from urllib.parse import unquote, urlsplit

SOURCE, GATEWHY, NGINX, APACHE = sys.argv[1:5]
MODULES = "/usr/lib/apache2/modules"


def printable(octets):
    return "".join(chr(o) if 0x20 < o < 0x7F else "\\x%02x" % o for o in octets)


def answer_of(connection, target):
    """Status, and the path that the server says it has read."""
    with connection:
        connection.settimeout(20)
        connection.sendall(f"GET {target} HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n".encode("latin-1"))
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    lines = answer.split(b"\r\n\r\n")[0].split(b"\r\n")
    paths = [line[8:] for line in lines[1:] if line.lower().startswith(b"x-path: ")]
    return lines[0].split(b" ")[1].decode(), printable(paths[0]) if paths else None


def read_by(connection, target):
    status, path = answer_of(connection, target)
    return path if status == "200" and path else status


def start_nginx(root):
    path = f"{root}/nginx.sock"
    temporary = "".join(f"{kind}_temp_path {root}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    with open(f"{root}/nginx.conf", "w", encoding="ascii") as file:
        file.write(f"""daemon off; master_process off; error_log {root}/nginx.log; pid {root}/nginx.pid; events {{}}
http {{ access_log off; {temporary}
  server {{ listen unix:{path}; location / {{ add_header X-Path $uri always; return 200; }} }} }}""")
    process = subprocess.Popen([NGINX, "-p", root, "-e", f"{root}/nginx.log", "-c", f"{root}/nginx.conf"])

    def connect():
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(path)
        return connection

    return process, connect, f"unix:{path}"


def start_apache(root):
    with socket.socket() as probe:  # Apache can neither choose a port nor listen on a unix socket
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    modules = "\n".join(f"LoadModule {name}_module {MODULES}/mod_{name}.so"
                        for name in ("mpm_event", "authz_core", "headers", "rewrite"))
    with open(f"{root}/apache.conf", "w", encoding="ascii") as file:
        file.write(f"""ServerRoot {root}
ServerName shop.example
PidFile {root}/apache.pid
ErrorLog {root}/apache.log
Listen 127.0.0.1:{port}
{modules}
DocumentRoot {root}
AllowEncodedSlashes On
Header always set X-Path "expr=%{{REQUEST_URI}}"
RewriteEngine On
RewriteRule ^ - [R=200,L]
""")
    process = subprocess.Popen([APACHE, "-D", "FOREGROUND", "-f", f"{root}/apache.conf"])
    return process, lambda: socket.create_connection(("127.0.0.1", port)), f"http://127.0.0.1:{port}"


def start_gatewhy(root, name, endpoint):
    path = f"{root}/{name}.front"
    with open(f"{root}/{name}.yaml", "w", encoding="ascii") as file:
        file.write(f"""listeners: [{{address: "unix:{path}"}}]
admin: {{address: "off"}}
log: {{destination: {root}/{name}.events, exchanges: failures}}
origins: {{o: {{endpoints: ["{endpoint}"]}}}}
routes:
  - {{path: /int/, origin: o, clients: {{allow: [192.0.2.1]}}}}
  - {{origin: o}}
""")
    process = subprocess.Popen([GATEWHY, "run", "-c", f"{root}/{name}.yaml"], stderr=subprocess.DEVNULL)

    def connect():
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(path)
        return connection

    return process, connect


def wait_for(process, connect):
    for _ in range(600):
        if process.poll() is not None:
            raise SystemExit(f"{process.args} ended with {process.returncode}")
        try:
            connect().close()
            return
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"{process.args} does not listen")


def python_reads(target):
    path = unquote(urlsplit(target).path, errors="surrogateescape").encode("utf-8", "surrogateescape")
    return printable(path) or "/"


def main():
    with open(f"{SOURCE}/tests/spellings.tsv", encoding="ascii") as file:
        rows = [line.rstrip("\n").split("\t") for line in file if not line.startswith("#")]
    root = tempfile.mkdtemp(prefix="spellings-")
    os.chmod(root, 0o755)
    faults, started = [], []
    try:
        for column, (name, start) in enumerate((("nginx", start_nginx), ("apache", start_apache)), start=1):
            server, direct, endpoint = start(root)
            started.append(server)
            wait_for(server, direct)
            gateway, through = start_gatewhy(root, name, endpoint)
            started.append(gateway)
            wait_for(gateway, through)
            for row in rows:
                sent = row[0]
                if (read := read_by(direct(), sent)) != row[column]:
                    faults.append(f"{name} reads {sent} as {read}, the table says {row[column]}")
                passed = read_by(through(), sent)
                if passed == "/int" or passed.startswith("/int/"):
                    faults.append(f"{sent} passes the rule for /int/: {name} read {passed}")
        for row in rows:
            if (read := python_reads(row[0])) != row[5]:
                faults.append(f"Python reads {row[0]} as {read}, the table says {row[5]}")
    finally:
        for process in started:
            process.send_signal(signal.SIGTERM)
        for process in started:
            process.wait()
        shutil.rmtree(root)
    for fault in faults:
        print(fault)
    print(f"{len(rows)} spellings, {len(faults)} faults")
    return 1 if faults else 0


sys.exit(main())
