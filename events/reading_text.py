"""Text files, zipped or not, in any encoding, as blocks of UTF-8."""

from __future__ import annotations

import codecs
import gzip
from collections.abc import Iterator
from typing import Final

from domain.errors import SourceError
from events.source_files import SourceFile

LONGEST_RECORD: Final = 16 * 2**20
"""Bytes; what is longer is no record, but a quote that never closes or a file without lines."""

_BLOCK: Final = 16 * 2**20
_UTF_8: Final = ("utf-8", "utf-8-sig", "ascii")
_MARK: Final = b"\xef\xbb\xbf"
_TWO_BYTE_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")


def read_blocks(file: SourceFile) -> Iterator[tuple[bytes, int]]:
    """Read a file's text as UTF-8, with how many of its stored bytes are behind it after each block.

    What is declared as UTF-8 (or ASCII) comes as it is, so that a broken byte costs a row and not the file; other
    encodings are decoded before anybody looks for the ends of lines. A byte order mark is left out.

    Raises:
        UnicodeError: In another declared encoding there is a byte that it does not have.
        SourceError: It is text of two bytes a letter, where one is declared, or empty.
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
                raise UnicodeError("text of two bytes a letter, or no text")
            if text:
                yield text.removeprefix(_MARK) if first else text, stored.tell()
            first = False
            if not data:
                return


def _is_two_byte_text(data: bytes) -> bool:
    """Every other byte of Latin text is zero then; one zero here and there is for the rows to be refused by."""
    return data.startswith(_TWO_BYTE_MARKS) or 10 * data.count(0) > len(data)
