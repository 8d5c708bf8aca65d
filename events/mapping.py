"""Describes how a source's files become events of the contract."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal
from zoneinfo import ZoneInfo

from domain.spec import Spec
from events.conditions import Condition
from events.numbers import Marks
from events.time_formats import TimeStyle
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


ROW_NUMBER = "#"
"""Column of every file: the number of the row, for files without ids whose rows never move."""

DecimalMark = Literal[".", ","]
ThousandsMark = Literal[".", ",", "'", " ", ""]


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnFormat(Spec):
    """How one column is written, where it differs from the rest of its source.

    Attributes:
        time_format: Formats of its times, as of a source.
        time_zone: Time zone of its times without an offset.
        decimal_mark: Decimal mark of its numbers.
        thousands_mark: Mark between groups of three digits of its numbers.
    """

    time_format: str | tuple[str, ...] = ()
    time_zone: str | None = None
    decimal_mark: DecimalMark | None = None
    thousands_mark: ThousandsMark | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign(Spec):
    """A column that says whether an amount is negative, such as debit and credit.

    Attributes:
        column: Column of the file.
        negative: Its values for negative amounts (`D`, `S`).
        positive: Its values for positive amounts (`C`, `H`); with any other value the amount does not fit.
    """

    column: str
    negative: tuple[str, ...]
    positive: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Duration(Spec):
    """A number computed from two columns of times.

    Attributes:
        start: Column of the earlier time.
        end: Column of the later time; if it is earlier, the number is negative.
        unit: Unit of the number.
    """

    start: str
    end: str
    unit: Literal["days", "hours", "minutes", "seconds"] = "days"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup(Spec):
    """Columns that each row gets from another source, by a key.

    Attributes:
        source: Name of a source of kind `lookup`.
        key: Key column of that source; each of its values may occur once, blank ones do not count.
        column: Column of this source that holds the key; by default it has the same name.
        adds: Columns of that source that each row gets; blank if the key is not there.
    """

    source: str
    key: str
    adds: tuple[str, ...]
    column: str | None = None

    @property
    def own_column(self) -> str:
        """Column of the reading source that holds the key."""
        return self.column or self.key


@dataclass(frozen=True, slots=True, kw_only=True)
class RowEvent(Spec):
    """One of the events that a row makes; what it does not say is as in its source.

    Attributes:
        when: Conditions of the event; all of them have to hold.
        columns: Field -> column.
        constants: Field or property -> value.
        value_columns: Field -> columns joined by "/".
        properties: Property -> column.
        durations: Property -> time between two columns.
        sign: Sign of its amount.
    """

    when: tuple[Condition, ...] = ()
    columns: dict[str, str | tuple[str, ...]] = field(default_factory=dict)
    constants: dict[str, str] = field(default_factory=dict)
    value_columns: dict[str, tuple[str, ...]] = field(default_factory=dict)
    properties: dict[str, str] = field(default_factory=dict)
    durations: dict[str, Duration] = field(default_factory=dict)
    sign: Literal["keep", "absolute", "reverse"] | Sign | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Source(Spec):
    """One kind of file that a bank delivers, and how its columns are read.

    Attributes:
        name: Name of the source in reports and in the quarantine.
        files: Patterns of file names below the bank's source folder, or addresses: `s3://bucket/crm/*.csv`, `gs://`,
            `az://`, `https://`. Public hosts need no permission, others an entry in `network.yaml`.
        query: SQL query whose rows are read instead of files.
        connection: Name of the environment variable with the database's address, as SQLAlchemy writes it
            (`postgresql+psycopg://reader:secret@host/database`).
        watermark: Column of the query that never decreases (`updated_at`): only rows from the greatest value imported
            before are read. It needs an `event_id`, by which a row that is read twice is recognised.
        format: Format of the files; by default taken from their names.
        kind: `events`, or `attributes`: each row holds attributes of a customer from `occurred_at` on; or `lookup`: its
            rows become nothing themselves, but other sources read columns from them (`lookup`).
        columns: Field of the contract -> column, or columns that are joined by "-" (ids only); `#` is the number of
            the row, for files without ids whose rows never move. Without `event_id` the id is a digest of the row's
            content and of how often that content came before it in the file, so that importing the file again gives
            the same ids. Without `available_at` an event is available when it occurs.
        constants: Field or property -> value that is the same for the whole source.
        values: Field -> {value in the source: value of the vocabulary}; an unlisted value stays as it is. The key ""
            is for a blank field.
        blank: Attribute -> meaning of a blank field if `values` has no "": `keep`, the default, keeps the previous
            value; `unknown` ends it.
        value_columns: Field -> columns whose values are joined by "/" before `values` is looked up.
        properties: Property -> column.
        durations: Property -> time between two columns, a number.
        when: Conditions on columns; rows for which one does not hold are left out on purpose and counted. They are
            asked before anything else of a row is read.
        events: Events that a row makes, each on its own conditions, such as a contact and its answer; without it, every
            row makes one. `event_id` of the second gets the suffix `-2`, and so on.
        lookup: Columns from another source, by a key.
        time_zone: Time zone of times without an offset, by default the bank's; ambiguous ones (autumn) count as the
            earlier.
        time_format: Format of times, or formats that are tried in order: `%d.%m.%Y`, `%Y%m%d%H%M%S`, `%d-%b-%y`; `iso`
            for the default; `epoch_s`, `epoch_ms`, `epoch_us`, `epoch_ns`; `excel` for the serial numbers of a
            spreadsheet.
        formats: Column -> how it is written, where it differs.
        time_unit: Unit of times that are numbers since 1970: seconds, milli-, micro- or nanoseconds. By default
            times are dates, timestamps, or texts such as `2026-03-29`, `2026-03-29 10:15:00.5`, `2026-03-29T10:15Z`.
        decimal_mark: Decimal mark of numbers that are written as texts, as in CSV: `.` or `,`.
        thousands_mark: Mark between groups of three digits: `.`, `,`, `'` or a blank; '' if there is none. By
            default, an ambiguous number (1.234) is not accepted.
        sign: Sign of amounts: `keep`; `absolute`, without it; `reverse`, where the bank's debits are negative but
            payments should count as positive; or a column that says it.
        delimiter: Delimiter of CSV columns; `blanks` for any number of blanks and tabs.
        header: `first_line`; `none`, for columns called `column 1`, `column 2` and so on; or the names of the columns
            of a file without a header.
        preamble_lines: Lines before the header or the first record, such as a title.
        ignore_lines: Beginnings of lines that are no records: comments (`#`), totals (`Total`); they count as left out.
        quotes: Whether a quote that opens a CSV field reaches to the next one, as usual. False for a system that
            writes quotes as they come, so that every line is a record.
        encoding: Encoding of CSV and JSON lines.
        skip: Field -> values (after mapping) whose rows are left out on purpose; they are counted.
    """

    name: str
    files: tuple[str, ...] = ()
    query: str | None = None
    connection: str | None = None
    watermark: str | None = None
    format: Literal["csv", "parquet", "jsonl"] | None = None
    kind: Literal["events", "attributes", "lookup"] = "events"
    columns: dict[str, str | tuple[str, ...]] = field(default_factory=dict)
    constants: dict[str, str] = field(default_factory=dict)
    values: dict[str, dict[str, str]] = field(default_factory=dict)
    blank: dict[str, Literal["keep", "unknown"]] = field(default_factory=dict)
    value_columns: dict[str, tuple[str, ...]] = field(default_factory=dict)
    properties: dict[str, str] = field(default_factory=dict)
    durations: dict[str, Duration] = field(default_factory=dict)
    when: tuple[Condition, ...] = ()
    events: tuple[RowEvent, ...] = ()
    lookup: Lookup | None = None
    time_zone: str | None = None
    time_unit: TimeUnit | None = None
    time_format: str | tuple[str, ...] = ()
    decimal_mark: DecimalMark = "."
    thousands_mark: ThousandsMark | None = None
    formats: dict[str, ColumnFormat] = field(default_factory=dict)
    sign: Literal["keep", "absolute", "reverse"] | Sign = "keep"
    delimiter: str = ","
    header: Literal["first_line", "none"] | tuple[str, ...] = "first_line"
    preamble_lines: int = 0
    ignore_lines: tuple[str, ...] = ()
    quotes: bool = True
    encoding: str = "utf-8"
    skip: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def parts(self) -> tuple[Source, ...]:
        """A source for each event of a row, with what the event says and otherwise what the source says."""
        return tuple(_part(self, event) for event in self.events) or (self,)

    def in_zone(self, time_zone: str) -> Source:
        """Return the source with a time zone, if it states none."""
        return self if self.time_zone else replace(self, time_zone=time_zone)

    def marks(self, column: str | None = None) -> Marks:
        """Return the marks of a column's numbers; without a column, those of the source."""
        own = self.formats.get(column or "", ColumnFormat())
        thousands = self.thousands_mark if own.thousands_mark is None else own.thousands_mark
        return Marks(own.decimal_mark or self.decimal_mark, thousands)

    def time_style(self, column: str | None = None) -> TimeStyle:
        """Return how a column's times are written; without a column, those of the source."""
        own = self.formats.get(column or "", ColumnFormat())
        formats = own.time_format or self.time_format
        zone = ZoneInfo(own.time_zone or self.time_zone or "UTC")
        return TimeStyle(zone, None if own.time_format else self.time_unit, _listed(formats), self.marks(column))


def _part(source: Source, event: RowEvent) -> Source:
    own = {*event.columns, *event.constants, *event.value_columns, *event.properties, *event.durations}

    def overlaid(shared: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
        return {**{name: value for name, value in shared.items() if name not in own}, **more}

    return replace(
        source,
        columns=overlaid(source.columns, event.columns),
        constants=overlaid(source.constants, event.constants),
        value_columns=overlaid(source.value_columns, event.value_columns),
        properties=overlaid(source.properties, event.properties),
        durations=overlaid(source.durations, event.durations),
        sign=source.sign if event.sign is None else event.sign,
        when=event.when,
        events=(),
    )


def _listed(formats: str | tuple[str, ...]) -> tuple[str, ...]:
    return (formats,) if isinstance(formats, str) else formats
