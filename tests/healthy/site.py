#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The site of record.py as a Python program: site.py ROOT PORT. Files are
served by the standard library's SimpleHTTPRequestHandler as it is; the rest is
what an author writes on top of it."""
import functools
import http.server
import sys
import time
import urllib.parse
from email.utils import formatdate

ROOT, PORT = sys.argv[1], int(sys.argv[2])
REDIRECTS = {"/r301": 301, "/r302": 302, "/r303": 303, "/r307": 307, "/r308": 308}
JSON = {"Content-Type": "application/json"}
PROBLEM = {"Content-Type": "application/problem+json"}
# Path: status, fields, text.
PLACES = {
    "/cached": (200, {"Cache-Control": "max-age=3600", "Expires": formatdate(time.time() + 3600, usegmt=True)}, "a\n"),
    "/cookie": (200, {"Set-Cookie": "id=1; Path=/; HttpOnly; SameSite=Lax"}, "cookie\n"),
    "/cookies": (200, {"Set-Cookie": "c=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0"}, "cookie\n"),
    "/secure-cookies": (200, {"Set-Cookie": "__Host-a=1; Path=/; Secure"}, "cookie\n"),
    "/unavailable": (503, {"Retry-After": "120"}, "later\n"),
    "/limited": (429, {"Retry-After": "1"}, "later\n"),
    "/items": (201, {"Location": "/items/1", **JSON}, '{"id": 1}\n'),
    "/jobs": (202, JSON, "{}\n"),
    "/form": (303, {"Location": "/thanks"}, ""),
    "/bearer": (401, {"WWW-Authenticate": 'Bearer realm="api"'}, "who\n"),
    "/unprocessable": (422, PROBLEM, '{"status": 422}\n'),
    "/problem": (403, PROBLEM, '{"status": 403}\n'),
    "/legal": (451, {}, "no\n"),
    "/page-not-found": (404, {"Content-Type": "text/html"}, "<!doctype html>\n"),
    "/download": (200, {"Content-Type": "application/zip", "Content-Disposition": "attachment"}, "PK"),
    "/moved-page": (301, {"Location": "https://shop.example/new"}, "moved\n"),
    "/bad-gateway": (502, {}, "bad\n"),
    "/reset": (205, {}, ""),
}


class Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, status, fields, text):
        body = text.encode()
        self.send_response(status)
        if body and "Content-Type" not in fields:
            self.send_header("Content-Type", "text/plain; charset=utf-8")
        for name, value in fields.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def stream(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Cache-Control", "no-cache")
        if self.request_version == "HTTP/1.0":
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(b"data: a\n\n")
            self.close_connection = True
        else:
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"9\r\ndata: a\n\n\r\n0\r\n\r\n")

    def place(self):
        """True where the answer is not a file's."""
        path = urllib.parse.urlsplit(self.path).path
        if path in REDIRECTS:
            self.answer(REDIRECTS[path], {"Location": "/a.txt"}, "")
        elif path in PLACES:
            self.answer(*PLACES[path])
        elif path in ("/stream", "/events"):
            self.stream()
        elif path == "/none":
            self.answer(204, {}, "")
        elif path == "/gone":
            self.send_error(410)
        elif path == "/error":
            self.send_error(500)
        elif path.startswith("/denied/"):
            self.send_error(403)
        elif path.startswith("/private/") and self.headers["Authorization"] != "Basic dXNlcjpzZWNyZXQ=":
            self.answer(401, {"WWW-Authenticate": 'Basic realm="private"'}, "who\n")
        else:
            return False
        return True

    def do_GET(self):
        if not self.place():
            super().do_GET()

    def do_HEAD(self):
        if not self.place():
            super().do_HEAD()

    def do_OPTIONS(self):
        self.answer(204, {"Allow": "GET, HEAD, OPTIONS"}, "")

    def do_POST(self):
        length = int(self.headers["Content-Length"] or 0)
        self.rfile.read(length)
        if length > 1024:
            self.send_error(413)
        elif not self.place():
            self.answer(405, {"Allow": "GET, HEAD"}, "no\n")


http.server.ThreadingHTTPServer(("127.0.0.1", PORT), functools.partial(Handler, directory=ROOT)).serve_forever()
