"""The command `nbo listen`: takes events from topics, and says every minute what came of them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from domain.counts import counted
from nbo.display import console
from nbo.processes import ended_by_signals
from nbo.service import telling_time
from serving.service.clock import Clock, ClockBase
from wiring.components import Components
from wiring.topics import topic_consumer

POLL_SECONDS: Final = 1.0
TELL_SECONDS: Final = 60.0


def listen(
    components: Components,
    *,
    topics: Sequence[str],
    group: str,
    refused: str | None,
    idle_seconds: float | None,
    as_of: datetime | None,
) -> None:
    """Take events from topics until interrupted, or until none has come for `idle_seconds`.

    Raises:
        NboError: A setting is invalid, the bank is already served at another time, or the brokers refuse.
    """
    total: Counter[str] = Counter()
    with (
        ended_by_signals(),
        telling_time(components, as_of) as ahead,
        topic_consumer(components, Clock(base=ClockBase.of(ahead)), topics, group, refused) as consumer,
    ):
        _say(f"listening to {', '.join(topics)} as {group}")
        news = told = time.monotonic()
        try:
            while idle_seconds is None or time.monotonic() - news < idle_seconds:
                if counts := consumer.step(POLL_SECONDS):
                    total += counts
                    news = time.monotonic()
                if news > told + TELL_SECONDS:
                    told = time.monotonic()
                    _say(_sentence(total))
        finally:
            _say(_sentence(total))


def _sentence(total: Counter[str]) -> str:
    parts = ", ".join(f"{count:,} {status}" for status, count in sorted(total.items()))
    return counted(total.total(), "message") + (f": {parts}" if parts else "")


def _say(text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)
