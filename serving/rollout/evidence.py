"""What a model would have decided and scored where the bank has decided, beside another model: the gates' evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow.dataset as ds
from numpy.typing import NDArray

from config.bank import Bank
from decisioning.engine import DecisionContext
from decisioning.off_policy.evaluate import PolicyEvaluation
from events.log import EventLog
from expressions.types import Array
from features.moments import utc_microseconds
from features.table import CUSTOMER_ID
from models.segments import segment_names
from records.decision_log import DecisionLog, LoggedDecision
from serving.batch.part import FEATURES
from serving.decider import Decider
from serving.service.deciding import SEED
from serving.what_if.comparison import NOTHING
from serving.what_if.evaluation_arrays import MEAN_PROPENSITY, EvaluationArrays, evaluation_arrays
from serving.what_if.logged import LoggedOutcomes, logged_outcomes
from serving.what_if.occasions import features_at

RECENT: Final = timedelta(days=7)
"""Period of fairness, drift and errors: they are looked at every day."""

COMPARED: Final = timedelta(days=28)
"""Period before the recent one, whose scores are the reference of drift."""

MOST_DECISIONS: Final = 5_000
"""Decisions of a period that are looked at; of more, as many are drawn by their ids, which are hashes."""

OLDER: Final = f"older than the latest {MOST_DECISIONS:,} decisions"
"""Why matured decisions are left out."""


@dataclass(frozen=True, kw_only=True)
class Matured:
    """Decisions whose outcome is final, made after the model had seen its last data.

    Attributes:
        arrays: What the model's policy does there.
        other: What the other model says of the offers that were made, shape (n,).
        accepted: Whether they were accepted, shape (n,).
        as_of: When they were made, shape (n,).
        groups: Feature -> name of each customer's group, None if unknown, shape (n,).
        comparable: Positions of the decisions at whose moment every offer's outcome would be known by now.
        left_out: Number of impressions that tell nothing, by reason.
    """

    arrays: EvaluationArrays
    other: Array
    accepted: NDArray[np.bool_]
    as_of: NDArray[np.datetime64]
    groups: Mapping[str, NDArray[np.object_]]
    comparable: NDArray[np.intp]
    left_out: Mapping[str, int] = field(default_factory=dict)

    @cached_property
    def evaluation(self) -> PolicyEvaluation | None:
        """What the model's policy would have earned, judged however often one looks; None if nothing is comparable."""
        if not len(self.comparable):
            return None
        return self.arrays.take(self.comparable).evaluation(looked_at_again=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecentDecisions:
    """Decisions of the last days, whatever comes of them.

    Attributes:
        offered: Probability that the model's policy offers anything, shape (n,).
        groups: As in `Matured`, shape (n,).
        scores: Mean of what the model says of a decision's candidates, whoever chose among them, shape (k,), NaN if
            nothing.
        before: The same for decisions of the weeks before, shape (m,).
    """

    offered: Array
    groups: Mapping[str, NDArray[np.object_]]
    scores: Array
    before: Array


@dataclass(frozen=True, slots=True)
class EvidenceSources:
    """Where evidence comes from.

    Attributes:
        bank: The bank.
        log: Event log.
        decision_log: Log of decisions.
        decisions: Folder that holds one folder per batch run.
    """

    bank: Bank
    log: EventLog
    decision_log: DecisionLog
    decisions: Path

    def matured(self, model: Decider, other: Decider, since: datetime, until: datetime) -> Matured | None:
        """Return decisions from `since` on whose response windows have ended; None without any."""
        found = logged_outcomes(self.decision_log, self.log, self.bank, until).since(since)
        kept = found.take(np.arange(len(found.decisions))[-MOST_DECISIONS:], OLDER)
        if not kept.decisions:
            return None
        moments = _moments(kept.decisions)
        arrays = evaluation_arrays(kept, model, self.log, self.decisions)
        return Matured(
            arrays=arrays,
            other=evaluation_arrays(kept, other, self.log, self.decisions).propensity,
            accepted=kept.accepted,
            as_of=moments,
            groups=self._groups(arrays.customer, moments),
            comparable=kept.comparable_rows(self.bank.offers, until),
            left_out=kept.left_out,
        )

    def recent(self, model: Decider, until: datetime) -> RecentDecisions | None:
        """Return the decisions of the last days, and the customers of the last night; None without any.

        Batch runs log only what is offered, so that the night's customers are decided for again: whoever would be
        offered nothing counts, too.
        """
        now, before = self._between(until - RECENT, until), self._between(until - RECENT - COMPARED, until - RECENT)
        arrays = self._arrays(now, model) if now else None
        single = np.array([one.record is not None for one in now], dtype=bool)
        offered, groups = [np.empty(0)], [self._groups(np.empty(0, object), np.empty(0, "datetime64[us]"))]
        if arrays is not None and single.any():
            offered.append(1.0 - arrays.target[single, arrays.actions.index(NOTHING)])
            groups.append(self._groups(arrays.customer[single], _moments(now)[single]))
        night = self._night(until)
        if night is not None:
            customers, moments = night
            offered.append(self._offered(model, customers, moments))
            groups.append(self._groups(customers, moments))
        if len(offered) == 1 and arrays is None:
            return None
        return RecentDecisions(
            offered=np.concatenate(offered),
            groups={name: np.concatenate([one[name] for one in groups]) for name in groups[0]},
            scores=np.empty(0) if arrays is None else arrays.context[:, MEAN_PROPENSITY],
            before=self._arrays(before, model).context[:, MEAN_PROPENSITY] if before else np.empty(0),
        )

    def _night(self, until: datetime) -> tuple[NDArray[np.object_], NDArray[np.datetime64]] | None:
        """Return customers and moment of the latest batch run among the last days, or some of the customers."""
        since = (until - RECENT).date().isoformat()
        runs = [file.parent for file in self.decisions.glob(f"*/{FEATURES}")]
        runs = [run for run in runs if since <= run.name[:10] <= until.date().isoformat()]
        if not runs:
            return None
        latest = max(runs, key=lambda run: (run.name[:10], run.stat().st_mtime))
        table = ds.dataset(latest / FEATURES, format="parquet").to_table(columns=[CUSTOMER_ID, "as_of"])
        customers = np.array(table[CUSTOMER_ID].to_pylist(), dtype=object)
        rows = np.sort(np.random.default_rng(SEED).permutation(len(customers))[:MOST_DECISIONS])
        return customers[rows], table["as_of"].to_numpy()[rows].astype("datetime64[us]")

    def _offered(self, model: Decider, customers: NDArray[np.object_], moments: NDArray[np.datetime64]) -> Array:
        features = features_at(customers, moments, model.features, self.bank, self.log)
        chunks = model.in_chunks(features, DecisionContext(as_of=moments[0], seed=SEED))
        return np.concatenate([(one.best >= 0).astype(np.float64) for one in chunks])

    def _arrays(self, decisions: tuple[LoggedDecision, ...], model: Decider) -> EvaluationArrays:
        nothing = np.zeros(len(decisions))
        outcomes = LoggedOutcomes(decisions, nothing, nothing.astype(bool), {})
        return evaluation_arrays(outcomes, model, self.log, self.decisions)

    def _between(self, since: datetime, until: datetime) -> tuple[LoggedDecision, ...]:
        ids = sorted(self.decision_log.between(since, until)["decision_id"].to_pylist())[:MOST_DECISIONS]
        found = [one for one in self.decision_log.with_ids(ids) if one.record is not None or one.part is not None]
        return tuple(sorted(found, key=lambda one: (one.as_of, one.decision_id)))

    def _groups(
        self, customers: NDArray[np.object_], moments: NDArray[np.datetime64]
    ) -> dict[str, NDArray[np.object_]]:
        names = self.bank.models.compared_groups
        features = features_at(customers, moments, names, self.bank, self.log)
        return {name: segment_names(features, name) for name in names}


def _moments(decisions: Sequence[LoggedDecision]) -> NDArray[np.datetime64]:
    return np.array([utc_microseconds(one.as_of) for one in decisions], dtype="datetime64[us]")
