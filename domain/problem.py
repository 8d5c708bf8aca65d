"""A problem found in a bank's folder. Problems are collected so that all are reported at once."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A configuration error and where it is.

    Attributes:
        file: Name of the file in the bank's folder, such as `events.yaml`.
        path: Keys and positions that lead to the value, from which the reader finds the line.

    Example:
        >>> problem = Problem(file="offers.yaml", path=(0, "product"), what="unknown product", got="'saving'",
        ...                   expected="'savings' (did you mean it?)")
        >>> problem.sentence()
        "unknown product: got 'saving', expected 'savings' (did you mean it?)"
    """

    file: str
    path: tuple[str | int, ...]
    what: str
    got: str | None = None
    expected: str | None = None
    remedy: str | None = None

    def sentence(self) -> str:
        """Describe the problem without its place."""
        parts = [f"{label} {value}" for label, value in (("got", self.got), ("expected", self.expected)) if value]
        sentence = f"{self.what}: {', '.join(parts)}" if parts else self.what
        return f"{sentence}; {self.remedy}" if self.remedy else sentence
