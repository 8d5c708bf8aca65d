"""What waits together is done together: one thread takes whatever is there, and meanwhile the next group gathers."""

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
    """A thread that handles what was handed over, in groups, in the order in which it came.

    Where little waits a group is one, and nobody waits for others; the more there is to do the larger are the groups.

    Args:
        handle: Does a group, and tells those who wait; what it raises itself is only written to the log.
        most: Of one group.
        name: Of the thread.
    """

    def __init__(self, handle: Callable[[list[Item]], None], *, most: int, name: str) -> None:
        self._handle = handle
        self._most = most
        self._waiting: SimpleQueue[Item | None] = SimpleQueue()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def put(self, item: Item) -> None:
        """Hand something over.

        Raises:
            StateError: This was closed.
        """
        if self._closed:
            raise StateError("the service is ending and takes no more", remedy="ask another one, or later")
        self._waiting.put(item)

    def leave(self) -> None:
        """Take no more, and have the thread end when it has done what waits."""
        self._closed = True
        self._waiting.put(None)

    def close(self) -> None:
        """Do what waits, and end the thread."""
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
                except Exception as error:  # noqa: BLE001  those who come next still have to be served
                    logger.error("a group failed", extra={"error": type(error).__name__})
