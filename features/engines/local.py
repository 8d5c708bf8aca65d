"""Engine that runs work in this process, one piece after the other."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from domain.progress import Progress, silent
from features.engines.engine import Item, Report


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
