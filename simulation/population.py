"""The customers: traits that the bank knows, and latent ones that it never sees."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation.market import CHANNELS, BoolArray, FloatArray, IntArray
from simulation.randomness import stream

EXISTING_SHARE = 0.7
"""Share of customers who are there when the log begins; the others join over time."""
SETTLING_DAYS = 20
"""Nobody joins in the last days: their journeys would be too short for decisions."""
PROSPECTS_SHARE = 0.01
"""People who join only if a customer brings them, as a share of the customers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """Constant traits of n customers; every array of traits has n rows.

    Attributes:
        prospects: Positions of people who join only if another customer brings them; they are the last rows.
        arrival_day: 0 for existing customers, the day after the last for prospects.
        age: In years, on the first day.
        income: Euro a month.
        risk: Latent willingness to take risk, standard normal over the population.
        digital: Latent ease with digital channels, standard normal.
        price_sensitivity: Latent weight of rates and bonuses, standard normal.
        annoyance: How much a contact tires, 1 on average.
        content: Satisfaction to which the customer returns.
        frailty: Log-factor of the hazard to start leaving.
        affinity: Shape (n, channels), latent share of each channel in the customer's preferences.
        taste: Shape (n, 6), what offers may appeal to besides needs: age, income, digital, price, two latent.
        main_bank: Whether salary and daily payments go through this bank.
        transactions_per_day, logins_per_day: At full activity.
        spend_share: Share of the income that is spent through the accounts.
        morningness: Preference for early hours.
    """

    prospects: IntArray
    arrival_day: IntArray
    age: FloatArray
    income: FloatArray
    risk: FloatArray
    digital: FloatArray
    price_sensitivity: FloatArray
    annoyance: FloatArray
    content: FloatArray
    frailty: FloatArray
    affinity: FloatArray
    taste: FloatArray
    main_bank: BoolArray
    transactions_per_day: FloatArray
    logins_per_day: FloatArray
    spend_share: FloatArray
    morningness: FloatArray

    def __len__(self) -> int:
        return len(self.age)

    @property
    def age_scaled(self) -> FloatArray:
        """Age relative to 45, in units of 17 years."""
        scaled: FloatArray = (self.age - 45) / 17
        return scaled

    @property
    def income_scaled(self) -> FloatArray:
        """Log income relative to the middle, in units of its spread."""
        scaled: FloatArray = (np.log(self.income) - np.log(2300)) / 0.5
        return scaled


def draw_population(customers: int, days: int, seed: int) -> Population:
    """Draw customers, plus the prospects whom they may bring."""
    rng = stream(seed, "population")
    prospects = customers + np.arange(int(np.ceil(PROSPECTS_SHARE * customers)))
    customers += len(prospects)
    existing = rng.random(customers) < EXISTING_SHARE
    arrival_day = np.where(existing, 0, rng.integers(1, max(days - SETTLING_DAYS, 2), customers))
    arrival_day[prospects] = days
    young = rng.random(customers) < np.where(existing, 0.25, 0.5)
    age = np.where(young, 18 + rng.gamma(2.0, 5.0, customers), 24 + 62 * rng.beta(1.8, 2.2, customers))
    age = np.clip(np.floor(age), 18, 92)
    career = 1 - np.clip((age - 52) / 28, -1, 1) ** 2
    income = np.clip(np.exp(np.log(1500) + 0.62 * career + rng.normal(0, 0.42, customers)), 600, 20_000)
    age_scaled, income_scaled = (age - 45) / 17, (np.log(income) - np.log(2300)) / 0.5
    risk = _unit(rng, customers, -0.3 * age_scaled + 0.3 * income_scaled)
    digital = _unit(rng, customers, -0.6 * age_scaled)
    price = _unit(rng, customers, -0.4 * income_scaled)
    main_bank = rng.random(customers) < 0.8
    busy = rng.normal(0, 1, customers)
    pace = np.where(main_bank, 1.0, 0.42)
    return Population(
        prospects=prospects,
        arrival_day=arrival_day.astype(np.int64),
        age=age,
        income=income,
        risk=risk,
        digital=digital,
        price_sensitivity=price,
        annoyance=np.exp(rng.normal(-0.125, 0.5, customers)),
        content=rng.normal(0, 0.6, customers),
        frailty=rng.normal(0, 0.55, customers),
        affinity=_affinity(rng, digital),
        taste=np.column_stack([age_scaled, income_scaled, digital, price, rng.normal(size=(customers, 2))]),
        main_bank=main_bank,
        transactions_per_day=0.125 * pace * np.exp(0.45 * busy + rng.normal(0, 0.45, customers)),
        logins_per_day=0.085 * pace * np.exp(0.25 * busy + 0.5 * digital + rng.normal(0, 0.4, customers)),
        spend_share=np.clip(rng.normal(0.82, 0.17, customers), 0.3, 1.6),
        morningness=rng.normal(0, 1, customers),
    )


def _unit(rng: np.random.Generator, customers: int, explained: FloatArray) -> FloatArray:
    """Draw a standard normal trait that is partly explained by what the bank knows."""
    rest = np.sqrt(max(1 - float(explained.var()), 0.1))
    return np.asarray(explained + rest * rng.normal(0, 1, customers), dtype=np.float64)


def _affinity(rng: np.random.Generator, digital: FloatArray) -> FloatArray:
    """Draw Dirichlet shares of channels, larger for digital ones if the customer is digital; 0 for cash machines."""
    shapes = np.column_stack(
        [
            2.6 * np.exp(0.6 * digital),
            1.6 * np.exp(0.1 * digital),
            1.3 * np.ones_like(digital),
            0.9 * np.exp(0.4 * digital),
            0.8 * np.exp(-0.6 * digital),
            0.8 * np.exp(-0.4 * digital),
        ]
    )
    drawn = rng.standard_gamma(shapes)
    affinity = np.zeros((len(digital), len(CHANNELS)))
    affinity[:, : shapes.shape[1]] = drawn / drawn.sum(axis=1, keepdims=True)
    return affinity
