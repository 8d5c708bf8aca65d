"""Reads numbers written as texts, with the marks that a source declares."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc

_NAMED = r"[+-]?(?:[iI][nN][fF](?:[iI][nN][iI][tT][yY])?|[nN][aA][nN])"
_BLANKS = "[ \u00a0\u202f]"


@dataclass(frozen=True)
class Marks:
    """How numbers are written.

    Attributes:
        decimal: Mark before the fraction.
        thousands: Mark between groups of three digits; "" for none, None if undeclared. If undeclared, an ambiguous
            number such as 1.234 is no number.

    Example:
        >>> undeclared, german = Marks(".", None), Marks(",", ".")
        >>> undeclared.number("1234.5"), undeclared.number("1.234"), PLAIN.number("1.234")
        (1234.5, None, 1.234)
        >>> german.number("1.234,50"), german.number("1.234"), german.number("1.23")
        (1234.5, 1234.0, None)
        >>> german.number("12,50-")  # as some mainframes write debits
        -12.5
    """

    decimal: str = "."
    thousands: str | None = ""

    def number(self, text: str) -> float | None:
        """Read a number; None if it is none. Infinite and undefined ones count as numbers here."""
        if not self._written.fullmatch(text) or self.is_ambiguous(text):
            return None
        plain = self._grouping.sub("", text).replace(self.decimal, ".")
        return float(plain[-1] + plain[:-1] if plain[-1] in "+-" else plain)

    def numbers(self, texts: pa.Array) -> pa.Array:
        """Read a column of texts as float64; null if a text is no number."""
        written = pc.match_substring_regex(texts, f"^(?:{self._written.pattern})$")
        if self.thousands is None:
            written = pc.and_(written, pc.invert(pc.match_substring_regex(texts, f"^(?:{self._ambiguous.pattern})$")))
        plain = pc.if_else(written, texts, pa.scalar(None, pa.string()))
        if self.thousands:
            plain = pc.replace_substring_regex(plain, self._grouping.pattern, "")
        if self.decimal != ".":
            plain = pc.replace_substring(plain, self.decimal, ".")
        plain = pc.replace_substring_regex(plain, r"^(.*)([+-])$", r"\2\1")
        return pc.replace_substring_regex(plain, r"^\+", "").cast(pa.float64())

    def is_ambiguous(self, text: str) -> bool:
        """Return whether a text is a number with or without a thousands mark, and the mark is undeclared."""
        return self.thousands is None and self._ambiguous.fullmatch(text) is not None

    @property
    def expectation(self) -> str:
        """Description of how a number should be written."""
        if self.thousands is None:
            return (
                f"a number such as 12{self.decimal}50; one such as 1{self.decimal}234 only if sources.yaml sets "
                "`thousands_mark` ('' for none)"
            )
        return f"a number such as 1{self.thousands}234{self.decimal}50"

    @cached_property
    def _grouping(self) -> re.Pattern[str]:
        return re.compile(
            _BLANKS if self.thousands == " " else re.escape(self.thousands) if self.thousands else "(?:$^)"
        )

    @cached_property
    def _written(self) -> re.Pattern[str]:
        mark = re.escape(self.decimal)
        grouped = rf"[0-9]{{1,3}}(?:{self._grouping.pattern}[0-9]{{3}})+|" if self.thousands else ""
        whole = rf"(?:{grouped}[0-9]+)(?:{mark}[0-9]*)?|{mark}[0-9]+"
        return re.compile(rf"[+-]?(?:{whole})(?:[eE][+-]?[0-9]+)?|(?:{whole})[+-]|{_NAMED}")

    @cached_property
    def _ambiguous(self) -> re.Pattern[str]:
        return re.compile(rf"[+-]?[1-9][0-9]{{0,2}}{re.escape(self.decimal)}[0-9]{{3}}[+-]?")


PLAIN = Marks()
"""Numbers as programs write them: a decimal point and no other mark."""
