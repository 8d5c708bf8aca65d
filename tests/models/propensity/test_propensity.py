from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from domain.errors import DataError, ModelError
from domain.offer import Offer, Treatment, candidates_of
from features.responses import Responses
from features.table import FeatureTable
from models.calibration import logit
from models.files import DESCRIPTION_FILE
from models.held_out import MODEL
from models.propensity.model import PropensityModel
from models.propensity.rates import AcceptanceRates
from models.propensity.training import TrainedPropensity, train_propensity
from models.settings import Training
from tests.models.synthetic import OfferWorld, acceptance_truth, features_of, offer_world

TRAINING = Training(folds=2, segments=("segment",))


def train(world: OfferWorld, responses: Responses | None = None, **changes: float) -> TrainedPropensity:
    training = dataclasses.replace(TRAINING, **changes)  # type: ignore[arg-type]  # fields are checked there
    return train_propensity(world.rows(training, responses), training, num_threads=1)


@pytest.fixture(scope="module")
def world() -> OfferWorld:
    return offer_world(2500, 8000, 6, count=8)


@pytest.fixture(scope="module")
def trained(world: OfferWorld) -> TrainedPropensity:
    return train(world)


@pytest.fixture(scope="module")
def customers() -> FeatureTable:
    ids = np.array([f"n{position}" for position in range(300)], dtype=object)
    return features_of(ids, np.full(300, np.datetime64("2026-07-01", "us")), 6, 77)


def log_loss(probability: np.ndarray, y: np.ndarray) -> float:
    return float(-(y * np.log(probability) + (1 - y) * np.log(1 - probability)).mean())


def test_the_model_beats_every_baseline_on_impressions_it_has_not_seen(trained: TrainedPropensity) -> None:
    held_out = trained.held_out
    losses = {name: log_loss(scores, held_out.y) for name, scores in held_out.scores.items()}
    assert set(held_out.baselines) == {"prevalence", "most_popular_offer", "per_offer_logistic"}
    assert all(losses[MODEL] < losses[name] - 0.005 for name in held_out.baselines)
    assert held_out.scores[MODEL].mean() == pytest.approx(held_out.y.mean(), abs=0.02)
    assert set(held_out.groups) == {"segment", "offer", "channel"}


