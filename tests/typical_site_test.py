#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Usage: typical_site_test.py SOURCE_DIR GATEWHY NODE

What docs/typical-site.md says of docs/examples/site is so: gatewhy runs that
very file, with ports, certificates and origins from the environment, and curl,
Python and Node's ws are its visitors.
"""
import http.client
import http.server
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading

SOURCE, GATEWHY, NODE = sys.argv[1:4]
CONFIG = os.path.join(SOURCE, "docs/examples/site/gatewhy.yaml")
PATIENCE = 60
SECRETS = {"password": "correct-horse-7", "preview": "colleague-4711", "query": "s3cret-in-a-query", "bearer": "bearer-0815"}
ORIGINS = ("shop", "api", "api_next", "staging", "acme")

# One program, whose server is an origin and whose client comes through gatewhy.
WEBSOCKET = """
const {WebSocket, WebSocketServer} = require('ws');
const server = new WebSocketServer({host: '127.0.0.1', port: 0}, () => console.log(server.address().port));
server.on('connection', socket => socket.on('message', text => socket.send('echo of ' + text)));
require('readline').createInterface({input: process.stdin}).once('line', line => {
  const {port, ca} = JSON.parse(line);
  const client = new WebSocket(`wss://127.0.0.1:${port}/live`,
      {ca, servername: 'shop.example', headers: {Host: 'shop.example'}});
  const end = text => { console.log(text); process.exit(); };
  client.on('open', () => client.send('price of a kettle?'));
  client.on('message', text => end(String(text)));
  client.on('error', error => end(String(error)));
});
"""


class Origin:
    """A server that says who it is and what it was asked."""

    def __init__(self, name):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                fields = {name.lower(): value for name, value in self.headers.items()}
                body = json.dumps({"origin": name, "path": self.path, "fields": fields}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Connection", "close")  # so that nothing is left of it when it goes
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                self.do_GET()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class Gateway:
    """gatewhy, and its events as a thread reads them from its standard output."""

    def __init__(self, environment):
        self.lines, self.news = [], threading.Condition()
        self.process = subprocess.Popen([GATEWHY, "run", "-c", CONFIG], env=environment, stdout=subprocess.PIPE, text=True)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            with self.news:
                self.lines.append(line)
                self.news.notify_all()
        with self.news:
            self.lines.append("")
            self.news.notify_all()

    def event(self, **wanted):
        """The first event with these values, as soon as it is there."""
        seen = 0
        with self.news:
            while True:
                for line in self.lines[seen:]:
                    assert line, f"gatewhy ended without an event {wanted}"
                    event = json.loads(line)
                    if all(event.get(key) == value for key, value in wanted.items()):
                        return event
                seen = len(self.lines)
                assert self.news.wait_for(lambda: len(self.lines) > seen, PATIENCE), f"no event {wanted}"

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(PATIENCE) == 0
        self.reader.join()


class Answer:
    """What `curl -i` prints; with --location of the last answer."""

    def __init__(self, text):
        while text.startswith("HTTP/"):
            head, text = text.split("\n\n", 1)
        self.body = text
        first, *lines = head.split("\n")
        self.status = int(first.split()[1])
        self.fields = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}

    def json(self):
        return json.loads(self.body)


class Site:
    def __init__(self, folder):
        self.folder = folder
        self.certificates = os.path.join(folder, "certificates")
        self.users = os.path.join(folder, "staging.users")
        self.make_files()
        self.origins = {name: Origin(name) for name in ORIGINS}
        self.websocket = subprocess.Popen([NODE, "-e", WEBSOCKET], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                          env={**os.environ, "NODE_PATH": "/usr/share/nodejs"})
        self.gateway = None
        # What is on this machine, not on the one that the file is for.
        self.files = {**os.environ, "CERTIFICATES": self.certificates, "STAGING_USERS": self.users, "LOG": "stdout"}
        self.admin = "unix:" + os.path.join(folder, "admin.sock")
        self.environment = {
            **self.files, "HTTP": "127.0.0.1:0", "HTTPS": "127.0.0.1:0", "ADMIN": self.admin, "PREVIEW": SECRETS["preview"],
            **{name.upper(): origin.url for name, origin in self.origins.items()},
        }

    def make_files(self):
        os.mkdir(self.certificates)
        self.authorities = ""
        for host, names in (("shop.example", "DNS:shop.example, DNS:www.shop.example"),
                            ("staging.shop.example", "DNS:staging.shop.example")):
            file = os.path.join(self.certificates, host)
            run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "90",
                "-keyout", file + ".key", "-out", file + ".pem", "-subj", "/CN=" + host, "-addext", "subjectAltName=" + names)
            with open(file + ".pem") as pem:
                self.authorities += pem.read()
        with open(os.path.join(self.folder, "authorities.pem"), "w") as file:
            file.write(self.authorities)
        digest = run("openssl", "passwd", "-6", "-stdin", input=SECRETS["password"]).strip()
        with open(self.users, "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(f"anna:{digest}\n")

    def start(self):
        self.environment["LIVE"] = "http://127.0.0.1:" + self.websocket.stdout.readline().strip()
        self.gateway = Gateway(self.environment)
        self.http, self.https = (int(address.rsplit(":", 1)[1]) for address in self.gateway.event(event="start")["listeners"])

    def curl(self, url, *options):
        """Any URL of the site as its visitors write it; only the ports are others."""
        return Answer(run("curl", "-qsi", "--noproxy", "*", "--max-time", str(PATIENCE),
                          "--cacert", os.path.join(self.folder, "authorities.pem"),
                          "--connect-to", f":80:127.0.0.1:{self.http}",
                          "--connect-to", f":443:127.0.0.1:{self.https}", *options, url))

    def ask_api_from(self, address):
        """Who answers the API for a client with this address."""
        context = ssl.create_default_context(cadata=self.authorities)
        connection = http.client.HTTPConnection("shop.example", timeout=PATIENCE)
        plain = socket.create_connection(("127.0.0.1", self.https), PATIENCE, source_address=(address, 0))
        connection.sock = context.wrap_socket(plain, server_hostname="shop.example")
        connection.request("GET", "/api/cart", headers={"Connection": "close"})
        answer = connection.getresponse()
        assert answer.status == 200, answer.status
        return json.loads(answer.read())["origin"]

    def route(self, method, url, *options):
        """`gatewhy route`, as JSON, on the file as it is: without any of the variables."""
        found = subprocess.run([GATEWHY, "route", method, url, "-c", CONFIG, "--json", *options],
                               env={}, capture_output=True, text=True, timeout=PATIENCE)
        assert found.returncode in (0, 1), found
        return json.loads(found.stdout)

    def end(self):
        for process in (self.websocket, self.gateway and self.gateway.process):
            if process and process.poll() is None:
                process.kill()
                process.wait()
        for origin in self.origins.values():
            origin.stop()


def run(*words, **options):
    done = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE, **options)
    assert done.returncode == 0, (words, done)
    return done.stdout


def the_file_is_in_order(site):
    said = subprocess.run([GATEWHY, "check", "--strict", "-c", CONFIG], env=site.files, capture_output=True, text=True)
    assert (said.returncode, said.stderr) == (0, ""), said
    assert re.fullmatch(r"ok: 2 listeners, 6 origins, \d+ routes; certificate of .* expires in \d+ days\n", said.stdout), said


def what_the_log_hides_is_the_default_and_more(_):
    with open(os.path.join(SOURCE, "docs/configuration.md")) as manual, open(CONFIG) as config:
        default = re.search(r"`log\.redact\.query` \| list \| `\[(.*?)\]`", manual.read()).group(1).split(", ")
        ours = re.search(r"(?s)\bquery: \[(.*?)\]", config.read()).group(1)
    assert re.split(r",\s*", ours) == default + ["email"], (ours, default)


def route_says_where_requests_go(site):
    for method, url, route, origin in (
            ("GET", "https://shop.example/cart", "shop.example", "shop"),
            ("GET", "http://shop.example/.well-known/acme-challenge/x", "*/.well-known/acme-challenge/", "acme"),
            ("GET", "https://staging.shop.example/", "staging.shop.example", "staging"),
            ("POST", "https://shop.example/api/login", "shop.example/api/login", "api"),
            ("GET", "https://shop.example/api/cart", "shop.example/api/#2", "api"),
            ("GET", "https://shop.example/live", "shop.example/live", "live"),
            ("OPTIONS", "https://shop.example/api/cart", "shop.example/api/", None),
            ("GET", "https://shop.example/checkout/pay", "shop.example/checkout#2", None)):
        said = site.route(method, url)
        assert (said.get("route"), said.get("origin")) == (route, origin), (url, said)
    assert site.route("GET", "http://shop.example/cart")["respond"]["fields"]["Location"] == "https://shop.example/cart"
    assert site.route("GET", "https://shop.example/checkout", "--header", "Cookie: preview=a-long-random-word")["origin"] == "shop"
    assert "route" not in site.route("GET", "https://other.example/")


def plain_http_leads_to_https(site):
    answer = site.curl("http://shop.example/cart?size=42")
    assert (answer.status, answer.fields["location"]) == (308, "https://shop.example/cart?size=42"), vars(answer)
    followed = site.curl("http://shop.example/cart?size=42", "--location")
    assert followed.status == 200, vars(followed)
    asked = followed.json()
    assert (asked["origin"], asked["path"], asked["fields"]["x-forwarded-proto"]) == ("shop", "/cart?size=42", "https"), asked
    answer = site.curl("https://www.shop.example/cart?size=42")
    assert (answer.status, answer.fields["location"]) == (301, "https://shop.example/cart?size=42"), vars(answer)
    challenge = site.curl("http://shop.example/.well-known/acme-challenge/token-1")
    assert (challenge.status, challenge.json()["origin"]) == (200, "acme"), vars(challenge)
    assert site.curl("https://shop.example/", "-H", "Host: other.example").status == 404


def staging_wants_a_password(site):
    refused = site.curl("https://staging.shop.example/")
    assert refused.status == 401, vars(refused)
    assert refused.fields["www-authenticate"].startswith('Basic realm="staging"'), vars(refused)
    assert site.curl("https://staging.shop.example/", "-u", "anna:wrong").status == 401
    answer = site.curl("https://staging.shop.example/", "-u", "anna:" + SECRETS["password"])
    assert (answer.status, answer.json()["origin"], answer.fields["x-robots-tag"]) == (200, "staging", "noindex"), vars(answer)
    assert "authorization" not in answer.json()["fields"], answer.body


def clients_stay_on_their_side_of_the_canary(site):
    addresses = [f"127.0.{i % 4 + 1}.{i}" for i in range(1, 251)]
    sides = {address: site.ask_api_from(address) for address in addresses}
    assert set(sides.values()) == {"api", "api_next"}, sides
    # 25 of 250 on average; outside of these bounds once in millions of choices of addresses.
    next_ones = [address for address in addresses if sides[address] == "api_next"]
    assert 4 <= len(next_ones) <= 55, len(next_ones)
    for address in next_ones[:3] + addresses[:3]:
        assert site.ask_api_from(address) == sides[address], address
        assert site.route("GET", "https://shop.example/api/cart", "--client", address)["origin"] == sides[address], address


def browsers_of_another_host_may_use_the_api(site):
    asked = site.curl("https://shop.example/api/cart", "-X", "OPTIONS", "-H", "Origin: https://app.shop.example",
                      "-H", "Access-Control-Request-Method: PUT")
    assert asked.status == 204, vars(asked)
    assert "PUT" in asked.fields["access-control-allow-methods"], vars(asked)
    answer = site.curl("https://shop.example/api/cart", "-H", "Authorization: Bearer " + SECRETS["bearer"])
    assert answer.fields["access-control-allow-origin"] == "https://app.shop.example", vars(answer)
    assert answer.json()["fields"]["authorization"] == "Bearer " + SECRETS["bearer"], "only basic authentication is kept here"


def logins_are_limited(site):
    statuses = []
    while 429 not in statuses:
        assert len(statuses) < 100, "no limit"
        answer = site.curl("https://shop.example/api/login", "-d", "name=anna")
        statuses.append(answer.status)
    assert statuses[:5] == [200] * 5, statuses
    assert 1 <= int(answer.fields["retry-after"]) <= 12, vars(answer)
    assert answer.fields["access-control-allow-origin"] == "https://app.shop.example", vars(answer)
    assert "Retry-After" in answer.fields["access-control-expose-headers"], vars(answer)
    other_client = site.curl("https://shop.example/api/login", "--interface", "127.0.0.2")
    assert other_client.status == 200, vars(other_client)
    assert site.curl("https://shop.example/api/cart").status == 200, "the rest of the API is not limited"


def websockets_pass_where_they_may(site):
    site.websocket.stdin.write(json.dumps({"port": site.https, "ca": site.authorities}) + "\n")
    site.websocket.stdin.flush()
    said = site.websocket.stdout.readline()
    assert said == "echo of price of a kettle?\n", said
    refused = site.curl("https://shop.example/cart", "--http1.1", "-H", "Connection: Upgrade", "-H", "Upgrade: websocket")
    assert refused.status == 403, vars(refused)


def the_checkout_is_under_maintenance(site):
    page = site.curl("https://shop.example/checkout/pay", "-H", "Accept: text/html")
    assert (page.status, page.fields["retry-after"]) == (503, "600"), vars(page)
    assert page.fields["content-type"].startswith("text/html"), vars(page)
    assert "<h1>The checkout is being worked on</h1>" in page.body and "| Example Shop</title>" in page.body, page.body
    assert '<a href="mailto:help@shop.example">' in page.body and page.fields["x-request-id"] in page.body, page.body
    program = site.curl("https://shop.example/checkout/pay", "-H", "Accept: application/json")
    assert (program.status, program.json()["status"]) == (503, 503), vars(program)
    assert site.curl("https://shop.example/checkout/pay", "-b", "preview=" + SECRETS["preview"]).json()["origin"] == "shop"


def failures_can_be_read_and_explained(site):
    for name in ("api", "api_next", "shop"):
        site.origins.pop(name).stop()
    failure = site.curl("https://shop.example/api/cart", "-H", "Origin: https://app.shop.example", "-H", "Accept: application/json")
    assert failure.status == 521, vars(failure)
    assert failure.fields["access-control-allow-origin"] == "https://app.shop.example", vars(failure)
    assert "X-Request-ID" in failure.fields["access-control-expose-headers"], vars(failure)
    assert failure.fields["proxy-status"].endswith("; error=connection_refused"), vars(failure)
    page = site.curl("https://shop.example/cart", "-H", "Accept: text/html")
    assert page.status == 521 and "<h1>We are having trouble</h1>" in page.body, vars(page)
    request = failure.fields["x-request-id"]
    event = site.gateway.event(request_id=request)
    assert event["diagnosis"]["cause"] == "connection_refused", event
    assert "connection_refused" in run(GATEWHY, "why", request, "--admin", site.admin)


def the_log_has_no_secrets(site):
    site.curl(f"https://shop.example/cart?token={SECRETS['query']}&email=anna%40shop.example&size=42")
    site.gateway.stop()
    log = "".join(site.gateway.lines)
    assert '"token=…&email=…&size=42"' in log, log[-3000:]
    for secret in (*SECRETS.values(), "anna%40"):
        assert secret not in log, secret
    for event in map(json.loads, filter(None, site.gateway.lines)):
        assert event["severity"] != "ERROR" or "diagnosis" in event, event


def give_up(*_):
    raise TimeoutError


signal.signal(signal.SIGALRM, give_up)
signal.alarm(2 * PATIENCE)
with tempfile.TemporaryDirectory() as folder:
    site = Site(folder)
    try:
        the_file_is_in_order(site)
        what_the_log_hides_is_the_default_and_more(site)
        route_says_where_requests_go(site)
        site.start()
        plain_http_leads_to_https(site)
        staging_wants_a_password(site)
        clients_stay_on_their_side_of_the_canary(site)
        browsers_of_another_host_may_use_the_api(site)
        logins_are_limited(site)
        websockets_pass_where_they_may(site)
        the_checkout_is_under_maintenance(site)
        failures_can_be_read_and_explained(site)
        the_log_has_no_secrets(site)
    finally:
        site.end()
print("ok")
