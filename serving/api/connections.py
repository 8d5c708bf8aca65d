"""HTTP connections with limits on header size, on the time a request takes to arrive, and on their number.

By default the server waits forever for slow requests and buffers headers of any size; its parser takes a second for
some megabytes of one header, and blocks all other requests meanwhile.
"""

from __future__ import annotations

import asyncio
from asyncio.events import TimerHandle
from collections.abc import Callable
from enum import Enum, auto
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from config.service import ConnectionLimits
from serving.api.problems import RETRY_SECONDS, ProblemError

if TYPE_CHECKING:
    from uvicorn._types import ASGI3Application

MOST_HEADERS: Final = 100
MOST_PIPELINED: Final = 32
"""Requests that wait on one connection for the previous answer; hardly any client sends a second."""

SPARE: Final = 16
"""Connections beyond the limit, for liveness checks."""

ALWAYS_ANSWERED: Final = frozenset({b"/healthz", b"/metrics"})

WIRE_PER_BYTE: Final = 2
"""Maximum bytes read per byte of body: chunks may be small, but each takes time."""

LINGER_SECONDS: Final = 2.0
"""How long further input is discarded after a refusal: closing at once would lose the refusal."""


class _Coming(Enum):
    """Which part of the request is being read."""

    NOTHING = auto()
    HEADERS = auto()
    BODY = auto()


class _RefusedError(Exception):
    """Stops the parser; the connection holds the reason."""


