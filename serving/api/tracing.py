"""OpenTelemetry traces: a span for every request and each of its steps, without customer data.

Imported only if an endpoint is set, so that services without tracing pay nothing for it.
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
"""How long an unresponsive collector may delay shutdown."""

UNTRACED: Final = frozenset({"/healthz", "/readyz", "/metrics"})
"""Probed every few seconds by machines that only check for an answer."""

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT", "QUERY"})
_OTHER: Final = "_OTHER"
_CALLERS: Final = TraceContextTextMapPropagator()


class Tracing:
    """Exports spans to a collector over HTTP, configured by OpenTelemetry's environment variables.

    A thread of its own sends the spans; if the collector does not answer they are dropped, and no request waits.

    Args:
        bank: Name of the bank, added to every span as `nbo.bank`.
        inside: Permitted addresses inside the bank.
    """

    def __init__(self, bank: str, inside: Inside) -> None:
        named = OTELResourceDetector().detect().attributes
        self._provider = TracerProvider(resource=Resource.create({"service.name": "nbo", **named, "nbo.bank": bank}))
        self._exporter = OTLPSpanExporter(session=CollectorSession(inside))
        self._provider.add_span_processor(BatchSpanProcessor(self._exporter))
        self._tracer = self._provider.get_tracer("nbo.service")

    def add_to(self, app: FastAPI) -> None:
        """Trace every request of an application that has not started yet."""
        app.add_middleware(Traced, tracing=self)

    @contextmanager
    def span(self, name: str, **more: Any) -> Iterator[Span]:
        """Open a child span of the current one."""
        with self._tracer.start_as_current_span(
            name, record_exception=False, set_status_on_exception=False, **more
        ) as span:
            try:
                yield span
            except Exception as error:
                _set_failure(span, error)
                raise

    def ended(self, name: str, parent: Span, began: int, error: BaseException | None) -> None:
        """Add a child span for work that has just ended.

        Args:
            name: Name of the span.
            parent: Parent span.
            began: Start, nanoseconds since 1970.
            error: Why it failed; only the type is exported, because the message may name a customer.
        """
        span = self._tracer.start_span(name, set_span_in_context(parent), start_time=began)
        if error is not None:
            _set_failure(span, error)
        span.end()

    def follow(self, service: Service) -> None:
        """Trace the steps of a service that has not answered any request yet."""
        service.instrumentation = _Following(self, service.instrumentation)

    def close(self) -> None:
        """Send the remaining spans within `END_SECONDS`."""
        ending = threading.Timer(END_SECONDS, self._exporter.shutdown)
        ending.start()
        self._provider.shutdown()
        ending.cancel()


class Traced:
    """ASGI middleware: a span for every request, named by method and route template, never by URL.

    It continues the caller's trace if there is a `traceparent` header (W3C).

    Args:
        app: The wrapped application.
        tracing: Exports the spans.
    """

    def __init__(self, app: ASGIApp, tracing: Tracing) -> None:
        self._app = app
        self._tracing = tracing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request within a span."""
        if scope["type"] != "http" or scope["path"] in UNTRACED:
            await self._app(scope, receive, send)
            return
        # an unknown method is free text of the caller
        method = scope["method"] if scope["method"] in _METHODS else _OTHER
        caller = _CALLERS.extract(Headers(scope=scope))
        attributes = {"http.request.method": method}
        with self._tracing.span(method, context=caller, kind=SpanKind.SERVER, attributes=attributes) as span:

            async def watched(message: Message) -> None:
                if message["type"] == "http.response.start":
                    _set_status(span, message["status"])
                await send(message)

            try:
                await self._app(scope, receive, watched)
            except Exception:
                # answered by an outer handler
                _set_status(span, 500)
                raise
            finally:
                route = template_of(scope)
                if route is not None:
                    span.update_name(f"{method} {route}")
                    span.set_attribute("http.route", route)


class _Following:
    """Instrumentation that creates spans and passes every call on to another instrumentation.

    Several requests are decided in one pass, in a thread of its own: each is marked with the span that was current when
    it arrived, and each step of its pass becomes a child of that span.
    """

    def __init__(self, tracing: Tracing, other: Instrumentation) -> None:
        self._tracing = tracing
        self._other = other
        self._marks: dict[int, Span] = {}
        """Spans of the current pass, by identity of the request; used only by the deciding thread."""

    def asked(self) -> object:
        return get_current_span()

    def question(self) -> AbstractContextManager[Any]:
        return self._tracing.span("decision")

    def together(self, questions: Sequence[Marked]) -> None:
        self._other.together(questions)
        self._marks = {id(question.asked): _marked(question) for question in questions}
        for span in self._marks.values():
            _set_attributes(span, {"nbo.together": len(questions)})

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
        attributes = {
            "nbo.decision_id": trace.decision_id,
            "nbo.channel": trace.channel,
            "nbo.policy": trace.versions["policy"],
            "nbo.degraded": [what.value for what in prepared.degraded],
        }
        _set_attributes(_marked(question), attributes)

    def ingested(self, fates: Iterable[EventStatus], refused: int) -> None:
        self._other.ingested(fates, refused)


def _marked(question: Marked) -> Span:
    assert isinstance(question.mark, Span)
    return question.mark


def _set_attributes(span: Span, attributes: Mapping[str, AttributeValue]) -> None:
    # the caller may have disconnected, and the request's span ended
    if span.is_recording():
        span.set_attributes(attributes)


def _set_failure(span: Span, error: BaseException) -> None:
    # only the type: the message may name a customer
    span.set_attribute("error.type", type(error).__qualname__)
    span.set_status(StatusCode.ERROR)


def _set_status(span: Span, status: int) -> None:
    span.set_attribute("http.response.status_code", status)
    if status >= 500:
        span.set_status(StatusCode.ERROR)
