"""Copies the offers of a part of a batch run from its files into the decision log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from decisioning.reporting.tables import versions_digest
from domain.errors import StateError
from records.decision_log import DecisionLog
from serving.batch.part import OFFERS, part_file


def log_part(log: DecisionLog, folder: Path, part: str, *, seed: int, versions: Sequence[Mapping[str, str]]) -> int:
    """Log the decisions of a part that offer something; logging them again adds nothing.

    Args:
        log: Decision log.
        folder: Folder of the run.
        part: Name of a part that `decide_part` has decided.
        seed: Seed of the draws.
        versions: Versions of everything that took part in some of the decisions, those of the champions first.

    Returns:
        The number of new decisions.

    Raises:
        StateError: The part's offers cannot be read, name other versions, or the log cannot be written.
    """
    offers, added = _read(folder, part), 0
    known = {versions_digest(one): one for one in versions}
    # those of the first decision last: whoever finds it in the log takes the part for complete
    for digest in reversed(pc.unique(offers["versions"]).to_pylist()):
        if digest not in known:
            raise StateError(f"the decisions of {part} name other versions", remedy="remove the file and decide again")
        made = offers.filter(pc.equal(offers["versions"], digest))
        added += log.append_batch(made, part=f"{folder.name}/{part}", seed=seed, versions=known[digest])
    return added


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
