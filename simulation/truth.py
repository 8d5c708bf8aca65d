"""The known truth, written beside the sources and never mapped as one: for oracles, regret and tests.

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

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from simulation.answers import NO_ANSWER
from simulation.columns import amounts, customer_ids, decision_ids, instants, names
from simulation.market import CHANNELS, FloatArray, IntArray
from simulation.recording import Columns
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
