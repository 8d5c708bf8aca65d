"""Declarations of features: aggregates over the event log and derivations, and the named columns that they make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from domain.spec import Spec
from expressions.types import ColumnType

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


@dataclass(frozen=True, slots=True)
class AggregateMeaning:
    """What a kind of aggregate says of events.

    Attributes:
        sentence: Its definition for readers, of `{events}`, with the value `{of}` and `{half_life_days}`.
        reads: What it reads of every event.
        decays: Whether the weight of an event halves with every half-life.
    """

    sentence: str
    reads: Literal["nothing", "numbers", "anything"] = "nothing"
    decays: bool = False


AGGREGATES: Final[Mapping[AggregateKind, AggregateMeaning]] = {
    "count": AggregateMeaning("number of {events}"),
    "sum": AggregateMeaning("sum of {of} over {events}", "numbers"),
    "mean": AggregateMeaning("mean {of} of {events}", "numbers"),
    "min": AggregateMeaning("smallest {of} of {events}", "numbers"),
    "max": AggregateMeaning("largest {of} of {events}", "numbers"),
    "days_since_first": AggregateMeaning("days since the first of {events}"),
    "days_since_last": AggregateMeaning("days since the last of {events}"),
    "last": AggregateMeaning("last {of} of {events}", "anything"),
    "distinct_days": AggregateMeaning("local days with {events}"),
    "decayed_count": AggregateMeaning("number of {events}, each halved every {half_life_days} days", decays=True),
    "decayed_sum": AggregateMeaning(
        "sum of {of} over {events}, each halved every {half_life_days} days", "numbers", decays=True
    ),
}
"""What is kept for each, and how it becomes a value, is in `features/kernel/kinds.py`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Where(Spec):
    """Filter of events: those count that satisfy every given part.

    Attributes:
        group: A group of the vocabulary.
        types: Event types; an event has to be of one of them.
        channel: Events in this channel; with `per: channel` it is set to each channel in turn.
        product: Events about this product; with `per: product` it is set to each product in turn.
        properties: Property -> value it must have.
    """

    group: str | None = None
    types: tuple[str, ...] = ()
    channel: str | None = None
    product: str | None = None
    properties: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AggregateFeature(Spec):
    """A number or a last value, computed over a customer's events in a window.

    One declaration makes a feature for every window and, with `per`, for every channel or product: `view_count`
    per product with windows 30 and 90 makes `savings_view_count_30d`, `savings_view_count_90d`,
    `mortgage_view_count_30d`, and so on. A window of w days begins at the local midnight w days before that of `as_of`
    and ends before `as_of`. Without windows the whole history counts, and the name has no suffix.

    Attributes:
        name: Name of the feature, without the prefix of its channel or product and the suffix of its window.
        description: What it says about the customer; used in the reasons for an offer.
        where: The events that count.
        aggregate: `last` keeps the value at the latest time. Without events, counts, sums and distinct days are 0, and
            everything else is NULL. In `decayed_count` and `decayed_sum` the weight of an event halves with every
            half-life; events more than 40 half-lives ago do not count.
        of: `amount`, or a property that every matching event type declares (a number; any type for `last`).
        unit: Unit for readers: `events`, `EUR`, `days`, `points`.
        topic: Heading in the reference: activity, money, product, offer, experience, channel, profile.
        windows_days: One feature for each window; empty for the whole history.
        half_life_days: Whole days after which an event weighs half; only for decayed counts and sums.
        of_equal_times: Which value `last` keeps of several at the latest time. Yes is greater than no, and the later
            value in the list of a category is greater than the earlier one.
        per: Make one feature for each channel, or for each product.
        owner: Who is responsible for the definition.
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

    In a formula that is not per channel, a name with `{channel}` stands for the names of all channels, separated by
    commas, for functions of many arguments: `ENTROPY({channel}_activity_count_90d)`. `{product}` works the same way.
    Formulas can also read `as_of_year`, `as_of_month` (1 to 12), `as_of_day_of_week` (1 Monday to 7) and `as_of_hour`,
    all local. A formula over something undefined (a division by zero, a NULL) is NULL.

    Attributes:
        name: Name of the feature, without the prefix of its channel or product.
        description: What it says about the customer; used in the reasons for an offer.
        expression: Formula over other features; placeholders of dimensions are replaced before it is parsed.
        unit: Unit for readers.
        topic: Heading in the reference.
        per: Make one feature for each channel, or for each product.
        owner: Who is responsible for the definition.
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
    """The content of a `features.yaml`: the common features, or a bank's additions.

    Attributes:
        aggregates: Counts, sums and last values over events.
        derived: Formulas over other features.
        exclude: Names of common declarations that this bank leaves out.
    """

    aggregates: tuple[AggregateFeature, ...] = ()
    derived: tuple[DerivedFeature, ...] = ()
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """One named column.

    Attributes:
        aggregate: The declaration it comes from, narrowed to one window and one channel or product, with the types of
            its group in `where.types`; None if it is derived or a stage feature.
        expression: Formula over other features; None if it is not derived.
        template: Name without the dimension (`view_count_30d` of `savings_view_count_30d`); None without dimension.
        member: The channel or product it is about; None without dimension.
        personal: Kept out of models.
        internal: Made for a policy, not declared by people; kept out of models and of the offline store.
    """

    name: str
    type: ColumnType
    unit: str
    description: str
    topic: str
    owner: str
    aggregate: AggregateFeature | None = None
    expression: str | None = None
    template: str | None = None
    member: str | None = None
    personal: bool = False
    internal: bool = False

    @property
    def window_days(self) -> int | None:
        """Days of its window; None if the whole history counts, or it is derived."""
        windows = () if self.aggregate is None else self.aggregate.windows_days
        return windows[0] if windows else None

    @property
    def title(self) -> str:
        """Its description, with the channel or product and the window that it is about.

        Example:
            >>> from expressions.types import Number
            >>> viewed = AggregateFeature(
            ...     name="view_count", description="Looks at the product", aggregate="count",
            ...     where=Where(group="product_view"), unit="events", topic="product", windows_days=(30,),
            ... )
            >>> Feature(
            ...     name="credit_card_view_count_30d", type=Number(), unit="events", description=viewed.description,
            ...     topic="product", owner="analytics", aggregate=viewed, member="credit_card",
            ... ).title
            'Looks at the product (credit card, last 30 days)'
        """
        about = [] if self.member is None else [self.member.replace("_", " ")]
        if self.window_days is not None:
            about.append(f"last {self.window_days} days")
        return f"{self.description} ({', '.join(about)})" if about else self.description