def test_scores_of_new_customers_follow_the_truth(
    world: OfferWorld, trained: TrainedPropensity, customers: FeatureTable
) -> None:
    candidates = candidates_of(world.offers)
    scores = trained.model.predict(customers, candidates)
    rows, columns = np.divmod(np.arange(scores.size), len(candidates))
    truth = acceptance_truth(customers.take(rows), world.offers, columns // 5, columns % 5)
    assert np.corrcoef(logit(scores.ravel()), logit(truth))[0, 1] > 0.75


def test_a_customer_alone_gets_the_very_scores_of_the_batch(
    world: OfferWorld, trained: TrainedPropensity, customers: FeatureTable
) -> None:
    candidates = candidates_of(world.offers)
    batch = trained.model.predict(customers, candidates)
    for row in range(0, 300, 29):
        alone = trained.model.predict(customers.take(np.array([row])), candidates)
        assert np.array_equal(alone[0], batch[row])
    one_channel = trained.model.predict(customers, candidates[3:7])
    assert np.array_equal(one_channel, batch[:, 3:7])


def test_blocks_of_customers_join_without_a_seam(
    world: OfferWorld, trained: TrainedPropensity, customers: FeatureTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    candidates = candidates_of(world.offers)
    whole = trained.model.predict(customers, candidates)
    monkeypatch.setattr("models.propensity.model._BLOCK_ROWS", 1000)
    assert np.array_equal(trained.model.predict(customers, candidates), whole)
    assert trained.model.predict(customers, []).shape == (300, 0)


def test_a_model_read_from_files_predicts_the_same(
    world: OfferWorld, trained: TrainedPropensity, customers: FeatureTable, tmp_path: Path
) -> None:
    candidates = candidates_of(world.offers)
    trained.model.to_files(tmp_path)
    again = PropensityModel.from_files(tmp_path)
    assert np.array_equal(again.predict(customers, candidates), trained.model.predict(customers, candidates))


def test_priors_are_kept_with_the_model_and_follow_what_was_accepted(
    world: OfferWorld, trained: TrainedPropensity, customers: FeatureTable, tmp_path: Path
) -> None:
    candidates = candidates_of(world.offers)
    rates = trained.model.prior(customers, candidates)
    trained.model.to_files(tmp_path)
    assert np.array_equal(PropensityModel.from_files(tmp_path).prior(customers, candidates), rates)
    assert np.all((rates > 0.0) & (rates < 1.0))
    rows, columns = np.divmod(np.arange(rates.size), len(candidates))
    truth = acceptance_truth(customers.take(rows), world.offers, columns // 5, columns % 5).reshape(rates.shape)
    assert np.corrcoef(rates.mean(axis=0), truth.mean(axis=0))[0, 1] > 0.9
    assert rates.mean() == pytest.approx(world.responses.accepted.mean(), abs=0.01)


def test_acceptance_rates_alone_score_as_the_model_scores_whom_it_does_not_know(
    world: OfferWorld, trained: TrainedPropensity, customers: FeatureTable, tmp_path: Path
) -> None:
    candidates = candidates_of(world.offers)
    assert trained.model.priors is not None
    AcceptanceRates(trained.model.priors).to_files(tmp_path)
    rates = AcceptanceRates.from_files(tmp_path)
    assert np.array_equal(rates.predict(customers, candidates), trained.model.prior(customers, candidates))
    few = customers.take(np.arange(3))
    explained, expected = rates.explain(few, candidates[:3]), trained.model.explain_prior(few, candidates[:3])
    assert np.array_equal(explained.values, expected.values)
    with pytest.raises(ModelError, match="another kind of model"):
        PropensityModel.from_files(tmp_path)


def test_a_prior_is_explained_by_how_the_offer_is_received_beside_all(
    world: OfferWorld, trained: TrainedPropensity, customers: FeatureTable
) -> None:
    few, candidates = customers.take(np.arange(3)), candidates_of(world.offers)[:3]
    parts = trained.model.explain_prior(few, candidates)
    assert parts.names == ("offer",)
    rates = np.diagonal(trained.model.prior(few, candidates))
    np.testing.assert_allclose(parts.intercept + parts.values[:, 0], logit(rates), atol=1e-12)


def test_files_of_former_versions_have_no_priors_and_score_nobody_by_them(
    world: OfferWorld, trained: TrainedPropensity, customers: FeatureTable, tmp_path: Path
) -> None:
    candidates = candidates_of(world.offers)[:3]
    trained.model.to_files(tmp_path)
    file = tmp_path / DESCRIPTION_FILE
    former = {name: value for name, value in json.loads(file.read_text()).items() if name != "priors"}
    file.write_text(json.dumps(former))
    again = PropensityModel.from_files(tmp_path)
    assert np.isnan(again.prior(customers, candidates)).all()
    assert not again.explain_prior(customers.take(np.arange(3)), candidates).values.any()
    assert np.array_equal(again.predict(customers, candidates), trained.model.predict(customers, candidates))


def test_training_twice_gives_the_same_model(world: OfferWorld, trained: TrainedPropensity) -> None:
    assert np.array_equal(train(world).held_out.scores[MODEL], trained.held_out.scores[MODEL])


def test_a_new_offer_starts_near_offers_of_its_kind(
    world: OfferWorld, trained: TrainedPropensity, customers: FeatureTable
) -> None:
    known = world.offers[2]
    treatment = Treatment(channel="web", message="text")
    new = dataclasses.replace(known, name="never_put")
    stranger = dataclasses.replace(known, name="of_no_product", product=None, attributes={})
    scores = trained.model.predict(customers, [(new, treatment), (known, treatment), (stranger, treatment)])
    overall = world.responses.accepted.mean()
    assert 0.4 * overall < scores[:, 0].mean() < 2.5 * overall
    assert 0.2 * overall < scores[:, 2].mean() < 3 * overall
    assert np.corrcoef(logit(scores[:, 0]), logit(scores[:, 1]))[0, 1] > 0.7


def test_a_new_channel_is_scored_without_a_channel_effect(
    world: OfferWorld, trained: TrainedPropensity, customers: FeatureTable
) -> None:
    pairs: list[tuple[Offer, Treatment]] = [
        (world.offers[0], Treatment(channel=channel, message="text")) for channel in ("letter", "web", "call_centre")
    ]
    scores = trained.model.predict(customers, pairs).mean(axis=0)
    assert 0.5 * scores[1] < scores[0] < 1.5 * scores[2]


def test_contributions_add_up_to_the_prediction(
    world: OfferWorld, trained: TrainedPropensity, customers: FeatureTable
) -> None:
    candidates = candidates_of(world.offers)[:30]
    parts = trained.model.explain(customers.take(np.zeros(30, dtype=np.int64)), candidates)
    scores = trained.model.predict(customers.take(np.array([0])), candidates)[0]
    np.testing.assert_allclose(parts.intercept + parts.values.sum(axis=1), logit(scores), atol=1e-9)
    assert parts.names == trained.model.contribution_names
    assert {"family_held", "offer_bonus", "product", "offer", "channel"} < set(parts.names)


def test_what_drives_acceptance_in_truth_is_among_the_strongest_contributions(
    world: OfferWorld, trained: TrainedPropensity, customers: FeatureTable
) -> None:
    parts = trained.model.explain(customers, [candidates_of(world.offers)[0]] * len(customers))
    strength = dict(zip(parts.names, np.abs(parts.values).mean(axis=0).tolist(), strict=True))
    strongest = sorted(strength, key=lambda name: -strength[name])[:6]
    assert {"family_held", "family_view_count_30d"} <= set(strongest)


def test_features_of_another_schema_are_refused(
    world: OfferWorld, trained: TrainedPropensity, customers: FeatureTable
) -> None:
    few = customers.select([name for name in world.names if name != "number_1"])
    with pytest.raises(ModelError, match="no 'number_1'"):
        trained.model.predict(few, candidates_of(world.offers))
    with pytest.raises(ModelError, match="no 'number_1'"):
        trained.model.explain(few, candidates_of(world.offers))


def test_offers_that_nobody_takes_are_refused_with_the_counts(world: OfferWorld) -> None:
    nobody = dataclasses.replace(world.responses, accepted=np.zeros(len(world.responses), dtype=bool))
    with pytest.raises(ModelError, match="0 who accepted and"):
        train(world, nobody)


def test_impressions_with_an_open_window_are_left_out_and_all_open_is_refused(world: OfferWorld) -> None:
    matured = world.responses.known_at < np.datetime64("2026-05-01")
    assert train(world, dataclasses.replace(world.responses, matured=matured)).rows == matured.sum()
    with pytest.raises(DataError, match="no impression of an offer has matured"):
        train(world, dataclasses.replace(world.responses, matured=np.zeros_like(matured)))


def test_features_of_other_customers_than_the_responses_are_refused(world: OfferWorld) -> None:
    other = dataclasses.replace(world.responses, customer_ids=world.responses.customer_ids[::-1])
    with pytest.raises(DataError, match="not of the same customers"):
        train(world, other)


def test_larger_training_sets_are_thinned_by_whole_customers(world: OfferWorld) -> None:
    assert train(world, maximum_rows=6000).rows <= 6000
