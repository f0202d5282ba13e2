# SPDX-License-Identifier: Apache-2.0
"""Clients that take a response slowly, all at once: `slow_peers.py SECONDS READER…`, where a reader is
PORT,tls|plain,PATH,RECEIVE_BUFFER,BYTES: so many bytes every 200 ms for SECONDS, then the rest at once.
Prints a line for each: its words, and how many bytes of a body came."""
import socket
import ssl
import sys
import threading
import time

STEP = 0.2
PATIENCE = 60


def open_connection(port, tls, buffer):
    connection = socket.socket()
    if buffer:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    connection.settimeout(PATIENCE)
    connection.connect(("127.0.0.1", port))
    if not tls:
        return connection
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(connection, suppress_ragged_eofs=False)


def read(connection, seconds, step):
    got = bytearray()
    begin = time.monotonic()
    while time.monotonic() - begin < seconds:
        wanted = len(got) + step
        while len(got) < wanted:
            piece = connection.recv(min(65536, wanted - len(got)))
            if not piece:
                return bytes(got)
            got += piece
        time.sleep(STEP)
    while True:
        piece = connection.recv(1 << 20)
        if not piece:
            return bytes(got)
        got += piece


def say(line):
    sys.stdout.write(line + "\n")  # in one piece: the threads share it
    sys.stdout.flush()


def play(words, seconds):
    port, kind, path, buffer, step = words.split(",")
    try:
        connection = open_connection(int(port), kind == "tls", int(buffer))
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n".encode())
        body = read(connection, seconds, int(step)).partition(b"\r\n\r\n")[2]
        say(f"{words} {body.count(b'x')}")
    except OSError as error:
        say(f"{words} broken: {error}")


threads = [threading.Thread(target=play, args=(words, float(sys.argv[1]))) for words in sys.argv[2:]]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
