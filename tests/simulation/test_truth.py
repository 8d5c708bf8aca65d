"""The truth agrees with what happened, and no source reveals it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tests.simulation.demo_bank import ZONE, DemoBank, Simulated


def column(table: pa.Table, name: str) -> np.ndarray:
    return np.asarray(table[name].to_numpy(zero_copy_only=False))


def deviations(accepted: np.ndarray, probability: np.ndarray) -> float:
    """Return the distance between the number of acceptances and its expectation, in standard deviations."""
    return float((accepted.sum() - probability.sum()) / np.sqrt((probability * (1 - probability)).sum()))


def test_offers_are_accepted_as_often_as_the_truth_says(simulated: Simulated) -> None:
    put = simulated.truth("presentations")
    probability, accepted = column(put, "acceptance_probability"), column(put, "accepted")
    assert abs(deviations(accepted, probability)) < 4
    for part in np.array_split(np.argsort(probability), 5):
        assert abs(deviations(accepted[part], probability[part])) < 4


def test_offers_are_chosen_as_often_as_the_logged_probabilities_say(simulated: Simulated) -> None:
    put = simulated.truth("presentations").select(["decision_id", "offer", "channel", "contact_probability"])
    rows = simulated.truth("alternatives")
    sums = rows.group_by("decision_id").aggregate([("selection_probability", "sum")])
    np.testing.assert_allclose(column(sums, "selection_probability_sum"), 1.0)
    rows = rows.join(put, ["decision_id", "offer", "channel"], join_type="left outer")
    chosen, probability = column(rows, "contact_probability") > 0, column(rows, "selection_probability")
    for offer in simulated.report.presented:
        could = (column(rows, "offer") == offer) & (probability > 0) & (probability < 1)
        if could.any():
            assert abs(deviations(chosen[could], probability[could])) < 4, offer
    assert not chosen[probability == 0].any()


def test_no_latent_value_is_in_any_source(simulated: Simulated) -> None:
    latent = simulated.truth("needs_and_hazards")
    hidden = [name for name in latent.column_names if name.startswith("need_")]
    assert len(hidden) == len(simulated.bank.vocabulary.products)
    hidden += [name for name in simulated.truth("customers").column_names if name != "customer_id"]
    values = np.unique(np.concatenate([column(latent, name) for name in hidden if name.startswith("need_")]))
    for source in simulated.bank.sources:
        table = simulated.rows(source.name)
        assert not set(table.column_names) & set(hidden)
        for name in table.column_names:
            if pa.types.is_floating(table[name].type):
                shown = column(table, name).astype(np.float32)
                assert np.isin(shown[~np.isnan(shown)], values).mean() < 0.001


def test_every_answer_cites_the_decision_of_its_offer(simulated: Simulated) -> None:
    contacts = simulated.rows("contact_history")
    put = contacts.filter(pc.equal(contacts["event"], "offer_presented"))
    answers = contacts.filter(pc.not_equal(contacts["event"], "offer_presented"))
    assert pc.count_distinct(put["decision"]).as_py() == len(put)
    both = answers.join(put, "decision", right_suffix="_put", join_type="inner")
    assert len(both) == len(answers) > 0
    for name in ("customer_id", "offer", "channel"):
        assert pc.all(pc.equal(both[name], both[f"{name}_put"])).as_py()


def test_every_offer_put_is_in_the_truth(simulated: Simulated) -> None:
    contacts = simulated.rows("contact_history")
    put = contacts.filter(pc.equal(contacts["event"], "offer_presented"))
    known = simulated.truth("presentations")
    assert set(put["decision"].to_pylist()) <= set(known["decision_id"].to_pylist())
    assert len(known) - len(put) < 0.01 * len(known)  # presented to customers who closed everything later that day


def test_potential_outcomes_of_what_was_put_are_what_happened(simulated: Simulated) -> None:
    put = simulated.truth("presentations").select(["decision_id", "offer", "channel", "accepted"])
    both = simulated.truth("alternatives").join(put, ["decision_id", "offer", "channel"], join_type="inner")
    decisions = pc.count_distinct(simulated.truth("alternatives")["decision_id"]).as_py()
    assert len(both) == decisions > 0
    assert pc.all(pc.equal(both["accepts_if_offered"], both["accepted"])).as_py()
    assert pc.all(both["allowed"]).as_py()


def test_an_offer_that_binds_never_makes_engagement_less_likely(simulated: Simulated) -> None:
    put = simulated.truth("presentations")
    known = put.filter(pc.is_valid(put["engaged_probability_60d_if_offered"]))
    assert set(pc.unique(known["offer"]).to_pylist()) == {
        "quiet_check_in", "welcome_back", "return_talk", "win_back", "loyalty_fee_waiver", "loyalty_reward"
    }  # fmt: skip
    gain = column(known, "engaged_probability_60d_if_offered") - column(known, "engaged_probability_60d_if_not_offered")
    assert gain.min() >= 0
    assert gain.mean() > 0


def test_best_offers_differ_between_customers(simulated: Simulated) -> None:
    rows = simulated.truth("alternatives")
    rows = rows.filter(rows["allowed"])
    best: dict[str, tuple[float, str]] = {}
    columns = (rows[name].to_pylist() for name in ("decision_id", "acceptance_probability", "offer"))
    for decision, probability, offer in zip(*columns, strict=True):
        best[decision] = max(best.get(decision, (0.0, "")), (probability, offer))
    winners = [offer for _, offer in best.values()]
    assert len(set(winners)) >= 6
    assert max(winners.count(offer) for offer in set(winners)) < 0.6 * len(winners)


def test_the_oracle_ranks_as_well_as_the_demo_needs(simulated: Simulated, demo: DemoBank) -> None:
    assert 0.78 <= simulated.report.oracle_auc <= 0.87
    assert set(simulated.report.presented) == {offer.name for offer in demo.offers}


def test_quiet_customers_who_accept_to_come_back_do(simulated: Simulated) -> None:
    put = simulated.truth("presentations")
    won = put.filter(pc.and_(pc.equal(put["offer"], "welcome_back"), put["accepted"]))
    core, touches = simulated.rows("core_banking"), simulated.rows("touchpoints")
    core = core.filter(pc.is_in(core["kind"], pa.array(["POS", "ATM", "TRF_OUT"])))
    logins = touches.filter(pc.is_in(touches["event"], pa.array(["app_login", "web_login"])))
    doings: dict[str, list[str]] = {}
    for customer, at in zip(core["client"].to_pylist(), core["booked_at"].to_pylist(), strict=True):
        doings.setdefault(customer, []).append(at.astimezone(ZONE).strftime("%Y-%m-%dT%H:%M:%S"))
    for customer, at in zip(logins["customer"].to_pylist(), logins["time"].to_pylist(), strict=True):
        doings.setdefault(customer, []).append(at)
    active = 0
    accepted = [row for row in won.to_pylist() if (simulated.report.end - row["accepted_at"]).days > 60]
    for row in accepted:
        since = row["accepted_at"].astimezone(ZONE).strftime("%Y-%m-%dT%H:%M:%S")
        active += any(since < at < "2098" for at in doings.get(row["customer_id"], []))
    # a few are so inactive that two months are too short, or start leaving again
    assert active >= 0.8 * len(accepted) > 0
