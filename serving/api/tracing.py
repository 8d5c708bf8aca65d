"""Traces for OpenTelemetry: a span for every request and for each of its steps, with nothing of customers in them.

Imported only where an endpoint is set: whoever is not traced neither loads this nor runs anything of it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Final

from fastapi import FastAPI
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, StatusCode, get_current_span, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from domain.addresses import Inside
from records.ingestion import EventStatus
from serving.api.collecting import CollectorSession
from serving.api.problems import template_of
from serving.service.deciding import PendingDecision
from serving.service.decision_request import DecisionRequest
from serving.service.instrumentation import Instrumentation, Marked
from serving.service.service import Service

END_SECONDS: Final = 3.0
"""A collector that does not answer is given so long at the end; a service that is told to stop must stop."""

UNTRACED: Final = frozenset({"/healthz", "/readyz", "/metrics"})
"""Asked every few seconds by machines that only want to know whether they are answered."""

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT", "QUERY"})
_OTHER: Final = "_OTHER"
_CALLERS: Final = TraceContextTextMapPropagator()


class Tracing:
    """Sends spans to a collector over HTTP, as the environment variables of OpenTelemetry say.

    Spans are sent by a thread of their own; where the collector does not answer they are dropped, and nobody waits.

    Args:
        bank: Name of the bank, told with every span as `nbo.bank`.
        inside: Addresses inside the bank that a collector may be at.
    """

    def __init__(self, bank: str, inside: Inside) -> None:
        named = OTELResourceDetector().detect().attributes
        self._provider = TracerProvider(resource=Resource.create({"service.name": "nbo", **named, "nbo.bank": bank}))
        self._exporter = OTLPSpanExporter(session=CollectorSession(inside))
        self._provider.add_span_processor(BatchSpanProcessor(self._exporter))
        self._tracer = self._provider.get_tracer("nbo.service")

    def add_to(self, app: FastAPI) -> None:
        """Make a span of every request to an application that has not started yet."""
        app.add_middleware(Traced, tracing=self)

    @contextmanager
    def span(self, name: str, **more: Any) -> Iterator[Span]:
        """Open a span below the one that is open."""
        with self._tracer.start_as_current_span(
            name, record_exception=False, set_status_on_exception=False, **more
        ) as span:
            try:
                yield span
            except Exception as error:
                _say_failure(span, error)
                raise

    def ended(self, name: str, parent: Span, began: int, error: BaseException | None) -> None:
        """Add a span below another one, of what has just ended.

        Args:
            began: When, nanoseconds since 1970.
            error: What it failed with; told by its kind alone, for its words may name a customer.
        """
        span = self._tracer.start_span(name, set_span_in_context(parent), start_time=began)
        if error is not None:
            _say_failure(span, error)
        span.end()

    def follow(self, service: Service) -> None:
        """Make spans of the steps of a service that has not answered anybody yet."""
        service.watcher = _Following(self, service.watcher)

    def close(self) -> None:
        """Send what is left, if that does not take long."""
        ending = threading.Timer(END_SECONDS, self._exporter.shutdown)
        ending.start()
        self._provider.shutdown()
        ending.cancel()


class Traced:
    """Makes a span of every request, named by its method and the template of its route, never by its address.

    It continues the trace of the caller, where `traceparent` (W3C) tells of one.

    Args:
        app: What answers.
        tracing: Where spans go.
    """

    def __init__(self, app: ASGIApp, tracing: Tracing) -> None:
        self._app = app
        self._tracing = tracing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer within a span."""
        if scope["type"] != "http" or scope["path"] in UNTRACED:
            await self._app(scope, receive, send)
            return
        # whatever else somebody calls a method is their own words
        method = scope["method"] if scope["method"] in _METHODS else _OTHER
        caller = _CALLERS.extract(Headers(scope=scope))
        said = {"http.request.method": method}
        with self._tracing.span(method, context=caller, kind=SpanKind.SERVER, attributes=said) as span:

            async def watched(message: Message) -> None:
                if message["type"] == "http.response.start":
                    _say_status(span, message["status"])
                await send(message)

            try:
                await self._app(scope, receive, watched)
            except Exception:
                # answered further out
                _say_status(span, 500)
                raise
            finally:
                route = template_of(scope)
                if route is not None:
                    span.update_name(f"{method} {route}")
                    span.set_attribute("http.route", route)


class _Following:
    """A watcher that makes spans of what happens, and tells another watcher of it too.

    Questions of several requests are decided in one pass, in a thread of its own: a question is marked with the span
    that was open when it was asked, and has each step of its pass below that.
    """

    def __init__(self, tracing: Tracing, other: Instrumentation) -> None:
        self._tracing = tracing
        self._other = other
        self._marks: dict[int, Span] = {}
        """Of the pass that is being made, by the identity of what was asked; only the one thread that decides looks."""

    def asked(self) -> object:
        return get_current_span()

    def question(self) -> AbstractContextManager[Any]:
        return self._tracing.span("decision")

    def together(self, questions: Sequence[Marked]) -> None:
        self._other.together(questions)
        self._marks = {id(question.asked): _marked(question) for question in questions}
        for span in self._marks.values():
            _say(span, {"nbo.together": len(questions)})

    @contextmanager
    def step(self, name: str, asked: Sequence[DecisionRequest]) -> Iterator[None]:
        began, failed = time.time_ns(), None
        try:
            with self._other.step(name, asked):
                yield
        except Exception as error:
            failed = error
            raise
        finally:
            for one in asked:
                self._tracing.ended(name, self._marks[id(one)], began, failed)

    def took(self, name: str, seconds: float, question: Marked, error: BaseException | None) -> None:
        self._other.took(name, seconds, question, error)
        self._tracing.ended(name, _marked(question), time.time_ns() - round(seconds * 1e9), error)

    def decided(self, prepared: PendingDecision, question: Marked) -> None:
        self._other.decided(prepared, question)
        trace = prepared.trace
        said = {
            "nbo.decision_id": trace.decision_id,
            "nbo.channel": trace.channel,
            "nbo.policy": trace.versions["policy"],
            "nbo.degraded": [what.value for what in prepared.degraded],
        }
        _say(_marked(question), said)

    def ingested(self, fates: Iterable[EventStatus], refused: int) -> None:
        self._other.ingested(fates, refused)


def _marked(question: Marked) -> Span:
    assert isinstance(question.mark, Span)
    return question.mark


def _say(span: Span, said: Mapping[str, AttributeValue]) -> None:
    # whoever asked may have gone, and their request have ended
    if span.is_recording():
        span.set_attributes(said)


def _say_failure(span: Span, error: BaseException) -> None:
    # by its kind alone: its words may name a customer
    span.set_attribute("error.type", type(error).__qualname__)
    span.set_status(StatusCode.ERROR)


def _say_status(span: Span, status: int) -> None:
    span.set_attribute("http.response.status_code", status)
    if status >= 500:
        span.set_status(StatusCode.ERROR)
