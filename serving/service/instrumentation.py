"""Who watches a service: told of steps, decisions and events while they happen."""

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
    """A question with the mark of whoever watches."""

    @property
    def asked(self) -> DecisionRequest:
        """What was asked."""

    @property
    def mark(self) -> object:
        """What `Instrumentation.asked` gave when it was asked."""


class Instrumentation(Protocol):
    """Counts and measures."""

    def step(self, name: str, asked: Sequence[DecisionRequest]) -> AbstractContextManager[None]:
        """Measure a step of some questions of a pass for the length of a `with` block."""

    def asked(self) -> object:
        """Mark a question in the moment in which it is asked; what is told of it later comes with its mark."""

    def question(self) -> AbstractContextManager[Any]:
        """Follow one question of many for the length of a `with` block."""

    def took(self, name: str, seconds: float, question: Marked, error: BaseException | None) -> None:
        """Be told how long a step of a question took, and whether it failed."""

    def together(self, questions: Sequence[Marked]) -> None:
        """Be told of questions that are decided in one pass from now on."""

    def decided(self, prepared: PendingDecision, question: Marked) -> None:
        """Count a decision that was kept or answered."""

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
        """Follow nothing."""
        return nullcontext()

    def took(self, name: str, seconds: float, question: Marked, error: BaseException | None) -> None:
        """Count nothing."""

    def together(self, questions: Sequence[Marked]) -> None:
        """Count nothing."""

    def decided(self, prepared: PendingDecision, question: Marked) -> None:
        """Count nothing."""

    def ingested(self, fates: Iterable[EventStatus], refused: int) -> None:
        """Count nothing."""
