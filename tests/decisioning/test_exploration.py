import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from decisioning.draws import channel_draws, hashes_of, held_out
from decisioning.engine import decide
from decisioning.exploration import position_probabilities
from decisioning.policy import Exploration, Policy
from tests.decisioning.build import NOON, compiled, customers, ids, likely

shares = st.floats(0.0, 1.0)


@given(shares, st.integers(1, 9), shares, st.integers(1, 9))
def test_probabilities_of_places_sum_to_one_and_respect_the_floor(epsilon, top, floor, most):
    probabilities = position_probabilities(Exploration(epsilon=epsilon, top=top, floor=floor), most)
    for allowed in range(1, most + 1):
        assert probabilities[allowed].sum() == pytest.approx(1.0, abs=1e-12)
        assert (probabilities[allowed, :allowed] >= min(floor, 1.0 / allowed) - 1e-12).all()
        assert (probabilities[allowed, allowed:] == 0.0).all()


def test_selection_probabilities_match_how_often_candidates_come_first():
    n = 40_000
    policy = compiled(Policy(exploration=Exploration(epsilon=0.3, top=2, floor=0.02)))
    decisions = decide(customers(policy, n), likely(policy, n), policy, as_of=NOON, seed=3)
    expected = decisions.ranking.selection_probability[0]
    found = (decisions.ranking.rank == 1).mean(axis=0)
    spread = np.sqrt(expected * (1 - expected) / n)
    assert (np.abs(found - expected) <= 5 * spread + 1e-12).all()
    for members in policy.candidates.by_channel.values():
        assert expected[members].sum() == pytest.approx(1.0)


def test_draws_of_channels_are_independent():
    draws = channel_draws(hashes_of(ids(40_000)), ["app", "web"], NOON, seed=3)
    assert abs(np.corrcoef(draws.T)[0, 1]) < 0.02
    assert abs(draws.mean() - 0.5) < 0.01


def test_another_seed_moment_or_customer_draws_another_number():
    one = channel_draws(hashes_of(["c1"]), ["app"], NOON, seed=3)
    assert one != channel_draws(hashes_of(["c1"]), ["app"], NOON, seed=4)
    assert one != channel_draws(hashes_of(["c1"]), ["app"], NOON + np.timedelta64(1, "us"), seed=3)
    assert one != channel_draws(hashes_of(["c2"]), ["app"], NOON, seed=3)


def test_seeds_may_be_negative_or_huge():
    assert 0.0 <= channel_draws(hashes_of(["c1"]), ["app"], NOON, seed=-(2**80))[0, 0] < 1.0


def test_the_holdout_has_its_share_and_stays_the_same():
    customers_hashes = hashes_of(ids(50_000))
    held = held_out(customers_hashes, 0.02, "salt")
    assert 0.017 < held.mean() < 0.023
    assert (held == held_out(customers_hashes, 0.02, "salt")).all()
    assert (held_out(customers_hashes, 0.05, "salt") >= held).all()
    assert (held != held_out(customers_hashes, 0.02, "pepper")).any()


def test_the_holdout_gets_nothing_and_the_verdict_says_so():
    policy = compiled(Policy(holdout_share=0.2))
    decisions = decide(customers(policy, 500), likely(policy, 500), policy, as_of=NOON, seed=3)
    held = held_out(hashes_of(ids(500)), 0.2, "holdout")
    assert (decisions.allowed.any(axis=1) == ~held).all()
    assert {policy.rules[rule].name for rule in decisions.first_failed[held].ravel()} == {"holdout"}
