"""Rows that cannot become events, kept with the reason."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import Self
from unicodedata import normalize

from domain.errors import StateError
from events.erased import Erased
from events.mapping import Source
from storage.atomic import remove_unfinished, replace_text, writing

_WORDS = re.compile(r"\w+")


class Reason(StrEnum):
    """Why a row was quarantined: the first reason that applies, in this order."""

    LINE_BROKEN = "line_broken"
    """Not a JSON object."""
    QUOTE_BROKEN = "quote_broken"
    """A quote opens a field and does not close it, or encloses what looks like records; see `quotes` of a source."""
    FIELD_COUNT_WRONG = "field_count_wrong"
    """More or fewer fields than the header of the CSV file."""
    ENCODING_BROKEN = "encoding_broken"
    CUSTOMER_ID_MISSING = "customer_id_missing"
    CUSTOMER_ID_UNFIT = "customer_id_unfit"
    """Breaks the rule of `domain.ids`, or is a number that has lost digits."""
    EVENT_ID_MISSING = "event_id_missing"
    EVENT_ID_UNFIT = "event_id_unfit"
    DECISION_ID_UNFIT = "decision_id_unfit"
    TIME_MISSING = "time_missing"
    TIME_UNREADABLE = "time_unreadable"
    TIME_IN_THE_FUTURE = "time_in_the_future"
    """It occurred, or became available, after the moment of the import."""
    TIME_BEFORE_1970 = "time_before_1970"
    """The calendar of features begins in 1970; earlier dates mostly stand for unknown ones (0001-01-01, 1900-01-01)."""
    AVAILABLE_BEFORE_OCCURRED = "available_before_occurred"
    TYPE_UNKNOWN = "type_unknown"
    CHANNEL_UNKNOWN = "channel_unknown"
    PRODUCT_UNKNOWN = "product_unknown"
    AMOUNT_NOT_A_NUMBER = "amount_not_a_number"
    AMOUNT_OUT_OF_BOUNDS = "amount_out_of_bounds"
    """Infinite, or beyond 1e11."""
    PROPERTY_UNFIT = "property_unfit"
    """Not of the declared type, or not among the declared values."""
    EVENT_ID_CONFLICT = "event_id_conflict"
    """The id belongs to an event with other content, which came first."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """One quarantined row, or a part of a row that is accepted without it.

    Attributes:
        row: Number in the file, from 1: of the record below the header (CSV, Parquet) or of the line (JSON lines).
        reason: Why it was quarantined.
        detail: The offending value and what was expected.
        raw: The row as it was read.
        part: The field that does not fit while the rest of the row does; None for a whole row.
    """

    row: int
    reason: Reason
    detail: str
    raw: object
    part: str | None = None


class Quarantine:
    """Writes the quarantined rows of one import to a file of JSON lines, which appears when it is complete.

    The file is named by a digest of its rows, so that importing the same files again writes the same file. Without
    quarantined rows there is no file.

    Attributes:
        file: The file; None before the end, and if nothing was quarantined.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open = ExitStack()
        self._digest = blake2b(digest_size=8)
        self._rows = 0
        self.file: Path | None = None

    def __enter__(self) -> Self:
        try:
            remove_unfinished(self._folder)
            beside = self._open.enter_context(writing(self._folder, "rows", self._name))
            self._handle = self._open.enter_context(beside.open("wb"))
        except OSError as error:
            raise self._unwritable(error) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            self._open.__exit__(kind, error, traceback)
        except OSError as failure:
            if failure is error:
                raise
            raise self._unwritable(failure) from failure
        name = self._name()
        if error is None and name is not None:
            self.file = self._folder / name

    def _name(self) -> str | None:
        return f"{self._digest.hexdigest()}.jsonl" if self._rows else None

    def add(self, source: str, file: str, rejection: Rejection) -> None:
        """Write one row.

        Raises:
            StateError: The row could not be written, for example because the disk is full.
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
    """Leave out the content of a row that names an erased customer; the row itself is still reported.

    Args:
        rejection: Quarantined row.
        erased: Erased customers.
        source: Source of the row's file.
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
    """Yield everything in a row or a broken line that may be a customer's id."""
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
    """Remove rows that name a customer, in any column or in the middle of a broken line.

    They come back if the files that they were read from are imported again.

    Returns:
        Number of removed rows.

    Raises:
        OSError: A file could not be written; it is unchanged.
    """
    pattern = re.compile(rf"(?<!\w){re.escape(customer_id)}(?!\w)")
    gone = 0
    for file in sorted(folder.glob("*.jsonl")):
        lines = file.read_text(encoding="ascii").splitlines(keepends=True)
        rest = [line for line in lines if not _names(json.loads(line)["raw"], pattern)]
        if len(rest) < len(lines):
            replace_text(file, "".join(rest))
            gone += len(lines) - len(rest)
    return gone


def _names(raw: object, pattern: re.Pattern[str]) -> bool:
    if isinstance(raw, dict):
        return any(_names(value, pattern) for value in raw.values())
    if isinstance(raw, list):
        return any(_names(value, pattern) for value in raw)
    return isinstance(raw, str | int) and pattern.search(str(raw)) is not None
