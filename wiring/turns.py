"""Turns: only one run at a time works on a bank's features, models and plans."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Final

from storage.lock import anybody_present, locked
from wiring.components import Components
from wiring.progress import progress_of

RUNNING: Final = "running.lock"
"""File in a bank's state folder, locked by the current run and describing it."""

_mine: ContextVar[frozenset[str]] = ContextVar("mine", default=frozenset())


@contextmanager
def own_turn(components: Components, what: str) -> Iterator[None]:
    """Work alone on a bank for the length of the block; while another run does, wait and show which one it is.

    A flow inside another shares its turn. The turn ends when its process dies. Imports, deliveries and the service
    run concurrently: transactions and commits protect them.

    Args:
        components: Components of the bank.
        what: What is being done, in a few words.
    """
    file = components.places.folder / RUNNING
    if str(file) in _mine.get():
        yield
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        if anybody_present(file):
            with progress_of(f"wait for {file.read_text(encoding='utf-8') or 'another run'}"):
                stack.enter_context(locked(file))
        else:
            stack.enter_context(locked(file))
        since = datetime.now(UTC).astimezone(components.bank.time_zone)
        file.write_text(
            f"'{what}' by process {os.getpid()} on {socket.gethostname()} since {since:%Y-%m-%d %H:%M:%S}",
            encoding="utf-8",
        )
        token = _mine.set(_mine.get() | {str(file)})
        try:
            yield
        finally:
            _mine.reset(token)
