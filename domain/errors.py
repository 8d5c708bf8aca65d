"""Errors and problems that say what went wrong, what was found, what was expected, and how to fix it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches


class NboError(Exception):
    """An error a user can act on.

    Args:
        what: What went wrong, in one clause.
        got: The offending value, if there is one.
        expected: What would have been right.
        remedy: What to do now.

    Example:
        >>> str(NboError("no such channel", got="'fax'", expected="one of app, web", remedy="edit events.yaml"))
        "no such channel: got 'fax', expected one of app, web; edit events.yaml"
    """

    def __init__(
        self, what: str, *, got: str | None = None, expected: str | None = None, remedy: str | None = None
    ) -> None:
        self.what = what
        self.got = got
        self.expected = expected
        self.remedy = remedy
        super().__init__(self._sentence())

    def _sentence(self) -> str:
        # what other libraries say may have line breaks, and end with one
        comparison = ", ".join(
            f"{label} {' '.join(line.strip() for line in value.strip().splitlines())}"
            for label, value in (("got", self.got), ("expected", self.expected))
            if value
        )
        sentence = f"{self.what}: {comparison}" if comparison else self.what
        return f"{sentence}; {self.remedy}" if self.remedy else sentence

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle across process boundaries: the constructor's arguments are keyword-only."""
        return (_rebuild, (type(self), self.__dict__.copy(), str(self)))


def _rebuild(kind: type[NboError], parts: dict[str, object], sentence: str) -> NboError:
    error = kind.__new__(kind)
    Exception.__init__(error, sentence)
    error.__dict__.update(parts)
    return error


class ExpressionError(NboError):
    """A rule, formula or condition that cannot be parsed or does not type-check."""


class SourceError(NboError):
    """A file of events or attributes that cannot be read with its mapping."""


class DataError(NboError):
    """Readable data that are too few or unsuitable for the step that needs them."""


class StateError(NboError):
    """Stored state that is missing, stale, damaged, or in a layout that the reader does not know."""


class NotFoundError(StateError):
    """No item exists with the requested id."""


class ModelError(NboError):
    """A model that is missing, does not fit its features, or failed its gate."""


class EngineError(NboError):
    """An engine that is unknown or fails to start, or work that failed inside the engine."""


def nearest(name: str, valid: Iterable[str]) -> str:
    """List the valid names, nearest first, for the `expected` part of an error.

    Example:
        >>> nearest("emial", ["app", "email", "web"])
        "'email' (did you mean it?) or one of app, web"
        >>> nearest("x", [])
        'nothing: none is declared'
    """
    names = sorted(set(valid))
    if not names:
        return "nothing: none is declared"
    close = get_close_matches(name, names, n=1, cutoff=0.6)
    rest = [other for other in names if other not in close]
    listed = ", ".join(rest[:12]) + (f" and {len(rest) - 12} more" if len(rest) > 12 else "")
    if not close:
        return f"one of {listed}"
    return f"'{close[0]}' (did you mean it?)" + (f" or one of {listed}" if listed else "")


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
