"""Report of a simulation: how much it produced, and how hard it is to learn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from simulation.market import ANSWERS, BOOKINGS, TOUCHPOINTS
from simulation.odds import ranking_quality
from simulation.state import NEVER
from simulation.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationReport:
    """What was simulated and written.

    Attributes:
        customers: Customers who joined, including those who have left.
        start: Beginning of the simulation, UTC.
        end: End of the simulation, UTC: nothing happened or was delivered later.
        rows: Written rows by source, including the dirty ones, without those delivered twice.
        happenings: Events by type, in the sources' own words, before dirty rows are added.
        dirty: Rows planted to be quarantined, by source and reason.
        redelivered: Rows that are delivered a second time.
        presented: Presented offers, by offer.
        accepted: Acceptances among them, whenever they came.
        left: Customers who closed everything.
        quiet: Customers who are still there at the end but no longer do anything.
        oracle_auc: AUC of the true acceptance probabilities: no model can be expected to do better.
    """

    customers: int
    start: datetime
    end: datetime
    rows: Mapping[str, int]
    happenings: Mapping[str, int]
    dirty: Mapping[str, int]
    redelivered: int
    presented: Mapping[str, int]
    accepted: Mapping[str, int]
    left: int
    quiet: int
    oracle_auc: float

    @property
    def events(self) -> int:
        """Rows of all sources that an import should accept."""
        return sum(self.rows.values()) - sum(self.dirty.values())

    @property
    def acceptance_rate(self) -> float:
        """Share of presented offers that were accepted."""
        return sum(self.accepted.values()) / max(sum(self.presented.values()), 1)


def report_on(world: World, rows: Mapping[str, int], dirty: Mapping[str, int], redelivered: int) -> SimulationReport:
    """Summarise a simulated world."""
    put = world.contacts.presentations.columns()
    offers = [offer.name for offer in world.offers]
    presented = np.bincount(put["offer"], minlength=len(offers))
    accepted = np.bincount(put["offer"], weights=put["accepted"], minlength=len(offers))
    recorders = (
        (BOOKINGS, world.journal.bookings),
        (TOUCHPOINTS, world.journal.touches),
        (ANSWERS, world.contacts.answers.contacts),
    )
    happenings = {
        name: int(count)
        for words, recorder in recorders
        for name, count in zip(words, np.bincount(recorder.columns()["kind"], minlength=len(words)), strict=True)
    }
    state = world.state
    return SimulationReport(
        customers=int((state.joined_on != NEVER).sum()),
        start=_moment(int(world.clock.midnights[0])),
        end=_moment(world.clock.end),
        rows=dict(rows),
        happenings=happenings,
        dirty=dict(dirty),
        redelivered=redelivered,
        presented=dict(zip(offers, presented.tolist(), strict=True)),
        accepted={name: int(count) for name, count in zip(offers, accepted, strict=True)},
        left=int((state.left_at < world.clock.end).sum()),
        quiet=int((state.here & state.quiet).sum()),
        oracle_auc=ranking_quality(put["acceptance_probability"], put["accepted"]),
    )


def _moment(microseconds: int) -> datetime:
    return datetime.fromtimestamp(microseconds // 1_000_000, UTC)
