"""The application behind its real server, accessed by raw sockets."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from config.service import ConnectionLimits
from serving.api.app import create_app
from serving.api.connections import limited
from tests.ports import HOST
from tests.serving.api.build import SETTINGS, small_service
from tests.waiting import SECONDS, until

Address = tuple[str, int]


@contextmanager
def listening(folder: Path, limits: ConnectionLimits) -> Iterator[Address]:
    """Serve the small bank within limits for the length of the block."""
    config = uvicorn.Config(
        create_app(lambda: small_service(folder)),
        log_level="critical",
        http=limited(limits, SETTINGS.largest_body),  # type: ignore[arg-type]  # makes one as a class would
        ws="none",
        timeout_keep_alive=1,
        timeout_graceful_shutdown=5,
    )
    server = uvicorn.Server(config)
    with socket.create_server((HOST, 0), backlog=256) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_096)  # who reads nothing is noticed sooner
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            until(lambda: server.started or not thread.is_alive())
            yield HOST, listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()


def connect(address: Address) -> socket.socket:
    return socket.create_connection(address, timeout=SECONDS)


def rest_of(connection: socket.socket) -> bytes:
    """Read until the server closes."""
    said = b""
    while True:
        try:
            part = connection.recv(65_536)
        except ConnectionResetError:
            part = b""
        if not part:
            return said
        said += part


def answer_of(connection: socket.socket) -> bytes:
    """Read one complete answer, or what arrives of it before the server closes."""
    said = b""
    while True:
        head, found, body = said.partition(b"\r\n\r\n")
        lines = head.split(b"\r\n") if found else []
        sizes = [int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length:")]
        if found and len(body) >= sum(sizes):
            return said
        part = connection.recv(1)
        if not part:
            return said
        said += part


def send_all(connection: socket.socket, parts: Iterator[bytes]) -> int:
    """Send parts until all are sent or the server accepts no more; return the number of bytes sent."""
    sent = 0
    try:
        for part in parts:
            connection.sendall(part)
            sent += len(part)
    except OSError:
        pass
    return sent
