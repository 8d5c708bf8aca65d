"""Tries proposals out in the background, one after the other: a comparison of all decisions takes its time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from threading import Lock

from domain.errors import NboError
from serving.proposals.workflow import Proposals


class Tryouts:
    """What is being tried out by this process.

    Args:
        proposals: The proposals.

    Attributes:
        proposals: The proposals.
    """

    def __init__(self, proposals: Proposals) -> None:
        self.proposals = proposals
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="tryouts")
        self._lock = Lock()
        self._running: set[int] = set()
        self._errors: dict[int, str] = {}

    def start(self, number: int, who: str, as_of: datetime) -> None:
        """Begin to try a proposal out, unless that is under way."""
        with self._lock:
            if number in self._running:
                return
            self._running.add(number)
            self._errors.pop(number, None)
        self._threads.submit(self._run, number, who, as_of)

    def is_running(self, number: int) -> bool:
        """Whether a proposal is being tried out."""
        with self._lock:
            return number in self._running

    def error(self, number: int) -> str | None:
        """Return why a proposal could not be tried out; None if it could, or was not."""
        with self._lock:
            return self._errors.get(number)

    def _run(self, number: int, who: str, as_of: datetime) -> None:
        why = None
        try:
            self.proposals.test(number, who, as_of)
        except NboError as error:
            why = str(error)
        except Exception as error:  # noqa: BLE001 - somebody waits for an end, whatever it is
            why = type(error).__name__
        with self._lock:
            self._running.discard(number)
            if why is not None:
                self._errors[number] = why
