from __future__ import annotations

import numpy as np
import pytest

from decisioning.off_policy.slates import SlateModel, slate_value
from domain.errors import DataError

SLOTS = 3


def slates(n: int, seed: int):
    """Slates of three slots, each with a good or a bad offer; people read on only if the slot before was bad."""
    draw = np.random.default_rng(seed)
    good = draw.random((n, SLOTS)) < 0.5
    reads = np.hstack([np.ones((n, 1), bool), np.cumsum(good, axis=1)[:, :-1] == 0])
    reward = (draw.random((n, SLOTS)) < np.where(good, 0.4, 0.1)) & reads
    logged, target = np.full((n, SLOTS), 0.5), np.where(good, 0.8, 0.2)
    return reward.astype(float), logged, target


def truth() -> float:
    """A slot is read with probability 0.2 for each slot before it, and answered with 0.8 x 0.4 + 0.2 x 0.1."""
    return sum(0.2**slot * (0.8 * 0.4 + 0.2 * 0.1) for slot in range(SLOTS))


@pytest.mark.parametrize("model", [SlateModel.ALL, SlateModel.CASCADE])
def test_models_that_hold_cover_the_truth(model: SlateModel) -> None:
    found = [slate_value(*slates(2_000, seed), model=model) for seed in range(100)]
    assert sum(one.low <= truth() <= one.high for one in found) >= 92


def test_the_cascade_is_less_noisy_than_no_assumption() -> None:
    whole, cascade = (slate_value(*slates(5_000, 4), model=model) for model in (SlateModel.ALL, SlateModel.CASCADE))
    assert cascade.high - cascade.low < 0.8 * (whole.high - whole.low)


def test_independence_that_does_not_hold_misses_the_truth() -> None:
    found = slate_value(*slates(20_000, 5), model=SlateModel.INDEPENDENT)
    assert not found.low <= truth() <= found.high


def test_slots_that_were_not_shown_count_for_nothing() -> None:
    reward, logged, target = (np.array([[1.0, np.nan]] * 50), np.full((50, 2), 0.5), np.full((50, 2), 0.5))
    logged[:, 1] = np.nan
    assert slate_value(reward, logged, target).value == 1.0


def test_what_cannot_be_evaluated_is_refused() -> None:
    with pytest.raises(DataError, match="other shapes"):
        slate_value([[1.0]], [[0.5, 0.5]], [[0.5]])
    with pytest.raises(DataError, match="1 of 2 slots"):
        slate_value([[1.0, 0.0]], [[0.5, 0.0]], [[0.5, 0.5]])
