"""Decisions of a trial's customers, replayed in every arm: for whom another arm would have decided otherwise."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from decisioning.policies.trial import Trial
from domain.errors import StateError
from domain.progress import Progress, silent
from events.fingerprints import bucket_of
from events.log import EventLog
from features.bucket.work import part_name
from records.decision_log import DecisionLog, LoggedDecision
from serving.decider import CUSTOMERS_PER_CHUNK, Decider
from serving.what_if.occasions import Occasion, night_of_part, occasions
from serving.what_if.timeline import NightPart, offered_in_part, timeline, with_records

Ranks = NDArray[np.int16]
DeciderOf = Callable[[Mapping[str, str]], Decider]
"""Returns the bank's decider with the models that a decision cites, as far as they are still kept."""

FILES_GONE: Final = "the files of the night are gone"
RECORD_GONE: Final = "the record is no longer kept"
CHANNEL_GONE: Final = "the policy no longer has the channel"
OTHERWISE: Final = "today's policy or models decide otherwise"


@dataclass(frozen=True, slots=True, eq=False)
class AssignedCustomers:
    """Customers of a trial, and the arms to which chance assigned them.

    Attributes:
        trial: The trial.
        customers: Ids of the n customers.
        arm: Position of the arm of each, shape (n,).
        since: Start of the trial.
        until: End of the trial, or now.
    """

    trial: Trial
    customers: Sequence[str]
    arm: NDArray[np.intp]
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True, eq=False)
class Replays:
    """What replays say of each of n customers.

    Attributes:
        triggered: Whether a decision would have differed between the arms, shape (n,).
        unknown: Whether one before that cannot be replayed, so that it is not known, shape (n,).
        replayed: Number of replayed decisions; those of a customer in all channels of a night are one.
        lost: Reason -> customers with a decision that cannot be replayed for it.
    """

    triggered: NDArray[np.bool_]
    unknown: NDArray[np.bool_]
    replayed: int
    lost: Mapping[str, int]


def replay_trial(
    assigned: AssignedCustomers,
    decider_of: DeciderOf,
    log: EventLog,
    decision_log: DecisionLog,
    folder: Path,
    progress: Progress = silent,
) -> Replays:
    """Replay decisions in every arm, in the order of time, until one differs.

    Up to that one a customer's history is the same whatever the arm, so that who is triggered, and when, does not
    depend on the assignment. A decision is replayable if the customer's own arm offers again what was offered.

    Args:
        assigned: The trial's customers.
        decider_of: Returns the decider for the versions that decisions cite.
        log: Event log.
        decision_log: Log of decisions.
        folder: Folder that holds one folder per batch run.
        progress: Is told how many single decisions and parts of nights are done.
    """
    found = _Found(assigned, decider_of, log, folder)
    work = timeline(decision_log.between(assigned.since, assigned.until), found.place, folder)
    for done, (_, one) in enumerate(work, start=1):
        if isinstance(one, NightPart):
            found.replay_part(one)
        else:
            found.replay_singles(list(with_records(decision_log, [each for each in one if found.is_open(each[1])])))
        progress(done, len(work))
    return Replays(found.triggered, found.unknown, found.replayed, dict(found.lost))


