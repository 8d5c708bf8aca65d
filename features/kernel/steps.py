"""Steps of filters. Filters that begin with the same steps share their work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from expressions.types import ColumnType
from features.kernel.columns import MISSING, UNKNOWN
from features.kernel.selection import Selection


class Step(Protocol):
    """Keeps the events that satisfy one part of a filter."""

    def narrow(self, selection: Selection) -> Selection:
        """Keep the rows that satisfy this step."""
        ...


@dataclass(frozen=True, slots=True)
class OfTypes:
    """Events of one of the types."""

    types: frozenset[str]

    def narrow(self, selection: Selection) -> Selection:
        """Keep the rows of the types."""
        return selection.having(selection.section.columns.type, self.types)

    def __repr__(self) -> str:
        return f"OfTypes({sorted(self.types)})"  # sets are unordered, and layouts are hashed from this text


@dataclass(frozen=True, slots=True)
class InChannel:
    """Events in one channel."""

    channel: str

    def narrow(self, selection: Selection) -> Selection:
        """Keep the rows in the channel."""
        return selection.having(selection.section.columns.channel, frozenset({self.channel}))


@dataclass(frozen=True, slots=True)
class OfProduct:
    """Events about one product."""

    product: str

    def narrow(self, selection: Selection) -> Selection:
        """Keep the rows about the product."""
        return selection.having(selection.section.columns.product, frozenset({self.product}))


@dataclass(frozen=True, slots=True)
class WithProperty:
    """Events whose property has the given value, compared as text."""

    name: str
    value: str
    types: tuple[str, ...]

    def narrow(self, selection: Selection) -> Selection:
        """Keep the rows with the value."""
        text = selection.section.columns.text(self.name, frozenset(self.types))
        return selection.having(text, frozenset({self.value}))


@dataclass(frozen=True, slots=True)
class Measured:
    """Events that carry a value, which this step also reads.

    Attributes:
        unknown: Whether a value reported as unknown counts.
    """

    of: str
    kind: ColumnType
    types: tuple[str, ...]
    unknown: bool

    def narrow(self, selection: Selection) -> Selection:
        """Keep the rows that have the value."""
        values = selection.section.columns.values(self.of, self.kind, frozenset(self.types))[selection.events]
        return selection.narrow(values != MISSING if self.unknown else values > UNKNOWN, values)
