"""Attributes of customers that the bank has on file, and how they change."""

from __future__ import annotations

import numpy as np

from simulation.journal import Recorder
from simulation.market import PREFERRED_CHANNELS, BoolArray, FloatArray, IntArray
from simulation.needs import LifeEvents
from simulation.odds import logistic
from simulation.population import Population
from simulation.randomness import stream

WEEKS_A_YEAR = 52.0
ON_FILE = (
    {"birth_year": "i4"}
    | dict.fromkeys(("region", "segment", "risk_tolerance", "income_band", "preferred_channel"), "i1")
    | dict.fromkeys(("consent_email", "consent_push", "consent_call", "consent_personalised"), "?")
    | dict.fromkeys(("refuses_automated_decisions", "hardship", "documents_due", "card_terms_due"), "?")
)
"""Attributes on file, with their numpy types."""
REFUSES_AUTOMATED_SHARE = 0.03
"""Share of customers who refuse decisions made by a machine alone."""
PREFERENCE_TOLD_SHARE = 0.55
MASS, AFFLUENT, STUDENT, SENIOR = range(4)


class Attributes:
    """Attributes on file, one row per customer; codes are positions in the tuples of `market`.

    Attributes:
        risk_tolerance: -1 before the first suitability interview.
        preferred_channel: -1 if the customer never named one.
        records: What is delivered: each row holds all attributes of a customer from a day on.
    """

    def __init__(self, population: Population, first_year: int, seed: int) -> None:
        rng = self._rng = stream(seed, "attributes")
        self._population = population
        n = len(population)
        self.birth_year: IntArray = (first_year - population.age).astype(np.int64)
        self.region: IntArray = rng.choice(4, n, p=[0.2, 0.25, 0.15, 0.4]).astype(np.int64)
        self.income_band = _bands(population.income * np.exp(rng.normal(0, 0.08, n)), (1600.0, 3200.0))
        self.segment = np.where(population.income > 4000, AFFLUENT, MASS).astype(np.int64)
        self.segment[(population.age < 26) & (population.income < 1900)] = STUDENT
        self.segment[population.age >= 66] = SENIOR
        interviewed = _bands(population.risk + rng.normal(0, 0.6, n), (-0.7, 0.6))
        self.risk_tolerance = np.where(rng.random(n) < 0.85, interviewed, -1)
        self._interview = interviewed
        self.consent_email: BoolArray = rng.random(n) < 0.78
        self.consent_push: BoolArray = rng.random(n) < logistic(0.3 + 0.8 * population.digital)
        self.consent_call: BoolArray = rng.random(n) < 0.45
        self.consent_personalised: BoolArray = rng.random(n) < 0.88
        self.hardship: BoolArray = rng.random(n) < logistic(-4.4 - 0.8 * population.income_scaled)
        self.refuses_automated_decisions: BoolArray = rng.random(n) < REFUSES_AUTOMATED_SHARE
        names_channel = rng.random(n) < PREFERENCE_TOLD_SHARE
        self.preferred_channel = np.where(names_channel, _favourite(population.affinity, rng), -1)
        self.documents_due: BoolArray = np.zeros(n, np.bool_)
        self.card_terms_due: BoolArray = np.zeros(n, np.bool_)
        self._changed: BoolArray = np.zeros(n, np.bool_)
        self.records = Recorder({"customer": "i4", "day": "i4"} | ON_FILE)

    def record(self, customers: IntArray, day: int) -> None:
        """Deliver the attributes of customers as they are from this day on."""
        values = {name: getattr(self, name)[customers] for name in ON_FILE}
        self.records.add(customer=customers, day=day, **values)

    def tell(self, name: str, customers: IntArray, value: bool) -> None:
        """Put a new value on file; it is delivered with the next day's changes."""
        getattr(self, name)[customers] = value
        self._changed[customers] = True

    def deliver(self, day: int, here: BoolArray) -> None:
        """Deliver the changes since the last delivery, as known from the beginning of this day."""
        self.record(np.flatnonzero(self._changed & here), day)
        self._changed[:] = False

    def week(self, fatigue: FloatArray, life: LifeEvents) -> None:
        """Simulate one week: people move, change income, withdraw consents, get into hardship and out of it."""
        rng, n = self._rng, len(fatigue)
        moved = life.moved & (rng.random(n) < 0.5)
        self.region = np.where(moved, rng.integers(0, 4, n), self.region)
        earns = life.job_changed & (rng.random(n) < 0.4)
        step = np.where(rng.random(n) < 0.7, 1, -1)
        self.income_band = np.where(earns, np.clip(self.income_band + step, 0, 2), self.income_band)
        self.segment = np.where(life.retired, SENIOR, self.segment)
        graduated = life.job_changed & (self.segment == STUDENT)
        self.segment = np.where(graduated, MASS, self.segment)
        tired = np.exp(0.35 * fatigue) / WEEKS_A_YEAR
        withdrawn = np.zeros(n, np.bool_)
        for name, yearly in (("consent_email", 0.05), ("consent_push", 0.06), ("consent_call", 0.03)):
            ended = getattr(self, name) & (rng.random(n) < yearly * tired)
            granted = ~getattr(self, name) & (rng.random(n) < 0.02 / WEEKS_A_YEAR)
            setattr(self, name, (getattr(self, name) & ~ended) | granted)
            withdrawn |= ended | granted
        begins = ~self.hardship & (rng.random(n) < 0.012 / WEEKS_A_YEAR * np.exp(-0.8 * self._population.income_scaled))
        ends = self.hardship & (rng.random(n) < 2.0 / WEEKS_A_YEAR)
        self.hardship = (self.hardship | begins) & ~ends
        interviewed = (self.risk_tolerance < 0) & (rng.random(n) < 0.25 / WEEKS_A_YEAR)
        self.risk_tolerance = np.where(interviewed, self._interview, self.risk_tolerance)
        refuses = ~self.refuses_automated_decisions & (rng.random(n) < 0.004 / WEEKS_A_YEAR)
        self.refuses_automated_decisions |= refuses
        self._changed |= moved | earns | life.retired | graduated | withdrawn | begins | ends | interviewed | refuses


def _favourite(affinity: FloatArray, rng: np.random.Generator) -> IntArray:
    """Draw the channel that customers name when asked: usually, but not always, the one they like best."""
    liking = np.log(affinity[:, : len(PREFERRED_CHANNELS)] + 1e-3)
    favourite: IntArray = (liking + rng.gumbel(0.0, 0.5, liking.shape)).argmax(axis=1)
    return favourite


def _bands(values: FloatArray, edges: tuple[float, ...]) -> IntArray:
    return np.asarray(np.searchsorted(np.array(edges), values), dtype=np.int64)
