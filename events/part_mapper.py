"""Maps rows of a source to events of the contract, one event per row."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from events.amounts import Amounts
from events.columns import columns_of_field
from events.fields import Fields
from events.ids import Ids, suspects_among
from events.mapping import EVENT_FIELDS, ID_FIELDS, Sign, Source
from events.numbers import PLAIN, Marks
from events.properties import PropertyColumn, expectation, property_maps, read_property
from events.quarantine import Reason
from events.rejections import Rejections, Rows, got_expected, unknown_name
from events.schema import LARGEST_AMOUNT, MOMENT, NAME
from events.texts import Coded
from events.times import MomentColumn
from events.vocabulary import ATTRIBUTES_TYPE, UNKNOWN_TEXT, Property, Vocabulary


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedRows:
    """What became of the rows of a table.

    Attributes:
        events: Events of the rows that fit; without `event_id` if the source has none.
        positions: Shape (len(events),), the rows of the events; a row that makes several comes as often.
        skipped: Number of rows, and of further events, left out on purpose.
        rejected: Row, reason and detail of events that do not fit.
        parts: Row, field, reason and detail of fields that do not fit in rows that do.
        warnings: Suspicious finding -> number of rows.
        further: Number of events that rows make beside their first.
    """

    events: pa.Table
    positions: NDArray[np.int64]
    skipped: int
    rejected: Sequence[tuple[int, Reason, str]]
    parts: Sequence[tuple[int, str, Reason, str]]
    warnings: Mapping[str, int]
    further: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Columns:
    """The fields of n rows, read but not checked."""

    ids: Mapping[str, Ids]
    names: Mapping[str, Coded]
    occurred: MomentColumn
    available: MomentColumn
    amounts: Amounts
    properties: Mapping[str, PropertyColumn]


@dataclass(frozen=True, slots=True)
class _Unfit:
    """Rows whose field does not fit."""

    field: str
    rows: Rows
    reason: Reason
    detail: Callable[[int], str]


class PartMapper:
    """Maps rows of one file of a source to one event each.

    An event with a value that does not fit is rejected whole. A row of attributes loses only that value: a withdrawn
    consent must not be lost because the region beside it is unknown.

    Args:
        source: Source of the file, or its part for one event of a row.
        vocabulary: Vocabulary of the bank.
        now: Current time; later events are in the future.
        file: Name of the file in errors.
    """

    def __init__(self, source: Source, vocabulary: Vocabulary, now: datetime, file: str) -> None:
        self._source = source
        self._vocabulary = vocabulary
        self._now = np.datetime64(now.astimezone(UTC).replace(tzinfo=None), "us").astype(np.int64)
        self._file = file

    def map(self, table: pa.Table, rows: NDArray[np.int64]) -> MappedRows:
        """Map some rows of a table with the columns of the file; positions in the result are those of the table.

        Raises:
            SourceError: A column has a type from which its field cannot be read.
        """
        fields = self._fields(table, rows)
        kept = ~self._skipped(fields, len(rows))
        skipped = len(rows) - int(kept.sum())
        if skipped:
            rows = rows[kept]
            fields = self._fields(table, rows)
        columns = self._read(fields)
        rejections = Rejections(np.ones(len(rows), dtype=bool))
        self._check_ids(columns, rejections)
        self._check_moments(fields, columns, rejections)
        self._check_types(columns, rejections)
        unfit = self._unfit_fields(fields, columns)
        for problem in unfit:
            if self._source.kind == "attributes":
                rejections.part(problem.field, problem.rows, problem.reason, problem.detail)
            else:
                rejections.where(problem.rows, problem.reason, problem.detail)
        properties = self._properties(fields, columns, rejections)
        keep = np.flatnonzero(rejections.open)
        return MappedRows(
            events=_events(columns, properties, {problem.field: problem.rows for problem in unfit}, keep),
            positions=rows[keep],
            skipped=skipped,
            rejected=[(int(rows[row]), *why) for row, why in rejections.reasons.items()],
            parts=[(int(rows[part[0]]), *part[1:]) for part in rejections.parts if rejections.open[part[0]]],
            warnings={
                f"{field} (column {self._column(field)}) is written {words}": count
                for field, ids in columns.ids.items()
                for words, count in suspects_among(ids.values.take(pa.array(keep))).items()
            },
        )

    def _fields(self, table: pa.Table, rows: NDArray[np.int64]) -> Fields:
        chosen = table if len(rows) == table.num_rows else table.take(pa.array(rows))
        return Fields(chosen, self._source, self._file)

    def _column(self, field: str) -> str:
        return ", ".join(f"'{column}'" for column in columns_of_field(self._source, field))

    def _read(self, fields: Fields) -> _Columns:
        id_fields = (
            ("event_id", "customer_id", "decision_id") if fields.fills("event_id") else ("customer_id", "decision_id")
        )
        names = {name: fields.coded(name) for name in ("type", "channel", "product")}
        if self._source.kind == "attributes":
            names["type"] = Coded(np.zeros_like(names["type"].codes), (ATTRIBUTES_TYPE,))
        occurred = fields.moments("occurred_at")
        return _Columns(
            ids={name: fields.ids(name) for name in id_fields},
            names=names,
            occurred=occurred,
            available=fields.moments("available_at") if fields.fills("available_at") else occurred,
            amounts=fields.amounts(),
            properties={
                name: read_property(
                    fields.property_texts(name), self._declarations(name, names["type"]), self._marks(fields, name)
                )
                for name in sorted(self._property_names())
            },
        )

    def _property_names(self) -> set[str]:
        constants = {name for name in self._source.constants if name not in EVENT_FIELDS}
        return {*self._source.properties, *self._source.durations, *constants}

    def _marks(self, fields: Fields, name: str) -> Marks:
        return PLAIN if name in self._source.durations else fields.marks(name)

    def _declarations(self, name: str, types: Coded) -> list[tuple[Property, Rows | None]]:
        if self._source.kind == "attributes":
            return [(self._vocabulary.attributes[name], None)]
        declared: dict[Property, set[str]] = {}
        for type_name, event_type in self._vocabulary.types.items():
            if name in event_type.properties:
                declared.setdefault(event_type.properties[name], set()).add(type_name)
        return [(form, types.among(members.__contains__)) for form, members in declared.items()]

    def _skipped(self, fields: Fields, count: int) -> Rows:
        skipped = np.zeros(count, dtype=bool)
        for field, values in self._source.skip.items():
            coded = Coded.of(fields.ids(field).values) if field in ID_FIELDS else fields.coded(field)
            skipped |= coded.among(set(values).__contains__)
        return skipped

    def _check_ids(self, columns: _Columns, rejections: Rejections) -> None:
        for field, missing, unfit in (
            ("customer_id", Reason.CUSTOMER_ID_MISSING, Reason.CUSTOMER_ID_UNFIT),
            ("event_id", Reason.EVENT_ID_MISSING, Reason.EVENT_ID_UNFIT),
        ):
            if field in columns.ids:
                rejections.where(columns.ids[field].missing, missing)
                rejections.where(columns.ids[field].unfit, unfit, columns.ids[field].why)

    def _check_moments(self, fields: Fields, columns: _Columns, rejections: Rejections) -> None:
        occurred, available = columns.occurred, columns.available
        for field, moments in {"occurred_at": occurred, "available_at": available}.items():
            rejections.where(moments.missing, Reason.TIME_MISSING, _constantly(field))
            rejections.where(moments.unreadable, Reason.TIME_UNREADABLE, self._unreadable(fields, field))
        latest = np.maximum(occurred.microseconds, available.microseconds)
        rejections.where(
            latest > self._now,
            Reason.TIME_IN_THE_FUTURE,
            lambda row: f"{_written(latest[row])} is later than {_written(self._now)}",
        )
        rejections.where(
            occurred.microseconds < 0,
            Reason.TIME_BEFORE_1970,
            lambda row: f"{_written(occurred.microseconds[row])}: leave the field empty if there is no date",
        )
        rejections.where(
            available.microseconds < occurred.microseconds,
            Reason.AVAILABLE_BEFORE_OCCURRED,
            lambda row: f"{_written(available.microseconds[row])} < {_written(occurred.microseconds[row])}",
        )

    def _check_types(self, columns: _Columns, rejections: Rejections) -> None:
        if self._source.kind == "events":
            types, known = columns.names["type"], tuple(self._vocabulary.types)
            rejections.where(~types.among(set(known).__contains__), Reason.TYPE_UNKNOWN, unknown_name(types, known))

    def _unreadable(self, fields: Fields, field: str) -> Callable[[int], str]:
        column, columns = fields.field(field), columns_of_field(self._source, field)
        expected = self._source.time_style(columns[0] if columns else None).expectation
        return lambda row: f"{field}: {got_expected(column[row], expected)}"

    def _unfit_fields(self, fields: Fields, columns: _Columns) -> list[_Unfit]:
        """Find the rows in which optional fields do not fit."""
        found = []
        for field, valid, reason in (
            ("channel", self._vocabulary.channels, Reason.CHANNEL_UNKNOWN),
            ("product", self._vocabulary.products, Reason.PRODUCT_UNKNOWN),
        ):
            coded = columns.names[field]
            rows = (coded.codes >= 0) & ~coded.among(set(valid).__contains__)
            found.append(_Unfit(field, rows, reason, unknown_name(coded, valid)))
        amounts = columns.amounts
        for rows, reason, expected in (
            (amounts.unreadable, Reason.AMOUNT_NOT_A_NUMBER, self._amount_expectation(fields)),
            (amounts.beyond, Reason.AMOUNT_OUT_OF_BOUNDS, f"at most {LARGEST_AMOUNT:g}"),
        ):
            found.append(_Unfit("amount", rows, reason, partial(_amount_expected, amounts, expected)))
        decisions = columns.ids["decision_id"]
        return [*found, _Unfit("decision_id", decisions.unfit, Reason.DECISION_ID_UNFIT, decisions.why)]

    def _amount_expectation(self, fields: Fields) -> str:
        sign = self._source.sign
        sides = (
            f", and {', '.join((*sign.negative, *sign.positive))} in '{sign.column}'" if isinstance(sign, Sign) else ""
        )
        return fields.marks("amount").expectation + sides

    def _properties(self, fields: Fields, columns: _Columns, rejections: Rejections) -> dict[str, Coded]:
        """Return the values of properties, including those that stand for unreadable ones."""
        details = {name: self._unfit(fields, name, columns.names["type"]) for name in columns.properties}
        if self._source.kind == "events":
            for name, column in columns.properties.items():
                rejections.where(column.unfit, Reason.PROPERTY_UNFIT, details[name])
            return {name: column.values for name, column in columns.properties.items()}
        values: dict[str, Coded] = {}
        for name, column in columns.properties.items():
            values[name] = column.values
            if self._source.blank.get(name) == "unknown":
                values[name] = values[name].with_value((column.values.codes < 0) & ~column.unfit, UNKNOWN_TEXT)
            stands_for = self._vocabulary.attributes[name].stands_for_unreadable
            if stands_for is not None:
                values[name] = values[name].with_value(column.unfit, stands_for)
        nothing = np.logical_and.reduce([coded.codes < 0 for coded in values.values()])
        for name, column in columns.properties.items():
            rejections.where(column.unfit & nothing, Reason.PROPERTY_UNFIT, details[name])
            rejections.part(name, column.unfit, Reason.PROPERTY_UNFIT, details[name])
        return values

    def _unfit(self, fields: Fields, name: str, types: Coded) -> Callable[[int], str]:
        texts = fields.property_texts(name)

        def detail(row: int) -> str:
            if self._source.kind == "attributes":
                declared = self._vocabulary.attributes[name]
            else:
                declared = self._vocabulary.types[str(types.at(row))].properties[name]
            return f"{name}: {got_expected(texts.at(row), expectation(declared, self._marks(fields, name)))}"

        return detail


def _events(
    columns: _Columns, properties: Mapping[str, Coded], unfit: Mapping[str, Rows], keep: NDArray[np.int64]
) -> pa.Table:
    rows = pa.array(keep)
    arrays = {name: ids.values.take(rows) for name, ids in columns.ids.items()}
    arrays["occurred_at"] = pa.array(columns.occurred.microseconds[keep]).cast(MOMENT)
    arrays["available_at"] = pa.array(columns.available.microseconds[keep]).cast(MOMENT)
    for name, coded in columns.names.items():
        fit = Coded(np.where(unfit[name], -1, coded.codes), coded.values) if name in unfit else coded
        arrays[name] = fit.to_arrow(keep).cast(NAME)
    arrays["amount"] = columns.amounts.values.take(rows)
    arrays["properties"] = property_maps(properties, keep)
    return pa.table(arrays)


def _amount_expected(amounts: Amounts, expected: str, row: int) -> str:
    return got_expected(amounts.text(row), expected)


def _constantly(text: str) -> Callable[[int], str]:
    return lambda _: text


def _written(microseconds: np.int64) -> str:
    return f"{np.datetime64(int(microseconds), 'us')}Z"
