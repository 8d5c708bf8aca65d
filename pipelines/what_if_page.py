"""The results of a policy simulation as a Markdown page and a file of the decisions that change."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from domain.errors import DataError, StateError
from pipelines.markdown import Rows, table
from storage.atomic import replacing

FAIRNESS = (
    "Rates of customers reached, as ratios to the group reached most among those of at least 2 % of the customers. "
    "Intervals are 95 %, of the logarithm of the ratio (Katz et al. 1978), treating these customers as a random sample "
    "of future ones. Below 0.8 the four-fifths rule (29 CFR 1607.4 D) sees a disadvantage; `surely` means that the "
    "whole interval is below."
)


def what_if_page(result: Mapping[str, Any]) -> str:
    """Write all tables of `pipelines.what_if.simulate_policy` as Markdown."""
    parts: dict[str, tuple[str, Rows]] = {
        "Channels": (
            "Customers with an offer, and the expected value and cost of their first offers.",
            result["channels"],
        ),
        "Budgets": ("Expected use by the first offers.", result["budgets"]),
        "Prices": ("What one more unit of a budget would bring.", result["prices"]),
        "Offers": ("First places in decisions, and customers reached in at least one channel.", result["offers"]),
        "Stages": ("Customers reached.", result["stages"]),
        "Moves": ("Decisions whose first offer changes.", result["moves"]),
        "Rules": ("Rules that reject a different number of candidates.", moved_rules(result)),
        "Numbers": ("Share of customers whose best offer would differ without the factor.", result["factors"]),
        "Fairness": (FAIRNESS, [ratio_row(row) for row in result["fairness"]]),
    }
    lines = [f"# {result['bank']} with {result['change']} as of {result['as_of'][:10]}", "", *table(result["overview"])]
    for title, (sentence, rows) in parts.items():
        lines += ["", f"## {title}", "", sentence, "", *table(rows)]
    return "\n".join(lines) + "\n"


def moved_rules(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the rules that reject a different number of candidates, alone or with others, or lose other customers."""
    names = ("rejected_difference", "rejected_alone_difference", "customers_lost_difference")
    return [row for row in result["rules"] if any(row[name] for name in names)]


def ratio_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """Format a row of fairness, with each ratio, its interval and its flag in one cell."""
    named = {name: row[name] for name in ("segment", "group", "offer", "customers", "rate_today", "rate_changed")}
    return {**named, **{f"ratio_{side}": _ratio(row, side) for side in ("today", "changed")}}


def _ratio(row: Mapping[str, Any], side: str) -> str:
    if row[f"ratio_{side}"] is None:
        return ""
    ratio = f"{row[f'ratio_{side}']:.2f}"
    if row[f"ratio_{side}_low"] is not None:
        ratio += f" ({row[f'ratio_{side}_low']:.2f} to {row[f'ratio_{side}_high']:.2f})"
    if row[f"below_four_fifths_{side}"]:
        ratio += " below 0.8" + (", surely" if row[f"surely_{side}"] else "")
    return ratio


MOVED = "moved_offers.parquet"


class ChangedDecisionsFile(AbstractContextManager["ChangedDecisionsFile"]):
    """Writer of tables to one file, which appears as a whole when the block succeeds, or not at all.

    Args:
        folder: New or empty folder; None to write nothing.

    Raises:
        DataError: The folder is not empty.
        StateError: The folder cannot be written to.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._writer: pq.ParquetWriter | None = None
        self._open = ExitStack()
        if folder is None:
            return
        try:
            if folder.exists() and any(folder.iterdir()):
                raise DataError("the folder is not empty", got=str(folder), expected="a new or empty folder")
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._failed(folder, error) from error

    def write(self, moved: pa.Table) -> None:
        """Append a table with the same columns as earlier ones."""
        if self._folder is None:
            return
        try:
            if self._writer is None:
                beside = self._open.enter_context(replacing(self._folder / MOVED))
                self._writer = self._open.enter_context(pq.ParquetWriter(beside, moved.schema, compression="zstd"))
            self._writer.write_table(moved)
        except OSError as error:
            raise self._failed(self._folder, error) from error

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._open.__exit__(kind, error, trace)
        except OSError as failure:
            if self._folder is None or failure is error:
                raise
            raise self._failed(self._folder, failure) from failure

    @staticmethod
    def _failed(folder: Path, error: OSError) -> StateError:
        return StateError(
            f"the comparison could not be written to {folder}",
            got=error.strerror or str(error),
            remedy="free space or give write access, then simulate again",
        )
