"""A bank to decide for: so many offers in three channels, sixty rules, customers of all kinds."""

from __future__ import annotations

import numpy as np

from decisioning.budgets.budget import Budget
from decisioning.policies.compile import compile_policy
from decisioning.policies.compiled import CompiledPolicy
from decisioning.policies.limits import limit_features
from decisioning.policies.policy import ContactLimit, Control, Policy, QuietHours, Rule, Weight
from domain.journey import Stage
from domain.offer import Offer, Treatment
from events.vocabulary import ContactEvents, Vocabulary
from expressions.types import Array, Boolean, Category, ColumnType, Number
from features.catalogue import FeatureCatalogue
from features.definitions import Feature
from features.table import FeatureTable

NOON = np.datetime64("2026-03-02T12:00", "us")
CHANNELS = ("app", "email", "call_centre")
PRODUCTS = ("savings", "card", "loan", "mortgage", "investment", "insurance")
COSTS = (0.01, 0.03, 6.0)
RULES = 60
LIMITS = (
    ContactLimit(name="email_weekly", per="channel", channels=("email",), at_most=1, days=7),
    ContactLimit(name="call_monthly", per="channel", channels=("call_centre",), at_most=1, days=30),
    ContactLimit(name="contacts_monthly", per="customer", channels=("email", "call_centre"), at_most=4, days=30),
    ContactLimit(name="offer_quarterly", per="offer", at_most=3, days=90),
    ContactLimit(name="rest_after_declines", per="product", of="declined", at_most=2, days=60),
)
TEXTS = (
    "age >= {k}",
    "inflow_90d > {k} AND age < 95",
    "NOT family_held",
    "region IN ('north', 'south', 'east') OR region IS NULL",
    "open_complaints < {k}",
    "inflow_90d BETWEEN 10 AND 1000000",
    "balance / NULLIF(inflow_90d, 0) > -{k}",
    "offer_rate_percent < 100 AND offer_cost < 1000",
    "age >= 18 OR channel <> 'email'",
)
SELDOM = ("open_complaints",)
KINDS = ("eligibility", "applicability", "suitability", "service_first")
BUDGETS = (
    Budget(name="call_slots", unit="calls", amount=1e9, period="day", channels=("call_centre",)),
    Budget(name="bonus", unit="EUR", amount=1e9, charged_on="acceptance", charge="offer_cost"),
)


def policy_of(offers: int) -> CompiledPolicy:
    """Compile a policy with sixty rules, contact limits and quiet hours among them, over so many offers."""
    catalogue_of_offers = tuple(_offer(number) for number in range(offers))
    vocabulary = Vocabulary(
        channels=CHANNELS,
        products=PRODUCTS,
        types={},
        contacts=ContactEvents(presented="offer_presented", accepted="offer_accepted", declined="offer_declined"),
    )
    # beside those declared: holdout, two consents, stage, quiet hours, and three about numbers
    declared = RULES - len(LIMITS) - len(BUDGETS) - 8
    policy = Policy(
        consent={"email": "consent_email", "call_centre": "consent_call"},
        rules=tuple(
            Rule(name=f"rule_{k}", kind=KINDS[k % len(KINDS)], require=TEXTS[k % len(TEXTS)].format(k=k % 18 + 2))  # type: ignore[arg-type]  # one of the kinds
            for k in range(declared)
        ),
        contact_limits=LIMITS,
        quiet_hours=(QuietHours(name="night", channels=("email", "call_centre"), from_hour=21, until_hour=8),),
        context=(Weight(name="looking", when="family_views_7d >= 1", factor=1.3),),
        levers=(Weight(name="campaign", factor=1.2, offers=("offer_1",)),),
        control=Control(holdout_share=0.01, random_offer_share=0.005, random_propensity_share=0.005),
    )
    ready, problems = compile_policy(
        policy, catalogue_of_offers, vocabulary, _catalogue(policy, catalogue_of_offers, vocabulary), BUDGETS
    )
    assert not problems, problems
    assert len(ready.rules) == RULES, len(ready.rules)
    return ready


def customers_of(policy: CompiledPolicy, number: int, seed: int) -> tuple[FeatureTable, Array]:
    """Draw customers with all features that the policy reads, and a propensity for every candidate."""
    rng = np.random.default_rng(seed)
    columns: dict[str, Array] = {}
    for name, kind in policy.names.catalogue.schema.items():
        drawn: Array
        match kind:
            case Category(names):
                drawn = rng.integers(0, len(names), number).astype(np.float64)
            case Boolean():
                drawn = (rng.random(number) < (0.2 if name.endswith("_held") else 0.8)).astype(np.float64)
            case Number() if name in SELDOM or name.startswith("limit_"):
                drawn = rng.poisson(0.3, number).astype(np.float64)
            case Number():
                drawn = np.floor(rng.lognormal(3.8, 0.4, number))
        columns[name] = np.where(rng.random(number) < 0.01, np.nan, drawn)
    ids = np.array([f"C{seed:03d}{place:07d}" for place in range(number)], dtype=object)
    scores = rng.beta(1, 20, (number, len(policy.candidates)))
    return FeatureTable(ids, np.full(number, NOON), columns, policy.names.catalogue.schema), scores


def _offer(number: int) -> Offer:
    return Offer(
        name=f"offer_{number}",
        description="",
        product=PRODUCTS[number % len(PRODUCTS)],
        value=f"{20 + number} + 0.01 * LEAST(inflow_90d, {1000 + number})",
        cost=float(number % 7),
        attributes={"rate_percent": 1.0 + number % 9},
        stages=(Stage.GROWTH, Stage.MATURE, Stage.ACQUISITION),
        treatments=tuple(
            Treatment(channel=channel, message="card", cost=cost) for channel, cost in zip(CHANNELS, COSTS, strict=True)
        ),
    )


def _catalogue(policy: Policy, offers: tuple[Offer, ...], vocabulary: Vocabulary) -> FeatureCatalogue:
    types: dict[str, ColumnType] = {
        "age": Number(),
        "inflow_90d": Number(),
        "balance": Number(),
        "open_complaints": Number(),
        "consent_email": Boolean(),
        "consent_call": Boolean(),
        "region": Category(("north", "south", "east", "west")),
        "stage": Category(tuple(Stage)),
        **{f"{product}_held": Boolean() for product in PRODUCTS},
        **{f"{product}_views_7d": Number() for product in PRODUCTS},
    }
    for count in limit_features(policy, offers, vocabulary):
        types |= {f"{count.name}_{days}d": Number() for days in count.windows_days}
    features = {
        name: Feature(name=name, type=kind, unit="", description="", topic="", owner="") for name, kind in types.items()
    }
    families = {part: {product: f"{product}_{part}" for product in PRODUCTS} for part in ("held", "views_7d")}
    return FeatureCatalogue(features, families, {})
