"""A small bank, real except for its models, which are formulas."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from config.bank import Bank, BankIdentity
from config.operations import Schedule
from decisioning.policies.limits import limit_features
from decisioning.policies.policy import ContactLimit, Exploration, Policy, Rule
from domain.event import Event
from domain.journey import Stage
from domain.offer import Offer, Treatment
from events.log import EventLog
from events.schema import table_of
from events.vocabulary import ContactEvents, EventType, Property, Vocabulary
from expressions.types import Array
from features.catalogue import build_catalogue
from features.compute import compute_features
from features.definitions import AggregateFeature, FeatureFile, Where
from features.journey.settings import Journey, StageCondition
from features.moments import Moments
from features.table import FeatureTable
from models.contributions import Contributions
from models.settings import ChurnLabel, Models
from serving.decider import Decider

AS_OF = datetime(2026, 3, 2, 15, tzinfo=UTC)
OFFER_PROPERTY = {"offer": Property(type="text")}
VOCABULARY = Vocabulary(
    channels=("app", "email"),
    products=("savings",),
    types={
        "login": EventType(description="", groups=("activity",)),
        "offer_presented": EventType(description="", properties=OFFER_PROPERTY),
        "offer_accepted": EventType(description="", properties=OFFER_PROPERTY),
    },
    attributes={"consent_email": Property(type="boolean"), "region": Property(values=("north", "south"))},
    contacts=ContactEvents(presented="offer_presented", accepted="offer_accepted"),
)
OFFERS = (
    Offer(
        name="savings_plus",
        product="savings",
        description="",
        value="40 + logins_30d",
        cost=5,
        stages=(Stage.GROWTH,),
        treatments=(Treatment(channel="app", message="card"), Treatment(channel="email", message="letter", cost=0.03)),
    ),
    Offer(
        name="budget_check",
        description="",
        value="20",
        stages=(Stage.GROWTH,),
        tags=("service",),
        treatments=(Treatment(channel="app", message="card"),),
    ),
)
POLICY = Policy(
    consent={"email": "consent_email"},
    rules=(Rule(name="staying", kind="suitability", require="churn_probability < 0.9", except_tags=("service",)),),
    contact_limits=(ContactLimit(name="weekly", per="channel", channels=("email",), at_most=1, days=7),),
    exploration=Exploration(epsilon=0.2, top=2, floor=0.01),
)
COLD_START = replace(POLICY, cold_start={"stage": "growth"})
"""The same for a bank that says what it assumes of customers of whom it knows nothing."""
JOURNEY = Journey(stages=(StageCondition(stage=Stage.GROWTH, when="days_since_login <= 60"),), evaluate_every_days=7)
LOGINS = Where(group="activity")


def small_bank(policy: Policy = POLICY, vocabulary: Vocabulary = VOCABULARY) -> Bank:
    file = FeatureFile(
        aggregates=(
            AggregateFeature(
                name="logins",
                aggregate="count",
                where=LOGINS,
                windows_days=(30,),
                unit="events",
                topic="activity",
                description="Logins",
            ),
            AggregateFeature(
                name="days_since_login",
                aggregate="days_since_last",
                where=LOGINS,
                unit="days",
                topic="activity",
                description="Days since the last login",
            ),
        )
    )
    counts = limit_features(policy, OFFERS, vocabulary)
    features, problems = build_catalogue(FeatureFile(), file, vocabulary, JOURNEY, counts, currency="EUR")
    assert not problems, problems
    return Bank(
        identity=BankIdentity(name="small", description="", time_zone="Europe/Amsterdam", currency="EUR"),
        folder=Path("small"),
        vocabulary=vocabulary,
        sources=(),
        features=features,
        journey=JOURNEY,
        offers=OFFERS,
        policy=policy,
        budgets=(),
        models=Models(churn=ChurnLabel(kind="inactivity", horizon_days=60, population="TRUE", group="activity")),
        schedule=Schedule(),
        simulation=None,
        digest="small-1",
    )


class Leaving:
    """Churn probability rises with the time since the last login."""

    names = ("days_since_login",)
    rate = 0.25

    def predict(self, features: FeatureTable, *, num_threads: int = 1) -> Array:
        return np.clip(np.nan_to_num(features.columns["days_since_login"], nan=100.0) / 100.0, 0.0, 1.0)


class Interested:
    """Propensity rises with the number of logins, most for savings."""

    names = ("logins_30d", "region")

    def predict(
        self, features: FeatureTable, candidates: Sequence[tuple[Offer, Treatment]], *, num_threads: int = 1
    ) -> Array:
        often = 0.1 + 0.02 * np.minimum(features.columns["logins_30d"], 20.0)
        return np.stack([often if offer.product else often / 2 for offer, _ in candidates], axis=1)

    def explain(self, features: FeatureTable, candidates: Sequence[tuple[Offer, Treatment]]) -> Contributions:
        values = np.tile([0.5, -0.2, 0.1, 0.05], (len(candidates), 1))
        return Contributions(("logins_30d", "region", "offer", "channel"), values, np.zeros(len(candidates)))

    def prior(self, features: FeatureTable, candidates: Sequence[tuple[Offer, Treatment]]) -> Array:
        usual = np.where(np.isnan(features.columns["stage"]), 0.15, 0.3)
        return np.stack([usual if offer.product else usual / 3 for offer, _ in candidates], axis=1)

    def explain_prior(self, features: FeatureTable, candidates: Sequence[tuple[Offer, Treatment]]) -> Contributions:
        values = np.array([[0.4 if offer.product else -0.7] for offer, _ in candidates])
        return Contributions(("offer",), values, np.zeros(len(candidates)))


def small_decider(bank: Bank | None = None, *, scored: bool = True, version: str = "1") -> Decider:
    bank = bank or small_bank()
    versions = {"churn": version, "propensity": version}
    return Decider(bank, Leaving(), Interested() if scored else None, versions)


def small_log(folder: Path, customers: int = 12) -> EventLog:
    """Customers with one login more than the one before, up to 21, consents, and for some an e-mail lately."""
    events = []
    for number in range(customers):
        customer = f"c{number:02d}"

        def add(
            kind: str,
            at: datetime,
            customer: str = customer,
            channel: str | None = None,
            properties: dict[str, str] | None = None,
        ) -> None:
            events.append(
                Event(
                    event_id=f"{customer}-{len(events)}",
                    customer_id=customer,
                    type=kind,
                    occurred_at=at,
                    available_at=at,
                    channel=channel,
                    properties=properties or {},
                )
            )

        known = {"consent_email": "true" if number % 3 else "false", "region": ("north", "south")[number % 2]}
        add("customer_attributes", AS_OF - timedelta(days=100), properties=known)
        for day in range(min(number, 20) + 1):
            add("login", AS_OF - timedelta(days=20 - day), channel="app")
        if number % 4 == 1:
            mailed = AS_OF - timedelta(days=1) if number % 8 == 1 else AS_OF - timedelta(minutes=5)
            add("offer_presented", mailed, channel="email", properties={"offer": "savings_plus"})
    log = EventLog(folder, buckets=2)
    log.append(table_of(events))
    return log


def features_of_all(bank: Bank, log: EventLog, as_of: datetime = AS_OF) -> FeatureTable:
    tables = []
    for bucket in range(log.buckets):
        events = log.read_bucket(bucket)
        customers = sorted(set(events["customer_id"].to_pylist()))
        tables.append(compute_features(events, Moments.at(customers, as_of), bank.feature_definitions))
    return FeatureTable.concatenate(tables)
