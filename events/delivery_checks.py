"""Checks of what a source is read from and how it is written."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from domain.errors import Problem, nearest
from domain.time_zones import time_zone
from events.columns import columns_of
from events.conditions import Condition
from events.mapping import Sign, Source
from events.source_files import is_address
from events.time_formats import format_mistake

Path = tuple[str | int, ...]


def delivery_problems(position: int, source: Source) -> list[Problem]:
    """Return all problems of the source at a position of `sources.yaml` that concern its files, query and formats."""
    found = (*_read_from(source), *_text(source), *_formats(source), *_conditions(source), *_rows(source))
    return [Problem(file="sources.yaml", path=(position, *path), what=what, **details) for path, what, details in found]


def _read_from(source: Source) -> Iterator[tuple[Path, str, dict[str, Any]]]:
    if source.files and source.query:
        yield ("query",), "a source reads files or a query, not both", {}
    if not (source.files or source.query):
        yield ("files",), "the source names no files", {"expected": "patterns, such as [crm/*.csv], or a `query`"}
    for position, pattern in enumerate(source.files):
        if is_address(pattern):
            yield from _address(position, pattern)
            continue
        if not pattern or PurePath(pattern).is_absolute() or ".." in PurePath(pattern).parts:
            expected = "a pattern below it, such as crm/*.csv"
            what = "a pattern leaves the bank's source folder"
            yield ("files", position), what, {"got": f"'{pattern}'", "expected": expected}
    for key, value in (("connection", source.connection), ("watermark", source.watermark)):
        if value and not source.query:
            yield (key,), f"`{key}` belongs to a `query`", {"got": f"'{value}'"}
    if source.query and not source.connection:
        expected = "`connection`, the name of an environment variable such as CRM_DATABASE"
        yield ("query",), "nothing says in which database to ask", {"expected": expected}
    if source.connection and not source.connection.isidentifier():
        yield (
            ("connection",),
            "the address of a database holds its password, so only the name of an environment variable is written here",
            {"expected": "a name such as CRM_DATABASE"},
        )
    if source.watermark and not all("event_id" in part.columns for part in source.parts):
        yield (
            ("watermark",),
            "rows with the last watermark are read again, and are recognised by their event id only",
            {"expected": "`event_id` under columns", "remedy": "name the column with the id, or leave `watermark` out"},
        )


def _address(position: int, pattern: str) -> Iterator[tuple[Path, str, dict[str, Any]]]:
    parts = urlsplit(pattern)
    if parts.scheme not in ("s3", "gs", "az", "https", "http"):
        expected = "s3://, gs://, az:// or https://"
        yield (
            ("files", position),
            "files cannot be read from there",
            {"got": f"'{parts.scheme}://'", "expected": expected},
        )
    elif parts.scheme in ("s3", "gs", "az") and (parts.query or "@" in parts.netloc or not parts.netloc):
        expected = "s3://BUCKET/PATTERN, with credentials in the environment"
        yield ("files", position), "not the address of files in a bucket", {"expected": expected}


def _text(source: Source) -> Iterator[tuple[Path, str, dict[str, Any]]]:
    try:
        codecs.lookup(source.encoding)
    except LookupError:
        expected = "for example utf-8, cp1252, latin-1"
        yield ("encoding",), "unknown encoding", {"got": f"'{source.encoding}'", "expected": expected}
    if source.delimiter != "blanks" and (len(source.delimiter.encode()) != 1 or source.delimiter in '"\r\n'):
        expected = ", or ; or a tab, or blanks"
        yield ("delimiter",), "a delimiter is one character", {"got": f"'{source.delimiter}'", "expected": expected}
    if source.preamble_lines < 0:
        yield ("preamble_lines",), "a number of lines is not negative", {"got": str(source.preamble_lines)}
    for position, start in enumerate(source.ignore_lines):
        if not start.strip():
            yield (
                ("ignore_lines", position),
                "every line begins so",
                {"expected": "the beginning of a line, such as '#'"},
            )
    if isinstance(source.header, tuple):
        for position, name in enumerate(source.header):
            if name in source.header[:position]:
                yield ("header", position), "two columns have the same name", {"got": f"'{name}'"}
        for name in columns_of(source):
            if name not in source.header:
                expected = nearest(name, source.header)
                yield ("header",), "the header lacks a column that is read", {"got": f"'{name}'", "expected": expected}


def _formats(source: Source) -> Iterator[tuple[Path, str, dict[str, Any]]]:
    if source.time_unit and source.time_format:
        yield ("time_unit",), "times have two formats", {"expected": "either `time_unit` or `time_format`"}
    written: list[tuple[Path, str | tuple[str, ...], str | None]] = [((), source.time_format, source.time_zone)]
    columns = columns_of(source) if source.kind != "lookup" else tuple(source.formats)
    for name, own in source.formats.items():
        written.append((("formats", name), own.time_format, own.time_zone))
        if name not in columns:
            yield (
                ("formats", name),
                "no field reads this column",
                {"got": f"'{name}'", "expected": nearest(name, columns)},
            )
    for path, formats, zone in written:
        for position, item in enumerate((formats,) if isinstance(formats, str) else formats):
            mistake = format_mistake(item)
            if mistake:
                place = (*path, "time_format") if isinstance(formats, str) else (*path, "time_format", position)
                yield place, "not a format of times", {"got": f"'{item}'", "expected": mistake}
        if zone is not None and time_zone(zone) is None:
            expected = nearest(zone, available_timezones())
            yield (*path, "time_zone"), "unknown time zone", {"got": f"'{zone}'", "expected": expected}
    for path, marks in (((), source.marks()), *((("formats", name), source.marks(name)) for name in source.formats)):
        if marks.decimal == marks.thousands:
            expected = "different marks for decimals and thousands"
            yield (
                (*path, "thousands_mark"),
                "one mark has two meanings",
                {"got": f"'{marks.thousands}'", "expected": expected},
            )
    signs = [
        (("sign",), source.sign),
        *((("events", at, "sign"), event.sign) for at, event in enumerate(source.events)),
    ]
    for place, sign in signs:
        both = sorted({*sign.negative} & {*sign.positive}) if isinstance(sign, Sign) else []
        if both:
            yield place, "a value means both signs", {"got": f"'{both[0]}'"}


def _conditions(source: Source) -> Iterator[tuple[Path, str, dict[str, Any]]]:
    groups: list[tuple[Path, tuple[Condition, ...]]] = [(("when",), source.when)]
    groups += [(("events", at, "when"), event.when) for at, event in enumerate(source.events)]
    for path, conditions in groups:
        for position, condition in enumerate(conditions):
            if condition.asks_nothing:
                expected = "any_of, none_of, blank, above or below"
                yield (*path, position), "a condition that every row fulfils", {"expected": expected}
            if condition.blank and (condition.any_of or condition.above is not None or condition.below is not None):
                yield (*path, position), "a condition that no row fulfils", {"got": "a blank field that has a value"}
            if condition.above is not None and condition.below is not None and condition.above >= condition.below:
                got = f"above {condition.above:g} and below {condition.below:g}"
                yield (*path, position), "a condition that no row fulfils", {"got": got}
            both = sorted({*condition.any_of} & {*condition.none_of})
            if both:
                yield (*path, position), "a value is wanted and unwanted", {"got": f"'{both[0]}'"}


def _rows(source: Source) -> Iterator[tuple[Path, str, dict[str, Any]]]:
    if source.events and source.kind != "events":
        yield ("events",), "only rows of events make several", {"got": f"kind {source.kind}"}
    identified = ["event_id" in part.columns for part in source.parts]
    if any(identified) and not all(identified):
        at = identified.index(False)
        yield (
            ("events", at),
            "some events of a row have an id, and this one has none",
            {"expected": "`event_id` for all"},
        )
    if source.kind == "lookup":
        for key in ("columns", "constants", "properties", "values", "events", "lookup", "durations", "skip"):
            if getattr(source, key):
                yield (key,), "rows of a source of kind `lookup` become nothing themselves", {"remedy": "remove it"}


def lookup_problems(position: int, source: Source, others: dict[str, Source]) -> Iterator[Problem]:
    """Find problems of what a source looks up in the others."""
    if source.lookup is None:
        return
    other = others.get(source.lookup.source)
    if other is None or other.kind != "lookup":
        yield Problem(
            file="sources.yaml",
            path=(position, "lookup", "source"),
            what="rows are looked up in a source of kind `lookup`",
            got=f"'{source.lookup.source}'" + ("" if other is None else f" of kind {other.kind}"),
            expected=nearest(source.lookup.source, [name for name, one in others.items() if one.kind == "lookup"]),
        )
    if not source.lookup.adds:
        yield Problem(
            file="sources.yaml",
            path=(position, "lookup", "adds"),
            what="nothing is looked up",
            expected="columns of that source",
        )
