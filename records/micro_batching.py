"""Micro-batching: one thread handles all waiting items together while the next group gathers."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from domain.errors import StateError

logger = logging.getLogger("nbo.service")

Item = TypeVar("Item")


class MicroBatcher(Generic[Item]):
    """A thread that handles submitted items in groups, in order of arrival.

    If little is waiting, groups are small and nobody waits for others; the more there is to do, the larger they get.

    Args:
        handle: Handles a group and informs those who wait; an error that it raises is only logged.
        most: Largest size of a group.
        name: Name of the thread.
    """

    def __init__(self, handle: Callable[[list[Item]], None], *, most: int, name: str) -> None:
        self._handle = handle
        self._most = most
        self._waiting: SimpleQueue[Item | None] = SimpleQueue()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def put(self, item: Item) -> None:
        """Submit an item.

        Raises:
            StateError: This has been closed.
        """
        if self._closed:
            raise StateError(
                "the service is shutting down and accepts no more requests", remedy="try another replica, or try later"
            )
        self._waiting.put(item)

    def leave(self) -> None:
        """Accept no more, and let the thread end once it has handled what waits."""
        self._closed = True
        self._waiting.put(None)

    def close(self) -> None:
        """Handle what waits, and end the thread."""
        self.leave()
        self._thread.join()

    def _run(self) -> None:
        going = True
        while going:
            first = self._waiting.get()
            group = [] if first is None else [first]
            going = first is not None
            while going and len(group) < self._most:
                try:
                    more = self._waiting.get_nowait()
                except Empty:
                    break
                if more is None:
                    going = False
                else:
                    group.append(more)
            if group:
                try:
                    self._handle(group)
                except Exception as error:  # noqa: BLE001  the next groups still have to be served
                    logger.error("a group failed", extra={"error": type(error).__name__})
