"""Reading source files of every format as chunks of rows."""

from __future__ import annotations

import csv
import zlib
from collections.abc import Iterator

import pyarrow as pa

from domain.errors import SourceError
from events.chunks import Chunk
from events.reading_csv import read_csv
from events.reading_json_lines import read_json_lines
from events.reading_parquet import read_parquet
from events.source_files import SourceFile

_READERS = {"csv": read_csv, "parquet": read_parquet, "jsonl": read_json_lines}
_SNIFFED_BYTES = 4096


def read_chunks(file: SourceFile) -> Iterator[Chunk]:
    """Read a file, broken rows set apart.

    Raises:
        SourceError: The file as a whole cannot be read: it is gone, damaged, truncated, in another format or
            encoding, or lacks a column.
    """
    try:
        _refuse_two_byte_text(file)
        yield from _READERS[file.format](file)
    except UnicodeError as error:
        raise wrong_encoding(file, str(error)) from error
    except (OSError, EOFError, zlib.error, csv.Error, pa.ArrowException, LookupError) as error:
        raise file.unreadable(error) from error


def wrong_encoding(file: SourceFile, got: str) -> SourceError:
    """Say that a file is not in the encoding its source declares."""
    return SourceError(
        f"file '{file.name}' of source '{file.source.name}' is not in the declared encoding",
        got=got,
        expected=file.source.encoding,
        remedy="correct `encoding` in sources.yaml (cp1252, latin-1, utf-16, say)",
    )


def _refuse_two_byte_text(file: SourceFile) -> None:
    """Text of two bytes a letter would be read as rows of rubbish where one byte is declared."""
    if file.format == "parquet" or file.compressed or "16" in file.source.encoding or "32" in file.source.encoding:
        return
    with file.path.open("rb") as handle:
        start = handle.read(_SNIFFED_BYTES)
    if start.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in start:
        raise wrong_encoding(file, "text of two bytes a letter, or no text")
