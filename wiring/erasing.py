"""Taking a customer out of everything that is kept in files and in the online store."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from events.erasing import erase_customer
from features.store.replacing import replace_parquet
from features.table import CUSTOMER_ID
from serving.delivery.files import forget_in_files
from wiring.parts import Parts


def erase_files(parts: Parts, customer_id: str) -> dict[str, int]:
    """Erase a customer from the event log, the online store, and every Parquet file that names them.

    What is computed from the log (features, states, stages) is made without them the next time; what is there already
    is rewritten now, and so are the decisions of the batch. Trained models stay: they hold no rows.

    Returns:
        Place -> how many rows there were.

    Raises:
        StateError: Something could not be written.
    """
    erased = {"event_log": erase_customer(parts.places.log, customer_id)}
    erased["online_store"] = int(parts.online.forget([customer_id]))
    for place in (parts.places.decisions, parts.places.states, parts.places.stage_history, parts.places.feature_store):
        erased[place.name] = sum(_erase_rows(file, customer_id) for file in sorted(place.rglob("*.parquet")))
    erased["decisions_archive"] = parts.decisions_archive.forget(customer_id, datetime.now(UTC))
    erased["deliveries"] = forget_in_files(parts.places.deliveries, customer_id)
    return erased


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
