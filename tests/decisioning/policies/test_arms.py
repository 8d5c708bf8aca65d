from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decisioning.engine import DecisionContext, decide
from decisioning.policies.assignment import arms_of
from decisioning.policies.draws import Arm, hashes_of
from decisioning.policies.policy import Control, Exploration, Policy, Rule, Weight
from domain.offer import OfferClass
from tests.decisioning.build import CARE, NOON, OFFERS, column, compiled, customers, ids, likely

DAY = date(2026, 3, 2)
EVERY_ARM = Control(
    holdout_share=0.1,
    random_offer_share=0.1,
    propensity_only_share=0.1,
    no_levers_share=0.1,
    eligibility_only_share=0.1,
    random_propensity_share=0.1,
)


def in_arm(arm: Arm, **policy):
    """A policy in which everybody belongs to one arm."""
    control = Control(**{f"{arm.label}_share": 1.0})
    return compiled(Policy(control=control, **policy))


def decided(policy, n=1, scores=None, seed=1, **columns):
    scores = likely(policy, n) if scores is None else scores
    return decide(customers(policy, n, **columns), scores, policy, DecisionContext(as_of=NOON, seed=seed))


def test_every_arm_has_its_share_and_stays_the_same():
    hashes = hashes_of(ids(50_000))
    arms = arms_of(hashes, EVERY_ARM, DAY)
    shares = np.bincount(arms, minlength=len(Arm)) / len(arms)
    assert shares[Arm.STANDARD] == pytest.approx(0.4, abs=0.01)
    assert shares[Arm.NOT_PERSONALISED] == 0.0
    for arm in range(Arm.HOLDOUT, Arm.NOT_PERSONALISED):
        assert shares[arm] == pytest.approx(0.1, abs=0.007)
    assert (arms == arms_of(hashes, EVERY_ARM, DAY)).all()
    assert (arms != arms_of(hashes, replace(EVERY_ARM, salt="pepper"), DAY)).any()


def test_a_larger_holdout_only_adds_customers():
    hashes = hashes_of(ids(50_000))
    small, large = (arms_of(hashes, Control(holdout_share=share), DAY) == Arm.HOLDOUT for share in (0.02, 0.05))
    assert (large >= small).all()


def test_the_holdout_gets_nothing_that_is_sold_and_the_verdict_says_so():
    policy = compiled(Policy(control=Control(holdout_share=0.2)))
    decisions = decided(policy, 500)
    held = decisions.arm == Arm.HOLDOUT
    sold = [place for place, (offer, _) in enumerate(policy.candidates.pairs) if offer.name != "follow_up"]
    assert (decisions.allowed[:, sold].any(axis=1) == ~held).all()
    assert {policy.rules[rule].name for rule in decisions.first_failed[held][:, sold].ravel()} == {"holdout"}


def test_the_holdout_is_told_what_the_bank_has_to_tell_and_is_helped():
    must = replace(CARE, name="terms", offer_class=OfferClass.MANDATORY, tags=())
    asked = replace(CARE, name="resume", offer_class=OfferClass.TRANSACTIONAL, tags=())
    policy = compiled(Policy(control=Control(holdout_share=1.0)), (*OFFERS, must, asked))
    assert allowed_offers(decided(policy)) == {"terms", "resume", "follow_up"}


def test_help_is_withheld_only_if_the_policy_says_why():
    control = Control(holdout_share=1.0, withheld={"follow_up": "A trial that the ethics board agreed to"})
    assert allowed_offers(decided(compiled(Policy(control=control)))) == set()


def test_the_holdout_of_those_who_refuse_profiling_is_helped_without_a_score():
    policy = compiled(Policy(control=Control(holdout_share=1.0), personalised="FALSE"))
    decisions = decided(policy)
    assert allowed_offers(decisions) == {"follow_up"}
    assert np.isnan(decisions.scores.propensity).all()


def allowed_offers(decisions):
    return {decisions.policy.candidates.pairs[place][0].name for place in np.flatnonzero(decisions.allowed[0])}


def test_the_arm_of_propensities_ranks_by_them_alone():
    policy = in_arm(Arm.PROPENSITY_ONLY, exploration=Exploration(epsilon=0.0, floor=0.0))
    decisions = decided(policy, scores=likely(policy, 1, savings_goal=0.9))
    assert decisions.ranking.rank[0, column(policy, "savings_goal", "app")] == 1
    assert decisions.scores.priority[0, column(policy, "loan_flex", "app")] == decisions.scores.priority.max()


def test_the_arm_without_levers_ranks_as_if_there_were_none():
    lever = Weight(name="push", factor=20.0, offers=("savings_goal",))
    policy = in_arm(Arm.NO_LEVERS, levers=(lever,), exploration=Exploration(epsilon=0.0, floor=0.0))
    assert decided(policy).ranking.rank[0, column(policy, "loan_flex", "app")] == 1


def test_the_arm_of_eligibility_ignores_applicability_and_nothing_else():
    rules = (
        Rule(name="sense", kind="applicability", require="FALSE", offers=("loan_flex",)),
        Rule(name="good", kind="suitability", require="FALSE", offers=("savings_plus",)),
    )
    decisions = decided(in_arm(Arm.ELIGIBILITY_ONLY, rules=rules))
    allowed = {decisions.policy.candidates.pairs[place][0].name for place in np.flatnonzero(decisions.allowed[0])}
    assert allowed == {"loan_flex", "savings_goal", "follow_up"}


