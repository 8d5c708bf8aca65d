"""The known truth and its report, written beside the sources and never mapped as one: for oracles, regret and tests.

- `customers`: a row for each customer who joined, with constant traits (price sensitivity, channel affinities, ...),
  when they joined and left, and who brought them.
- `needs_and_hazards`: a row for each customer and 30 days: latent need for each product, satisfaction, whether they
  are leaving or quiet, their daily hazards to start leaving and to come back.
- `life_events`: what raised needs, in the week it happened.
- `presentations`: a row for each presented offer: the probabilities that the customer was contacted, that this offer
  was chosen and that it would be accepted, the outcome, and the true effect of retention and loyalty offers.
- `alternatives`: for a sample of these decisions a row for every candidate: whether the past policy's rules allowed it,
  the probabilities of its choice and acceptance, and its potential outcome (with the same random number).

Ids are those of the sources; the contact history cites `decision_id`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from simulation.answers import NO_ANSWER
from simulation.columns import amounts, customer_ids, decision_ids, instants, names
from simulation.journal import Columns
from simulation.market import ANSWERS, BOOKINGS, CHANNELS, TOUCHPOINTS, FloatArray, IntArray
from simulation.odds import ranking_quality
from simulation.state import NEVER, NOBODY
from simulation.world import World

LIFE_EVENTS = ("moved", "child_born", "job_changed", "retired")


def truth_tables(world: World) -> Iterator[tuple[str, pa.Table]]:
    """Yield the tables of the truth with their names."""
    yield "customers", _traits(world)
    yield "needs_and_hazards", _monthly(world)
    yield "life_events", _lives(world)
    yield "presentations", _presentations(world)
    yield "alternatives", _alternatives(world)


def _traits(world: World) -> pa.Table:
    people, state = world.population, world.state
    columns: dict[str, pa.Array] = {
        "customer_id": customer_ids(np.arange(len(people))),
        "arrived_at": instants(world.clock.midnights[np.maximum(state.joined_on, 0)]),
        "referred_by": pc.if_else(state.referred_by != NOBODY, customer_ids(np.maximum(state.referred_by, 0)), None),
        "price_sensitivity": pa.array(people.price_sensitivity),
        "risk": pa.array(people.risk),
        "digital": pa.array(people.digital),
        "annoyance": pa.array(people.annoyance),
        "content": pa.array(people.content),
        "frailty": pa.array(people.frailty),
        "main_bank": pa.array(people.main_bank),
        "transactions_per_day": pa.array(people.transactions_per_day),
        "logins_per_day": pa.array(people.logins_per_day),
    }
    columns |= {f"affinity_{channel}": pa.array(people.affinity[:, code]) for code, channel in enumerate(CHANNELS[:-1])}
    left = state.left_at
    columns["left_at"] = pa.array(left, pa.timestamp("us", "UTC"), mask=left >= world.clock.end)
    return pa.table(columns).filter(pa.array(state.joined_on != NEVER))


def _monthly(world: World) -> pa.Table:
    return _as_of_days(world, world.monthly.columns())


def _lives(world: World) -> pa.Table:
    rows = world.lives.columns()
    table = _as_of_days(world, {name: rows[name] for name in ("customer", "day")})
    return table.append_column("life_event", names(rows["life_event"], LIFE_EVENTS))


def _as_of_days(world: World, rows: Columns) -> pa.Table:
    columns = {"customer_id": customer_ids(rows["customer"]), "as_of": instants(world.clock.midnights[rows["day"]])}
    return pa.table(columns | {name: pa.array(rows[name]) for name in rows if name not in ("customer", "day")})


def _presentations(world: World) -> pa.Table:
    rows = world.contacts.presentations.columns()
    at: IntArray = rows["accepted_at"]
    columns = _what_was_put(world, rows)
    for name in ("contact_probability", "selection_probability", "acceptance_probability", "accepted"):
        columns[name] = pa.array(rows[name])
    columns["accepted_at"] = pa.array(at, pa.timestamp("us", "UTC"), mask=at == NO_ANSWER)
    for name in ("engaged_probability_60d_if_not_offered", "engaged_probability_60d_if_offered"):
        effect: FloatArray = rows[name]
        columns[name] = amounts(effect)
    return pa.table(columns)


def _alternatives(world: World) -> pa.Table:
    rows = world.contacts.alternatives.columns()
    columns = _what_was_put(world, rows)
    for name in ("allowed", "selection_probability", "acceptance_probability", "accepts_if_offered"):
        columns[name] = pa.array(rows[name])
    return pa.table(columns)


def _what_was_put(world: World, rows: Columns) -> dict[str, pa.Array]:
    return {
        "decision_id": decision_ids(rows["decision"]),
        "customer_id": customer_ids(rows["customer"]),
        "at": instants(rows["at"]),
        "offer": names(rows["offer"], tuple(offer.name for offer in world.offers)),
        "channel": names(rows["channel"], CHANNELS),
    }


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
