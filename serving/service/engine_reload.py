"""New champions, catalogues, policies and prices while requests are answered: checked first, then swapped as one."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final, Protocol

import numpy as np

from domain.errors import DataError, NboError
from features.moments import utc_microseconds
from serving.service.clock import Clock
from serving.service.deciding import SEED
from serving.service.engine import LiveEngine

logger = logging.getLogger("nbo.service")

WARM_UP_CUSTOMERS: Final = 20


class EngineSource(Protocol):
    """Where engines come from."""

    def stamp(self) -> Any:
        """Tell what the next engine would be made from; it changes when something of that does."""

    def build(self) -> LiveEngine:
        """Make an engine from what is there now."""

    def customers(self, at_most: int) -> Sequence[str]:
        """Name some customers to try an engine on."""

    def refresh(self, now: datetime) -> None:
        """Bring up to date what grows while an engine serves."""


class EngineReloader:
    """Looks every few seconds whether there is something new, in a thread of its own.

    Args:
        source: Of engines.
        swap: Puts an engine in charge.
        clock: Of decisions.
        seconds: Between looks.

    Attributes:
        swaps: Engines put in charge since the beginning.
        refused: Engines that were not, or could not be made.
        why: Of the last that was refused; empty where what serves is the newest.
    """

    def __init__(
        self, source: EngineSource, swap: Callable[[LiveEngine], None], clock: Clock, *, seconds: float
    ) -> None:
        self._source = source
        self._swap = swap
        self._clock = clock
        self._seconds = seconds
        self._ending = threading.Event()
        self._stamp = source.stamp()
        self.swaps = 0
        self.refused = 0
        self.why = ""
        self._thread = threading.Thread(target=self._run, name="swapper", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def close(self) -> None:
        """Look no more."""
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join()

    def look(self) -> bool:
        """Look once; whether something was swapped."""
        self._source.refresh(self._clock.now())
        stamp = self._source.stamp()
        if stamp == self._stamp:
            return False
        # what is refused is not tried again until something changes
        self._stamp = stamp
        try:
            engine = self._source.build()
            smoke_test(engine, self._source.customers(WARM_UP_CUSTOMERS), self._clock.now())
        except Exception as error:  # noqa: BLE001  whatever is wrong with it, the old one goes on
            self.refused += 1
            self.why = str(error) if isinstance(error, NboError) else type(error).__name__
            logger.error("refused", extra={"why": self.why})
            return False
        self._swap(engine)
        self.swaps += 1
        self.why = ""
        logger.info("swapped", extra={"versions": engine.decider.versions})
        return True

    def _run(self) -> None:
        while not self._ending.wait(self._seconds):
            try:
                self.look()
            except NboError as error:
                logger.error("cannot look for what is new", extra={"why": str(error)})
            except OSError as error:
                logger.error("cannot look for what is new", extra={"why": error.strerror})


def smoke_test(engine: LiveEngine, customers: Sequence[str], now: datetime) -> None:
    """Decide for some customers as a request would, and see that scores are probabilities; it warms up as well.

    Raises:
        DataError: The engine is not fit to be in charge.
        StateError: What it reads from does not answer.
    """
    decider = engine.decider
    for customer in customers:
        features = engine.reader.read(customer, now).features
        decider.decide(features, as_of=utc_microseconds(now), seed=SEED, prices=engine.prices)
        if decider.propensity is not None and decider.policy.candidates.pairs:
            # asked by itself: of customers who want no personalised offers no score is looked at
            scores = decider.propensity.predict(features, decider.policy.candidates.pairs)
            if not np.all((scores >= 0.0) & (scores <= 1.0)):
                raise DataError("the propensity model gives no probabilities", expected="numbers from 0 to 1")
    # made once, here and not by the first request that needs them
    assert engine.book.digest
    assert engine.without_models.rule_book.digest
