"""Ports that nobody else is given: no other worker, no other run, and nobody who asks the system for any port.

The system picks from a range of its own, so ours lie outside it, in blocks. A process holds a block by keeping its
first port bound, which no other process can do meanwhile, and gives away the others, each once. Such a lock ends with
its process, belongs to no user, and holds exactly where the ports themselves do.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path

HOST = "127.0.0.1"
BLOCK = 32
SYSTEM_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
LOWEST, END = 1_024, 65_536
"""Below are those of administrators."""

MANY_FIXED = 10_000
"""Below are most of those that programs have by default."""


class Ports:
    """The ports of a process."""

    def __init__(self) -> None:
        self._blocks: list[range] | None = None
        self._left = range(0)

    def give(self, in_a_row: int = 1) -> int:
        """The first of so many ports in a row that nobody listens on; none of them is given again.

        Raises:
            OSError: Every block is held by somebody.
        """
        while True:
            if len(self._left) < in_a_row:
                self._left = self._hold_block()
            ports, self._left = self._left[:in_a_row], self._left[in_a_row:]
            if all(is_free(port) for port in ports):
                return ports[0]

    def _hold_block(self) -> range:
        if self._blocks is None:
            self._blocks = blocks(system_range())
            # processes that begin together begin to look in different places
            first = os.getpid() * 7 % len(self._blocks)
            self._blocks = self._blocks[first:] + self._blocks[:first]
        while self._blocks:
            block = self._blocks.pop(0)
            lock = _bound(block[0])
            if lock is not None:
                lock.detach()  # it stays bound as long as this process lives
                return block[1:]
        raise OSError("every block of ports is held: end runs of the tests that were left behind")


_ports = Ports()
free_port = _ports.give


def is_free(port: int) -> bool:
    """Whether a server could listen there."""
    bound = _bound(port)
    if bound is not None:
        bound.close()
    return bound is not None


def system_range() -> range:
    """What the system gives to whoever connects or asks for any port."""
    try:
        first, last = map(int, SYSTEM_RANGE.read_text().split())
    except OSError:
        return range(49_152, END)  # what IANA says and macOS does
    return range(first, last + 1)


def blocks(system: range) -> list[range]:
    """Blocks outside the system's range, if that leaves any, and above the ports that programs have by default.

    Example:
        >>> blocks(range(10_080, 65_536))
        [range(10016, 10048), range(10048, 10080)]
    """
    every = [range(first, first + BLOCK) for first in range(LOWEST, END, BLOCK)]
    outside = [block for block in every if block[-1] < system.start or block[0] >= system.stop]
    return [block for block in outside if block[0] >= MANY_FIXED] or outside or every


def _bound(port: int) -> socket.socket | None:
    # without SO_REUSEADDR: also where somebody has bound and not yet listens, or has only just ended
    bound = socket.socket()
    try:
        bound.bind((HOST, port))
    except OSError:
        bound.close()
        return None
    return bound
