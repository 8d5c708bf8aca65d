"""Comparison of challenger and champion on rows that neither was fitted on."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from domain.estimate import Estimate
from expressions.types import Array
from models.evaluation.estimate import CustomerDraws
from models.evaluation.evaluation import REPLICATES
from models.evaluation.scored import score_columns
from models.held_out import MODEL, HeldOutPredictions

How = Literal["rescored", "recorded", "nothing"]

_CHAMPION = "champion"
CUSTOMER = "customer"
GROUP = "group_"
"""Names of columns of recorded predictions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChampionComparison:
    """How much better the challenger is than the champion, row by row on the same rows.

    Attributes:
        how: `rescored`: the champion scored rows later than all its training data. `recorded`: its own held-out
            predictions were found for the same rows. `nothing`: no row could be compared.
        rows: Number of rows that both scored.
        improvements: Metric -> how much better the challenger is (positive is better), with paired intervals.
    """

    how: How
    rows: int
    positives: int
    improvements: Mapping[str, Estimate]


def compare_with_champion(
    held_out: HeldOutPredictions, champion_scores: Array, how: How, *, replicates: int = REPLICATES, seed: int = 7
) -> ChampionComparison:
    """Compare on the rows for which the champion has a score.

    Rescoring is best: load the champion, predict the rows of the latest folds whose `as_of` is later than all its
    training data, and set all others to NaN. If it was trained on the same period (a retraining on the same log), use
    `recorded_scores` of its run: held-out predictions of the same rows from the same training procedure. Both are
    compared with the challenger's own held-out predictions.

    Args:
        held_out: The challenger's held-out predictions.
        champion_scores: Scores of the champion, NaN where it cannot be judged, shape (n,).
        how: How the champion's scores were obtained.
        replicates: Number of bootstrap replicates over customers.
        seed: Seed of the bootstrap.
    """
    usable = np.isfinite(champion_scores)
    if not usable.any():
        return ChampionComparison(how="nothing", rows=0, positives=0, improvements={})
    rows = replace(held_out.take(usable), scores={MODEL: held_out.scores[MODEL][usable]}, groups={})
    draws = CustomerDraws.of(rows.customer_ids, replicates, seed)
    scores = {MODEL: rows.scores[MODEL], _CHAMPION: champion_scores[usable]}
    scored = score_columns(scores, rows.y, rows.fold, draws, economics=None)
    improvements = scored[MODEL].improvements_over(scored[_CHAMPION])
    return ChampionComparison(how=how, rows=len(rows), positives=int(rows.y.sum()), improvements=improvements)


def recorded_predictions(held_out: HeldOutPredictions) -> pa.Table:
    """Return held-out predictions as a table that is stored with a run and can be matched row by row.

    Rows are identified by a hash of customer, moment, offer and channel, so that the tracking store holds no customer
    ids.

    Returns:
        Columns `row` (int64), `fold`, `y`, one for each score, `customer` (a number that means nothing outside the
        run), and a column `group_<name>` for each grouping.
    """
    customers = np.unique(held_out.customer_ids.astype(str), return_inverse=True)[1]
    numbers = np.random.default_rng().permutation(int(customers.max()) + 1)
    columns: dict[str, NDArray[np.generic]] = {
        "row": row_keys(held_out.customer_ids, held_out.as_of, held_out.groups),
        "fold": held_out.fold,
        "y": held_out.y,
        CUSTOMER: numbers[customers],
    }
    groups = {f"{GROUP}{name}": pa.array(labels, pa.string()) for name, labels in held_out.groups.items()}
    return pa.table(columns | dict(held_out.scores) | groups)


def recorded_scores(held_out: HeldOutPredictions, recorded: pa.Table) -> Array:
    """Return the model's recorded prediction for each judged row, NaN if there is none or more than one.

    Example:
        >>> held_out = HeldOutPredictions(
        ...     fold=np.array([0]), customer_ids=np.array(["c1"], dtype=object), y=np.array([1.0]),
        ...     as_of=np.array(["2026-01-01"], "datetime64[us]"), scores={"model": np.array([0.3])}, groups={})
        >>> recorded_scores(held_out, recorded_predictions(held_out)).tolist()
        [0.3]
    """
    keys, row, rows = np.unique(recorded.column("row").to_numpy(), return_index=True, return_counts=True)
    scores = np.where(rows == 1, recorded.column(MODEL).to_numpy()[row], np.nan)
    wanted = row_keys(held_out.customer_ids, held_out.as_of, held_out.groups)
    found = np.full(len(held_out), np.nan)
    if len(keys):
        place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        found = np.where(keys[place] == wanted, scores[place], np.nan)
    return found


def row_keys(
    customer_ids: NDArray[np.object_], as_of: NDArray[np.datetime64], groups: Mapping[str, NDArray[np.object_]]
) -> NDArray[np.int64]:
    """Identify rows by a hash of customer, moment, offer and channel, the last two if they are among the groups."""
    parts = [customer_ids, as_of.astype("datetime64[us]").astype(np.int64)]
    parts += [groups[name] for name in ("offer", "channel") if name in groups]
    hashes = (
        hashlib.blake2b("\x1f".join(map(str, row)).encode(), digest_size=8).digest() for row in zip(*parts, strict=True)
    )
    return np.frombuffer(b"".join(hashes), dtype="<i8").astype(np.int64)
