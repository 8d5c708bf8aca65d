"""The text of a CSV file from its header on, without a title, with one character between columns."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from typing import Final

from events.mapping import Source
from events.reading_text import read_blocks
from events.source_files import SourceFile

_LINE: Final = re.compile(rb"[^\r\n]*(?:\r\n|\n|\r)")
_EXCEL: Final = re.compile(rb"sep=.(?:\r\n|\n|\r)")
"""First line by which a spreadsheet is told the delimiter."""
_BLANKS: Final = re.compile(rb"[ \t]+")


def delimiter_of(source: Source) -> str:
    """Return the character between columns in the text that `csv_text` yields."""
    return "\t" if source.delimiter == "blanks" else source.delimiter


def quotes_of(source: Source) -> bool:
    """Return whether quotes enclose fields in the text that `csv_text` yields."""
    return source.quotes and source.delimiter != "blanks"


def csv_text(file: SourceFile) -> Iterator[tuple[bytes, int]]:
    """Yield the blocks of a file's text as `read_blocks` does, from the line after its preamble on.

    Raises:
        ValueError: The preamble is longer than the first block.
    """
    blocks = read_blocks(file)
    text, done = next(blocks)
    if found := _EXCEL.match(text):
        text = text[found.end() :]
    for number in range(1, file.source.preamble_lines + 1):
        line = _LINE.match(text)
        if line is None:
            raise ValueError(
                f"`preamble_lines` is {file.source.preamble_lines}, but there is no line after line {number}"
            )
        text = text[line.end() :]
    if file.source.delimiter != "blanks":
        yield text, done
        yield from blocks
        return
    rest = b""
    for block, done_now in chain([(text, done)], blocks):
        *lines, rest = (rest + block).splitlines(keepends=True) or [b""]
        done = done_now
        yield b"".join(_one_blank(line) for line in lines), done
    yield _one_blank(rest), done


def _one_blank(line: bytes) -> bytes:
    text = line.rstrip(b"\r\n")
    return _BLANKS.sub(b"\t", text.strip(b" \t")) + line[len(text) :]
