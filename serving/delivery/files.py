"""Delivery as files that channels fetch: one per channel and night, replaced atomically."""

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
from domain.errors import StateError
from records.erasures import hold_erasures
from serving.delivery.outbox import Contact, Outbox
from serving.delivery.permission import DeliveryPermission, Ruling
from serving.delivery.states import State
from serving.delivery.targets import TOLD, Fate, Sent, rounds, told
from storage.atomic import replace_text

LEASE: Final = timedelta(minutes=10)
WITHDRAWN: Final = ".withdrawn"
"""Suffix, in place of the format, of the list of contacts that must not be made any more."""
ATTEMPTS: Final = 1_000_000
"""Practically unlimited: with a full disk, contacts wait and expire rather than become dead letters."""


@dataclass(frozen=True, slots=True)
class ContactFile:
    """Writes `<channel>-<night>.<format>`: all of the night's contacts delivered so far, in a fixed order.

    The file is replaced before its new contacts are recorded as delivered, in one locking transaction: after a crash in
    between, the next delivery writes the same file again.

    A customer who refuses after that is removed from the file, and the `decision_id` of their contact is added to
    `<channel>-<night>.withdrawn` beside it, one per line: the channel may have fetched the first file, and checks this
    one before it sends.

    Args:
        outbox: Outbox, which also has the contacts delivered before.
        folder: Folder to write to; created if missing.
        form: `csv` or `jsonl`.
    """

    outbox: Outbox
    folder: Path
    form: str
    batch: int = 2_000
    at_once: int = 1
    lease: timedelta = LEASE
    attempts: int = ATTEMPTS

    def wait(self, attempts: int) -> timedelta:
        """Wait five minutes, whatever the number of attempts."""
        return timedelta(minutes=5)

    def recall(self, channel: str, since: datetime, permission: DeliveryPermission, now: datetime) -> int:
        """Check the contacts that a channel may not have made yet, and withdraw those that are no longer allowed.

        They stay delivered, charged and counted: nobody knows whether the channel has made them.

        Raises:
            StateError: A file could not be written; the next delivery withdraws the contacts.
        """
        withdrawn = 0
        lying = sorted(self.outbox.lying(channel, since), key=lambda contact: contact.night)
        for night, group in groupby(lying, lambda contact: contact.night):
            refused = [
                contact
                for some in rounds(list(group))
                for contact, ruled in zip(some, permission.of(some, now), strict=True)
                if ruled.ruling in {Ruling.NEVER, Ruling.PAUSED}
            ]
            if refused:
                self._replace(channel, night, [], refused, now)
            withdrawn += len(refused)
        return withdrawn

    def send(self, contacts: Sequence[Contact], now: datetime) -> list[Sent]:
        """Write the files of the contacts' nights."""
        by_night = sorted(contacts, key=lambda contact: contact.night)
        return [self._night(night, list(group), now) for night, group in groupby(by_night, lambda one: one.night)]

    def _night(self, night: str, contacts: list[Contact], now: datetime) -> Sent:
        try:
            self._replace(contacts[0].channel, night, contacts, [], now)
        except StateError as error:
            if not isinstance(error.__cause__, OSError):
                raise
            return Sent(contacts, Fate.FAILED, f"{error.what}: {error.got}")
        return Sent(contacts, Fate.HAS_IT)

    def _replace(
        self, channel: str, night: str, new: list[Contact], withdrawn: Sequence[Contact], now: datetime
    ) -> None:
        name = f"{channel}-{night}.{self.form}"
        try:
            with self.outbox.database.transaction() as connection:
                # held until the file is written: a later erasure finds the customer in it
                hold_erasures(connection, self.outbox.database)
                before = self.outbox.locked_night(connection, channel, night)
                before, new = (self.outbox.without_erased(connection, some) for some in (before, new))
                self.outbox.note_withdrawn(connection, withdrawn, now)
                add_withdrawn(self.folder / name, [contact.decision_id for contact in withdrawn])
                gone = {contact.decision_id for contact in withdrawn}
                whole = {one.decision_id: one for one in [*before, *new] if one.decision_id not in gone}
                # a file that was fetched and removed is not created again only to leave contacts out
                if new or (withdrawn and (self.folder / name).exists()):
                    self._write(name, whole)
                self.outbox.settle_within(connection, new, State.DELIVERED, now)
        except OSError as error:
            raise StateError("the file could not be written", got=error.strerror or str(error)) from error

    def _write(self, name: str, contacts: dict[str, Contact]) -> None:
        ordered = sorted(contacts.values(), key=lambda contact: (contact.contact_at, contact.decision_id))
        rows = [told(contact) for contact in ordered]
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.form == "jsonl":
            text = "".join(f"{orjson.dumps(row).decode()}\n" for row in rows)
        else:
            lines = io.StringIO()
            writer = csv.DictWriter(lines, TOLD, lineterminator="\n")
            writer.writeheader()
            writer.writerows({name: harmless(cell) for name, cell in row.items()} for row in rows)
            text = lines.getvalue()
        _replace(self.folder / name, text)


def add_withdrawn(file: Path, decision_ids: Sequence[str]) -> None:
    """Add contacts to the withdrawn list of a file."""
    if not decision_ids:
        return
    beside = file.with_suffix(WITHDRAWN)
    before = beside.read_text(encoding="utf-8").split() if beside.exists() else []
    file.parent.mkdir(parents=True, exist_ok=True)
    _replace(beside, "".join(f"{one}\n" for one in sorted({*before, *decision_ids})))


def forget_in_files(files: Sequence[Path], customer_id: str) -> int:
    """Remove a customer from files, and add their contacts to the withdrawn lists: channels may have fetched the files.

    Returns:
        The number of contacts removed.
    """
    return sum((_from_lines if file.suffix == ".jsonl" else _from_table)(file, customer_id) for file in files)


def _from_lines(file: Path, customer_id: str) -> int:
    lines = [line for line in file.read_text(encoding="utf-8").split("\n") if line]
    rows = [orjson.loads(line) for line in lines]
    rest = [line for line, row in zip(lines, rows, strict=True) if row["customer_id"] != customer_id]
    if len(rest) < len(lines):
        add_withdrawn(file, [row["decision_id"] for row in rows if row["customer_id"] == customer_id])
        _replace(file, "".join(f"{line}\n" for line in rest))
    return len(lines) - len(rest)


def _from_table(file: Path, customer_id: str) -> int:
    # an id may contain a line break: a row is not a line
    rows = list(csv.reader(io.StringIO(file.read_text(encoding="utf-8"), newline="")))
    place = rows[0].index("customer_id")
    removed = [row for row in rows if row[place] in (customer_id, harmless(customer_id))]
    rest = [row for row in rows if row not in removed]
    if removed:
        if "decision_id" in rows[0]:
            add_withdrawn(file, [row[rows[0].index("decision_id")] for row in removed])
        written = io.StringIO()
        csv.writer(written, lineterminator="\n").writerows(rest)
        _replace(file, written.getvalue())
    return len(rows) - len(rest)


def _replace(file: Path, text: str) -> None:
    """Write a file readable by all who may read its folder: a channel's system seldom runs as the same user."""
    replace_text(file, text, mode=file.parent.stat().st_mode & 0o666)
