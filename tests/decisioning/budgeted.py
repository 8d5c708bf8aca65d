"""A policy with budgets of both kinds, weights, and an offer that may be a loss; customers who are allowed much."""

from dataclasses import replace

import numpy as np

from decisioning.budgets.budget import Budget
from decisioning.engine import DecisionContext, Decisions, decide
from decisioning.policies.compile import compile_policy
from decisioning.policies.compiled import CompiledPolicy
from decisioning.policies.policy import Factors, Policy, Rule, Weight
from features.table import FeatureTable
from tests.decisioning.build import GOAL, NOON, OFFERS, VOCABULARY, catalogue_for, ids, random_columns

RULES = (
    Rule(name="adult", kind="eligibility", require="age >= 10", except_tags=("service",)),
    Rule(name="not_held", kind="applicability", require="NOT family_held", products=("savings", "loan")),
    Rule(name="calm", kind="service_first", require="open_complaints < 20", except_tags=("service",)),
)
BUDGETS = (
    Budget(name="calls", unit="calls", amount=1e6, channels=("call_centre", "email")),
    Budget(name="bonus", unit="EUR", amount=20.0, charged_on="acceptance", charge="offer_cost", products=("savings",)),
)
PRICES = {"calls": 0.5, "bonus": 0.2}


def policy_of(
    *, factors: Factors | None = None, minimum: float = 1.0, rules: tuple[Rule, ...] = RULES
) -> CompiledPolicy:
    policy = Policy(
        rules=rules,
        factors=factors or Factors(),
        minimum_priority=minimum,
        context=(Weight(name="c", factor=1.4, when="region = 'north'", products=("loan",)),),
        levers=(
            Weight(name="l", factor=0.7, channels=("app",)),
            Weight(name="none", factor=0.0, offers=("follow_up",)),
        ),
    )
    offers = (*OFFERS, replace(GOAL, name="burden", value="inflow - 40", cost=1))
    ready, problems = compile_policy(policy, offers, VOCABULARY, catalogue_for(policy, offers), BUDGETS)
    assert problems == []
    return ready


def decided(policy: CompiledPolicy, n: int, seed: int, prices: dict[str, float] | None = None) -> Decisions:
    scores = np.random.default_rng(seed).choice([0.0, 0.05, 0.2, 0.5, 0.9], (n, len(policy.candidates)))
    columns = dict(random_columns(policy, n, seed))
    columns |= {"stage": np.full(n, 1.0), "age": np.maximum(columns["age"], 10.0), "savings_held": np.zeros(n)}
    table = FeatureTable(ids(n), np.full(n, NOON), columns, policy.names.catalogue.schema)
    return decide(
        table, scores, policy, DecisionContext(as_of=NOON, seed=seed, prices=PRICES if prices is None else prices)
    )
