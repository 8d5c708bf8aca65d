"""Settings of a simulated bank: its size and duration."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from domain.spec import Spec


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation(Spec):
    """A simulated bank; the same seed gives the same bank.

    Attributes:
        customers: Number of customers who come by themselves, some of them over time. Customers bring a few more.
        start: First day, in the bank's time zone.
        months: Duration in months of 30 days.
        seed: Seed of all random draws.
    """

    customers: int = 20_000
    months: int = 18
    start: date = date(2025, 1, 1)
    seed: int = 7
