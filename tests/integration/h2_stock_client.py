# SPDX-License-Identifier: Apache-2.0
"""One request with python3-h2: `h2_stock_client.py http|https PORT get|upload|trailers|cancel PATH`.

Prints the status, the number of octets of the answer's body and its trailers. `upload` and `trailers` send 1 MiB within
the windows; `cancel` resets the stream when the head of the answer is there.
"""
import socket
import ssl
import sys

import h2.config
import h2.connection
import h2.errors
import h2.events

scheme, port, mode, path = sys.argv[1:]
wire = socket.create_connection(("127.0.0.1", int(port)), timeout=30)
if scheme == "https":
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    wire = context.wrap_socket(wire, server_hostname="localhost")
    assert wire.selected_alpn_protocol() == "h2", wire.selected_alpn_protocol()

connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
connection.initiate_connection()
stream = connection.get_next_available_stream_id()
body = b"" if mode in ("get", "cancel") else b"x" * (1 << 20)
connection.send_headers(
    stream,
    [(":method", "POST" if body else "GET"), (":scheme", scheme), (":authority", "localhost"), (":path", path)],
    end_stream=not body,
)
status, size, trailers, over = "none", 0, [], False


def send_body():
    global body
    while body:
        room = min(connection.local_flow_control_window(stream), connection.max_outbound_frame_size)
        if room <= 0:
            return
        piece, body = body[:room], body[room:]
        connection.send_data(stream, piece, end_stream=not body and mode == "upload")
    if mode == "trailers":
        connection.send_headers(stream, [("checked", "yes")], end_stream=True)


sends = bool(body)
while not over:
    if sends:
        send_body()
        sends = bool(body)
    wire.sendall(connection.data_to_send())
    received = wire.recv(65536)
    if not received:
        break
    for event in connection.receive_data(received):
        if isinstance(event, h2.events.ResponseReceived):
            status = dict(event.headers)[":status"]
            if mode == "cancel":
                connection.reset_stream(stream, h2.errors.ErrorCodes.CANCEL)
                over = True
        elif isinstance(event, h2.events.DataReceived):
            size += len(event.data)
            connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.TrailersReceived):
            trailers = event.headers
        elif isinstance(event, (h2.events.StreamEnded, h2.events.StreamReset, h2.events.ConnectionTerminated)):
            if not isinstance(event, h2.events.StreamEnded):
                status += f" {type(event).__name__} {event.error_code}"
            over = True
wire.sendall(connection.data_to_send())
print(status, size, " ".join(f"{name}={value}" for name, value in trailers))
wire.close()
