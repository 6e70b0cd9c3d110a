"""The us-upper server graded by an ordinary suite: what the grader is compared with.

As good as such a suite gets: ready when the server has said `listening`, no sleep, the timeout only
a net for a server that hangs. No isolation, no tracing. The server is named by US_SERVER.
"""

import os
import signal
import socket
import subprocess

import pytest

NET = 10.0
SLOW = 49152


class Server:
    def __init__(self, path):
        self.path = str(path)
        self.process = subprocess.Popen(
            [os.environ["US_SERVER"], self.path],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert self.process.stdout.readline() == b"listening\n"

    def connect(self):
        peer = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        peer.settimeout(NET)
        peer.connect(self.path)
        return peer

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.process.wait(NET)


@pytest.fixture
def server(tmp_path):
    server = Server(tmp_path / "socket")
    yield server
    server.process.kill()
    server.process.wait()
    server.process.stdout.close()


def receive(peer, length):
    data = b""
    while len(data) < length:
        part = peer.recv(65536)
        assert part, f"the reply ends after {len(data)} bytes"
        data += part
    return data


def session(server, request, reply):
    with server.connect() as peer:
        peer.sendall(request)
        peer.shutdown(socket.SHUT_WR)
        assert receive(peer, len(reply)) == reply
        assert peer.recv(1) == b""


def test_address(server):
    server.connect().close()


def test_upper(server):
    every = bytes(range(256))
    session(server, every, bytes(c - 32 if 97 <= c <= 122 else c for c in every))


def test_duplex(server):
    with server.connect() as peer:
        peer.sendall(b"ab")
        assert receive(peer, 2) == b"AB"


def test_next(server):
    for _ in range(4):
        session(server, b"hello\n", b"HELLO\n")


def test_fragments(server):
    text = b"one stream, whatever its pieces.\nthe next line ends without newline"
    with server.connect() as peer:
        for at in range(0, len(text), 7):
            piece = text[at : at + 7]
            peer.sendall(piece)
            assert receive(peer, len(piece)) == piece.upper()


def test_slow(server):
    data = b"abcdefghij\n" * (SLOW // 11)
    with server.connect() as peer:
        peer.sendall(data)
        peer.shutdown(socket.SHUT_WR)
        assert receive(peer, len(data)) == data.upper()


def test_rude(server):
    with server.connect() as peer:
        peer.sendall(b"x" * SLOW)
    session(server, b"still here?\n", b"STILL HERE?\n")


def test_term(server):
    assert server.stop(signal.SIGTERM) == 0
    assert not os.path.exists(server.path)


def test_int(server):
    assert server.stop(signal.SIGINT) == 0
    assert not os.path.exists(server.path)


def test_bye_to_a_client(server):
    with server.connect() as peer:
        peer.sendall(b"a")
        assert receive(peer, 1) == b"A"
        assert server.stop() == 0
        assert peer.recv(1) == b""
