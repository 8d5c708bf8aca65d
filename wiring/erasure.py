"""Erasing a customer from files and from the online store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from sqlalchemy import select, update

from domain.errors import StateError
from events.erasure import erase_customer
from events.quarantine import forget_in_quarantine
from features.table import CUSTOMER_ID
from records.erasures import ErasedCustomers, latest_erasure
from records.schema import GATE, SWEPT
from serving.delivery.files import forget_in_files
from storage.atomic import remove_unfinished
from storage.parquet import replace_parquet
from wiring.components import Components

_SWEPT: Final = select(GATE.c.moment).where(GATE.c.name == SWEPT)


def erase_files(components: Components, customer_id: str) -> dict[str, int]:
    """Erase a customer from the event log, the online store, and every file that names them.

    What is computed from the log (features, states, stages) will be computed without the customer next time. Existing
    files are rewritten now, including decisions of batch runs, delivery files and the quarantine; unfinished files left
    by crashes are removed. Trained models stay, because they contain no rows.

    Returns:
        Number of rows removed, by place.

    Raises:
        StateError: Something could not be written; repeating the erasure erases the rest.
    """
    try:
        return _erased(components, customer_id)
    except OSError as error:
        raise StateError(
            "not all data of the customer could be erased",
            got=error.strerror or type(error).__name__,
            remedy="free space or give write access, then erase again",
        ) from error


@contextmanager
def erased_kept_out(components: Components) -> Iterator[None]:
    """Run a block that reads customers and writes files, then remove from the files who was erased meanwhile.

    An erasure searches the files that exist; data read before it and written later is searched here. What an
    interrupted run leaves is handled by the next run that ends.

    Raises:
        StateError: Something could not be written, or the database does not answer.
    """
    with components.database.reading() as connection:
        begun = latest_erasure(connection)
    try:
        yield
    finally:
        with components.database.reading() as connection:
            swept = connection.execute(_SWEPT).scalar() or 0
        _erase_leftovers(components, min(begun, swept))
        with components.database.transaction() as connection:
            connection.execute(components.database.add(GATE), {"name": SWEPT, "moment": 0})
            later = update(GATE).where(GATE.c.name == SWEPT, GATE.c.moment < begun)
            connection.execute(later.values(moment=begun))


def _erase_leftovers(components: Components, since: int) -> None:
    erased = ErasedCustomers(components.database, since)
    if not len(erased):
        return
    remove_unfinished(components.places.folder)
    named = sorted(_customers(components))
    for place in np.flatnonzero(erased.until(named) >= 0).tolist():
        _erase_derived(components, named[place])


def _customers(components: Components) -> set[str]:
    """Return all customers named in any file."""
    places, found = components.places, set[str]()
    for place in (places.states, places.decisions, places.stage_history, places.feature_store):
        for file in sorted(place.rglob("*.parquet")):
            if CUSTOMER_ID in pq.read_schema(file).names:
                column = pq.ParquetFile(file).read([CUSTOMER_ID])[CUSTOMER_ID]
                texts = pc.list_flatten(column) if pa.types.is_list(column.type) else column.cast(pa.string())
                found.update(pc.unique(texts).to_pylist())
    return found


def _erased(components: Components, customer_id: str) -> dict[str, int]:
    remove_unfinished(components.places.folder)
    return {"event_log": erase_customer(components.places.log, customer_id), **_erase_derived(components, customer_id)}


def _erase_derived(components: Components, customer_id: str) -> dict[str, int]:
    places, erased = components.places, dict[str, int]()
    # first the source of what is put online, then what is online
    erased["states"] = components.states.forget(customer_id)
    erased["online_store"] = components.online.forget([customer_id])
    for name, place in (
        ("decision_files", places.decisions),
        ("stage_history", places.stage_history),
        ("feature_store", places.feature_store),
    ):
        erased[name] = sum(_erase_rows(file, customer_id) for file in sorted(place.rglob("*.parquet")))
    erased["decisions_archive"] = components.decisions_archive.forget(customer_id, datetime.now(UTC))
    erased["deliveries"] = forget_in_files(_delivered(components), customer_id)
    erased["quarantine"] = forget_in_quarantine(places.quarantine, customer_id)
    return erased


def _delivered(components: Components) -> list[Path]:
    """Return all delivery files, including those in absolute folders outside the home."""
    found = [file for form in ("jsonl", "csv") for file in components.places.deliveries.rglob(f"*.{form}")]
    for entry in components.bank.delivery.channels:
        if entry.file is not None and Path(entry.file.folder).is_absolute():
            found.extend(Path(entry.file.folder).glob(f"{entry.channel}-*.{entry.file.format}"))
    return sorted(found)


def _erase_rows(file: Path, customer_id: str) -> int:
    if CUSTOMER_ID not in pq.read_schema(file).names:
        return 0
    found = pq.read_table(file, columns=[CUSTOMER_ID], partitioning=None)[CUSTOMER_ID].cast(pa.string())
    matches = pc.equal(found, customer_id)
    count = int(pc.sum(matches).as_py() or 0)
    if count:
        whole = pq.read_table(file, partitioning=None)
        replace_parquet(file, whole.filter(pc.invert(matches)))
    return count
