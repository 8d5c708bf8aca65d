"""Who watches a service: told of steps, decisions and events while they happen."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, Protocol

from serving.journal.acceptance import Fate
from serving.live.steps import untimed

if TYPE_CHECKING:
    from serving.live.deciding import Prepared


class Watcher(Protocol):
    """Counts and measures."""

    def step(self, name: str) -> AbstractContextManager[None]:
        """Measure a step of a request for the length of a `with` block."""

    def question(self) -> AbstractContextManager[Any]:
        """Follow one question of many for the length of a `with` block."""

    def decided(self, prepared: Prepared) -> None:
        """Count a decision that was kept or answered."""

    def heard(self, fates: Iterable[Fate], refused: int) -> None:
        """Count events."""


class Unwatched:
    """Counts nothing."""

    def step(self, name: str) -> AbstractContextManager[None]:
        """Measure nothing."""
        return untimed(name)

    def question(self) -> AbstractContextManager[Any]:
        """Follow nothing."""
        return nullcontext()

    def decided(self, prepared: Prepared) -> None:
        """Count nothing."""

    def heard(self, fates: Iterable[Fate], refused: int) -> None:
        """Count nothing."""
