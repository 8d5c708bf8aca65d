"""A feature: one named column of a bank."""

from __future__ import annotations

from dataclasses import dataclass

from expressions.types import ColumnType
from features.definitions import AggregateFeature


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
