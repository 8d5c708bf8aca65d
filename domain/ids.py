"""The one rule for ids, applied wherever they enter: imported files, the service, erasure, lists of moments."""

from __future__ import annotations

from typing import Final
from unicodedata import category, normalize

from domain.errors import DataError

LONGEST_ID: Final = 200
"""In characters, after trimming and normalising."""

_MOST_FOLDED: Final = 4
"""No NFC character is composed of more characters than this."""

_UNSEEN_CATEGORIES: Final = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))
"""Control and format characters (zero-width, writing direction), lone surrogates, line separators."""

_UNSEEN_LETTERS: Final = frozenset(
    chr(code)
    for first, last in (
        (0x034F, 0x034F),
        (0x115F, 0x1160),
        (0x17B4, 0x17B5),
        (0x180B, 0x180F),
        (0x2065, 0x2065),
        (0x2800, 0x2800),
        (0x3164, 0x3164),
        (0xFE00, 0xFE0F),
        (0xFFA0, 0xFFA0),
        (0xFFF0, 0xFFF8),
        (0xE0000, 0xE0FFF),
    )
    for code in range(first, last + 1)
)
"""Letters and marks that Unicode lists as ignorable in display, and the blank Braille pattern."""


def customer_id(text: object) -> str:
    r"""Normalise a customer id, or raise an error that says why it is not one; see `fit_id`.

    Example:
        >>> customer_id(" C000001 "), customer_id("A/B-1"), customer_id("Mu\u0308ller") == "M\u00fcller"
        ('C000001', 'A/B-1', True)
    """
    return fit_id(text, "customer id")


def fit_id(text: object, name: str) -> str:
    """Normalise an id of any kind.

    The id is trimmed and normalised to NFC, so that two spellings that look alike are one id. It must then have 1 to
    200 characters, none of them a control character, zero-width, a change of writing direction, or a lone surrogate.
    `.` and `..` are refused because they would be folders in a URL.

    Args:
        text: The value to normalise; anything but a string is refused, numbers included.
        name: What errors call the id: `customer id`, `event id`.

    Raises:
        DataError: If the value cannot be an id.
    """
    if not isinstance(text, str):
        raise _unfit(name, "is not a text", repr(text), "a text of 1 to 200 characters")
    trimmed = text.strip()
    if not trimmed:
        raise _unfit(name, "is empty", repr(text), "1 to 200 characters")
    if len(trimmed) <= _MOST_FOLDED * LONGEST_ID:
        trimmed = trimmed if trimmed.isascii() else normalize("NFC", trimmed)
    if len(trimmed) > LONGEST_ID:
        raise _unfit(name, "is too long", f"{len(trimmed)} characters", f"at most {LONGEST_ID}")
    if _has_unseen(trimmed):
        raise _unfit(name, "has an invisible character", ascii(trimmed), "visible ones")
    if trimmed in (".", ".."):
        raise _unfit(name, "would be a folder in a URL", repr(trimmed), "another text")
    return trimmed


def _has_unseen(text: str) -> bool:
    if text.isascii() and text.isprintable():
        return False
    return any(category(character) in _UNSEEN_CATEGORIES or character in _UNSEEN_LETTERS for character in text)


def _unfit(name: str, what: str, got: str, expected: str) -> DataError:
    article = "an" if name[0] in "aeiou" else "a"
    return DataError(f"{article} {name} {what}", got=got, expected=expected, remedy="correct it at its source")
