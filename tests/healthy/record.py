#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Records how real servers answer, for the test that the response lint finds
nothing on servers in good health.

    tests/healthy/record.py [DIRECTORY]        # as root: apache2, nginx-light, nodejs, python3

Starts nginx, Apache httpd, a Node program and Python's http.server on free
loopback ports, each with the same small site, sends the requests of
`requests()` and writes DIRECTORY/NAME.http (default: beside this script):

    server NAME VERSION, UNIXTIME
    TITLE
    REQUEST-OCTETS RESPONSE-OCTETS
    <request><response>
    …
"""
import base64
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
LOGIN = base64.b64encode(b"user:secret").decode()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f:
        f.write(text)
    os.utime(path, (1700000000, 1700000000))


def make_site(root):
    write(f"{root}/index.html", "<!doctype html><title>a</title><p>" + "text " * 60 + "</p>\n")
    write(f"{root}/a.txt", "0123456789abcdefghijklmnopqrstuvwxyz\n")
    write(f"{root}/style.css", "p { color: green }\n" * 20)
    write(f"{root}/data.json", '{"a": [1, 2, 3]}\n')
    write(f"{root}/image.svg", '<svg xmlns="http://www.w3.org/2000/svg"/>\n')
    write(f"{root}/app.js", "console.log('a');\n" * 20)
    write(f"{root}/empty.txt", "")
    write(f"{root}/with space.txt", "space\n")
    write(f"{root}/sub/index.html", "<!doctype html><title>sub</title>\n")
    write(f"{root}/list/one.txt", "one\n")
    write(f"{root}/private/secret.txt", "secret\n")
    write(f"{root}/denied/file.txt", "denied\n")
    for folder, _, _ in os.walk(root):
        os.chmod(folder, 0o755)


# ---- servers ----------------------------------------------------------------


class Server:
    def __init__(self, name, version, process, port):
        self.name, self.version, self.process, self.port = name, version, process, port

    def stop(self):
        self.process.terminate()
        self.process.wait()


def output(*command):
    return subprocess.run(command, capture_output=True, text=True).stdout + subprocess.run(
        command, capture_output=True, text=True
    ).stderr


def start_nginx(root, work):
    port = free_port()
    password = subprocess.run(["openssl", "passwd", "-apr1", "secret"], capture_output=True, text=True).stdout.strip()
    write(f"{work}/htpasswd", f"user:{password}\n")
    write(
        f"{work}/nginx.conf",
        f"""
