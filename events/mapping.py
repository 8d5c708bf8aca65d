"""Describes how a source's files become events of the contract."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from domain.spec import Spec
from events.numbers import Marks
from events.times import TimeUnit

ID_FIELDS = ("event_id", "customer_id", "decision_id")
EVENT_FIELDS = (
    "event_id",
    "customer_id",
    "occurred_at",
    "available_at",
    "type",
    "channel",
    "product",
    "amount",
    "decision_id",
)
"""Fields that `columns` and `constants` may fill; `properties` have a map of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source(Spec):
    """One kind of file that a bank delivers, and how its columns are read.

    Attributes:
        name: Name of the source in reports and in the quarantine.
        files: Patterns of file names below the bank's source folder.
        format: Format of the files; by default taken from their names.
        kind: `events`, or `attributes`: each row holds attributes of a customer from `occurred_at` on.
        columns: Field of the contract -> column, or columns that are joined by "-" (ids only). Without
            `event_id` the id is a digest of the row's content and of how often that content came before it
            in the file, so that importing the file again gives the same ids. Without `available_at` an event
            is available when it occurs.
        constants: Field -> value that is the same for the whole source.
        values: Field -> {value in the source: value of the vocabulary}; an unlisted value stays as it is. The key ""
            is for a blank field.
        blank: Attribute -> meaning of a blank field if `values` has no "": `keep`, the default, keeps the previous
            value; `unknown` ends it.
        value_columns: Field -> columns whose values are joined by "/" before `values` is looked up.
        properties: Property -> column.
        time_zone: Time zone of times without an offset; ambiguous ones (autumn) count as the earlier.
        time_unit: Unit of times that are numbers since 1970: seconds, milli-, micro- or nanoseconds. By default
            times are dates, timestamps, or texts such as `2026-03-29`, `2026-03-29 10:15:00.5`, `2026-03-29T10:15Z`.
        decimal_mark: Decimal mark of numbers that are written as texts, as in CSV: `.` or `,`.
        thousands_mark: Mark between groups of three digits: `.`, `,`, `'` or a blank; '' if there is none. By
            default, an ambiguous number (1.234) is not accepted.
        delimiter: Delimiter of CSV columns.
        quotes: Whether a quote that opens a CSV field reaches to the next one, as usual. False for a system that
            writes quotes as they come, so that every line is a record.
        encoding: Encoding of CSV and JSON lines.
        skip: Field -> values (after mapping) whose rows are left out on purpose; they are counted.
    """

    name: str
    files: tuple[str, ...]
    format: Literal["csv", "parquet", "jsonl"] | None = None
    kind: Literal["events", "attributes"] = "events"
    columns: dict[str, str | tuple[str, ...]] = field(default_factory=dict)
    constants: dict[str, str] = field(default_factory=dict)
    values: dict[str, dict[str, str]] = field(default_factory=dict)
    blank: dict[str, Literal["keep", "unknown"]] = field(default_factory=dict)
    value_columns: dict[str, tuple[str, ...]] = field(default_factory=dict)
    properties: dict[str, str] = field(default_factory=dict)
    time_zone: str = "UTC"
    time_unit: TimeUnit | None = None
    decimal_mark: Literal[".", ","] = "."
    thousands_mark: Literal[".", ",", "'", " ", ""] | None = None
    delimiter: str = ","
    quotes: bool = True
    encoding: str = "utf-8"
    skip: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def marks(self) -> Marks:
        """Marks of numbers in its texts."""
        return Marks(self.decimal_mark, self.thousands_mark)
