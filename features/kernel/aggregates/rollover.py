"""How aggregates move to the next midnight: implementations that several aggregates share."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from features.kernel.aggregates.contract import Accumulated
from features.kernel.arrays import BoolArray, Int64Array


class Timeless:
    """The kept numbers do not depend on the day from which they are seen."""

    __slots__ = ()

    def roll(self, kept: Accumulated, day: Int64Array) -> Accumulated:
        """Return the numbers unchanged."""
        del day
        return kept


class Subtracted:
    """The kept numbers are sums, from which leaving events are subtracted."""

    __slots__ = ()

    def can_subtract(self, kept: Accumulated, leaving: Accumulated) -> BoolArray:
        """Return true everywhere: differences are exact, and wrap around as sums do."""
        del leaving
        return np.ones(len(kept[0]), dtype=np.bool_)

    def without(self, kept: Accumulated, leaving: Accumulated) -> Accumulated:
        """Subtract."""
        return tuple(one - other for one, other in zip(kept, leaving, strict=True))


class _OfOneEvent(ABC):
    """The kept numbers are those of one of the events."""

    __slots__ = ()

    @property
    @abstractmethod
    def identity(self) -> tuple[int, ...]:
        """Numbers that are kept without events."""
        ...


class Extreme(_OfOneEvent):
    """The kept number is that of one event; if that event leaves, only the history knows the next one."""

    __slots__ = ()

    def can_subtract(self, kept: Accumulated, leaving: Accumulated) -> BoolArray:
        """Return true unless the event whose number is kept leaves."""
        stays: BoolArray = (leaving[0] != kept[0]) | (leaving[0] == self.identity[0])
        return stays

    def without(self, kept: Accumulated, leaving: Accumulated) -> Accumulated:
        """Return the numbers unchanged."""
        del leaving
        return kept


class Latest(_OfOneEvent):
    """The kept numbers are those of the last event; if it leaves with the window's first day, all others do too."""

    __slots__ = ()

    def can_subtract(self, kept: Accumulated, leaving: Accumulated) -> BoolArray:
        """Return true everywhere."""
        del leaving
        return np.ones(len(kept[0]), dtype=np.bool_)

    def without(self, kept: Accumulated, leaving: Accumulated) -> Accumulated:
        """Return the numbers, or the identity where the last event leaves."""
        gone = kept[0] == leaving[0]
        return tuple(np.where(gone, none, one) for none, one in zip(self.identity, kept, strict=True))
