"""How large a simulated bank is, and how long it is watched."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from domain.spec import Spec


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation(Spec):
    """A simulated bank, the same for the same seed.

    Attributes:
        customers: Who come by themselves; some join on the way. A few more are brought by other customers.
        start: First day, in the bank's time zone.
        months: Of 30 days.
        seed: Of everything drawn.
    """

    customers: int = 20_000
    months: int = 18
    start: date = date(2025, 1, 1)
    seed: int = 7
