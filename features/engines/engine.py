"""Engines: where work on buckets of customers runs, such as this process. Callers need not know which one is used."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol, TypeVar

from domain.progress import Progress, silent

Item = TypeVar("Item")
Report = dict[str, Any]
"""Report of a piece of work: names, counts and paths that JSON can hold; its results are in files."""


class Workers(Protocol):
    """Workers that run pieces of work."""

    @property
    def threads(self) -> int:
        """Number of threads that a piece of work may use."""

    def map(
        self, work: Callable[[Item], Report], items: Sequence[Item], progress: Progress = silent
    ) -> Sequence[Report]:
        """Run a piece of work for each item.

        Args:
            work: A module-level function that reads files and replaces whole files: it may be called more than once
                for an item, and for several items at once.
            items: One for each piece of work: small, because they are sent to workers; they name files that every
                worker can access.
            progress: Called with the number of items done.

        Returns:
            The reports, in the order of the items.

        Raises:
            NboError: If a piece of work raised it.
            EngineError: If the engine failed to run the work.
        """
        ...


class Engine(Protocol):
    """Provides workers when there is work to do."""

    def workers(self) -> AbstractContextManager[Workers]:
        """Provide workers for the duration of a `with` block.

        Raises:
            EngineError: If no workers are available.
        """
        ...


class LocalEngine:
    """Runs work in this process.

    Example:
        >>> with LocalEngine().workers() as workers:
        ...     workers.map(lambda bucket: {"bucket": bucket}, [0, 1])
        [{'bucket': 0}, {'bucket': 1}]
    """

    @property
    def threads(self) -> int:
        """All cores, because only one piece of work runs at a time."""
        return os.cpu_count() or 1

    @contextmanager
    def workers(self) -> Iterator[LocalEngine]:
        """Provide this engine as the workers."""
        yield self

    def map(self, work: Callable[[Item], Report], items: Sequence[Item], progress: Progress = silent) -> list[Report]:
        """Run the work for each item in turn."""
        reports = []
        for number, item in enumerate(items, start=1):
            reports.append(work(item))
            progress(number, len(items))
        return reports
