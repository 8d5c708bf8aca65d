"""Small worlds with a known truth: who leaves, and who takes which offer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from domain.journey import Stage
from domain.offer import Offer, Treatment
from expressions.types import Array, Boolean, Category, ColumnType, Number
from features.catalogue import Feature, FeatureCatalogue
from features.responses import Responses
from features.table import FeatureTable
from models.propensity.rows import PropensityRows
from models.settings import Training

PRODUCTS = ("savings", "credit_card", "personal_loan", "mortgage", "investment", "insurance", "current_account")
CHANNELS = ("app", "web", "email", "push", "call_centre")
START = np.datetime64("2025-01-01", "us")
DAY = np.timedelta64(86_400_000_000, "us")


def schema_of(numbers: int) -> dict[str, ColumnType]:
    """A stage, a few flags, activity, family features and so many plain numbers."""
    schema: dict[str, ColumnType] = {
        "stage": Category(("acquisition", "growth", "mature", "dormant", "lost")),
        "segment": Category(("mass", "affluent", "student", "senior")),
        "days_since_first_activity": Number(),
        "days_since_activity": Number(),
        "active_days_365d": Number(),
    }
    for product in PRODUCTS:
        schema |= {f"{product}_held": Boolean(), f"{product}_view_count_30d": Number()}
    return schema | {f"number_{position}": Number() for position in range(numbers)}


def catalogue_of(schema: dict[str, ColumnType]) -> FeatureCatalogue:
    features = {
        name: Feature(name=name, type=kind, unit="", description=name, topic="", owner="")
        for name, kind in schema.items()
    }
    families = {
        template: {product: f"{product}_{template}" for product in PRODUCTS} for template in ("held", "view_count_30d")
    }
    return FeatureCatalogue(features, families, not_applicable={})


def features_of(
    customer_ids: NDArray[np.object_], as_of: NDArray[np.datetime64], numbers: int, seed: int
) -> FeatureTable:
    """Draw skewed counts and amounts, a tenth of the plain numbers' values missing."""
    random = np.random.default_rng(seed)
    schema, n = schema_of(numbers), len(customer_ids)
    columns: dict[str, Array] = {}
    for name, kind in schema.items():
        match kind:
            case Category(values):
                columns[name] = random.integers(0, len(values), n).astype(float)
            case Boolean():
                columns[name] = (random.random(n) < 0.3).astype(float)
            case Number():
                columns[name] = np.round(np.exp(random.normal(1.0, 1.0, n)), 2)
    for name in PRODUCTS:
        columns[f"{name}_view_count_30d"] = random.poisson(0.6, n).astype(float)
    for position in range(0, numbers, 3):
        columns[f"number_{position}"][random.random(n) < 0.1] = np.nan
    age = random.uniform(30, 500, n)
    columns["days_since_first_activity"] = age
    columns["days_since_activity"] = np.minimum(random.exponential(12.0, n), age)
    columns["active_days_365d"] = 1.0 + random.poisson(random.gamma(1.0, 20.0, n))
    return FeatureTable(customer_ids, as_of, columns, schema)


@dataclass(frozen=True)
class ChurnWorld:
    features: FeatureTable
    y: Array
    known_at: NDArray[np.datetime64]
    truth: Array

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.features.columns)


def churn_world(customers: int, anchors: int, numbers: int, seed: int = 1) -> ChurnWorld:
    """Customers at monthly anchors; a label looks 67 days ahead."""
    ids = np.array([f"c{position:06d}" for position in range(customers)], dtype=object)
    as_of = np.repeat(START + np.arange(anchors) * 30 * DAY, customers)
    features = features_of(np.tile(ids, anchors), as_of, numbers, seed)
    column = features.columns
    score = (
        -2.6
        + 0.06 * column["days_since_activity"]
        - 0.02 * column["active_days_365d"]
        + 0.8 * (column["stage"] == 3)
        + 0.5 * np.nan_to_num(np.log(column["number_0"]))
        - 0.6 * np.log(column["number_1"]) * (column["segment"] == 1)
    )
    truth = expit(score)
    y = (np.random.default_rng(seed + 1).random(len(truth)) < truth).astype(float)
    return ChurnWorld(features, y, as_of + 67 * DAY, truth)


