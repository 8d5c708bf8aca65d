"""Checks of how one source's rows become events."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from domain.errors import Problem, nearest
from events.delivery_checks import delivery_problems
from events.mapping import EVENT_FIELDS, ID_FIELDS, Source
from events.properties import canonical, expectation
from events.vocabulary import Property, Vocabulary

_NAMES = ("type", "channel", "product")
_FIELD_MAPS = ("columns", "constants", "value_columns")


def source_problems(position: int, source: Source, vocabulary: Vocabulary) -> list[Problem]:
    """Return all problems of the source at a position of `sources.yaml`."""
    problems = delivery_problems(position, source)
    if source.kind == "lookup":
        return problems
    for place, part in enumerate(source.parts):
        checks = _PartChecks(position, source, place, part, vocabulary)
        problems += [
            *checks.fields(),
            *checks.required(),
            *checks.properties(),
            *checks.values(),
            *checks.idle(),
            *checks.blank(),
            *checks.skip(),
        ]
    return list(dict.fromkeys(problems))


class _PartChecks:
    """Checks of a source, or of its part for one event of a row."""

    def __init__(self, position: int, whole: Source, place: int, source: Source, vocabulary: Vocabulary) -> None:
        self._position = position
        self._whole = whole
        self._place = place
        self._source = source
        self._vocabulary = vocabulary
        self._valid: dict[str, Sequence[str]] = {
            "type": tuple(vocabulary.types),
            "channel": vocabulary.channels,
            "product": vocabulary.products,
        }

    def fields(self) -> Iterator[Problem]:
        source = self._source
        filled: dict[str, tuple[str, ...]] = {
            "columns": tuple(source.columns),
            "constants": tuple(source.constants),
            "value_columns": tuple(source.value_columns),
            "properties": tuple(source.properties),
            "durations": tuple(source.durations),
        }
        for key, fields in filled.items():
            for field in fields:
                if (
                    key in _FIELD_MAPS
                    and field not in EVENT_FIELDS
                    and not (key == "constants" and field in self._declared())
                ):
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
        source, declared = self._source, self._declared()
        where = "an attribute" if self._source.kind == "attributes" else "a property of an event type"
        if self._source.kind == "attributes" and not self._read():
            yield self._problem(
                ("properties",), "a source of attributes reads no attribute", expected="attribute: column"
            )
        for key, name in (
            *(("properties", n) for n in source.properties),
            *(("durations", n) for n in source.durations),
        ):
            if name not in declared:
                yield self._problem(
                    (key, name),
                    f"only {where} can be read",
                    got=f"'{name}'",
                    expected=nearest(name, declared),
                    remedy="declare it in events.yaml",
                )
        for name in source.durations:
            if any(form.type != "number" for form in declared.get(name, ())):
                yield self._problem(
                    ("durations", name), "a duration is a number", got=f"'{name}'", expected="a property of type number"
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
            elif field in self._read():
                marks = self._source.marks(self._source.properties.get(field))
                for raw, value in mapped.items():
                    forms = declared.get(field, ())
                    if forms and all(canonical(value, form, marks) is None for form in forms):
                        expected = expectation(forms[0], marks)
                        yield self._problem(
                            ("values", field, raw),
                            f"a value that '{field}' cannot have",
                            got=f"'{value}'",
                            expected=expected,
                        )
            elif field not in ID_FIELDS and not self._read_by_another(field):
                yield self._problem(
                    ("values", field),
                    "values of this field cannot be mapped",
                    got=f"'{field}'",
                    expected=nearest(field, (*_NAMES, *ID_FIELDS, *self._read())),
                )

    def idle(self) -> Iterator[Problem]:
        """Find entries of `values` that no row can use."""
        source = self._source
        filled = {*source.columns, *source.constants, *source.value_columns, *source.properties}
        for field, mapped in source.values.items():
            if field in (*_NAMES, *ID_FIELDS) and field not in filled and not self._read_by_another(field):
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
                elif field in source.constants and raw != source.constants[field] and not self._whole.events:
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
            if self._read_by_another(field):
                continue
            if field not in (*_NAMES, *ID_FIELDS) or field not in filled:
                yield self._problem(
                    ("skip", field),
                    "rows cannot be skipped by this field",
                    got=f"'{field}'",
                    expected=nearest(field, [name for name in (*_NAMES, *ID_FIELDS) if name in filled]),
                    remedy="use `when` for conditions on columns",
                )

    def _constants(self) -> Iterator[Problem]:
        for field, value in self._source.constants.items():
            mapped = self._source.values.get(field, {}).get(value, value)
            if field in self._valid and self._source.kind == "events" and mapped not in self._valid[field]:
                expected = nearest(mapped, self._valid[field])
                yield self._problem(("constants", field), f"unknown {field}", got=f"'{mapped}'", expected=expected)
            if field == "amount" and self._source.marks().number(value) is None:
                yield self._problem(
                    ("constants", field),
                    "an amount is a number",
                    got=f"'{value}'",
                    expected=self._source.marks().expectation,
                )
            forms = self._declared().get(field, ())
            if field not in EVENT_FIELDS and forms and all(canonical(mapped, form) is None for form in forms):
                yield self._problem(
                    ("constants", field),
                    f"a value that '{field}' cannot have",
                    got=f"'{mapped}'",
                    expected=expectation(forms[0]),
                )

    def _read(self) -> tuple[str, ...]:
        """Return the properties that the source fills."""
        constants = (name for name in self._source.constants if name not in EVENT_FIELDS)
        return (*self._source.properties, *self._source.durations, *constants)

    def _read_by_another(self, field: str) -> bool:
        """Return whether another event of the same row fills a field, so that what is said of it has an effect."""
        maps = [(p.columns, p.constants, p.value_columns, p.properties) for p in self._whole.parts]
        return len(maps) > 1 and any(field in filled for part in maps for filled in part)

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
        return Problem(
            file="sources.yaml",
            path=(self._position, *self._within(path)),
            what=what,
            got=got,
            expected=expected,
            remedy=remedy,
        )

    def _within(self, path: tuple[str | int, ...]) -> tuple[str | int, ...]:
        """Return the path as it is in the file: below `events` if the event of this part says it."""
        if not self._whole.events:
            return path
        own = getattr(self._whole.events[self._place], str(path[0]), {})
        shared = getattr(self._whole, str(path[0]))
        here = path[1] in own if len(path) > 1 else not shared
        return ("events", self._place, *path) if here else path
