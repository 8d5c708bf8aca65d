"""Prometheus metrics: durations, decisions and their rejections, and the age of the inputs."""

from __future__ import annotations

import os
import time
from collections import Counter as Counted
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Final

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from config.service import METRICS
from domain.errors import StateError
from records.flush import waiting
from records.ingestion import EventStatus
from serving.api.problems import documented, route_of
from serving.api.requests import apart
from serving.api.security import Reading
from serving.service.budgets import remaining
from serving.service.deciding import PendingDecision
from serving.service.decision_request import DecisionRequest
from serving.service.instrumentation import Marked
from serving.service.service import Service

if TYPE_CHECKING:
    from serving.api.admission import Admission


_SECONDS: Final = (0.001, 0.002, 0.003, 0.004, 0.006, 0.008, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_TOGETHER: Final = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
router = APIRouter(tags=["health"])


class Metrics:
    """The metrics of one service; also its instrumentation."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        own: dict[str, Any] = {"namespace": "nbo", "registry": self.registry}
        self.requests = Histogram(
            "request_seconds", "Requests by route and status", ("route", "method", "status"), buckets=_SECONDS, **own
        )
        self.steps = Histogram("step_seconds", "Steps of a decision", ("step",), buckets=_SECONDS, **own)
        self.passes = Histogram("pass_decisions", "Decisions made in one pass", buckets=_TOGETHER, **own)
        self.decisions = Counter(
            "decisions", "Decisions by first offer", ("channel", "offer", "stage", "features_from"), **own
        )
        self.fallbacks = Counter("fallbacks", "Decisions that offer nothing", ("channel",), **own)
        self.rejections = Counter("rejections", "Candidates by the first rule that failed", ("rule",), **own)
        self.degraded = Counter("degraded", "Decisions made without some of their normal inputs", ("what",), **own)
        self.events = Counter("events", "Events by status", ("fate",), **own)
        latest = {**own, "multiprocess_mode": "livemostrecent"}
        self.budget_left = Gauge("budget_left", "What is left of budgets", ("budget",), **latest)
        self.freshness = Gauge("age_seconds", "Age of the inputs of decisions", ("of",), **latest)
        self.waiting = Gauge("journal_waiting_events", "Events that are not in the event log yet", **latest)
        every = {**own, "multiprocess_mode": "livesum"}
        self.swaps = Gauge("engine_swaps", "Engines put into use", **every)
        self.refused = Gauge("engines_refused", "Engines refused as unfit for use", **every)
        self.turned_away = Gauge("turned_away", "Requests rejected because of overload", **every)
        self.clock_jump = Gauge("clock_jump_seconds", "How far the clock was moved since the start", **latest)

    @contextmanager
    def step(self, name: str, asked: Sequence[DecisionRequest]) -> Iterator[None]:
        """Time a step."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.steps.labels(name).observe(time.perf_counter() - began)

    def took(self, name: str, seconds: float, question: Marked, error: BaseException | None) -> None:
        """Record the duration of a step."""
        self.steps.labels(name).observe(seconds)

    def together(self, questions: Sequence[Marked]) -> None:
        """Record the size of a pass."""
        self.passes.observe(len(questions))

    def asked(self) -> object:
        """Mark nothing."""
        return None

    def question(self) -> AbstractContextManager[Any]:
        """Measure nothing: the request's steps are measured."""
        return nullcontext()

    def decided(self, prepared: PendingDecision, question: Marked) -> None:
        """Count a decision."""
        decision = prepared.trace
        offer = prepared.answered[0][0].offer if prepared.answered else "none"
        self.decisions.labels(decision.channel, offer, decision.stage or "none", prepared.features_from).inc()
        if not prepared.answered:
            self.fallbacks.labels(decision.channel).inc()
        for what in prepared.degraded:
            self.degraded.labels(what.value).inc()
        for rule, candidates in Counted(decision.first_failures()).items():
            self.rejections.labels(prepared.book.rules[rule][0]).inc(candidates)

    def ingested(self, fates: Iterable[EventStatus], refused: int) -> None:
        """Count events."""
        for fate in fates:
            self.events.labels(fate.value).inc()
        if refused:
            self.events.labels("refused").inc(refused)

    def look(self, service: Service, admission: Admission) -> None:
        """Update the gauges that are read on demand.

        Raises:
            StateError: The database does not answer.
        """
        now = service.clock.now()
        for budget, left in remaining(service.database, service.engine.decider.policy, now).items():
            self.budget_left.labels(budget).set(left)
        for of, moment in service.files.freshness().items():
            self.freshness.labels(of).set((now - moment).total_seconds())
        self.waiting.set(waiting(service.database))
        self.turned_away.set(admission.turned_away)
        self.clock_jump.set(service.clock.jumped.total_seconds())
        if service.reloader is not None:
            self.swaps.set(service.reloader.swaps)
            self.refused.set(service.reloader.refused)

    def text(self) -> bytes:
        """Return the metrics of all processes of the service."""
        folder = os.environ.get(METRICS)
        if not folder:
            return generate_latest(self.registry)
        together = CollectorRegistry()
        MultiProcessCollector(together, folder)  # type: ignore[no-untyped-call]
        return generate_latest(together)


class Measured:
    """ASGI middleware that measures every request by route, never by URL.

    Args:
        app: The wrapped application.
        metrics: Metrics to record in.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request and measure it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), "none"

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            seconds = time.perf_counter() - began
            self._metrics.requests.labels(route_of(scope), scope["method"], status).observe(seconds)


@router.get("/metrics", response_class=PlainTextResponse, responses=documented(401, 403, 429))
async def metrics(request: Request, caller: Reading) -> Response:
    """Return the metrics for Prometheus."""
    state = request.app.state
    try:
        await apart(request, state.metrics.look, state.service, state.admission)
    except StateError:
        # the counters are still worth reporting while the database is away
        state.metrics.waiting.set(float("nan"))
    return Response(state.metrics.text(), media_type=CONTENT_TYPE_LATEST)
