"""Builders that hide what a test does not look at."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from decisioning.engine import Decisions
from decisioning.explaining.rule_book import RuleBook
from decisioning.explaining.trace import STAGE, Traces
from decisioning.policies.compile import compile_policy
from decisioning.policies.compiled import CompiledPolicy
from decisioning.policies.limits import limit_features
from decisioning.policies.policy import Policy
from domain.decision import Decision
from domain.journey import Stage
from domain.offer import Offer, Treatment
from events.vocabulary import ContactEvents, Vocabulary
from expressions.types import Array, Boolean, Category, ColumnType, Number
from features.catalogue import Feature, FeatureCatalogue
from features.table import FeatureTable

NOON = np.datetime64("2026-03-02T12:00", "us")
STAGES = Category(tuple(Stage))
STEPS = Category(("awareness", "consideration", "application", "holding", "exit"))

VOCABULARY = Vocabulary(
    channels=("app", "email", "call_centre"),
    products=("savings", "loan"),
    types={},
    contacts=ContactEvents(presented="offer_presented", accepted="offer_accepted", declined="offer_declined"),
)
TREATMENTS = (
    Treatment(channel="app", message="card", cost=0.01),
    Treatment(channel="email", message="letter", cost=0.03),
    Treatment(channel="call_centre", message="script", cost=6.0),
)
SAVINGS = Offer(
    name="savings_plus",
    product="savings",
    description="",
    value="40 + 0.01 * inflow",
    cost=15,
    attributes={"rate_percent": 2.6},
    stages=(Stage.GROWTH, Stage.MATURE),
    treatments=TREATMENTS,
)
GOAL = replace(SAVINGS, name="savings_goal", value="25", cost=0, attributes={"rate_percent": 1.9})
LOAN = replace(SAVINGS, name="loan_flex", product="loan", value="180", cost=10, attributes={"rate_percent": 7.4})
CARE = Offer(
    name="follow_up",
    description="",
    value="20",
    stages=tuple(Stage),
    tags=("service",),
    treatments=TREATMENTS[:2],
)
OFFERS = (SAVINGS, GOAL, LOAN, CARE)

TYPES: dict[str, ColumnType] = {
    "age": Number(),
    "inflow": Number(),
    "consent_email": Boolean(),
    "open_complaints": Number(),
    "region": Category(("north", "south")),
    "stage": STAGES,
    "savings_held": Boolean(),
    "loan_held": Boolean(),
    "savings_step": STEPS,
    "loan_step": STEPS,
}


def feature(name: str, kind: ColumnType, *, internal: bool = False) -> Feature:
    return Feature(name=name, type=kind, unit="", description=f"What {name} is", topic="", owner="", internal=internal)


def catalogue_for(
    policy: Policy, offers: Sequence[Offer] = OFFERS, vocabulary: Vocabulary = VOCABULARY
) -> FeatureCatalogue:
    features = {name: feature(name, kind) for name, kind in TYPES.items()}
    for count in limit_features(policy, tuple(offers), vocabulary):
        for days in count.windows_days:
            name = f"{count.name}_{days}d"
            features[name] = feature(name, Number(), internal=True)
    families = {
        "held": {"savings": "savings_held", "loan": "loan_held"},
        "step": {"savings": "savings_step", "loan": "loan_step"},
    }
    return FeatureCatalogue(features, families, {})


def compiled(policy: Policy | None = None, offers: tuple[Offer, ...] = OFFERS) -> CompiledPolicy:
    policy = policy or Policy()
    ready, problems = compile_policy(policy, offers, VOCABULARY, catalogue_for(policy, offers))
    assert problems == []
    return ready


def customers(policy: CompiledPolicy, n: int = 4, **columns: float | Sequence[float] | Array) -> FeatureTable:
    """Customers in growth who may be offered anything, but for what is said."""
    usual = {"age": 40.0, "inflow": 1000.0, "consent_email": 1.0, "stage": STAGES.code("growth")}
    found: dict[str, Array] = {}
    for name in policy.names.catalogue.features:
        value = columns.get(name, usual.get(name, 0.0))
        found[name] = np.broadcast_to(np.asarray(value, dtype=np.float64), (n,)).copy()
    schema = policy.names.catalogue.schema
    return FeatureTable(ids(n), np.full(n, NOON), found, schema)


def ids(n: int) -> NDArray[np.object_]:
    return np.array([f"c{position}" for position in range(n)], dtype=object)


def likely(policy: CompiledPolicy, n: int = 4, **of_offer: float) -> Array:
    """The same propensity for every candidate, but for the offers that are named."""
    scores = np.full((n, len(policy.candidates)), 0.2)
    for offer, propensity in of_offer.items():
        scores[:, policy.candidates.of_offer(offer)] = propensity
    return scores


def column(policy: CompiledPolicy, offer: str, channel: str) -> int:
    return [(o.name, t.channel) for o, t in policy.candidates.pairs].index((offer, channel))


def random_columns(policy: CompiledPolicy, n: int, seed: int) -> Mapping[str, Array]:
    """Values of every kind, NULL among them."""
    generator = np.random.default_rng(seed)
    columns = {}
    for name, kind in policy.names.catalogue.schema.items():
        match kind:
            case Category(names):
                drawn = generator.integers(0, len(names), n).astype(np.float64)
            case Boolean():
                drawn = generator.integers(0, 2, n).astype(np.float64)
            case Number():
                drawn = generator.integers(0, 4, n) * generator.choice([1.0, 10.0, 300.0])
        drawn[generator.random(n) < 0.1] = np.nan
        columns[name] = drawn
    return columns


def decision_record(decisions: Decisions, customer: int, channel: str, features: Iterable[str] = ()) -> Decision:
    """The record of one decision, with some features beside those that the policy read."""
    stage = {STAGE} & set(decisions.features.columns)
    book = RuleBook.of(decisions.policy, {*decisions.policy.features, *features} | stage)
    return Traces(decisions, book).record(customer, channel)