user www-data; daemon off; pid {work}/nginx.pid; error_log {work}/nginx.err;
events {{}}
http {{
  include /etc/nginx/mime.types; default_type application/octet-stream;
  access_log off; gzip on; gzip_types text/css application/json application/javascript; gzip_min_length 100;
  client_body_temp_path {work}/b; proxy_temp_path {work}/p; fastcgi_temp_path {work}/f;
  uwsgi_temp_path {work}/u; scgi_temp_path {work}/s; client_max_body_size 1k;
  server {{
    listen 127.0.0.1:{port}; root {root}; index index.html; etag on; absolute_redirect off;
    location /list/ {{ autoindex on; }}
    location /denied/ {{ deny all; }}
    location /private/ {{ auth_basic "private"; auth_basic_user_file {work}/htpasswd; }}
    location = /r301 {{ return 301 /a.txt; }}
    location = /r302 {{ return 302 https://shop.example/b?c=d; }}
    location = /r303 {{ return 303 /a.txt; }}
    location = /r307 {{ return 307 /a.txt; }}
    location = /r308 {{ return 308 /a.txt; }}
    location = /gone {{ return 410; }}
    location = /none {{ return 204; }}
    location = /cached {{ expires 1h; add_header Vary Accept-Encoding; default_type text/plain; return 200 "cached\\n"; }}
    location = /cookie {{ add_header Set-Cookie "id=1; Path=/; HttpOnly; SameSite=Lax"; default_type text/plain; return 200 "cookie\\n"; }}
    location = /error {{ return 500; }}
    location = /unavailable {{ add_header Retry-After 120 always; return 503; }}
    location = /teapot {{ default_type text/plain; return 418 "short and stout\\n"; }}
  }}
}}
""",
    )
    version = re.search(r"nginx/(\S+)", output("nginx", "-v")).group(1)
    return Server("nginx", version, subprocess.Popen(["nginx", "-c", f"{work}/nginx.conf", "-e", f"{work}/nginx.err"]), port)


def start_apache(root, work):
    port = free_port()
    modules = "/usr/lib/apache2/modules"
    names = (
        "mpm_event authz_core authz_host authz_user authn_core authn_file auth_basic mime dir autoindex alias "
        "deflate filter headers rewrite negotiation expires"
    ).split()
    load = "\n".join(f"LoadModule {n}_module {modules}/mod_{n}.so" for n in names)
    subprocess.run(["openssl", "passwd", "-apr1", "secret"], capture_output=True)
    write(
        f"{work}/apache.conf",
        f"""
{load}
ServerName shop.example
Listen 127.0.0.1:{port}
PidFile {work}/apache.pid
ErrorLog {work}/apache.err
User www-data
Group www-data
DocumentRoot {root}
TypesConfig /etc/mime.types
LimitRequestBody 1024
AddOutputFilterByType DEFLATE text/html text/css application/json application/javascript text/javascript
<Directory {root}>
  Options Indexes FollowSymLinks
  DirectoryIndex index.html
</Directory>
<Location /denied/>
  Require all denied
</Location>
<Location /private/>
  AuthType Basic
  AuthName "private"
  AuthUserFile {work}/htpasswd
  Require valid-user
</Location>
Redirect 301 /r301 /a.txt
Redirect 302 /r302 https://shop.example/b
Redirect 303 /r303 /a.txt
RewriteEngine on
RewriteRule ^/r307$ /a.txt [R=307,L]
RewriteRule ^/r308$ /a.txt [R=308,L]
RewriteRule ^/gone$ - [R=410,L]
RewriteRule ^/none$ - [R=204,L]
RewriteRule ^/error$ - [R=500,L]
RewriteRule ^/unavailable$ - [R=503,L]
<Location /unavailable>
  Header always set Retry-After 120
</Location>
<Location /cached>
  ExpiresActive on
  ExpiresDefault "access plus 1 hour"
  Header set Vary Accept-Encoding
</Location>
Alias /cached {root}/a.txt
Alias /cookie {root}/a.txt
<Location /cookie>
  Header add Set-Cookie "id=1; Path=/; HttpOnly; SameSite=Lax"
  Header add Set-Cookie "theme=dark; Max-Age=3600"
</Location>
""",
    )
    version = re.search(r"Apache/(\S+)", output("apache2", "-v")).group(1)
    command = ["apache2", "-f", f"{work}/apache.conf", "-D", "FOREGROUND"]
    return Server("apache", version, subprocess.Popen(command), port)


def start_node(root, work):
    port = free_port()
    command = ["node", f"{HERE}/site.js", root, str(port)]
    return Server("node", output("node", "--version").split()[0].lstrip("v"), subprocess.Popen(command), port)


def start_python(root, work):
    port = free_port()
    command = [sys.executable, f"{HERE}/site.py", root, str(port)]
    version = ".".join(str(n) for n in sys.version_info[:3])
    return Server("python", version, subprocess.Popen(command), port)


# ---- requests ---------------------------------------------------------------


def wait_for(port):
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"nothing listens on port {port}")


def exchange(port, request):
    with socket.create_connection(("127.0.0.1", port), 10) as s:
        s.sendall(request)
        s.shutdown(socket.SHUT_WR)
        answer = b""
        while True:
            more = s.recv(65536)
            if not more:
                return answer
            answer += more


def build(method, path, fields=(), body=b"", version="1.1", close=False):
    lines = [f"{method} {path} HTTP/{version}", "Host: shop.example"]
    lines += [f"{name}: {value}" for name, value in fields]
    if body or method in ("POST", "PUT"):
        lines.append(f"Content-Length: {len(body)}")
    if close:
        lines.append("Connection: close")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


FILES = ["/", "/a.txt", "/style.css", "/data.json", "/image.svg", "/app.js", "/empty.txt", "/with%20space.txt", "/sub/"]
PLACES = ["/r301", "/r302", "/r303", "/r307", "/r308", "/gone", "/none", "/cached", "/cookie", "/error", "/unavailable"]


def requests(etag, modified):
    for path in FILES:
        yield f"file {path}", build("GET", path)
        yield f"head {path}", build("HEAD", path)
        yield f"gzip {path}", build("GET", path, [("Accept-Encoding", "gzip")], close=True)
    for path in PLACES:
        yield f"place {path}", build("GET", path)
        yield f"place head {path}", build("HEAD", path, close=True)
    yield "directory without slash", build("GET", "/sub")
    yield "listing", build("GET", "/list/")
    yield "missing", build("GET", "/missing.txt")
    yield "missing head", build("HEAD", "/missing.txt")
    yield "missing for a browser", build("GET", "/missing", [("Accept", "text/html")])
    yield "denied", build("GET", "/denied/file.txt")
    yield "no credentials", build("GET", "/private/secret.txt")
    yield "wrong credentials", build("GET", "/private/secret.txt", [("Authorization", "Basic eDp5")])
    yield "credentials", build("GET", "/private/secret.txt", [("Authorization", f"Basic {LOGIN}")])
    for byte_range in ("0-4", "5-", "-5", "0-0", "0-1000", "1-2,4-5", "0-4,10-14,-3"):
        yield f"range {byte_range}", build("GET", "/a.txt", [("Range", f"bytes={byte_range}")])
    yield "range behind the end", build("GET", "/a.txt", [("Range", "bytes=1000-2000")])
    yield "range of an empty file", build("GET", "/empty.txt", [("Range", "bytes=5-9")])
    yield "range in another unit", build("GET", "/a.txt", [("Range", "lines=1-2")])
    yield "range head", build("HEAD", "/a.txt", [("Range", "bytes=0-4")])
    if etag:
        yield "same tag", build("GET", "/a.txt", [("If-None-Match", etag)])
        yield "same tag head", build("HEAD", "/a.txt", [("If-None-Match", etag)])
        yield "if-range same", build("GET", "/a.txt", [("Range", "bytes=0-4"), ("If-Range", etag)])
        yield "if-match same", build("GET", "/a.txt", [("If-Match", etag)])
    yield "other tag", build("GET", "/a.txt", [("If-None-Match", '"other"')])
    yield "any tag", build("GET", "/a.txt", [("If-None-Match", "*")])
    yield "if-match other", build("GET", "/a.txt", [("If-Match", '"other"')])
    yield "if-range other", build("GET", "/a.txt", [("Range", "bytes=0-4"), ("If-Range", '"other"')])
    if modified:
        yield "not modified since", build("GET", "/a.txt", [("If-Modified-Since", modified)])
        yield "unmodified since", build("GET", "/a.txt", [("If-Unmodified-Since", modified)])
    yield "modified since", build("GET", "/a.txt", [("If-Modified-Since", "Sun, 06 Nov 1994 08:49:37 GMT")])
    yield "options", build("OPTIONS", "/a.txt")
    yield "options of the server", build("OPTIONS", "*")
    yield "post to a file", build("POST", "/a.txt", [("Content-Type", "text/plain")], b"hello")
    yield "put to a file", build("PUT", "/a.txt", [("Content-Type", "text/plain")], b"hello")
    yield "delete a file", build("DELETE", "/a.txt")
    yield "unknown method", build("BREW", "/a.txt")
    yield "http/1.0", build("GET", "/a.txt", version="1.0")
    yield "http/1.0 kept alive", build("GET", "/a.txt", [("Connection", "keep-alive")], version="1.0")
    yield "http/1.0 listing", build("GET", "/list/", version="1.0")
    yield "expect", build("POST", "/form", [("Expect", "100-continue"), ("Content-Type", "text/plain")], b"hello")
    yield "body too large", build("POST", "/form", [("Content-Type", "text/plain")], b"x" * 2000)


# What the Node and Python programs do besides.
PROGRAM = [
    ("stream", build("GET", "/stream")),
    ("stream http/1.0", build("GET", "/stream", version="1.0")),
    ("trailers", build("GET", "/trailers", [("TE", "trailers")])),
    ("early hints", build("GET", "/hints")),
    ("created", build("POST", "/items", [("Content-Type", "application/json")], b"{}")),
    ("accepted", build("POST", "/jobs", [("Content-Type", "application/json")], b"{}")),
    ("reset", build("POST", "/reset", [("Content-Type", "application/json")], b"{}")),
    ("see other", build("POST", "/form", [("Content-Type", "application/x-www-form-urlencoded")], b"a=b")),
    ("many cookies", build("GET", "/cookies")),
    ("secure cookies", build("GET", "/secure-cookies")),
    ("limited", build("GET", "/limited")),
    ("upgrade required", build("GET", "/upgrade-required")),
    ("bearer", build("GET", "/bearer")),
    ("unprocessable", build("POST", "/unprocessable", [("Content-Type", "application/json")], b"{}")),
    ("legal reasons", build("GET", "/legal")),
    ("problem", build("GET", "/problem")),
    ("not found page", build("GET", "/page-not-found")),
    ("events", build("GET", "/events")),
    ("download", build("GET", "/download")),
    ("redirect page", build("GET", "/moved-page")),
    ("bad gateway", build("GET", "/bad-gateway")),
]


def validators(port):
    head = exchange(port, build("HEAD", "/a.txt", close=True)).decode("latin-1")
    etag = re.search(r"(?im)^etag: *(.*?)\r$", head)
    modified = re.search(r"(?im)^last-modified: *(.*?)\r$", head)
    return (etag and etag.group(1), modified and modified.group(1))


def record(server, directory):
    wait_for(server.port)
    plan = list(requests(*validators(server.port)))
    if server.name in ("node", "python"):
        plan += PROGRAM
    count = 0
    with open(f"{directory}/{server.name}.http", "wb") as out:
        out.write(f"server {server.name} {server.version}, {int(time.time())}\n".encode())
        for title, request in plan:
            response = exchange(server.port, request)
            if not response:
                print(f"{server.name}: {title}: no answer, left out")
                continue
            out.write(f"{title}\n{len(request)} {len(response)}\n".encode() + request + response + b"\n")
            count += 1
    print(f"{server.name} {server.version}: {count} responses")


def main():
    directory = sys.argv[1] if len(sys.argv) > 1 else HERE
    work = tempfile.mkdtemp(prefix="gatewhy-healthy-")
    os.chmod(work, 0o755)
    try:
        make_site(f"{work}/site")
        for start in (start_nginx, start_apache, start_node, start_python):
            server = start(f"{work}/site", work)
            try:
                record(server, directory)
            finally:
                server.stop()
    finally:
        shutil.rmtree(work)


main()
