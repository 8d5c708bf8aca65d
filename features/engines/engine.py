"""Where work on buckets of customers is done: whoever has it done need not know."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeVar

from domain.progress import Progress, silent

Item = TypeVar("Item")
Report = dict[str, Any]
"""What a piece of work says of itself: names, counts and paths that JSON can hold; its results lie in files."""


class Workers(Protocol):
    """Somebody who is there to work."""

    @property
    def threads(self) -> int:
        """How many threads a piece of work may use."""

    def map(
        self, work: Callable[[Item], Report], items: Sequence[Item], progress: Progress = silent
    ) -> Sequence[Report]:
        """Do a piece of work for each item.

        Args:
            work: A function of a module, which reads files and replaces files as a whole: it may be called more than
                once for an item, and for several items at once.
            items: What each piece is about: small, for they travel; they name files that every worker can reach.
            progress: Called with how many items are done.

        Returns:
            The reports, in the order of the items.

        Raises:
            NboError: Whatever error of ours a piece of work raised.
            EngineError: The work could not be done for a reason of the engine's.
        """
        ...


class Engine(Protocol):
    """Calls workers together when there is something to do."""

    def workers(self) -> AbstractContextManager[Workers]:
        """Have workers for the length of a `with` block.

        Raises:
            EngineError: They cannot be had.
        """
        ...
