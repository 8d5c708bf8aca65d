"""Contacts as files that channels fetch: one a night, whole at any moment."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Final

import orjson

from domain.cells import harmless
from events.durable import replace_text
from serving.delivery.outbox import Contact, Outbox
from serving.delivery.states import State
from serving.delivery.targets import Fate, Sent, told
from serving.journal.erasures import hold_erasures

LEASE: Final = timedelta(minutes=10)
ATTEMPTS: Final = 1_000_000
"""A full disk is waited for: contacts expire, they do not become dead letters."""


@dataclass(frozen=True, slots=True)
class ContactFile:
    """Writes `<channel>-<night>.<format>`: all of the night's contacts that were delivered so far, in one order.

    The file is replaced before its new contacts are noted as delivered, in one transaction that keeps others out:
    after a crash in between the next delivery writes the same file again.

    Args:
        outbox: Where what was delivered before is found.
        folder: Made where it is missing.
        form: `csv` or `jsonl`.
    """

    outbox: Outbox
    folder: Path
    form: str
    batch: int = 2_000
    lease: timedelta = LEASE
    attempts: int = ATTEMPTS

    def wait(self, attempts: int) -> timedelta:
        """Wait for some minutes."""
        return timedelta(minutes=5)

    def send(self, contacts: Sequence[Contact], now: datetime) -> list[Sent]:
        """Write the files of the contacts' nights."""
        by_night = sorted(contacts, key=lambda contact: contact.night)
        return [self._night(night, list(group), now) for night, group in groupby(by_night, lambda one: one.night)]

    def _night(self, night: str, contacts: list[Contact], now: datetime) -> Sent:
        channel = contacts[0].channel
        try:
            with self.outbox.database.transaction() as connection:
                # until the file is there: whoever is erased later is found in it
                hold_erasures(connection, self.outbox.database)
                before = self.outbox.locked_night(connection, channel, night)
                before, contacts = (self.outbox.without_erased(connection, some) for some in (before, contacts))
                if before or contacts:
                    self._write(
                        f"{channel}-{night}.{self.form}", {one.decision_id: one for one in [*before, *contacts]}
                    )
                self.outbox.settle_within(connection, contacts, State.DELIVERED, now)
        except OSError as error:
            return Sent(contacts, Fate.FAILED, f"the file could not be written: {error.strerror or error}")
        return Sent(contacts, Fate.HAS_IT)

    def _write(self, name: str, contacts: dict[str, Contact]) -> None:
        ordered = sorted(contacts.values(), key=lambda contact: (contact.contact_at, contact.decision_id))
        rows = [told(contact) for contact in ordered]
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.form == "jsonl":
            text = "".join(f"{orjson.dumps(row).decode()}\n" for row in rows)
        else:
            lines = io.StringIO()
            writer = csv.DictWriter(lines, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows({name: harmless(cell) for name, cell in row.items()} for row in rows)
            text = lines.getvalue()
        _replace(self.folder / name, text)


def forget_in_files(files: Sequence[Path], customer_id: str) -> int:
    """Take a customer out of files that are still there; those that were fetched are their channels'.

    Returns:
        How many contacts there were.
    """
    return sum((_from_lines if file.suffix == ".jsonl" else _from_table)(file, customer_id) for file in files)


def _from_lines(file: Path, customer_id: str) -> int:
    lines = [line for line in file.read_text(encoding="utf-8").split("\n") if line]
    rest = [line for line in lines if orjson.loads(line)["customer_id"] != customer_id]
    if len(rest) < len(lines):
        _replace(file, "".join(f"{line}\n" for line in rest))
    return len(lines) - len(rest)


def _from_table(file: Path, customer_id: str) -> int:
    # an id may hold a line's end: a row is not a line
    rows = list(csv.reader(io.StringIO(file.read_text(encoding="utf-8"), newline="")))
    place = rows[0].index("customer_id")
    rest = [row for row in rows if row[place] not in (customer_id, harmless(customer_id))]
    if len(rest) < len(rows):
        written = io.StringIO()
        csv.writer(written, lineterminator="\n").writerows(rest)
        _replace(file, written.getvalue())
    return len(rows) - len(rest)


def _replace(file: Path, text: str) -> None:
    """Write a file that those may read, who may read its folder: a channel's system is seldom the same user."""
    replace_text(file, text, mode=file.parent.stat().st_mode & 0o666)
