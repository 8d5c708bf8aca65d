"""Copies the offers of a part of a batch run from its files into the decision log."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from domain.errors import StateError
from records.decision_log import DecisionLog
from serving.batch.part import OFFERS, part_file


def log_part(log: DecisionLog, folder: Path, part: str, *, seed: int, versions: Mapping[str, str]) -> int:
    """Log the decisions of a part that offer something, in one transaction; logging them again adds nothing.

    Args:
        log: Decision log.
        folder: Folder of the run.
        part: Name of a part that `decide_part` has decided.
        seed: Seed of the draws.
        versions: Versions of everything that took part in the decisions.

    Returns:
        The number of new decisions.

    Raises:
        StateError: The part's offers cannot be read, or the log cannot be written.
    """
    return log.append_batch(_read(folder, part), part=f"{folder.name}/{part}", seed=seed, versions=versions)


def is_logged(log: DecisionLog, folder: Path, part: str) -> bool:
    """Return whether the log has the part's first decision; true if the part offers nothing.

    Raises:
        StateError: The part's offers cannot be read.
    """
    offers = _read(folder, part, ["decision_id"])
    if not len(offers):
        return True
    try:
        log.get(offers["decision_id"][0].as_py())
    except StateError:  # not logged, or no answer from the database, which the next write will report
        return False
    return True


def _read(folder: Path, part: str, columns: list[str] | None = None) -> pa.Table:
    try:
        return pq.read_table(part_file(folder, OFFERS, part), columns=columns)
    except (pa.ArrowInvalid, OSError) as error:
        raise StateError(
            f"the offers of {part} cannot be read", got=str(error), remedy="remove the file and decide again"
        ) from error
