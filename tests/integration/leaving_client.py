# SPDX-License-Identifier: Apache-2.0
"""One request with Python's own client: `leaving_client.py http|https PORT stay|half|leave|upload PATH`. Prints status and body."""
import http.client
import socket
import ssl
import sys
import time

scheme, port, mode, path = sys.argv[1:]
if scheme == "https":
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    connection = http.client.HTTPSConnection("127.0.0.1", int(port), context=context, timeout=30)
else:
    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=30)
if mode == "upload":
    connection.putrequest("POST", path)
    connection.putheader("Content-Length", "5000")
    connection.endheaders(b"abc")
    socket.socket.shutdown(connection.sock, socket.SHUT_WR)
    time.sleep(0.3)
    sys.exit()
connection.request("GET", path)
if mode == "leave":
    time.sleep(0.3)
    connection.close()
    sys.exit()
if mode == "half":
    # Of TCP also where TLS lies above it: SSLSocket.shutdown() would take TLS away.
    socket.socket.shutdown(connection.sock, socket.SHUT_WR)
response = connection.getresponse()
print(response.status, response.read().decode())