@dataclass(slots=True, eq=False)
class _Found:
    """What is known of the customers while decisions are replayed."""

    assigned: AssignedCustomers
    decider_of: DeciderOf
    log: EventLog
    folder: Path
    place: dict[str, int] = field(init=False)
    parts: NDArray[np.object_] = field(init=False)
    triggered: NDArray[np.bool_] = field(init=False)
    unknown: NDArray[np.bool_] = field(init=False)
    replayed: int = 0
    lost: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.place = {customer: row for row, customer in enumerate(self.assigned.customers)}
        buckets = bucket_of(pa.array(self.assigned.customers, pa.string()), self.log.buckets)
        self.parts = np.array([part_name(bucket) for bucket in buckets.tolist()], dtype=object)
        self.triggered, self.unknown = np.zeros((2, len(self.assigned.customers)), dtype=bool)

    def is_open(self, customer: str) -> bool:
        """Whether no decision of a customer has differed or could not be replayed so far."""
        row = self.place[customer]
        return not (self.triggered[row] or self.unknown[row])

    def replay_part(self, part: NightPart) -> None:
        """Replay a part of a night for the customers who are open."""
        there = np.flatnonzero((self.parts == Path(part.name).name) & ~self.triggered & ~self.unknown)
        decider = self.decider_of(part.versions)
        try:
            names = {self.assigned.customers[row] for row in there.tolist()}
            occasion = night_of_part(self.folder, part.name, names, part.seed, decider, self.log)
            offered = offered_in_part(self.folder, part.name)
        except StateError:
            for row in there.tolist():
                self._lose(row, FILES_GONE)
            return
        if occasion is None:
            return
        at = {customer: row for row, customer in enumerate(occasion.features.customer_ids.tolist())}
        logged: Ranks = np.zeros((len(at), len(decider.policy.candidates)), dtype=np.int16)
        columns, gone = decider.policy.candidates.positions(), set()
        for customer, channel, offer, rank in offered:
            if customer in at and (offer, channel) in columns:
                logged[at[customer], columns[offer, channel]] = rank
            elif customer in at:
                gone.add(at[customer])
        self._judge(decider, occasion, logged, gone)

    def replay_singles(self, singles: Sequence[tuple[str, LoggedDecision | None]]) -> None:
        """Replay single decisions, given in the order of time."""
        known: dict[int, LoggedDecision] = {}
        for number, (_, one) in enumerate(singles):
            if one is not None and one.record is not None:
                known[number] = one
        done: dict[int, tuple[Decider, Occasion, Ranks, set[int]]] = {}
        versions = {number: json.dumps(dict(one.versions), sort_keys=True) for number, one in known.items()}
        for _, members in groupby(sorted(known, key=versions.__getitem__), key=versions.__getitem__):
            numbers = list(members)
            decider = self.decider_of(known[numbers[0]].versions)
            columns = decider.policy.candidates.positions()
            for occasion in occasions([known[number] for number in numbers], decider, self.log, self.folder):
                [row] = occasion.rows.tolist()
                record = known[numbers[row]].record
                assert record is not None, "known ones have a record"
                offers = {(one.offer, one.channel): one.rank for one in record.candidates if one.rank is not None}
                logged: Ranks = np.zeros((1, len(columns)), dtype=np.int16)
                for pair, rank in offers.items():
                    if pair in columns:
                        logged[0, columns[pair]] = rank
                done[numbers[row]] = decider, occasion, logged, set() if offers.keys() <= columns.keys() else {0}
        for number, (customer, _) in enumerate(singles):
            if not self.is_open(customer):
                continue
            if number in done:
                self._judge(*done[number])
            else:
                self._lose(self.place[customer], RECORD_GONE if number not in known else CHANNEL_GONE)

    def _judge(self, decider: Decider, occasion: Occasion, logged: Ranks, gone: set[int]) -> None:
        """Decide in every arm for the customers of an occasion, and compare."""
        arms = np.stack([_ranks(decider, occasion, self.assigned.trial.name, arm) for arm in self.assigned.trial.arms])
        differs = (arms != arms[0]).any(axis=(0, 2))
        for row, customer in enumerate(occasion.features.customer_ids.tolist()):
            place = self.place[customer]
            if row in gone or (arms[self.assigned.arm[place], row] != logged[row]).any():
                self._lose(place, OTHERWISE)
                continue
            self.replayed += 1
            self.triggered[place] |= differs[row]

    def _lose(self, place: int, reason: str) -> None:
        self.unknown[place] = True
        self.lost[reason] += 1


def _ranks(decider: Decider, occasion: Occasion, trial: str, arm: str) -> Ranks:
    """Return what an arm offers: the rank of every candidate, 0 where it is not offered, shape (n, m)."""
    context = replace(occasion.context, arms={trial: arm})
    ranks: Ranks = np.zeros((len(occasion.features), len(decider.policy.candidates)), dtype=np.int16)
    for start in range(0, len(ranks), CUSTOMERS_PER_CHUNK):
        rows = np.arange(start, min(start + CUSTOMERS_PER_CHUNK, len(ranks)))
        table = occasion.features.take(rows)
        for made in decider.decide_as_assigned(table, context, unknown=occasion.unknown):
            ranks[rows[made.rows]] = made.decisions.ranking.rank
    decider.beside.calls.take()  # a replay is no call of a live model
    return ranks
