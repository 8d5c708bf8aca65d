"""How aggregates move to the next midnight, as far as several do it alike."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from features.kernel.aggregates.contract import Accumulated
from features.kernel.arrays import BoolArray, Int64Array


class Timeless:
    """What is kept does not depend on the day from which it is seen."""

    __slots__ = ()

    def roll(self, kept: Accumulated, day: Int64Array) -> Accumulated:
        """Keep it."""
        del day
        return kept


class Subtracted:
    """What is kept is a sum: what leaves is subtracted."""

    __slots__ = ()

    def can_subtract(self, kept: Accumulated, leaving: Accumulated) -> BoolArray:
        """Always: differences are exact, and wrap around as sums do."""
        del leaving
        return np.ones(len(kept[0]), dtype=np.bool_)

    def without(self, kept: Accumulated, leaving: Accumulated) -> Accumulated:
        """Subtract."""
        return tuple(one - other for one, other in zip(kept, leaving, strict=True))


class _OfOneEvent(ABC):
    """What is kept is of one of the events."""

    __slots__ = ()

    @property
    @abstractmethod
    def identity(self) -> tuple[int, ...]:
        """What is kept of no events."""
        ...


class Extreme(_OfOneEvent):
    """What is kept is the number of one event: if it leaves, only the history knows the next one."""

    __slots__ = ()

    def can_subtract(self, kept: Accumulated, leaving: Accumulated) -> BoolArray:
        """Unless the one that is kept leaves."""
        stays: BoolArray = (leaving[0] != kept[0]) | (leaving[0] == self.identity[0])
        return stays

    def without(self, kept: Accumulated, leaving: Accumulated) -> Accumulated:
        """Keep it."""
        del leaving
        return kept


class Latest(_OfOneEvent):
    """What is kept is of the last event: if it leaves with the window's first day, so do all others."""

    __slots__ = ()

    def can_subtract(self, kept: Accumulated, leaving: Accumulated) -> BoolArray:
        """Always."""
        del leaving
        return np.ones(len(kept[0]), dtype=np.bool_)

    def without(self, kept: Accumulated, leaving: Accumulated) -> Accumulated:
        """Keep it, or nothing where it leaves."""
        gone = kept[0] == leaving[0]
        return tuple(np.where(gone, none, one) for none, one in zip(self.identity, kept, strict=True))
