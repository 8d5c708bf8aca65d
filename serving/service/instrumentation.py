"""Instrumentation of a service: hooks for its steps, decisions and events."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, Protocol

from records.ingestion import EventStatus
from serving.service.decision_request import DecisionRequest
from serving.service.steps import untimed

if TYPE_CHECKING:
    from serving.service.deciding import PendingDecision


class Marked(Protocol):
    """A request with the mark of its instrumentation."""

    @property
    def asked(self) -> DecisionRequest:
        """The request."""

    @property
    def mark(self) -> object:
        """What `Instrumentation.asked` returned when the request arrived."""


class Instrumentation(Protocol):
    """Counts and measures."""

    def step(self, name: str, asked: Sequence[DecisionRequest]) -> AbstractContextManager[None]:
        """Time one step of some requests of a pass, for the length of a `with` block."""

    def asked(self) -> object:
        """Return a mark for a request that just arrived; later calls about the request carry it."""

    def question(self) -> AbstractContextManager[Any]:
        """Trace one request for the length of a `with` block."""

    def took(self, name: str, seconds: float, question: Marked, error: BaseException | None) -> None:
        """Record how long a step of a request took, and whether it failed."""

    def together(self, questions: Sequence[Marked]) -> None:
        """Record that requests are decided in one pass from now on."""

    def decided(self, prepared: PendingDecision, question: Marked) -> None:
        """Count a decision that was committed or answered."""

    def ingested(self, fates: Iterable[EventStatus], refused: int) -> None:
        """Count events."""


class NoInstrumentation:
    """Counts nothing."""

    def step(self, name: str, asked: Sequence[DecisionRequest]) -> AbstractContextManager[None]:
        """Measure nothing."""
        return untimed(name, asked)

    def asked(self) -> object:
        """Mark nothing."""
        return None

    def question(self) -> AbstractContextManager[Any]:
        """Trace nothing."""
        return nullcontext()

    def took(self, name: str, seconds: float, question: Marked, error: BaseException | None) -> None:
        """Count nothing."""

    def together(self, questions: Sequence[Marked]) -> None:
        """Count nothing."""

    def decided(self, prepared: PendingDecision, question: Marked) -> None:
        """Count nothing."""

    def ingested(self, fates: Iterable[EventStatus], refused: int) -> None:
        """Count nothing."""
