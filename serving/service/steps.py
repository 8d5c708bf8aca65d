"""Steps of a request whose time can be measured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from serving.service.decision_request import DecisionRequest


class Steps(Protocol):
    """Opens a step, by its name and the requests it is for, for the length of a `with` block."""

    def __call__(self, name: str, asked: Sequence[DecisionRequest], /) -> AbstractContextManager[None]: ...  # noqa: D102


@contextmanager
def untimed(name: str, asked: Sequence[DecisionRequest]) -> Iterator[None]:
    """Measure nothing.

    Example:
        >>> with untimed("read", []):
        ...     pass
    """
    del name, asked
    yield
