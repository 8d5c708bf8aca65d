from __future__ import annotations

import json
from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from domain.errors import DataError, ModelError
from models.calibration import UNCALIBRATED, Calibration, calibration_of_folds, fit_calibration, logit

KINDS: tuple[Literal["platt", "beta"], ...] = ("platt", "beta")


def log_loss(probability: np.ndarray, y: np.ndarray) -> float:
    return float(-(y * np.log(probability) + (1 - y) * np.log(1 - probability)).mean())


@pytest.mark.parametrize("kind", KINDS)
def test_calibration_mends_overconfident_scores(kind: Literal["platt", "beta"]) -> None:
    random = np.random.default_rng(1)
    truth = expit(random.normal(-2.0, 1.0, 6000))
    y = (random.random(6000) < truth).astype(float)
    stated = expit(2.5 * logit(truth) + 1.0)
    calibrated = fit_calibration(stated[:3000], y[:3000], kind).apply(stated[3000:])
    assert log_loss(calibrated, y[3000:]) < log_loss(stated[3000:], y[3000:]) - 0.05
    assert calibrated.mean() == pytest.approx(y[3000:].mean(), abs=0.02)


@pytest.mark.parametrize("kind", KINDS)
def test_right_scores_stay_nearly_as_they_are(kind: Literal["platt", "beta"]) -> None:
    random = np.random.default_rng(2)
    truth = expit(random.normal(-2.0, 1.0, 20_000))
    calibrated = fit_calibration(truth, (random.random(20_000) < truth).astype(float), kind).apply(truth)
    assert np.abs(calibrated - truth).max() < 0.05


@given(st.floats(1e-3, 5), st.floats(1e-3, 5), st.floats(-5, 5), st.lists(st.floats(0, 1), min_size=2, max_size=30))
def test_the_order_of_scores_is_kept_and_zero_and_one_are_safe(
    rise: float, fall: float, shift: float, scores: list[float]
) -> None:
    calibrated = Calibration(kind="beta", rise=rise, fall=fall, shift=shift).apply(np.sort(np.array(scores)))
    assert (np.diff(calibrated) >= 0).all()
    assert ((calibrated > 0) & (calibrated < 1)).all()


@pytest.mark.parametrize("kind", KINDS)
def test_scores_against_the_truth_never_turn_the_order_round(kind: Literal["platt", "beta"]) -> None:
    scores = np.linspace(0.01, 0.99, 500)
    calibrated = fit_calibration(scores, (scores < 0.3).astype(float), kind).apply(scores)
    assert (np.diff(calibrated) >= 0).all()


def test_calibration_survives_json() -> None:
    fitted = fit_calibration(np.array([0.1, 0.4, 0.9, 0.0, 1.0]), np.array([0.0, 1.0, 1.0, 0.0, 1.0]), "beta")
    assert Calibration.from_json(json.loads(json.dumps(fitted.to_json()))) == fitted


def test_an_unknown_kind_and_an_empty_slice_are_refused() -> None:
    with pytest.raises(ModelError, match="unknown kind of calibration"):
        Calibration.from_json({"kind": "isotonic"})
    with pytest.raises(DataError, match="no rows to calibrate on"):
        fit_calibration(np.empty(0), np.empty(0))


def test_calibration_of_folds_helps_where_scores_are_off_and_leaves_good_ones_alone() -> None:
    random = np.random.default_rng(1)
    truth = random.normal(-1.5, 1.0, 6000)
    y = (random.random(6000) < 1 / (1 + np.exp(-truth))).astype(float)
    fold, customers = np.arange(6000) % 3, np.array([f"c{row}" for row in range(6000)], dtype=object)
    assert calibration_of_folds(truth, y, fold, customers) is UNCALIBRATED
    found = calibration_of_folds(2.0 * truth + 1.0, y, fold, customers)
    assert found.rise == pytest.approx(0.5, abs=0.05)
    assert found.shift == pytest.approx(-0.5, abs=0.1)


def test_sixty_rows_do_not_calibrate() -> None:
    random = np.random.default_rng(2)
    truth = random.normal(-1.0, 1.0, 63)
    y = (random.random(63) < 1 / (1 + np.exp(-truth))).astype(float)
    customers = np.array([f"c{row}" for row in range(63)], dtype=object)
    assert calibration_of_folds(truth, y, np.arange(63) % 3, customers) is UNCALIBRATED
