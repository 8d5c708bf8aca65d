"""Taking a customer out of everything that is kept in files and in the online store."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from domain.errors import StateError
from events.erasing import erase_customer
from events.quarantine import forget_in_quarantine
from features.store.replacing import replace_parquet
from features.table import CUSTOMER_ID
from serving.delivery.files import forget_in_files
from wiring.parts import Parts


def erase_files(parts: Parts, customer_id: str) -> dict[str, int]:
    """Erase a customer from the event log, the online store, and every file that names them.

    What is computed from the log (features, states, stages) is made without them the next time; what is there already
    is rewritten now, and so are the decisions of the batch, the files of channels and the quarantine. Trained models
    stay: they hold no rows.

    Returns:
        Place -> how many rows there were.

    Raises:
        StateError: Something could not be written; what is left is erased when this is asked again.
    """
    try:
        return _erased(parts, customer_id)
    except OSError as error:
        raise StateError(
            "not everything of the customer could be erased",
            got=error.strerror or type(error).__name__,
            remedy="free space or give write access, then erase again",
        ) from error


def _erased(parts: Parts, customer_id: str) -> dict[str, int]:
    places = parts.places
    erased = {"event_log": erase_customer(places.log, customer_id)}
    # first what a night puts online, then what it has put there
    erased["states"] = parts.states.forget(customer_id)
    erased["online_store"] = parts.online.forget([customer_id])
    for name, place in (
        ("decision_files", places.decisions),
        ("stage_history", places.stage_history),
        ("feature_store", places.feature_store),
    ):
        erased[name] = sum(_erase_rows(file, customer_id) for file in sorted(place.rglob("*.parquet")))
    erased["decisions_archive"] = parts.decisions_archive.forget(customer_id, datetime.now(UTC))
    erased["deliveries"] = forget_in_files(_delivered(parts), customer_id)
    erased["quarantine"] = forget_in_quarantine(places.quarantine, customer_id)
    return erased


def _delivered(parts: Parts) -> list[Path]:
    """List the files of contacts, also those in folders outside the home that a channel's system fetches from."""
    found = [file for form in ("jsonl", "csv") for file in parts.places.deliveries.rglob(f"*.{form}")]
    for entry in parts.bank.delivery.channels:
        if entry.file is not None and Path(entry.file.folder).is_absolute():
            found.extend(Path(entry.file.folder).glob(f"{entry.channel}-*.{entry.file.format}"))
    return sorted(found)


def _erase_rows(file: Path, customer_id: str) -> int:
    if CUSTOMER_ID not in pq.read_schema(file).names:
        return 0
    found = pq.read_table(file, columns=[CUSTOMER_ID], partitioning=None)[CUSTOMER_ID].cast(pa.string())
    theirs = pc.equal(found, customer_id)
    count = int(pc.sum(theirs).as_py() or 0)
    if count:
        whole = pq.read_table(file, partitioning=None)
        replace_parquet(file, whole.filter(pc.invert(theirs)))
    return count