class LimitedConnection(HttpToolsProtocol):
    """The server's side of one connection; takes the arguments of the base class and the limits.

    Args:
        limits: Limits that apply.
        largest_body: Maximum size of a body, bytes.
        spare: Connections of this process beyond the limit, the oldest first.
    """

    def __init__(
        self,
        *args: Any,
        limits: ConnectionLimits,
        largest_body: int,
        spare: dict[LimitedConnection, None],
        **more: Any,
    ) -> None:
        super().__init__(*args, **more)
        self._limits = limits
        self._most_read = largest_body * WIRE_PER_BYTE
        self._coming = _Coming.NOTHING
        self._spare = spare
        self._ended = False
        self._why: ProblemError | None = None
        self._read = self._header_bytes = self._header_count = 0
        self._answered: RequestResponseCycle | None = None
        self._timed: _Coming | None = None
        self._timer: TimerHandle | None = None
        self._unread_timer: TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Register the connection; beyond the spare connections, abort the oldest spare one.

        A liveness check sends its request at once, and is answered before newer connections displace it.
        """
        super().connection_made(transport)
        if len(self.connections) > self._limits.most:
            if len(self._spare) >= SPARE:
                oldest = next(iter(self._spare))
                del self._spare[oldest]
                oldest.transport.abort()
            self._spare[self] = None
        self._await(_Coming.HEADERS)

    def connection_lost(self, exc: Exception | None) -> None:
        """Clean up."""
        self._spare.pop(self, None)
        self._forget_requests()
        self._await(None)
        self._unset_keepalive_if_required()
        if self._unread_timer is not None:
            self._unread_timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse received bytes and enforce the limits."""
        if self._ended:
            self._read += len(data)
            if self._read > self._most_read:
                self.transport.abort()
            return
        if self._coming is _Coming.NOTHING:
            self._coming, self._read = _Coming.HEADERS, 0
        self._read += len(data)
        self._unset_keepalive_if_required()
        self._parse(data)
        if self._ended or self.transport.is_closing():
            return
        if self._coming is _Coming.HEADERS and self._read > self._limits.largest_header:
            self._refuse(self._too_large())
        elif self._coming is _Coming.BODY and self._read > self._most_read:
            self._end()
        else:
            self._watch()

    def on_message_begin(self) -> None:
        """Start counting."""
        self._coming = _Coming.HEADERS
        self._read = self._header_bytes = self._header_count = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Receive a part of the URL."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Receive a header; trailers after the body are counted and otherwise ignored."""
        self._header_count += 1
        self._count(len(name) + len(value) + len(b": \r\n"))
        if self._coming is _Coming.HEADERS:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Pass the request on, if there is capacity."""
        if self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT":
            return
        if len(self.pipeline) >= MOST_PIPELINED:
            raise _RefusedError
        if len(self.connections) <= self._limits.most:
            self._spare.pop(self, None)
        if self in self._spare and self.url.partition(b"?")[0] not in ALWAYS_ANSWERED:
            self._why = ProblemError(
                503,
                "no-connection",
                "the service has more connections than it can handle",
                headers={"Retry-After": str(RETRY_SECONDS)},
                expected=f"at most {self._limits.most:,} for each worker",
            )
            raise _RefusedError
        super().on_headers_complete()
        self._coming, self._read = _Coming.BODY, 0
        self.cycle.keep_alive = self.cycle.keep_alive and self not in self._spare

    def on_message_complete(self) -> None:
        """Mark the request as complete."""
        if self._coming is not _Coming.BODY:
            return
        super().on_message_complete()
        self._coming = _Coming.NOTHING

    def on_response_complete(self) -> None:
        """Handle a sent answer: the connection becomes idle, or is closed once the answer was read."""
        super().on_response_complete()
        if self.transport.is_closing():
            self._unread_timer = self.loop.call_later(self._limits.idle_seconds, self.transport.abort)
        else:
            self._watch()

    def pause_writing(self) -> None:
        """Limit the wait for a client that does not read its answers."""
        super().pause_writing()
        if self._unread_timer is None:
            self._unread_timer = self.loop.call_later(self._limits.idle_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """Resume writing."""
        super().resume_writing()
        if self._unread_timer is not None and not self.transport.is_closing():
            self._unread_timer.cancel()
            self._unread_timer = None

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection; abort it if the client has not read its answer."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        super().timeout_keep_alive_handler()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._answered = cycle
        super()._start_asgi_task(cycle, app)

    def _parse(self, data: bytes) -> None:
        """Parse, and continue if the parser stops because the client offers to upgrade the protocol.

        Java's client offers HTTP/2 with every first request; what follows is the body, not another protocol.
        """
        while True:
            try:
                self.parser.feed_data(data)
            except HttpParserUpgrade as stopped:
                lines = [self.parser.get_method(), b" ", self.url, b" HTTP/1.1\r\n"]
                lines += [b"%s: %s\r\n" % header for header in self.headers if header[0] != b"upgrade"]
                data = b"".join([*lines, b"\r\n", data[stopped.args[0] :]])
                self.parser = HttpRequestParser(self)
                self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as the server does
            except HttpParserError:
                self._refuse(self._why or ProblemError(400, "not-http", "the request is not HTTP"))
                return
            else:
                return

    def _count(self, size: int) -> None:
        self._header_bytes += size
        if self._header_bytes > self._limits.largest_header or self._header_count > MOST_HEADERS:
            self._why = self._too_large()
            raise _RefusedError

    def _too_large(self) -> ProblemError:
        most = f"at most {self._limits.largest_header:,} bytes in {MOST_HEADERS} headers"
        return ProblemError(431, "header-too-large", "the headers are too large", expected=most)

    def _watch(self) -> None:
        """Start the timer for what is awaited now; it keeps running while that stays the same."""
        if self._coming is not _Coming.NOTHING:
            self._await(self._coming)
            return
        self._await(None)
        if not self._is_answering and self.timeout_keep_alive_task is None:
            # the server does not set it if the answer was sent before the whole request arrived
            after = self.timeout_keep_alive_handler
            self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, after)

    def _await(self, what: _Coming | None) -> None:
        if what is self._timed:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timed = what
        self._timer = None if what is None else self.loop.call_later(self._seconds(what), self._too_late)

    def _seconds(self, what: _Coming) -> float:
        return self._limits.body_seconds if what is _Coming.BODY else self._limits.header_seconds

    def _too_late(self) -> None:
        self._timed = None
        if self._coming is not _Coming.BODY and self._is_answering:
            self._watch()  # a client waiting for its answer is not slow
            return
        expected = f"within {self._seconds(self._coming):g} s"
        self._refuse(ProblemError(408, "too-slow", "the request arrives too slowly", expected=expected))

    @property
    def _is_answering(self) -> bool:
        return self._answered is not None and not self._answered.response_complete

    def _refuse(self, problem: ProblemError) -> None:
        """Answer with a problem and close; never write into another request's answer, or behind this one's."""
        mine = self._coming is _Coming.BODY and self.cycle is self._answered
        free = not self.cycle.response_started if mine else not self._is_answering
        if not free:
            self._end()
            return
        answer = problem.response()
        lines = [b"HTTP/1.1 %d \r\nconnection: close\r\n" % problem.status_code]
        lines += [b"%s: %s\r\n" % header for header in answer.raw_headers]
        self.transport.write(b"".join([*lines, b"\r\n", bytes(answer.body)]))
        self._end()

    def _forget_requests(self) -> None:
        """Stop answering all requests; the server itself would notify only the last one."""
        self.pipeline.clear()
        if self._answered is not None and not self._answered.response_complete:
            self._answered.disconnected = True
            self._answered.message_event.set()

    def _end(self) -> None:
        """Send nothing more, and discard input for a moment or until the client closes."""
        self._ended, self._read = True, 0
        self._await(None)
        self._unset_keepalive_if_required()
        self._forget_requests()
        self.loop.call_later(LINGER_SECONDS, self.transport.abort)
        if self.transport.can_write_eof():
            self.transport.write_eof()
            self.flow.resume_reading()
        else:  # TLS has its own closing message
            self.transport.close()


def limited(limits: ConnectionLimits, largest_body: int) -> Callable[..., LimitedConnection]:
    """Return a protocol factory for the server; it can be pickled for worker processes."""
    return partial(LimitedConnection, limits=limits, largest_body=largest_body, spare={})
