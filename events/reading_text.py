"""Reads text files, compressed or not, in any encoding, as blocks of UTF-8."""

from __future__ import annotations

import codecs
import gzip
from collections.abc import Iterator
from typing import Final

from domain.errors import SourceError
from events.source_files import SourceFile

LONGEST_RECORD: Final = 16 * 2**20
"""Bytes; anything longer is no record, but a quote that never closes or a file without lines."""

_BLOCK: Final = 16 * 2**20
_UTF_8: Final = ("utf-8", "utf-8-sig", "ascii")
_MARK: Final = b"\xef\xbb\xbf"
_TWO_BYTE_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")


def read_blocks(file: SourceFile) -> Iterator[tuple[bytes, int]]:
    """Yield a file's text as UTF-8, each block with the number of stored bytes read so far.

    Text declared as UTF-8 (or ASCII) is passed on unchanged, so that a broken byte costs a row and not the file; other
    encodings are decoded before lines are split. A byte order mark is left out.

    Raises:
        UnicodeError: A byte is invalid in the declared encoding, or two-byte text was declared as UTF-8.
        SourceError: The file is empty.
    """
    declared = codecs.lookup(file.source.encoding).name
    decoder = None if declared in _UTF_8 else codecs.getincrementaldecoder(declared)()
    first = True
    with file.path.open("rb") as stored:
        stream = gzip.GzipFile(fileobj=stored) if file.compressed else stored
        while True:
            data = stream.read(_BLOCK)
            text = data if decoder is None else decoder.decode(data, final=not data).encode()
            if first and not data:
                raise SourceError(f"file '{file.name}' is empty", remedy="have it delivered again, or remove it")
            if first and decoder is None and _is_two_byte_text(data):
                raise UnicodeError("text with two bytes per letter, or no text")
            if text:
                yield text.removeprefix(_MARK) if first else text, stored.tell()
            first = False
            if not data:
                return


def _is_two_byte_text(data: bytes) -> bool:
    """Return whether every other byte is zero, as in two-byte Latin text; a few zero bytes only reject their rows."""
    return data.startswith(_TWO_BYTE_MARKS) or 10 * data.count(0) > len(data)
