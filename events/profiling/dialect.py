"""Finds out how a text file is written: encoding, delimiter, title, header, totals."""

from __future__ import annotations

import codecs
import csv
import gzip
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

_SAMPLE: Final = 1_000_000
_DELIMITERS: Final = (",", ";", "\t", "|")
_VALUE: Final = re.compile(r"[+-]?[0-9][0-9.,:/ -]*")
"""A number, a date or a time; the name of a column is none of these."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a CSV file is written, as far as it differs from the defaults of a source.

    Attributes:
        settings: Settings of a source, such as `delimiter` and `encoding`.
        header: Names of the columns.
    """

    settings: dict[str, Any]
    header: tuple[str, ...]


def dialect_of(path: Path) -> Dialect:
    r"""Find out how a CSV file is written, from its first megabyte.

    The encoding is UTF-8 if the bytes are, else what a byte order mark says, else Windows-1252, the superset of
    Latin-1. The delimiter is the one that cuts most lines into the same number of fields, at least two. Lines before
    the first of that number are a title. The first line is a header unless one of its fields is a number or a
    date.

    Args:
        path: File, possibly compressed (`.gz`).

    Raises:
        OSError: It cannot be read.
    """
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as handle:
        data = handle.read(_SAMPLE)
    encoding = _encoding(data)
    text = data.decode(encoding, errors="ignore").removeprefix("\ufeff")
    lines = [line for line in text.splitlines() if line.strip()]
    if len(data) == _SAMPLE and len(lines) > 1:
        lines.pop()  # cut somewhere within
    settings: dict[str, Any] = {} if encoding == "utf-8" else {"encoding": encoding}
    if lines and re.fullmatch("sep=.", lines[0]):
        lines = lines[1:]  # for spreadsheets; readers leave it out
    delimiter, width = _delimiter(lines[:2000])
    if delimiter != ",":
        settings["delimiter"] = delimiter
    rows = [_fields(line, delimiter) for line in lines[:200]]
    # a title may be followed by as many delimiters as a row has
    filled = (len(row) == width and sum(map(bool, row)) >= min(2, width) for row in rows)
    preamble = next((place for place, full in enumerate(filled) if full), 0)
    comments = [line for line in lines[:preamble] if line.startswith("#")]
    if preamble and len(comments) == preamble:
        settings["ignore_lines"] = ["#"]
    elif preamble:
        settings["preamble_lines"] = preamble + _blank_lines(text, preamble)
    first = _fields(lines[preamble], delimiter, as_written=True) if lines else []
    if any(_VALUE.fullmatch(field.strip()) or field in ("true", "false") for field in first) and len(lines) > 1:
        settings["header"] = "none"
        first = [f"column {place}" for place in range(1, len(first) + 1)]
    footer = _footer(lines, delimiter, width, preamble)
    if footer:
        settings["ignore_lines"] = [*settings.get("ignore_lines", ()), footer]
    header = [name or f"column {place}" for place, name in enumerate(first, start=1)]
    return Dialect(settings, tuple(header))


def _encoding(data: bytes) -> str:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data)  # a character may be cut at the end
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _delimiter(lines: Sequence[str]) -> tuple[str, int]:
    best = (0.0, 0, ",", 1)
    for mark in _DELIMITERS:
        widths = Counter(len(_fields(line, mark)) for line in lines)
        width, count = max(widths.items(), key=lambda item: (item[0] > 1, item[1])) if widths else (1, 0)
        if width > 1:
            best = max(best, (round(count / len(lines), 2), width, mark, width))
    if best[1] == 0 and lines:
        widths = Counter(len(line.split()) for line in lines)
        width, count = widths.most_common(1)[0]
        if width > 1 and count >= 0.9 * len(lines) and len(lines) > 1:
            return "blanks", width
    return best[2], best[3]


def _fields(line: str, delimiter: str, *, as_written: bool = False) -> list[str]:
    if delimiter == "blanks":
        return line.split()
    fields = next(csv.reader([line], delimiter=delimiter), [])
    return fields if as_written else [field.strip() for field in fields]


def _blank_lines(text: str, preamble: int) -> int:
    """Count the blank lines within the first lines that are not blank: a title is counted in physical lines."""
    blank = filled = 0
    for line in text.splitlines():
        if filled == preamble:
            break
        filled, blank = filled + bool(line.strip()), blank + (not line.strip())
    return blank


def _footer(lines: Sequence[str], delimiter: str, width: int, preamble: int) -> str | None:
    """Return the first field of a last line that is no record: shorter, or a total in words."""
    if len(lines) - preamble < 3:
        return None
    last, before = _fields(lines[-1], delimiter), _fields(lines[-2], delimiter)
    word = last[0] if last else ""
    total = re.match(r"(?i)(summe|sum|total|gesamt|anzahl|\(?[0-9]+ (rows|zeilen|records))", word)
    if not total or (len(before) == width and before[0] == word):
        return None
    return word
