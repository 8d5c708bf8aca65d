"""Checks of the mapping of one source."""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Sequence
from pathlib import PurePath
from zoneinfo import ZoneInfo, available_timezones

from domain.errors import Problem, nearest
from events.mapping import EVENT_FIELDS, ID_FIELDS, Source
from events.properties import canonical, expectation
from events.vocabulary import Property, Vocabulary

_NAMES = ("type", "channel", "product")


def source_problems(position: int, source: Source, vocabulary: Vocabulary) -> list[Problem]:
    """Return all problems of the source at a position of `sources.yaml`."""
    checks = _SourceChecks(position, source, vocabulary)
    return [
        *checks.files(),
        *checks.fields(),
        *checks.required(),
        *checks.properties(),
        *checks.values(),
        *checks.idle(),
        *checks.blank(),
        *checks.skip(),
    ]


class _SourceChecks:
    def __init__(self, position: int, source: Source, vocabulary: Vocabulary) -> None:
        self._position = position
        self._source = source
        self._vocabulary = vocabulary
        self._valid: dict[str, Sequence[str]] = {
            "type": tuple(vocabulary.types),
            "channel": vocabulary.channels,
            "product": vocabulary.products,
        }

    def files(self) -> Iterator[Problem]:
        source = self._source
        if not source.files:
            yield self._problem(("files",), "the source names no files", expected="patterns, such as [crm/*.csv]")
        for position, pattern in enumerate(source.files):
            if not pattern or PurePath(pattern).is_absolute() or ".." in PurePath(pattern).parts:
                yield self._problem(
                    ("files", position),
                    "a pattern leaves the bank's source folder",
                    got=f"'{pattern}'",
                    expected="a pattern below it, such as crm/*.csv",
                )
        try:
            ZoneInfo(source.time_zone)
        except (ValueError, OSError, KeyError):
            yield self._problem(
                ("time_zone",),
                "unknown time zone",
                got=f"'{source.time_zone}'",
                expected=nearest(source.time_zone, available_timezones()),
            )
        try:
            codecs.lookup(source.encoding)
        except LookupError:
            yield self._problem(
                ("encoding",),
                "unknown encoding",
                got=f"'{source.encoding}'",
                expected="for example utf-8, cp1252, latin-1",
            )
        if len(source.delimiter.encode()) != 1 or source.delimiter in '"\r\n':
            yield self._problem(
                ("delimiter",), "a delimiter is one character", got=f"'{source.delimiter}'", expected=", or ; or a tab"
            )

        if source.decimal_mark == source.thousands_mark:
            yield self._problem(
                ("thousands_mark",),
                "one mark has two meanings",
                got=f"'{source.thousands_mark}'",
                expected="different marks for decimals and thousands",
            )

    def fields(self) -> Iterator[Problem]:
        source = self._source
        filled: dict[str, tuple[str, ...]] = {
            "columns": tuple(source.columns),
            "constants": tuple(source.constants),
            "value_columns": tuple(source.value_columns),
        }
        for key, fields in filled.items():
            for field in fields:
                if field not in EVENT_FIELDS:
                    yield self._problem(
                        (key, field), "unknown field", got=f"'{field}'", expected=nearest(field, EVENT_FIELDS)
                    )
                if any(field in others for other, others in filled.items() if other < key):
                    yield self._problem((key, field), "a field is filled twice", got=f"'{field}'")
        for field, columns in source.columns.items():
            if not isinstance(columns, str) and field not in ID_FIELDS:
                yield self._problem(
                    ("columns", field),
                    "only ids can be joined from columns",
                    got=f"'{field}'",
                    expected=f"one column, or one of {', '.join(ID_FIELDS)}",
                    remedy="use `value_columns` to join values that are mapped",
                )
            if not columns:
                yield self._problem(("columns", field), "a field has no columns to read from", got=f"'{field}'")
        for field, joined in source.value_columns.items():
            if field not in _NAMES or not joined:
                yield self._problem(
                    ("value_columns", field),
                    "only names can be joined from `value_columns`",
                    expected=f"columns for {', '.join(_NAMES)}",
                )
        yield from self._constants()

    def required(self) -> Iterator[Problem]:
        source = self._source
        filled = {*source.columns, *source.constants, *source.value_columns}
        needed = ("customer_id", "occurred_at", "type") if source.kind == "events" else ("customer_id", "occurred_at")
        for field in needed:
            if field not in filled:
                yield self._problem(
                    ("columns",), "nothing fills a field that every event needs", expected=f"'{field}' under columns"
                )
        if source.kind == "attributes":
            for key, fields in (("columns", source.columns), ("constants", source.constants)):
                if "type" in fields:
                    yield self._problem((key, "type"), "a source of attributes has no event type", remedy="remove it")

    def properties(self) -> Iterator[Problem]:
        declared = self._declared()
        where = "an attribute" if self._source.kind == "attributes" else "a property of an event type"
        if self._source.kind == "attributes" and not self._source.properties:
            yield self._problem(
                ("properties",), "a source of attributes reads no attribute", expected="attribute: column"
            )
        for name in self._source.properties:
            if name not in declared:
                yield self._problem(
                    ("properties", name),
                    f"only {where} can be read",
                    got=f"'{name}'",
                    expected=nearest(name, declared),
                    remedy="declare it in events.yaml",
                )

    def values(self) -> Iterator[Problem]:
        declared = self._declared()
        for field, mapped in self._source.values.items():
            if field in self._valid:
                for raw, name in mapped.items():
                    if name not in self._valid[field] and name not in self._source.skip.get(field, ()):
                        expected = nearest(name, self._valid[field])
                        yield self._problem(
                            ("values", field, raw), f"unknown {field}", got=f"'{name}'", expected=expected
                        )
            elif field in self._source.properties:
                for raw, value in mapped.items():
                    forms = declared.get(field, ())
                    if forms and all(canonical(value, form, self._source.marks) is None for form in forms):
                        expected = expectation(forms[0], self._source.marks)
                        yield self._problem(
                            ("values", field, raw),
                            f"a value that '{field}' cannot have",
                            got=f"'{value}'",
                            expected=expected,
                        )
            elif field not in ID_FIELDS:
                yield self._problem(
                    ("values", field),
                    "values of this field cannot be mapped",
                    got=f"'{field}'",
                    expected=nearest(field, (*_NAMES, *ID_FIELDS, *self._source.properties)),
                )

    def idle(self) -> Iterator[Problem]:
        """Find entries of `values` that no row can use."""
        source = self._source
        filled = {*source.columns, *source.constants, *source.value_columns, *source.properties}
        for field, mapped in source.values.items():
            if field in (*_NAMES, *ID_FIELDS) and field not in filled:
                yield self._problem(
                    ("values", field),
                    "values are mapped for a field that nothing fills",
                    got=f"'{field}'",
                    expected=f"'{field}' under columns, or no values for it",
                )
            joined = len(source.value_columns.get(field, ()))
            for raw in mapped:
                expected = None
                if raw != raw.strip():
                    expected = f"'{raw.strip()}': values are trimmed"
                elif joined and raw.count("/") < joined - 1:
                    expected = f"{joined} values joined by '/', like {source.value_columns[field]}"
                elif raw == "" and field in ID_FIELDS:
                    expected = "nothing: a row without an id is quarantined"
                elif field in source.constants and raw != source.constants[field]:
                    expected = f"'{source.constants[field]}', the constant"
                if expected:
                    yield self._problem(
                        ("values", field, raw), "a value that never occurs", got=f"'{raw}'", expected=expected
                    )

    def blank(self) -> Iterator[Problem]:
        source = self._source
        for name in source.blank:
            if source.kind != "attributes" or name not in source.properties:
                yield self._problem(
                    ("blank", name),
                    "a blank field has a meaning only for attributes",
                    got=f"'{name}'",
                    expected=nearest(name, source.properties if source.kind == "attributes" else ()),
                )
            elif "" in source.values.get(name, {}):
                yield self._problem(
                    ("blank", name),
                    "a blank field has two meanings",
                    got=f"'{name}'",
                    expected="either this, or '' in `values`",
                )

    def skip(self) -> Iterator[Problem]:
        filled = {*self._source.columns, *self._source.constants, *self._source.value_columns}
        for field in self._source.skip:
            if field not in (*_NAMES, *ID_FIELDS) or field not in filled:
                yield self._problem(
                    ("skip", field),
                    "rows cannot be skipped by this field",
                    got=f"'{field}'",
                    expected=nearest(field, [name for name in (*_NAMES, *ID_FIELDS) if name in filled]),
                )

    def _constants(self) -> Iterator[Problem]:
        for field, value in self._source.constants.items():
            mapped = self._source.values.get(field, {}).get(value, value)
            if field in self._valid and self._source.kind == "events" and mapped not in self._valid[field]:
                expected = nearest(mapped, self._valid[field])
                yield self._problem(("constants", field), f"unknown {field}", got=f"'{mapped}'", expected=expected)
            if field == "amount" and self._source.marks.number(value) is None:
                yield self._problem(
                    ("constants", field),
                    "an amount is a number",
                    got=f"'{value}'",
                    expected=self._source.marks.expectation,
                )

    def _declared(self) -> dict[str, tuple[Property, ...]]:
        if self._source.kind == "attributes":
            return {name: (item,) for name, item in self._vocabulary.attributes.items()}
        declared: dict[str, tuple[Property, ...]] = {}
        for event_type in self._vocabulary.types.values():
            for name, item in event_type.properties.items():
                declared[name] = (*declared.get(name, ()), item)
        return declared

    def _problem(
        self,
        path: tuple[str | int, ...],
        what: str,
        *,
        got: str | None = None,
        expected: str | None = None,
        remedy: str | None = None,
    ) -> Problem:
        place = (self._position, *path)
        return Problem(
            file="sources.yaml",
            path=place,
            what=what,
            got=got,
            expected=expected,
            remedy=remedy,
        )
