"""How features are declared: aggregates over the event log, and derivations on top of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from domain.spec import Spec

AggregateKind = Literal[
    "count",
    "sum",
    "mean",
    "min",
    "max",
    "days_since_first",
    "days_since_last",
    "last",
    "distinct_days",
    "decayed_count",
    "decayed_sum",
]
Dimension = Literal["channel", "product"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Where(Spec):
    """Which events count: those that satisfy every part that is given.

    Attributes:
        group: A group of the vocabulary.
        types: Event types; one of them.
        channel: Events in this channel; with `per: channel` it is given by each channel in turn.
        product: Events about this product; with `per: product` it is given by each product in turn.
        properties: Property -> value it must have.
    """

    group: str | None = None
    types: tuple[str, ...] = ()
    channel: str | None = None
    product: str | None = None
    properties: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AggregateFeature(Spec):
    """A number, or a last value, over a customer's events in a window.

    One declaration makes a feature for every window and, with `per`, for every channel or product: `view_count`
    per product with windows 30 and 90 makes `savings_view_count_30d`, `savings_view_count_90d`,
    `mortgage_view_count_30d`, and so on. A window of w days reaches from the local midnight w days before that of
    `as_of` up to, not including, `as_of`; without windows all history counts, and the name has no suffix.

    Attributes:
        name: Of the feature, before the prefix of its channel or product and the suffix of its window.
        description: What it says of the customer; reasons for an offer are worded with it.
        where: The events that count.
        aggregate: `last` keeps the value at the latest time; counts, sums and distinct days of nothing are 0,
            everything else of nothing is NULL. In `decayed_count` and `decayed_sum` an event weighs half as much after
            every half-life; of more than 40 half-lives ago nothing counts.
        of: `amount`, or a property that every matching event type declares (numbers; any for `last`).
        unit: As people read it: `events`, `EUR`, `days`, `points`.
        topic: Heading in the reference: activity, money, product, offer, experience, channel, profile.
        windows_days: One feature for each; empty for all history.
        half_life_days: Whole days after which an event weighs half; of decayed counts and sums, and of no others.
        of_equal_times: Which value `last` keeps of several at the latest time: yes is greater than no, and what stands
            later among the values of a category than what stands before it.
        per: One feature for each channel, or for each product.
        owner: Who answers for the definition.
    """

    name: str
    description: str
    aggregate: AggregateKind
    where: Where
    unit: str
    topic: str
    of: str = "amount"
    windows_days: tuple[int, ...] = ()
    half_life_days: int | None = None
    of_equal_times: Literal["greatest", "least"] = "greatest"
    per: Dimension | None = None
    owner: str = "customer analytics"


@dataclass(frozen=True, slots=True, kw_only=True)
class DerivedFeature(Spec):
    """A formula over other features, as a SQL expression; `{channel}` or `{product}` stand for the dimension.

    In a formula that is not per channel, a name with `{channel}` stands for the names of all channels, with commas
    between them, for functions of many arguments: `ENTROPY({channel}_activity_count_90d)`; so does `{product}`.
    `as_of_year`, `as_of_month` (1 to 12), `as_of_day_of_week` (1 Monday to 7) and `as_of_hour`, local, are given.
    A formula over something undefined (a division by zero, a NULL) is NULL.

    Attributes:
        name: Of the feature, before the prefix of its channel or product.
        description: What it says of the customer; reasons for an offer are worded with it.
        expression: Over other features; what stands for a dimension is replaced before it is read.
        unit: As people read it.
        topic: Heading in the reference.
        per: One feature for each channel, or for each product.
        owner: Who answers for the definition.
    """

    name: str
    description: str
    expression: str
    unit: str
    topic: str
    per: Dimension | None = None
    owner: str = "customer analytics"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureFile(Spec):
    """The content of a `features.yaml`: the common ones, or a bank's own on top.

    Attributes:
        aggregates: Counts, sums and last values over events.
        derived: Formulas over other features.
        exclude: Names of common declarations that this bank does without.
    """

    aggregates: tuple[AggregateFeature, ...] = ()
    derived: tuple[DerivedFeature, ...] = ()
    exclude: tuple[str, ...] = ()
