"""A channel's system: a real HTTP server with configurable answers, which makes each contact once."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from nbo_client.webhooks import SIGNATURE_HEADER, is_genuine

SECRET = "a secret that both sides know"
SILENT, CUT, DRIPPING = "silent", "cut", "dripping"


@dataclass
class Receiver:
    """What came.

    Attributes:
        script: What to do with the requests that come, one after the other: a status, a status with Retry-After,
            `SILENT` (never answer), `DRIPPING` (a header without end) or `CUT` (take the contacts and close the
            connection unanswered). 200 after those.
        location: Where answers send to.
        together: It answers the second request and those after it when so many are waiting, or the last ones are.
        most: Requests that waited at the same time.
        poisoned: Customers whose contacts it refuses.
        made: Contacts by decision id, each made once.
    """

    script: list[Any] = field(default_factory=list)
    poisoned: set[str] = field(default_factory=set)
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    made: dict[str, dict[str, Any]] = field(default_factory=dict)
    repeated: int = 0
    url: str = ""
    location: str | None = None
    together: int = 1
    most: int = 0
    waiting: int = 0
    changed: threading.Condition = field(default_factory=threading.Condition)
    ended: threading.Event = field(default_factory=threading.Event)

    def status(self, headers: dict[str, str], body: bytes) -> Any:
        self.requests.append((headers, body))
        if not is_genuine(body, headers[SIGNATURE_HEADER], SECRET, datetime.now(UTC)):
            return 401
        told = self.script.pop(0) if self.script else 200
        contacts = json.loads(body).get("contacts", [])
        if any(contact["customer_id"] in self.poisoned for contact in contacts):
            return 422
        if told in (200, CUT):
            for contact in contacts:
                self.repeated += contact["decision_id"] in self.made
                self.made.setdefault(contact["decision_id"], contact)
        return told

    def wait_for_others(self) -> None:
        """Answer only when other requests wait too, so that a sequential sender would wait in vain."""
        with self.changed:
            self.waiting += 1
            self.most = max(self.most, self.waiting)
            self.changed.notify_all()
            if len(self.requests) > 1 and self.most < self.together:
                self.changed.wait_for(lambda: self.most >= self.together, 20)
            self.waiting -= 1


@contextmanager
def receiving(**more: Any) -> Iterator[Receiver]:
    receiver = Receiver(**more)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told = receiver.status(dict(self.headers), body)
            receiver.wait_for_others()
            if told == DRIPPING:
                self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
                while not receiver.ended.wait(0.05):
                    try:
                        self.wfile.write(b"x")
                    except OSError:
                        break
                told = CUT
            if told == SILENT:
                receiver.ended.wait(30)
            if told in (SILENT, CUT):
                self.close_connection = True
                return
            status, after = told if isinstance(told, tuple) else (told, None)
            self.send_response(status)
            if receiver.location is not None:
                self.send_header("Location", receiver.location)
            if after is not None:
                self.send_header("Retry-After", str(after))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *words: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_port}/contacts"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.ended.set()
        server.shutdown()
        server.server_close()
        thread.join()
