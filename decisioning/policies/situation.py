"""Everything an expression may name, for n customers and m candidates at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo

import numpy as np
from numpy.typing import NDArray

from decisioning.policies.candidates import Candidates, Columns
from domain.errors import DataError, nearest
from expressions.operand import finite
from expressions.types import Array, Boolean, ColumnType, Number
from features.catalogue import FeatureCatalogue
from features.family import family_column

SCORES: Mapping[str, ColumnType] = {"churn_probability": Number()}
"""What models say of a customer beside the features; whoever scores adds these columns to the feature table."""

IN_HOLDOUT = "in_holdout"
CONTACT_HOUR = "contact_hour"
FAMILY = "family_"
REQUEST = "request_"
MOMENT: Mapping[str, ColumnType] = {
    "as_of_date": Number(),  # 20260131 for 31 January 2026
    "as_of_year": Number(),
    "as_of_month": Number(),
    "as_of_day_of_week": Number(),  # 1 Monday to 7
    "as_of_hour": Number(),
    IN_HOLDOUT: Boolean(),
    CONTACT_HOUR: Number(),  # of a candidate: when an outbound contact that is decided now goes out
}
"""What is known of the moment, in the bank's time zone."""


@dataclass(frozen=True, slots=True)
class Names:
    """The names expressions of a policy may use, and where each comes from.

    Attributes:
        counts: Name of a contact limit's count -> for each candidate the features that are summed.
        request: What a channel may say of the moment in which it asks, by its name in expressions.
        delivery_hour: Shape (m,), local hour at which each candidate's channel sends what was decided overnight; 0
            where the customer is met when they come.
        schema: Type of every name.
    """

    candidates: Candidates
    catalogue: FeatureCatalogue
    counts: Mapping[str, tuple[tuple[str, ...], ...]]
    request: Mapping[str, ColumnType]
    delivery_hour: Array
    schema: Mapping[str, ColumnType]

    @classmethod
    def of(
        cls,
        candidates: Candidates,
        catalogue: FeatureCatalogue,
        counts: Mapping[str, tuple[tuple[str, ...], ...]],
        request: Mapping[str, ColumnType],
        outbound: Mapping[str, int],
    ) -> Names:
        """Collect the names; a feature wins over a name of the moment."""
        families = {
            FAMILY + template: catalogue.features[next(iter(members.values()))].type
            for template, members in catalogue.families.items()
            if members
        }
        counted = dict.fromkeys(counts, Number())
        asked = {REQUEST + name: kind for name, kind in request.items()}
        hours = np.array([outbound.get(treatment.channel, 0) for _, treatment in candidates.pairs], dtype=np.float64)
        schema = {**MOMENT, **SCORES, **asked, **catalogue.schema, **families, **counted, **candidates.schema}
        return cls(candidates, catalogue, counts, asked, hours, schema)

    def key(self, name: str, column: int) -> object:
        """What a name's value depends on beside the customer: equal keys have equal values."""
        if name in self.candidates.columns:
            return float(self.candidates.columns[name][column]).hex()  # text, so that NaN equals NaN
        if name in self.counts:
            return self.counts[name][column]
        if self.is_family(name):
            return self.candidates.products[column]
        if name == CONTACT_HOUR:
            return float(self.delivery_hour[column])
        return None

    def is_family(self, name: str) -> bool:
        """Tell whether a name stands for a feature of the offer's own product."""
        return name.startswith(FAMILY) and name.removeprefix(FAMILY) in self.catalogue.families

    def features_behind(self, name: str) -> tuple[str, ...]:
        """Features that must be known to evaluate a name."""
        if name in self.candidates.columns:
            return ()
        if name in self.counts:
            return tuple(feature for features in self.counts[name] for feature in features)
        if self.is_family(name):
            members = self.catalogue.families[name.removeprefix(FAMILY)]
            return tuple(
                members[product] for product in self.candidates.products if product is not None and product in members
            )
        given = name in MOMENT or name in self.request
        return () if given and name not in self.catalogue.features else (name,)


@dataclass(frozen=True, slots=True)
class Situation:
    """The values of all names, gathered when an expression asks for them.

    Attributes:
        customers: How many, n.
        features: Name -> shape (n,).
        moment: Name -> shape (1,) or (n,).
        _seen: What was asked for before and is the same for all candidates.
    """

    names: Names
    customers: int
    features: Mapping[str, Array]
    moment: Mapping[str, Array]
    _seen: dict[str, Array] = field(default_factory=dict)

    def column(self, name: str, candidates: Columns) -> Array:
        """Gather one name for some candidates.

        Args:
            name: A name of the schema.
            candidates: Shape (k,), positions.

        Returns:
            Shape (n, k), or with 1 in place of n or k where it does not depend on the customer or the candidate; NULL
            is NaN, and what is not finite is NULL.

        Raises:
            DataError: The feature table does not have a column that the policy reads.
        """
        seen = self._seen.get(name)
        if seen is not None:
            return seen
        if name in self.names.candidates.columns:
            return self.names.candidates.columns[name][candidates][None, :]
        if name == CONTACT_HOUR and name not in self.features:
            return np.maximum(self.moment["as_of_hour"], self.names.delivery_hour[candidates])[None, :]
        if name in self.names.counts:
            return self._count(name, candidates)
        if self.names.is_family(name):
            products = [self.names.candidates.products[position] for position in candidates]
            return finite(family_column(self.features, self.names.catalogue, name.removeprefix(FAMILY), products))
        values = self.features.get(name, self.moment.get(name))
        if values is None:
            raise _missing(name, self.features)
        self._seen[name] = known = finite(values)[:, None]
        return known

    def _count(self, name: str, candidates: Columns) -> Array:
        return np.stack([self._sum(self.names.counts[name][position]) for position in candidates], axis=1)

    def _sum(self, parts: tuple[str, ...]) -> Array:
        total: Array = np.zeros(self.customers) if parts else np.full(self.customers, np.nan)
        for part in parts:
            if part not in self.features:
                raise _missing(part, self.features)
            total += self.features[part]
        return finite(total)


def moment_columns(as_of: datetime, time_zone: tzinfo, in_holdout: NDArray[np.bool_]) -> dict[str, Array]:
    """Say what `MOMENT` names.

    Example:
        >>> from datetime import UTC
        >>> moment = moment_columns(datetime(2026, 1, 31, 12, tzinfo=UTC), UTC, np.zeros(1, np.bool_))
        >>> float(moment["as_of_date"][0]), float(moment["as_of_day_of_week"][0])
        (20260131.0, 6.0)
    """
    local = as_of.astimezone(time_zone)
    numbers = {
        "as_of_date": local.year * 10_000 + local.month * 100 + local.day,
        "as_of_year": local.year,
        "as_of_month": local.month,
        "as_of_day_of_week": local.isoweekday(),
        "as_of_hour": local.hour,
    }
    columns = {name: np.array([number], dtype=np.float64) for name, number in numbers.items()}
    columns[IN_HOLDOUT] = in_holdout.astype(np.float64)
    return columns


def _missing(name: str, features: Mapping[str, Array]) -> DataError:
    return DataError(
        "the policy reads a feature that the table does not have",
        got=f"'{name}'",
        expected=nearest(name, features),
        remedy="compute the features that CompiledPolicy.features names",
    )