def test_what_is_owed_or_asked_for_has_to_make_sense_in_every_arm():
    must = replace(CARE, name="terms", offer_class=OfferClass.MANDATORY)
    sense = Rule(name="sense", kind="applicability", require="FALSE")
    control = Control(eligibility_only_share=1.0)
    policy = compiled(Policy(control=control, rules=(sense,)), (*OFFERS, must))
    allowed = {policy.candidates.pairs[place][0].name for place in np.flatnonzero(decided(policy).allowed[0])}
    assert allowed == {offer.name for offer in OFFERS}


@pytest.mark.parametrize("arm", [Arm.RANDOM_OFFER, Arm.ELIGIBILITY_ONLY])
def test_random_arms_put_every_allowed_candidate_first_equally_often(arm):
    n = 20_000
    policy = in_arm(arm)
    decisions = decided(policy, n)
    app = policy.candidates.by_channel["app"]
    found = (decisions.ranking.rank[:, app] == 1).mean(axis=0)
    np.testing.assert_allclose(decisions.ranking.selection_probability[:, app], 1 / len(app))
    np.testing.assert_allclose(found, 1 / len(app), atol=0.02)


def test_probabilities_under_random_propensities_match_how_often_candidates_come_first_and_second():
    n = 20_000
    policy = in_arm(Arm.RANDOM_PROPENSITY)
    decisions = decided(policy, n)
    expected = decisions.ranking.selection_probability[0]
    found = (decisions.ranking.rank == 1).mean(axis=0)
    np.testing.assert_allclose(found, expected, atol=5 * np.sqrt(0.25 / n))
    for members in policy.candidates.by_channel.values():
        assert expected[members].sum() == pytest.approx(1.0)
    rank = decisions.ranking.rank[0]
    for place in np.flatnonzero(rank):
        often = (decisions.ranking.rank[:, place] == rank[place]).mean()
        assert decisions.ranking.rank_probability[0, place] == pytest.approx(often, abs=5 * np.sqrt(0.25 / n))


def test_the_propensity_of_the_model_is_what_is_kept_whatever_the_arm():
    policy = in_arm(Arm.RANDOM_PROPENSITY)
    assert (decided(policy).scores.propensity == 0.2).all()


def test_who_wants_no_personalised_offers_gets_them_in_the_order_of_the_catalogue_unscored():
    policy = compiled(Policy(personalised="consent_email", exploration=Exploration(epsilon=1.0)))
    decisions = decided(policy, consent_email=0.0)
    app = policy.candidates.by_channel["app"]
    assert decisions.ranking.rank[0, app].tolist() == [1, 2, 3, 0]
    assert decisions.ranking.selection_probability[0, app].tolist() == [1.0, 0.0, 0.0, 0.0]
    assert np.isnan(decisions.scores.propensity).all()
    assert decisions.arm[0] == Arm.NOT_PERSONALISED


def test_not_knowing_whether_somebody_wants_personalised_offers_is_no():
    policy = compiled(Policy(personalised="consent_email"))
    assert decided(policy, consent_email=float("nan")).arm[0] == Arm.NOT_PERSONALISED
    assert decided(policy, consent_email=1.0).arm[0] == Arm.STANDARD


def test_the_catalogues_order_does_not_depend_on_scores_values_or_weights():
    policy = compiled(
        Policy(personalised="consent_email", levers=(Weight(name="l", factor=9.0, offers=("loan_flex",)),))
    )
    plain = decided(policy, consent_email=0.0)
    other = decided(policy, scores=likely(policy, 1, loan_flex=float("nan")), consent_email=0.0, inflow=9e9)
    assert (plain.ranking.rank == other.ranking.rank).all()


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.integers(0, 59))
def test_one_customer_alone_is_decided_as_in_the_batch_in_every_arm(seed, row):
    policy = compiled(Policy(control=EVERY_ARM, personalised="consent_email", distinct_products=bool(seed % 2)))
    rng = np.random.default_rng(seed)
    table = customers(policy, 60, consent_email=(rng.random(60) < 0.9).astype(float))
    scores = rng.random((60, len(policy.candidates)))
    batch = decide(table, scores, policy, DecisionContext(as_of=NOON, seed=seed))
    alone = decide(table.take(np.array([row])), scores[[row]], policy, DecisionContext(as_of=NOON, seed=seed))
    assert (alone.arm[0], alone.best[0]) == (batch.arm[row], batch.best[row])
    for name in ("rank", "selection_probability", "rank_probability"):
        one, many = getattr(alone.ranking, name)[0], getattr(batch.ranking, name)[row]
        assert one.tobytes() == many.tobytes(), name


def test_probabilities_are_those_of_what_was_done_in_every_arm():
    policy = compiled(Policy(control=EVERY_ARM, distinct_products=True))
    ranking = decided(policy, 400).ranking
    first = ranking.rank == 1
    np.testing.assert_array_equal(ranking.selection_probability[first], ranking.rank_probability[first])
    assert (ranking.rank_probability[ranking.rank > 0] > 0).all()
