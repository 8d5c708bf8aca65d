"""Rate limits of callers, shared by all workers of a service."""

from __future__ import annotations

import fcntl
import mmap
import os
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Final

_SLOT: Final = struct.Struct("<QQ")
SLOTS: Final = 16_384
PROBED: Final = 8
_NANOSECONDS: Final = 1_000_000_000


class CallerRates:
    """Token buckets that refill with time and hold one second's worth.

    A caller's bucket is stored as the moment at which it will be full again, in a slot of a file that every worker
    maps into memory. So limits are exact however requests are spread over workers, and idle callers need no slot. If
    more than `PROBED` busy callers hash to the same slots, the one with the least to wait is forgotten.

    Args:
        file: File shared by the workers; None to count for this process only.
        now: Clock shared by all processes of the machine, nanoseconds.

    Example:
        >>> rates = CallerRates(None, now=lambda: 0)
        >>> [rates.take("app", per_second=2.0) for _ in range(3)]
        [0.0, 0.0, 0.5]
    """

    def __init__(self, file: Path | None, now: Callable[[], int] = time.monotonic_ns) -> None:
        self._now = now
        self._threads = threading.Lock()
        self._handle: int | None = None
        size = SLOTS * _SLOT.size
        if file is None:
            self._slots = mmap.mmap(-1, size)
        else:
            self._handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
            os.truncate(self._handle, size)
            self._slots = mmap.mmap(self._handle, size)

    def take(self, caller: str, per_second: float) -> float:
        """Take a token; return the seconds to wait if there is none, else 0."""
        most = max(1.0, per_second)
        with self._alone():
            now, place, full_at = self._look(caller)
            wait = (full_at - now) / _NANOSECONDS - (most - 1.0) / per_second
            if wait > 0.0:
                return wait
            self._keep(place, caller, max(full_at, now), 1.0 / per_second)
            return 0.0

    def charge(self, caller: str, per_second: float, tokens: int) -> None:
        """Take more tokens than there may be; the caller has to wait until they are refilled."""
        with self._alone():
            now, place, full_at = self._look(caller)
            self._keep(place, caller, max(full_at, now), tokens / per_second)

    def close(self) -> None:
        """Close the file."""
        self._slots.close()
        if self._handle is not None:
            os.close(self._handle)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with self._threads:
            if self._handle is None:
                yield
                return
            fcntl.flock(self._handle, fcntl.LOCK_EX)  # held for microseconds; the system releases it if its holder dies
            try:
                yield
            finally:
                fcntl.flock(self._handle, fcntl.LOCK_UN)

    def _look(self, caller: str) -> tuple[int, int, int]:
        """Return the current moment, the caller's slot, and the moment at which its bucket is full."""
        now, name = self._now(), _hashed(caller)
        soonest, free = 0, None
        for probe in range(PROBED):
            place = (name + probe) % SLOTS
            who, full_at = _SLOT.unpack_from(self._slots, place * _SLOT.size)
            if who == name:
                return now, place, full_at
            if free is None or full_at < soonest:
                free, soonest = place, full_at
        assert free is not None
        return now, free, now

    def _keep(self, place: int, caller: str, full_at: int, seconds: float) -> None:
        then = full_at + round(seconds * _NANOSECONDS)
        _SLOT.pack_into(self._slots, place * _SLOT.size, _hashed(caller), then)


def _hashed(caller: str) -> int:
    return int.from_bytes(blake2b(caller.encode(), digest_size=8).digest(), "little")
