"""Rows that cannot become events, kept with the reason."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import Self
from unicodedata import normalize

from domain.errors import StateError
from events.durable import replace_text, sync
from events.erased import Erased
from events.mapping import Source

_WORDS = re.compile(r"\w+")


class Reason(StrEnum):
    """Why a row was quarantined; of several the first, in this order of checking."""

    LINE_BROKEN = "line_broken"
    """Not a JSON object."""
    QUOTE_BROKEN = "quote_broken"
    """A quote opens a field and does not close it, or encloses what looks like records; see `quotes` of a source."""
    FIELD_COUNT_WRONG = "field_count_wrong"
    """More or fewer fields than the CSV file's header."""
    ENCODING_BROKEN = "encoding_broken"
    CUSTOMER_ID_MISSING = "customer_id_missing"
    CUSTOMER_ID_UNFIT = "customer_id_unfit"
    """Not an id by the rule of `domain.ids`, or a number that has lost digits on its way."""
    EVENT_ID_MISSING = "event_id_missing"
    EVENT_ID_UNFIT = "event_id_unfit"
    DECISION_ID_UNFIT = "decision_id_unfit"
    TIME_MISSING = "time_missing"
    TIME_UNREADABLE = "time_unreadable"
    TIME_IN_THE_FUTURE = "time_in_the_future"
    """It occurred, or became available, after the moment of the import."""
    TIME_BEFORE_1970 = "time_before_1970"
    """The calendar of features begins in 1970; such dates mostly stand for unknown ones (0001-01-01, 1900-01-01)."""
    AVAILABLE_BEFORE_OCCURRED = "available_before_occurred"
    TYPE_UNKNOWN = "type_unknown"
    CHANNEL_UNKNOWN = "channel_unknown"
    PRODUCT_UNKNOWN = "product_unknown"
    AMOUNT_NOT_A_NUMBER = "amount_not_a_number"
    AMOUNT_OUT_OF_BOUNDS = "amount_out_of_bounds"
    """Infinite, or beyond 1e11."""
    PROPERTY_UNFIT = "property_unfit"
    """Not of its declared type, or not among its values."""
    EVENT_ID_CONFLICT = "event_id_conflict"
    """The id stands for an event with other content, which came first."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """One quarantined row, or a part of a row that is accepted without it.

    Attributes:
        row: Its number in the file, from 1: of a record below the header (CSV, Parquet), of a line (JSON lines).
        detail: The offending value and what was expected.
        raw: The row as it was read.
        part: The field that does not fit, where the rest of the row does; None for a whole row.
    """

    row: int
    reason: Reason
    detail: str
    raw: object
    part: str | None = None


class Quarantine:
    """Writes the quarantined rows of one import to one file of JSON lines, which appears when all are written.

    The file is named by a digest of its rows, so that importing the same files again writes the same file. Without
    quarantined rows there is none.

    Attributes:
        file: The file; None before the end, and where nothing was quarantined.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._beside = folder / "rows.new"  # one import at a time: the log is locked meanwhile
        self._digest = blake2b(digest_size=8)
        self._rows = 0
        self.file: Path | None = None

    def __enter__(self) -> Self:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._handle = self._beside.open("wb")
        except OSError as error:
            raise self._unwritable(error) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            self._handle.flush()
            os.fsync(self._handle.fileno())
            self._handle.close()
            if error is None and self._rows:
                self.file = self._folder / f"{self._digest.hexdigest()}.jsonl"
                self._beside.replace(self.file)
                sync(self._folder)
        except OSError as failure:
            raise self._unwritable(failure) from failure
        finally:
            self._beside.unlink(missing_ok=True)

    def add(self, source: str, file: str, rejection: Rejection) -> None:
        """Write one row.

        Raises:
            StateError: The disk is full, say.
        """
        content = {
            "source": source,
            "file": file,
            "row": rejection.row,
            "reason": rejection.reason,
            "detail": rejection.detail,
            "raw": rejection.raw,
        }
        if rejection.part is not None:
            content["part"] = rejection.part
        line = json.dumps(content, default=str).encode() + b"\n"
        self._digest.update(line)
        self._rows += 1
        try:
            self._handle.write(line)
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> StateError:
        return StateError(
            f"the quarantine in {self._folder} could not be written, and nothing was imported",
            got=error.strerror or str(error),
            remedy="free space or give write access, then import again",
        )


def without_erased(rejection: Rejection, erased: Erased, source: Source) -> Rejection:
    """Leave out what a row says where it names a customer who was erased; that it was there is still told.

    Args:
        rejection: A row.
        erased: Who was.
        source: Whose file it is in.
    """
    if not len(erased):
        return rejection
    found = set(_texts(rejection.raw, source.delimiter))
    columns = source.columns.get("customer_id", "")
    if isinstance(rejection.raw, dict) and not isinstance(columns, str):
        found.add("-".join(str(rejection.raw.get(name)).strip() for name in columns))
    texts = sorted({normalize("NFC", text) for text in found})
    if not texts or not (erased.until(texts) >= 0).any():
        return rejection
    return replace(rejection, detail="the customer was erased", raw=None)


def _texts(raw: object, delimiter: str) -> Iterator[str]:
    """List what may be a customer's id, in a row or in the middle of a broken line."""
    if isinstance(raw, dict):
        for value in raw.values():
            yield from _texts(value, delimiter)
    elif isinstance(raw, list):
        for value in raw:
            yield from _texts(value, delimiter)
    elif isinstance(raw, str | int):
        whole = str(raw)
        yield whole.strip()
        yield from (part.strip(" \t\r\n\"'") for part in whole.split(delimiter))
        yield from _WORDS.findall(whole)


def forget_in_quarantine(folder: Path, customer_id: str) -> int:
    """Remove rows that name a customer, in whatever column or in the middle of a broken line.

    They come back as long as the files that they were read from are imported again.

    Returns:
        How many there were.

    Raises:
        OSError: A file could not be written, and is as it was.
    """
    named = re.compile(rf"(?<!\w){re.escape(customer_id)}(?!\w)")
    gone = 0
    for file in sorted(folder.glob("*.jsonl")):
        lines = file.read_text(encoding="ascii").splitlines(keepends=True)
        rest = [line for line in lines if not _names(json.loads(line)["raw"], named)]
        if len(rest) < len(lines):
            replace_text(file, "".join(rest))
            gone += len(lines) - len(rest)
    return gone


def _names(raw: object, named: re.Pattern[str]) -> bool:
    if isinstance(raw, dict):
        return any(_names(value, named) for value in raw.values())
    if isinstance(raw, list):
        return any(_names(value, named) for value in raw)
    return isinstance(raw, str | int) and named.search(str(raw)) is not None
