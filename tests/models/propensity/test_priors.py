from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.offer import Offer
from expressions.types import Category
from features.table import FeatureTable
from models.propensity.impressions import Impressions
from models.propensity.priors import STRENGTH, Priors, fit_priors, shrunk

STAGES = Category(("acquisition", "growth"))
LOAN = Offer(name="loan", product="credit", description="", value="1", treatments=(), stages=())
CARD = dataclasses.replace(LOAN, name="card")
CARE = dataclasses.replace(LOAN, name="care", product=None)
PAIRS = ((LOAN, "app"), (LOAN, "email"), (CARD, "app"), (CARE, "app"), (CARE, None))

probabilities = st.floats(1e-6, 1.0 - 1e-6)
counts = st.integers(0, 10**9)


def impressions(counted: Sequence[tuple[int, float, int, int]]) -> Impressions:
    """Rows of so many impressions each: pair, position of the stage, presented, accepted."""
    pair = np.repeat([one[0] for one in counted], [one[2] for one in counted])
    stage = np.repeat([one[1] for one in counted], [one[2] for one in counted]).astype(np.float64)
    y = np.concatenate([np.arange(presented) < accepted for _, _, presented, accepted in counted]).astype(np.float64)
    moments = np.full(len(y), np.datetime64("2026-01-01", "us"))
    ids = np.array([f"c{number}" for number in range(len(y))], dtype=object)
    features = FeatureTable(ids, moments, {"stage": stage}, {"stage": STAGES})
    return Impressions(features, {}, PAIRS, pair.astype(np.int64), y, moments)


@given(accepted=counts, more=counts, parent=probabilities)
def test_a_rate_lies_between_that_of_its_parent_and_the_observed_one(accepted: int, more: int, parent: float) -> None:
    presented = accepted + more
    rate = shrunk(accepted, presented, parent)
    assert 0.0 < rate < 1.0
    observed = accepted / presented if presented else parent
    assert min(parent, observed) - 1e-12 <= rate <= max(parent, observed) + 1e-12


@given(share=probabilities, parent=probabilities)
def test_with_many_observations_a_rate_goes_to_the_observed_one_and_with_none_to_its_parent(
    share: float, parent: float
) -> None:
    assert shrunk(0, 0, parent) == pytest.approx(parent)
    distances = [abs(shrunk(share * n, n, parent) - share) for n in (0.0, 1e2, 1e4, 1e6, 1e12)]
    assert distances == sorted(distances, reverse=True) or max(distances) < 1e-12
    assert distances[-1] < 1e-9


counted_groups = st.lists(
    st.tuples(
        st.integers(0, len(PAIRS) - 1),
        st.sampled_from([0.0, 1.0, float("nan")]),
        st.integers(0, 40),
        st.integers(0, 40),
    ).map(lambda one: (*one[:3], min(one[2:]))),
    min_size=1,
    max_size=8,
)


@given(counted=counted_groups)
def test_all_rates_are_probabilities_and_each_is_pulled_to_the_one_above_it(
    counted: list[tuple[int, float, int, int]],
) -> None:
    rows = impressions(counted)
    priors = fit_priors(rows)
    names = np.array([*STAGES.values, None], dtype=object)
    stages = names[np.where(np.isnan(rows.features.columns["stage"]), 2, rows.features.columns["stage"]).astype(int)]
    assert 0.0 < priors.overall < 1.0
    for path, rate in priors.rates.items():
        told = [
            tuple(part for part in (PAIRS[place][0].name, PAIRS[place][1], stage) if part is not None)[: len(path)]
            for place, stage in zip(rows.pair.tolist(), stages.tolist(), strict=True)
        ]
        mine = np.array([one == path for one in told])
        if len(path) > 1:
            above = priors.rates[path[:-1]]
        else:
            above = priors.overall if path[0] == "care" else priors.products["credit"]
        assert 0.0 < rate < 1.0
        assert rate == pytest.approx((rows.y[mine].sum() + STRENGTH * above) / (mine.sum() + STRENGTH))


def test_what_is_not_known_falls_back_a_level_at_a_time() -> None:
    priors = fit_priors(impressions([(0, 0.0, 500, 100), (1, 1.0, 500, 5), (3, float("nan"), 200, 50)]))
    finest = priors.rate(LOAN, "app", "acquisition")
    assert finest == priors.rates["loan", "app", "acquisition"]
    assert priors.rate(LOAN, "app", "growth") == priors.rate(LOAN, "app", None) == priors.rates["loan", "app"]
    assert priors.rate(LOAN, "letter", "acquisition") == priors.rates["loan",]
    new = dataclasses.replace(LOAN, name="new")
    assert priors.rate(new, "app", "acquisition") == priors.products["credit"]
    assert priors.rate(dataclasses.replace(new, product="insurance"), "app", None) == priors.overall
    assert priors.rate(dataclasses.replace(new, product=None), "app", None) == priors.overall
    assert finest > priors.rates["loan", "app"] > priors.rates["loan",]


def test_an_impression_without_a_channel_counts_for_its_offer_alone() -> None:
    priors = fit_priors(impressions([(4, 0.0, 300, 30), (3, 0.0, 100, 10)]))
    assert set(priors.rates) == {("care",), ("care", "app"), ("care", "app", "acquisition")}


def test_rates_come_back_from_json_as_they_were() -> None:
    priors = fit_priors(impressions([(0, 0.0, 50, 3), (2, 1.0, 70, 9)]))
    assert Priors.from_json(json.loads(json.dumps(priors.to_json()))) == priors


def test_features_without_a_stage_are_of_no_segment() -> None:
    rows = impressions([(0, 0.0, 50, 3)])
    bare = dataclasses.replace(rows, features=rows.features.select([]))
    assert set(fit_priors(bare).rates) == {("loan",), ("loan", "app")}
