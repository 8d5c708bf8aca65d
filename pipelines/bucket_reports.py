"""Work on buckets with the bank's engine: what is done already is not done again, and every report says so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from features.engines.engine import Report
from pipelines.reuse import REUSED
from wiring.components import Components
from wiring.progress import progress_of


class Work(Protocol):
    """The work on one bucket."""

    @property
    def bucket(self) -> int:
        """Number of the bucket."""
        ...

    def done(self) -> Report | None:
        """Return the report if the files are up to date."""
        ...


W = TypeVar("W", bound=Work)


def reports_of(
    components: Components,
    works: Sequence[W],
    do: Callable[[W], Report],
    description: str,
    on_threads: Callable[[W, int], W] = lambda work, _: work,
) -> list[Report]:
    """Do the work of unfinished buckets; return the reports of all buckets, in their order.

    Args:
        components: The bank's components.
        works: One piece for each bucket.
        do: Does a piece.
        description: What is done, for the progress bar.
        on_threads: Tells a piece how many threads it has.
    """
    reports = {work.bucket: report for work in works if (report := work.done()) is not None}
    reused = set(reports)
    waiting = [work for work in works if work.bucket not in reused]
    with progress_of(description) as progress:
        if waiting:
            with components.engine.workers() as workers:
                done = workers.map(do, [on_threads(work, workers.threads) for work in waiting], progress)
            reports |= {report["bucket"]: report for report in done}
    return [{**reports[work.bucket], REUSED: work.bucket in reused} for work in works]
