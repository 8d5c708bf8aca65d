"""Reads source files of every format as chunks of rows."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

import pyarrow as pa

from events.chunks import Chunk
from events.reading_csv import read_csv
from events.reading_json_lines import read_json_lines
from events.reading_parquet import read_parquet
from events.source_files import SourceFile

_READERS = {"csv": read_csv, "parquet": read_parquet, "jsonl": read_json_lines}


def read_chunks(file: SourceFile) -> Iterator[Chunk]:
    """Read a file as chunks, with broken rows set apart.

    Raises:
        SourceError: The file as a whole cannot be read: it is missing, damaged, truncated, in another format or
            encoding, or lacks a column.
    """
    try:
        yield from _READERS[file.format](file)
    except UnicodeError as error:
        raise file.wrong_encoding(str(error)) from error
    except (OSError, EOFError, zlib.error, pa.ArrowException, LookupError, ValueError) as error:
        raise file.unreadable(error) from error
