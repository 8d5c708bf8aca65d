from pathlib import Path

import numpy as np
import pytest

from config.reading import load_bank
from decisioning.compile import compile_policy
from decisioning.engine import decide
from decisioning.funnel import Funnel
from features.table import FeatureTable
from tests.decisioning.build import NOON, random_columns

DEMO = Path(__file__).parents[2] / "banks" / "demo"


@pytest.fixture(scope="module")
def policy():
    bank = load_bank(DEMO)
    compiled, problems = compile_policy(
        bank.policy, bank.offers, bank.vocabulary, bank.features, time_zone=bank.time_zone
    )
    assert problems == []
    return compiled


def decided(policy, n=20_000):
    generator = np.random.default_rng(1)
    ranges = {"age": 90, "inflow_amount_90d": 9_000, "outflow_amount_90d": 9_000, "days_since_complaint_opened": 60}
    ranges |= {"net_flow_90d": 9_000, "spend_to_inflow_90d": 2, "churn_probability": 1}
    columns = dict(random_columns(policy, n, 1))
    columns |= {name: generator.uniform(0, highest, n) for name, highest in ranges.items()}
    columns |= {name: (generator.random(n) < 0.1) * 2.0 for name in columns if name.startswith("limit_")}
    columns |= {
        "hardship": (generator.random(n) < 0.1) * 1.0,
        "open_complaints_count": (generator.random(n) < 0.1) * 1.0,
    }
    ids = np.array([f"c{number}" for number in range(n)], dtype=object)
    table = FeatureTable(ids, np.full(n, NOON), columns, policy.names.catalogue.schema)
    scores = generator.beta(1, 10, (n, len(policy.candidates)))
    return decide(table, scores, policy, as_of=NOON, seed=1)


def test_every_offer_of_the_demo_bank_reaches_somebody(policy):
    decisions = decided(policy)
    allowed = decisions.allowed.any(axis=0)
    reached = {policy.candidates.pairs[place][0].name for place in np.flatnonzero(allowed)}
    assert reached == {offer.name for offer, _ in policy.candidates.pairs}


def test_every_rule_of_the_demo_bank_rejects_somebody(policy):
    funnel = Funnel.of(decided(policy))
    silent = {rule for rule, rejected in zip(funnel.rules, funnel.rejected, strict=True) if not rejected}
    assert silent <= {"scored", "value_known"}