def offers_of(count: int) -> tuple[Offer, ...]:
    """Offers of all families in every channel, with a rate and a bonus."""
    return tuple(
        Offer(
            name=f"offer_{position}",
            description="",
            value="10",
            product=PRODUCTS[position % len(PRODUCTS)],
            attributes={"rate_percent": 1.0 + position % 5, "bonus": 5.0 * (position % 3)},
            stages=(Stage.GROWTH,),
            treatments=tuple(Treatment(channel=channel, message="text") for channel in CHANNELS),
        )
        for position in range(count)
    )


@dataclass(frozen=True)
class OfferWorld:
    features: FeatureTable
    responses: Responses
    offers: tuple[Offer, ...]
    catalogue: FeatureCatalogue
    truth: Array

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.features.columns)

    def rows(self, training: Training, responses: Responses | None = None) -> PropensityRows:
        """What a model is trained on, by default with the true responses."""
        return PropensityRows.of(
            self.features,
            responses or self.responses,
            self.names,
            offers=self.offers,
            catalogue=self.catalogue,
            training=training,
        )


def acceptance_truth(features: FeatureTable, offers: tuple[Offer, ...], offer: Array, channel: Array) -> Array:
    """True probability that each row accepts the offer at that position in the channel at that position."""
    column = features.columns
    taste = np.random.default_rng(99).normal(0.0, 0.5, (len(offers), 3))
    product = np.array([PRODUCTS.index(str(one.product)) for one in offers])[offer.astype(int)]
    views = np.stack([column[f"{name}_view_count_30d"] for name in PRODUCTS], axis=1)
    held = np.stack([column[f"{name}_held"] for name in PRODUCTS], axis=1)
    rows = np.arange(len(offer))
    bonus = np.array([one.attributes["bonus"] for one in offers])[offer.astype(int)]
    drivers = np.stack([np.log(column[f"number_{position}"]) - 1.0 for position in (1, 2, 4)], axis=1)
    score = (
        -3.0
        + np.array([0.3, 0.0, -0.2, -0.5, 0.6])[channel.astype(int)]
        + 0.5 * views[rows, product]
        - 1.2 * held[rows, product]
        + 0.04 * bonus
        + np.linspace(-0.5, 0.5, len(offers))[offer.astype(int)]
        + (drivers * taste[offer.astype(int)]).sum(axis=1)
        + 0.3 * drivers[:, 0]
        + 0.8 * (column["number_5"] > 5) * (column["segment"] == 2)
    )
    return np.asarray(expit(score), dtype=np.float64)


def offer_world(customers: int, impressions: int, numbers: int, count: int = 12, seed: int = 2) -> OfferWorld:
    """Impressions at random over a year and a half, answered by a known truth."""
    random = np.random.default_rng(seed)
    offers = offers_of(count)
    presented = np.sort(START + (random.random(impressions) * 540 * 86_400_000_000).astype("timedelta64[us]"))
    ids = np.array([f"c{position:06d}" for position in random.integers(0, customers, impressions)], dtype=object)
    features = features_of(ids, presented, numbers, seed)
    offer, channel = random.integers(0, count, impressions), random.integers(0, len(CHANNELS), impressions)
    truth = acceptance_truth(features, offers, offer, channel)
    accepted = random.random(impressions) < truth
    answers = Responses(
        customer_ids=ids,
        presented_at=presented,
        offer=np.array([one.name for one in offers], dtype=object)[offer],
        channel=np.array(CHANNELS, dtype=object)[channel],
        decision_id=np.full(impressions, None, dtype=object),
        selection_probability=np.full(impressions, np.nan),
        accepted=accepted,
        answered_at=np.where(accepted, presented + DAY, np.datetime64("NaT", "us")),
        known_at=presented + 30 * DAY,
        matured=np.ones(impressions, dtype=bool),
    )
    return OfferWorld(features, answers, offers, catalogue_of(dict(features.schema)), truth)


UNTIL = datetime(2027, 1, 1, tzinfo=UTC)
