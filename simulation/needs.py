"""Customers' latent needs: they drift slowly, jump at life events, and are never written to any source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulation.market import BoolArray, FloatArray, IntArray
from simulation.population import Population
from simulation.randomness import stream

MEMORY = 0.97
"""Weekly autocorrelation of the slow drift: half of it fades within five months."""
BOOST_MEMORY = 0.94
"""Weekly factor on the effect of life events: half of it fades within eleven weeks."""
DRIFT_SPREAD = 0.5

# columns: age, age squared minus its mean, income, risk; rows: the products of `market`
LOADINGS = np.array(
    [
        [0.0, 0.0, 0.0, 0.0],
        [0.15, -0.15, 0.40, -0.15],
        [-0.40, -0.15, 0.40, 0.20],
        [-0.20, -0.45, -0.45, 0.10],
        [-0.45, -0.60, 0.50, 0.0],
        [0.10, -0.10, 0.60, 0.60],
        [0.35, -0.25, 0.20, -0.20],
    ]
)
# how much a life event raises the need for each product
MOVED = np.array([0.2, 0.0, 0.4, 1.0, 1.4, 0.0, 1.6])
CHILD_BORN = np.array([0.1, 1.6, 0.1, 0.7, 1.0, 0.3, 1.5])
JOB_CHANGED = np.array([0.4, 0.3, 1.3, 0.4, 0.5, 0.9, 0.2])
RETIRED = np.array([0.2, 1.3, -0.3, -0.8, -1.0, 0.8, 0.9])


@dataclass(frozen=True, slots=True)
class LifeEvents:
    """Masks of the customers with each life event this week."""

    moved: BoolArray
    child_born: BoolArray
    job_changed: BoolArray
    retired: BoolArray


class Needs:
    """Latent needs, shape (n, products): personal traits, plus a slow drift, plus the effect of recent life events.

    Attributes:
        level: On the log-odds scale, about 0 on average with a spread of about 1.
    """

    def __init__(self, population: Population, seed: int) -> None:
        rng = self._rng = stream(seed, "needs")
        self._age = population.age
        self._retired = population.age >= 67
        age = population.age_scaled
        known = np.column_stack([age, age**2 - 1, population.income_scaled, population.risk])
        shape = (len(population), len(LOADINGS))
        own = np.einsum("nk,pk->np", known, LOADINGS)
        self._mean: FloatArray = own + 0.5 * rng.standard_normal(shape)
        self._drift: FloatArray = DRIFT_SPREAD * rng.standard_normal(shape)
        self._boost: FloatArray = np.zeros(shape)
        self.level: FloatArray = self._mean + self._drift

    def week(self, day: int) -> LifeEvents:
        """Simulate one week."""
        rng, age = self._rng, self._age + day / 365.25
        life = LifeEvents(
            moved=self._happens(0.09 * np.where(age < 40, 1.6, 0.7)),
            child_born=self._happens(0.08 * ((age >= 24) & (age <= 42))),
            job_changed=self._happens(0.13 * (age < 60)),
            retired=self._happens(0.35 * ((age >= 64) & (age < 71) & ~self._retired)),
        )
        self._retired |= life.retired
        self._drift *= MEMORY
        self._drift += np.sqrt(1 - MEMORY**2) * DRIFT_SPREAD * rng.standard_normal(self._drift.shape)
        self._boost *= BOOST_MEMORY
        jolts = (life.moved, MOVED), (life.child_born, CHILD_BORN), (life.job_changed, JOB_CHANGED)
        for happened, effect in (*jolts, (life.retired, RETIRED)):
            self._boost[happened] += effect
        self.level = self._mean + self._drift + self._boost
        return life

    def satisfy(self, customers: IntArray, products: IntArray) -> None:
        """Reduce the need for a product just opened, so that customers do not soon want another."""
        self._boost[customers, products] -= 0.8
        self.level[customers, products] -= 0.8

    def awaken(self, customers: IntArray, products: IntArray, by: float) -> None:
        """Make customers aware of a need, for a while."""
        np.add.at(self._boost, (customers, products), by)
        np.add.at(self.level, (customers, products), by)

    def _happens(self, yearly: NDArray[np.floating[Any]]) -> BoolArray:
        return np.asarray(self._rng.random(len(self._age)) < yearly / 52, dtype=np.bool_)
