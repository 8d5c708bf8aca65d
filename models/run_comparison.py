"""Compares two training runs on the rows that both held out: paired differences, over all rows and by group."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from domain.errors import DataError
from models.comparison import CUSTOMER, GROUP
from models.evaluation.estimate import CustomerDraws
from models.evaluation.evaluation import REPLICATES
from models.evaluation.groups import ENOUGH_OF_EACH_CLASS, UNKNOWN
from models.evaluation.scored import score_columns
from models.held_out import MODEL

_OF_GROUPS = ("log_loss", "auc")
"""Metrics by group; the others need more rows than a group has."""
_ALL = "all"
_OUTCOME = "y"


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedDifference:
    """A metric of two runs on the same rows.

    Attributes:
        grouping: `all`, or stage, segment, offer or channel.
        group: Name of the group; `all` for all rows.
        first: Value of the first run.
        second: Value of the second run.
        better: How much better the second is: positive is better, whatever the metric's direction.
        low: Lower bound of its 95 % interval.
        high: Upper bound of its 95 % interval.
    """

    grouping: str
    group: str
    rows: int
    metric: str
    first: float
    second: float
    better: float
    low: float
    high: float

    @property
    def is_beyond_noise(self) -> bool:
        """Whether the interval excludes 0."""
        return self.low > 0.0 or self.high < 0.0


def compare_recorded(first: pa.Table, second: pa.Table, seed: int = 7) -> list[PairedDifference]:
    """Compare two runs by their recorded predictions.

    Args:
        first: `recorded_predictions` of the first run.
        second: Those of the second run.
        seed: Seed of the bootstrap, which draws customers.

    Raises:
        DataError: The runs have no row in common, or a row with different outcomes.
    """
    rows, others = _common(first, second)
    if not len(rows):
        raise DataError(
            "the runs were judged on different rows",
            got="no row in common",
            remedy="train both on the same data: `nbo train --as NAME` with the same --as-of",
        )
    one, two = first.take(rows), second.take(others)
    y = one[_OUTCOME].to_numpy()
    if not np.array_equal(y, two[_OUTCOME].to_numpy()):
        raise DataError("the outcomes of the same rows differ", remedy="compare runs of the same label")
    table = _Rows(one, two[MODEL].to_numpy(), y)
    found = list(table.differences((_ALL, _ALL), np.arange(len(y)), None, seed))
    for name in one.column_names:
        if name.startswith(GROUP):
            labels = np.array([label or UNKNOWN for label in one[name].to_pylist()], dtype=object)
            for label in sorted(set(labels)):
                place = np.flatnonzero(labels == label)
                found += table.differences((name.removeprefix(GROUP), label), place, _OF_GROUPS, seed)
    return found


def _common(first: pa.Table, second: pa.Table) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the positions of the rows that both have once."""
    keys = [table["row"].to_numpy() for table in (first, second)]
    once = []
    for own in keys:
        values, counts = np.unique(own, return_counts=True)
        once.append(values[counts == 1])
    both = np.intersect1d(*once)
    found = [np.argsort(own, kind="stable")[np.searchsorted(np.sort(own), both)] for own in keys]
    return found[0], found[1]


@dataclass(frozen=True, slots=True)
class _Rows:
    one: pa.Table
    second: NDArray[np.float64]
    y: NDArray[np.float64]

    def differences(
        self, where: tuple[str, str], rows: NDArray[np.intp], metrics: tuple[str, ...] | None, seed: int
    ) -> Iterator[PairedDifference]:
        y = self.y[rows]
        if min(y.sum(), len(y) - y.sum()) < ENOUGH_OF_EACH_CLASS:
            return
        column = CUSTOMER if CUSTOMER in self.one.column_names else "row"  # runs of former versions have no customers
        customers = self.one[column].to_numpy()[rows].astype(object)
        draws = CustomerDraws.of(customers, REPLICATES, seed)
        scores = {"first": self.one[MODEL].to_numpy()[rows], "second": self.second[rows]}
        scored = score_columns(scores, y, self.one["fold"].to_numpy()[rows], draws, economics=None)
        for metric, better in scored["second"].improvements_over(scored["first"]).items():
            if metrics is None or metric in metrics:
                values = [scored[name].values[metric] for name in scores]
                yield PairedDifference(
                    grouping=where[0],
                    group=where[1],
                    rows=len(rows),
                    metric=metric,
                    first=values[0],
                    second=values[1],
                    better=better.value + 0.0,  # no -0
                    low=better.low + 0.0,
                    high=better.high + 0.0,
                )
