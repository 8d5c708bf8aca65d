"""Engine reload: builds an engine from new champions, catalogues, policies or prices, tests it and swaps it in."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final, Protocol

import numpy as np

from decisioning.engine import DecisionContext
from domain.errors import DataError, NboError
from features.moments import utc_microseconds
from serving.service.clock import Clock
from serving.service.deciding import SEED
from serving.service.engine import LiveEngine

logger = logging.getLogger("nbo.service")

WARM_UP_CUSTOMERS: Final = 20


class EngineSource(Protocol):
    """Builds engines."""

    def stamp(self) -> Any:
        """Return a stamp of the inputs of the next engine; it changes when any of them changes."""

    def build(self) -> LiveEngine:
        """Build an engine from the current inputs."""

    def customers(self, at_most: int) -> Sequence[str]:
        """Return some customers to test an engine on."""

    def refresh(self, now: datetime) -> None:
        """Update what grows while an engine is in use."""


class EngineReloader:
    """Checks every few seconds for new inputs, in a thread of its own.

    Args:
        source: Builds engines.
        swap: Puts an engine into use.
        clock: Clock for decisions.
        seconds: Interval between checks.
        read_pauses: Puts new pauses in force, first of all: they must not wait for an engine that cannot be built.
        keep_calls: Stores what models beside the champions were called for.

    Attributes:
        swaps: Number of engines put into use since the start.
        refused: Number of engines that could not be built or failed their test.
        why: Why the last engine was refused; empty if the newest one is in use.
    """

    def __init__(
        self,
        source: EngineSource,
        swap: Callable[[LiveEngine], None],
        clock: Clock,
        *,
        seconds: float,
        read_pauses: Callable[[], None],
        keep_calls: Callable[[], None] = lambda: None,
    ) -> None:
        self._source = source
        self._swap = swap
        self._clock = clock
        self._seconds = seconds
        self._read_pauses = read_pauses
        self._keep_calls = keep_calls
        self._ending = threading.Event()
        self._stamp = source.stamp()
        self.swaps = 0
        self.refused = 0
        self.why = ""
        self._thread = threading.Thread(target=self._run, name="reloader", daemon=True)

    def start(self) -> None:
        """Start checking."""
        self._thread.start()

    def close(self) -> None:
        """Stop checking."""
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join()

    def look(self) -> bool:
        """Check once; return whether an engine was swapped in."""
        self._read_pauses()
        self._keep_calls()
        self._source.refresh(self._clock.now())
        stamp = self._source.stamp()
        if stamp == self._stamp:
            return False
        # a refused engine is not built again until an input changes
        self._stamp = stamp
        try:
            engine = self._source.build()
            smoke_test(engine, self._source.customers(WARM_UP_CUSTOMERS), self._clock.now())
        except Exception as error:  # noqa: BLE001  whatever is wrong with the new engine, the old one stays in use
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
    """Decide for some customers as a request would and check that scores are probabilities; this also warms up.

    Raises:
        DataError: The engine is not fit for use.
        StateError: A store it reads from does not answer.
    """
    decider = engine.decider
    for customer in customers:
        features = engine.reader.read(customer, now).features
        decider.decide(features, DecisionContext(as_of=utc_microseconds(now), seed=SEED, prices=engine.prices))
        if decider.propensity is not None and decider.policy.candidates.pairs:
            # called directly: no score is computed for customers who do not want personalised offers
            scores = decider.propensity.predict(features, decider.policy.candidates.pairs)
            if not np.all((scores >= 0.0) & (scores <= 1.0)):
                raise DataError("the propensity model gives no probabilities", expected="numbers from 0 to 1")
    # computed here once, rather than by the first request that needs them
    assert engine.book.digest
    assert engine.without_models.rule_book.digest
