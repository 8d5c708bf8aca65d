"""A trace collector: a real HTTP server that parses requests as OTLP and keeps the bytes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ScopeSpans, Span


@dataclass
class Collector:
    """Received spans and bytes."""

    url: str = ""
    location: str | None = None
    """Redirect target; if set, requests are redirected instead of accepted."""
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    @property
    def requests(self) -> list[ExportTraceServiceRequest]:
        return [ExportTraceServiceRequest.FromString(body) for body in list(self.bodies)]

    @property
    def scopes(self) -> list[ScopeSpans]:
        return [scope for one in self.requests for of in one.resource_spans for scope in of.scope_spans]

    @property
    def spans(self) -> list[Span]:
        """Spans in order of their start."""
        every = [span for scope in self.scopes for span in scope.spans]
        return sorted(every, key=lambda span: span.start_time_unix_nano)

    @property
    def resources(self) -> list[dict[str, Any]]:
        return [said(of.resource.attributes) for one in self.requests for of in one.resource_spans]


def said(attributes: Any) -> dict[str, Any]:
    """Attributes as plain values."""
    return {one.key: _plain(one.value) for one in attributes}


def _plain(value: Any) -> Any:
    kind = value.WhichOneof("value")
    return [_plain(one) for one in value.array_value.values] if kind == "array_value" else getattr(value, kind)


@contextmanager
def collecting(location: str | None = None) -> Iterator[Collector]:
    collector = Collector(location=location)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            collector.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            collector.headers.append({**dict(self.headers), "path": self.path})
            self.send_response(200 if collector.location is None else 307)
            if collector.location is not None:
                self.send_header("Location", collector.location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *words: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    collector.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
