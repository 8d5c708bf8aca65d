from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decisioning.arbitration.channel_slots import position_probabilities
from decisioning.engine import DecisionContext, decide
from decisioning.policies.draws import customer_draws, hashes_of
from decisioning.policies.policy import Exploration, Policy
from domain.offer import OfferClass
from tests.decisioning.build import CARE, NOON, OFFERS, SAVINGS, column, compiled, customers, ids, likely

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
    decisions = decide(customers(policy, n), likely(policy, n), policy, DecisionContext(as_of=NOON, seed=3))
    expected = decisions.ranking.selection_probability[0]
    found = (decisions.ranking.rank == 1).mean(axis=0)
    spread = np.sqrt(expected * (1 - expected) / n)
    assert (np.abs(found - expected) <= 5 * spread + 1e-12).all()
    for members in policy.candidates.by_channel.values():
        assert expected[members].sum() == pytest.approx(1.0)


def test_draws_of_channels_are_independent():
    draws = customer_draws(hashes_of(ids(40_000)), ["app", "web"], NOON, seed=3)
    assert abs(np.corrcoef(draws.T)[0, 1]) < 0.02
    assert abs(draws.mean() - 0.5) < 0.01


def test_another_seed_moment_or_customer_draws_another_number():
    one = customer_draws(hashes_of(["c1"]), ["app"], NOON, seed=3)
    assert one != customer_draws(hashes_of(["c1"]), ["app"], NOON, seed=4)
    assert one != customer_draws(hashes_of(["c1"]), ["app"], NOON + np.timedelta64(1, "us"), seed=3)
    assert one != customer_draws(hashes_of(["c2"]), ["app"], NOON, seed=3)


def test_seeds_may_be_negative_or_huge():
    assert 0.0 <= customer_draws(hashes_of(["c1"]), ["app"], NOON, seed=-(2**80))[0, 0] < 1.0


def ranked_offers_in(policy, decisions, channel, row=0):
    ranks = decisions.ranking.rank[row]
    members = [place for place in policy.candidates.by_channel[channel] if ranks[place]]
    return [policy.candidates.pairs[place][0].name for place in sorted(members, key=lambda place: ranks[place])]


def test_a_class_stands_before_the_next_whatever_the_priorities():
    must = replace(CARE, name="terms", offer_class=OfferClass.MANDATORY)
    answer = replace(CARE, name="finish", offer_class=OfferClass.TRANSACTIONAL)
    policy = compiled(Policy(offers_per_channel=9), (*OFFERS, answer, must))
    decisions = decide(customers(policy, 200), likely(policy, 200), policy, DecisionContext(as_of=NOON, seed=3))
    for row in range(200):
        assert ranked_offers_in(policy, decisions, "app", row)[:2] == ["terms", "finish"]
    assert decisions.ranking.selection_probability[:, column(policy, "terms", "app")].tolist() == [1.0] * 200
    assert policy.candidates.pairs[int(decisions.best[0])][0].name == "terms"


def test_mandatory_and_transactional_offers_need_neither_score_nor_value_nor_priority():
    must = replace(CARE, name="terms", offer_class=OfferClass.MANDATORY, value="inflow / 0")
    policy = compiled(Policy(minimum_priority=1e6), (SAVINGS, must))
    scores = likely(policy, 1, terms=float("nan"))
    decisions = decide(customers(policy, 1), scores, policy, DecisionContext(as_of=NOON, seed=3))
    assert ranked_offers_in(policy, decisions, "app") == ["terms"]


def test_only_the_foremost_class_is_explored():
    must = replace(CARE, name="terms", offer_class=OfferClass.MANDATORY)
    policy = compiled(Policy(exploration=Exploration(epsilon=1.0, top=9, floor=0.1)), (*OFFERS, must))
    decisions = decide(customers(policy, 300), likely(policy, 300), policy, DecisionContext(as_of=NOON, seed=3))
    assert (decisions.ranking.rank[:, column(policy, "terms", "app")] == 1).all()


def test_where_products_are_distinct_only_the_best_of_each_family_is_ranked_beside_others():
    policy = compiled(
        Policy(distinct_products=True, offers_per_channel=9, exploration=Exploration(epsilon=0.0, floor=0.0))
    )
    decisions = decide(customers(policy, 1), likely(policy, 1), policy, DecisionContext(as_of=NOON, seed=3))
    assert ranked_offers_in(policy, decisions, "app") == ["loan_flex", "savings_plus", "follow_up"]


def test_an_explored_offer_takes_the_place_of_the_best_of_its_family():
    n = 3_000
    policy = compiled(
        Policy(distinct_products=True, offers_per_channel=9, exploration=Exploration(epsilon=1.0, top=9, floor=0.0))
    )
    decisions = decide(customers(policy, n), likely(policy, n), policy, DecisionContext(as_of=NOON, seed=3))
    answers = {tuple(ranked_offers_in(policy, decisions, "app", row)) for row in range(n)}
    assert answers == {
        ("loan_flex", "savings_plus", "follow_up"),
        ("savings_plus", "loan_flex", "follow_up"),
        ("savings_goal", "loan_flex", "follow_up"),
        ("follow_up", "loan_flex", "savings_plus"),
    }


@pytest.mark.parametrize("distinct", [False, True])
def test_probabilities_of_ranks_match_how_often_candidates_get_them(distinct):
    n = 40_000
    policy = compiled(
        Policy(
            distinct_products=distinct, exploration=Exploration(epsilon=0.6, top=3, floor=0.05), offers_per_channel=3
        )
    )
    ranking = decide(customers(policy, n), likely(policy, n), policy, DecisionContext(as_of=NOON, seed=3)).ranking
    for place in range(len(policy.candidates)):
        for rank in (1, 2, 3):
            rows = ranking.rank[:, place] == rank
            if rows.any():
                said = ranking.rank_probability[rows, place]
                assert np.ptp(said) == 0.0
                assert said[0] == pytest.approx(rows.mean(), abs=5 * np.sqrt(0.25 / n))


@settings(max_examples=50)
@given(st.integers(0, 10_000), st.booleans(), st.integers(1, 5))
def test_ranks_are_those_from_one_on_without_gaps(seed, distinct, most):
    policy = compiled(Policy(distinct_products=distinct, offers_per_channel=most))
    rng = np.random.default_rng(seed)
    scores = np.where(rng.random((40, len(policy.candidates))) < 0.3, np.nan, rng.random((40, len(policy.candidates))))
    decisions = decide(customers(policy, 40), scores, policy, DecisionContext(as_of=NOON, seed=seed))
    for members in policy.candidates.by_channel.values():
        for row in range(40):
            ranks = sorted(rank for rank in decisions.ranking.rank[row, members] if rank)
            assert ranks == list(range(1, len(ranks) + 1))
            products = [policy.candidates.products[place] for place in members if decisions.ranking.rank[row, place]]
            named = [product for product in products if product is not None]
            assert not distinct or len(set(named)) == len(named)
