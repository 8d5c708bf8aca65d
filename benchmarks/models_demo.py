"""The demo bank by what matters: the value of the offers that a model would choose, as share of the oracle's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from numpy.typing import NDArray

from domain.offer import candidates_of
from expressions.expression import compile_expression
from expressions.types import Array, Number
from features.store.watermark import Watermark
from features.table import AS_OF, CUSTOMER_ID, FeatureTable
from models.inputs import model_inputs
from models.learners import PROPENSITY, learner_of
from models.propensity.families import families_of
from models.propensity.impressions import impressions
from models.settings import Training
from nbo.api.opening import parts_below
from pipelines.training_population import answers_to_offers
from wiring.components import Components

_CUT = np.datetime64("2026-04-20", "us")
_KEPT = 0.9
_DRAWS_OF_DECISIONS = 2_000


def demo_shares(home: Path, draws: int) -> dict[str, Any]:
    """Learn from what was presented before the cut, and choose among the allowed candidates of each decision after it.

    Args:
        home: Home of a finished run of the demo bank.
        draws: Number of random 90 % of the rows that are learned from.
    """
    components = parts_below(Path("banks/demo"), home)
    watermark = Watermark.read(components.places.feature_store)
    assert watermark is not None
    answers = answers_to_offers(components, watermark.complete_until)
    learning = components.bank.models.learning.propensity
    names, fit = model_inputs(components.bank.features, (), learning), learner_of(PROPENSITY, learning).fit_propensity
    stored = _features(components, names)
    rows = stored.index.get_indexer(pd.MultiIndex.from_arrays([answers.customer_ids, answers.presented_at]))
    table = stored.table.take(rows)
    offers = components.bank.offers
    families = families_of(components.bank.features, names, offers)
    decisions = _Decisions.of(components, stored)
    mature = np.flatnonzero(answers.matured & (answers.known_at < _CUT))
    shares, gains = [], []
    for draw in range(draws):
        kept = np.sort(np.random.default_rng(100 + draw).permutation(mature)[: int(_KEPT * len(mature))])
        learned = impressions(table.take(kept), answers.take(kept), offers, families)
        model = fit(learned, names, families, Training(seed=draw), num_threads=2)
        gain = decisions.gain(model.predict(decisions.features, candidates_of(offers)))
        shares.append(float(gain.sum() / decisions.best.sum()))
        gains.append(gain)
        print(f"demo draw {draw}: {shares[-1]:.4f}; {model.chosen}", flush=True)
    low, high = _interval(np.mean(gains, axis=0), decisions.best)
    return {
        "decisions": len(decisions.best),
        "shares": shares,
        "mean": float(np.mean(shares)),
        "low": low,
        "high": high,
    }


class _Stored:
    """All features of the offline store, found by customer and moment."""

    def __init__(self, table: FeatureTable) -> None:
        index = pd.MultiIndex.from_arrays([table.customer_ids, table.as_of])
        first = np.flatnonzero(np.logical_not(index.duplicated()))
        self.table, self.index = table.take(first), index[first]


class _Decisions:
    """Decisions with the truth about every candidate: n decisions, m candidates."""

    def __init__(self, features: FeatureTable, truth: Array, allowed: NDArray[np.bool_], values: Array) -> None:
        self.features, self._allowed, self._values = features, allowed, values
        self._gains = np.where(allowed, truth * values, -np.inf)
        self.best = self._gains.max(axis=1)

    def gain(self, propensity: Array) -> Array:
        """Return the true expected value of the candidates chosen by propensity times value, shape (n,)."""
        chosen = np.where(self._allowed, propensity * self._values, -np.inf).argmax(axis=1)
        gained: Array = self._gains[np.arange(len(chosen)), chosen]
        return gained

    @classmethod
    def of(cls, components: Components, stored: _Stored) -> _Decisions:
        truth = pq.read_table(components.sources / "truth" / "alternatives.parquet").to_pandas()
        truth["at"] = truth["at"].dt.tz_localize(None).to_numpy().astype("datetime64[us]")
        truth = truth[truth["at"] >= _CUT]
        decisions = truth.drop_duplicates("decision_id")
        place = stored.index.get_indexer(pd.MultiIndex.from_arrays([decisions["customer_id"], decisions["at"]]))
        there = np.flatnonzero(place >= 0)
        decisions, features = decisions.iloc[there], stored.table.take(place[there])
        pairs = candidates_of(components.bank.offers)
        column = {(offer.name, treatment.channel): place for place, (offer, treatment) in enumerate(pairs)}
        row = {decision: place for place, decision in enumerate(decisions["decision_id"])}
        true, allowed = np.zeros((len(row), len(pairs))), np.zeros((len(row), len(pairs)), dtype=bool)
        known = truth[truth["decision_id"].isin(row)]
        rows = known["decision_id"].map(row).to_numpy()
        columns = np.array([column.get(pair, -1) for pair in zip(known["offer"], known["channel"], strict=True)])
        of_catalogue = np.flatnonzero(columns >= 0)
        cells = rows[of_catalogue], columns[of_catalogue]
        true[cells] = known["acceptance_probability"].to_numpy()[of_catalogue]
        allowed[cells] = known["allowed"].to_numpy()[of_catalogue]
        usable = np.flatnonzero(allowed.any(axis=1))
        values = np.stack([_value(features, offer.value, offer.attributes) for offer, _ in pairs], axis=1)
        return cls(features.take(usable), true[usable], allowed[usable], values[usable])


def _features(components: Components, names: tuple[str, ...]) -> _Stored:
    wanted = components.bank.features.schema
    dataset = ds.dataset(components.repository.parts, format="parquet")
    schema = {name: kind for name, kind in wanted.items() if name in dataset.schema.names}
    missing = set(names) - set(schema)
    assert not missing, f"features that were not built: {sorted(missing)}"
    table = dataset.to_table(columns=[CUSTOMER_ID, AS_OF, *schema])
    return _Stored(FeatureTable.from_arrow(table, schema))


def _value(features: FeatureTable, formula: str, attributes: dict[str, float]) -> Array:
    schema = {**features.schema, **dict.fromkeys(attributes, Number())}
    columns = {**features.columns, **{name: np.full(len(features), one) for name, one in attributes.items()}}
    value = np.nan_to_num(compile_expression(formula, schema).evaluate(columns))
    return np.broadcast_to(value, len(features)).astype(np.float64)


def _interval(gain: Array, best: Array) -> tuple[float, float]:
    """Return the 95 % interval of the share over draws of decisions."""
    drawn = np.random.default_rng(7).integers(len(best), size=(_DRAWS_OF_DECISIONS, len(best)))
    low, high = np.quantile(gain[drawn].sum(axis=1) / best[drawn].sum(axis=1), [0.025, 0.975])
    return float(low), float(high)
