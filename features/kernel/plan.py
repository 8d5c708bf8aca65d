"""Plan: declared aggregates compiled to distinct slots, arranged in a tree of filters that share their first steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from expressions.types import ColumnType, Number
from features.definitions import AGGREGATES, AggregateFeature, Feature
from features.kernel.aggregates.contract import Aggregate
from features.kernel.arrays import Int64Matrix
from features.kernel.columns import MISSING, UNKNOWN
from features.kernel.kinds import kept_for
from features.kernel.selection import Selection, Window


class FilterStep(Protocol):
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
class MeasuredSlot:
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


@dataclass(frozen=True, slots=True)
class Slot:
    """What is kept for a moment: one aggregate over the events that pass some steps, in a window.

    Attributes:
        start: Its first row in the matrix of kept numbers.
    """

    steps: tuple[FilterStep, ...]
    aggregate: Aggregate
    window: Window
    start: int

    @property
    def rows(self) -> slice:
        """Its rows in the matrix of kept numbers."""
        return slice(self.start, self.start + len(self.aggregate.identity))


@dataclass(slots=True)
class FilterNode:
    """A step, the aggregates over the events that pass it, and the following steps."""

    step: FilterStep
    slots: dict[Aggregate, list[Slot]] = field(default_factory=dict)
    following: dict[FilterStep, FilterNode] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    """Slots that are kept for some features, and the slots that each feature needs.

    Attributes:
        slots: Distinct slots, in the order of the features that first need them.
        parts: Feature -> its slots.
        roots: The same slots as a tree of filters.
        identity: Numbers that are kept without events, shape (rows, 1).
        windows: All windows that slots need.
    """

    slots: tuple[Slot, ...]
    parts: dict[str, tuple[Slot, ...]]
    roots: tuple[FilterNode, ...]
    identity: Int64Matrix
    windows: frozenset[Window]

    @classmethod
    def of(cls, features: Sequence[Feature], *, mergeable_days: bool) -> Plan:
        """Compile features that are aggregates; others are skipped.

        Args:
            features: Features of a catalogue; features that need the same slot share it.
            mergeable_days: Keep distinct days as bits, so that later events may fall on days already counted.
        """
        slots: dict[tuple[tuple[FilterStep, ...], Aggregate, Window], Slot] = {}
        parts: dict[str, tuple[Slot, ...]] = {}
        rows = 0
        for feature in features:
            if feature.aggregate is None:
                continue
            steps = _steps(feature, feature.aggregate)
            needed = []
            window, aggregates = kept_for(feature.aggregate, mergeable_days=mergeable_days)
            for aggregate in aggregates:
                key = (steps, aggregate, window)
                if key not in slots:
                    slots[key] = Slot(steps, aggregate, window, rows)
                    rows += len(aggregate.identity)
                needed.append(slots[key])
            parts[feature.name] = tuple(needed)
        ordered = tuple(slots.values())
        identity = np.array([number for slot in ordered for number in slot.aggregate.identity], dtype=np.int64)
        windows = frozenset(slot.window for slot in ordered)
        return cls(ordered, parts, _tree(ordered), identity.reshape(-1, 1), windows)

    def description(self) -> str:
        """Describe the content of each row, for a fingerprint of the layout."""
        return "\n".join(f"{slot.start} {slot.aggregate!r} {slot.window} {slot.steps!r}" for slot in self.slots)


def _steps(feature: Feature, aggregate: AggregateFeature) -> tuple[FilterStep, ...]:
    where = aggregate.where
    steps: list[FilterStep] = [OfTypes(frozenset(where.types))]
    if where.channel is not None:
        steps.append(InChannel(where.channel))
    if where.product is not None:
        steps.append(OfProduct(where.product))
    types = tuple(sorted(where.types))
    steps += [WithProperty(name, value, types) for name, value in sorted(where.properties.items())]
    reads = AGGREGATES[aggregate.aggregate].reads
    if reads != "nothing":
        anything = reads == "anything"
        kind = feature.type if anything else Number()
        # the amount is a separate column that does not depend on types, so more filters can share this step
        amount = aggregate.of == "amount"
        steps.append(MeasuredSlot(aggregate.of, kind, () if amount else types, unknown=anything and not amount))
    return tuple(steps)


def _tree(slots: tuple[Slot, ...]) -> tuple[FilterNode, ...]:
    roots: dict[FilterStep, FilterNode] = {}
    for slot in slots:
        level = roots
        for step in slot.steps:
            node = level.setdefault(step, FilterNode(step))
            level = node.following
        node.slots.setdefault(slot.aggregate, []).append(slot)
    return tuple(roots.values())
