from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from expressions.types import Array
from models.drift import recent_shift

DAY = np.timedelta64(86_400_000_000, "us")
START = np.datetime64("2025-01-01", "us")


def shift_and_gain(level: Array, seed: int, *, rows: int, known_after: int = 14) -> tuple[float, float]:
    """Return the shift after all but the last sixth of the days, and the log loss that it saves afterwards."""
    random, days = np.random.default_rng(seed), len(level)
    day = np.sort(random.integers(0, days, rows))
    scores = random.normal(-2.0, 0.8, rows)
    y = (random.random(rows) < expit(scores + level[day])).astype(float)
    past, after = day < days * 4 // 6, day >= days * 5 // 6
    for _ in range(10):  # as a fit would
        probability = expit(scores[past])
        scores += (y[past] - probability).sum() / (probability * (1.0 - probability)).sum()
    at = START + day[past] * DAY
    shift = recent_shift(scores[past], y[past], at, at + known_after * DAY)
    truth = expit(scores[after] + level[day[after]])

    def loss(odds: Array) -> float:
        return float((np.logaddexp(0.0, odds) - truth * odds).mean())

    return shift, loss(scores[after]) - loss(scores[after] + shift)


def means(level: Array, *, rows: int = 6_000, known_after: int = 14) -> tuple[float, float]:
    drawn = [shift_and_gain(level, seed, rows=rows, known_after=known_after) for seed in range(12)]
    return float(np.mean([shift for shift, _ in drawn])), float(np.mean([gain for _, gain in drawn]))


def test_a_level_that_falls_is_followed() -> None:
    shift, gain = means(np.linspace(0.6, -0.6, 180))
    assert -0.6 < shift < -0.25
    assert gain > 0.005


def test_a_level_that_has_dropped_is_followed() -> None:
    shift, gain = means(np.where(np.arange(180) < 60, 0.0, -0.5))
    assert -0.35 < shift < -0.15
    assert gain > 0.003


@pytest.mark.parametrize("rows", [600, 6_000])
def test_without_drift_following_costs_next_to_nothing(rows: int) -> None:
    shift, gain = means(np.zeros(180), rows=rows)
    assert abs(shift) < 0.05
    assert gain > -0.0005


def test_what_passes_with_its_day_is_not_followed() -> None:
    shocks = np.random.default_rng(3).normal(0.0, 0.4, 180)
    shift, gain = means(shocks)
    assert abs(shift) < 0.1
    assert gain > -0.001


def test_a_season_that_turns_before_its_answers_are_known_is_not_followed() -> None:
    season = 0.5 * np.sin(2.0 * np.pi * np.arange(720) / 360.0)
    assert means(season, known_after=170)[0] == pytest.approx(0.0, abs=0.02)


def test_rows_of_one_moment_and_few_outcomes_have_no_level_of_their_own() -> None:
    scores, y = np.zeros(400), (np.arange(400) % 4 == 0).astype(float)
    moment = np.full(400, START)
    assert recent_shift(scores, y, moment, moment) == 0.0
    few, at = (np.arange(400) < 15).astype(float), START + np.arange(400) * DAY
    assert recent_shift(scores, few, at, at) == 0.0
    everybody = np.ones(400)
    assert recent_shift(scores, everybody, at, at) == 0.0


def test_the_order_of_rows_does_not_matter() -> None:
    random = np.random.default_rng(5)
    at = START + random.integers(0, 100, 2_000) * DAY
    scores, y = random.normal(-1.0, 0.5, 2_000), (random.random(2_000) < 0.3).astype(float)
    mixed = random.permutation(2_000)
    assert recent_shift(scores[mixed], y[mixed], at[mixed], at[mixed]) == pytest.approx(
        recent_shift(scores, y, at, at), abs=1e-9
    )
