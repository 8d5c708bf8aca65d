"""Replay: make a logged decision again and compare."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

from decisioning.engine import DecisionContext
from domain.decision import Decision
from domain.errors import StateError
from expressions.types import Array, Category, ColumnType
from features.moments import utc_microseconds
from features.table import CUSTOMER_ID, FeatureTable
from records.decision_log import LoggedDecision
from serving.batch.budget_state import budget_state_of
from serving.batch.part import FEATURES, logged_part_file
from serving.customer_features import Origin
from serving.decider import Decider
from serving.scoring import CHURN_PROBABILITY


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """A replayed decision.

    Attributes:
        decision: The decision as made now.
        differences: Fields of the record that differ; empty if none do.
    """

    decision: Decision
    differences: tuple[str, ...]

    @property
    def same(self) -> bool:
        """Whether nothing differs."""
        return not self.differences


def replay(logged: LoggedDecision, decider: Decider, decisions_folder: Path) -> ReplayResult:
    """Decide again from the stored features, and compare with what was logged.

    A single decision is compared completely. A decision of a batch run is compared by its id and what the log has of
    its first offer; its features are read from the files of its part.

    Args:
        logged: Logged decision, from `DecisionLog.get`.
        decider: Decider with the policy and models of that time.
        decisions_folder: Folder that holds one folder per batch run.

    Raises:
        StateError: The decider has other versions, or the record or the part's files are gone.
    """
    if dict(logged.versions) != decider.versions:
        raise StateError(
            f"decision {logged.decision_id} was made with other versions",
            got=_listed(decider.versions),
            expected=_listed(logged.versions),
            remedy="replay with the bank's folder and the models of that time",
        )
    record, request = logged.record, None
    if record is None and logged.part is None:
        raise StateError(
            f"the record of decision {logged.decision_id} was removed when its retention ended",
            remedy="explanations_days in retention.yaml sets how long records are kept",
        )
    state: Mapping[str, Mapping[str, float]]
    if record is not None:
        features, request = features_of(record, decider.schema), record.request
        remaining = {name: left for name, left in record.remaining.items() if left is not None}
        state = {"prices": record.prices, "remaining": remaining}
    else:
        features = _features_of_part(logged, decider, decisions_folder)
        state = budget_state_of((decisions_folder / str(logged.part)).parent)
    decisions = decider.decide(
        features,
        DecisionContext(
            as_of=utc_microseconds(logged.as_of),
            seed=logged.seed,
            channels=[logged.channel],
            request=request,
            prices=state.get("prices") or {},
            remaining=state.get("remaining") or {},
            at_once=logged.part is None,
        ),
        unknown=logged.features_from == Origin.NOTHING,
    )
    again = decider.record(decisions, 0, logged.channel)
    if record is not None:
        names = [field.name for field in fields(Decision)]
        differences = [name for name in names if getattr(again, name) != getattr(record, name)]
    else:
        differences = _batch_differences(logged, again)
    return ReplayResult(again, tuple(differences))


def features_of(decision: Decision, schema: Mapping[str, ColumnType]) -> FeatureTable:
    """Convert the features of a record back into a table with one row."""
    columns = {
        name: _column(value, schema[name])
        for name, value in decision.features.items()
        if name in schema and name != CHURN_PROBABILITY
    }
    return FeatureTable(
        np.array([decision.customer_id], dtype=object),
        np.array([utc_microseconds(decision.as_of)]),
        columns,
        {name: schema[name] for name in columns},
    )


def _features_of_part(logged: LoggedDecision, decider: Decider, decisions_folder: Path) -> FeatureTable:
    path = logged_part_file(decisions_folder, FEATURES, str(logged.part))
    try:
        table = pq.read_table(path, filters=pc.field(CUSTOMER_ID) == logged.customer_id)
    except OSError as error:
        raise StateError(
            f"the features of decision {logged.decision_id} are gone",
            got=error.strerror or str(error),
            expected=f"the file {path}",
            remedy="restore the files of the run from an archive",
        ) from error
    schema = {name: decider.schema[name] for name in decider.features}
    return FeatureTable.from_arrow(table, schema)


def _batch_differences(logged: LoggedDecision, again: Decision) -> list[str]:
    differences = [] if again.decision_id == logged.decision_id else ["decision_id"]
    if not again.offers:
        return [*differences, "offer"]
    compared = ("offer", "propensity", "value", "priority", "selection_probability")
    return differences + [name for name in compared if getattr(again.offers[0], name) != getattr(logged, name)]


def _column(value: float | str | None, kind: ColumnType) -> Array:
    if value is None:
        return np.array([np.nan])
    if isinstance(kind, Category):
        return np.array([kind.code(str(value))])
    return np.array([float(value)])


def _listed(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))
