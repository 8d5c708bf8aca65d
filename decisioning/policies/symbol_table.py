"""The symbol table: the names that expressions of a policy may use, and where each value comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from decisioning.policies.candidates import Candidates, Columns
from decisioning.policies.contact_times import ContactTimes
from decisioning.policies.policy import Policy
from events.vocabulary import Vocabulary
from expressions.types import Boolean, Category, ColumnType, Number
from features.catalogue import FeatureCatalogue

SCORES: Mapping[str, ColumnType] = {"churn_probability": Number()}
"""Model outputs about a customer beside the features; the scoring code adds these columns to the feature table."""

IN_HOLDOUT = "in_holdout"
FAMILY = "family_"
REQUEST = "request_"
MOMENT: Mapping[str, ColumnType] = {
    "as_of_date": Number(),  # 20260131 for 31 January 2026
    "as_of_year": Number(),
    "as_of_month": Number(),
    "as_of_day_of_week": Number(),  # 1 Monday to 7
    "as_of_hour": Number(),
    IN_HOLDOUT: Boolean(),
}
"""Names for the moment of the decision, in the bank's time zone."""


@dataclass(frozen=True, slots=True)
class SymbolTable:
    """The names that expressions of a policy may use, and where each value comes from.

    Attributes:
        counts: Name of a contact limit's count -> for each candidate, the features that are summed.
        request: Types of the request fields, by their names in expressions.
        trials: Type of the arm of each trial, by its name in expressions.
        contact_times: When contacts go out, and the names that depend on it.
        delivery_hour: Hour at which each candidate's channel sends contacts decided in a batch run; 0 for at once, and
            for channels that are not outbound.
        schema: Type of every name.
    """

    candidates: Candidates
    catalogue: FeatureCatalogue
    counts: Mapping[str, tuple[tuple[str, ...], ...]]
    request: Mapping[str, ColumnType]
    trials: Mapping[str, ColumnType]
    contact_times: ContactTimes
    delivery_hour: tuple[int, ...]
    schema: Mapping[str, ColumnType]
    _found: dict[str, tuple[Columns, Columns]] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(
        cls,
        candidates: Candidates,
        catalogue: FeatureCatalogue,
        counts: Mapping[str, tuple[tuple[str, ...], ...]],
        contact_times: ContactTimes,
        policy: Policy,
        vocabulary: Vocabulary,
    ) -> SymbolTable:
        """Collect the names; a feature takes precedence over a name of the moment, but not over a contact's time."""
        families = {
            FAMILY + template: catalogue.features[next(iter(members.values()))].type
            for template, members in catalogue.families.items()
            if members
        }
        counted = dict.fromkeys(counts, Number())
        fields = ((REQUEST + name, field.column_type) for name, field in vocabulary.request.items())
        request = {name: kind for name, kind in fields if kind is not None}
        hours = tuple(policy.outbound.get(treatment.channel, 0) for _, treatment in candidates.pairs)
        drawn: dict[str, ColumnType] = {trial.column: Category(tuple(trial.arms)) for trial in policy.trials}
        known = {**MOMENT, **SCORES, **request, **drawn}
        schema = {**known, **catalogue.schema, **families, **counted, **contact_times.schema, **candidates.schema}
        return cls(candidates, catalogue, counts, request, drawn, contact_times, hours, schema)

    def key(self, name: str, column: int) -> object:
        """Return what a name's value depends on beside the customer; candidates with equal keys have equal values."""
        if name in self.candidates.columns:
            return float(self.candidates.columns[name][column]).hex()  # text, so that NaN equals NaN
        if name in self.counts:
            return self.counts[name][column]
        if self.is_family(name):
            return self.candidates.products[column]
        if name in self.contact_times.schema:
            return self.delivery_hour[column]
        return None

    def places(self, name: str) -> Columns:
        """Return for each candidate the index of its value among a name's distinct values, shape (m,)."""
        return self._different(name)[0]

    def firsts(self, name: str) -> Columns:
        """Return the first candidate with each of a name's distinct values."""
        return self._different(name)[1]

    def _different(self, name: str) -> tuple[Columns, Columns]:
        if name not in self._found:
            numbers: dict[object, int] = {}
            keys = [self.key(name, column) for column in range(len(self.candidates))]
            places = np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.intp)
            self._found[name] = places, np.array([keys.index(key) for key in numbers], dtype=np.intp)
        return self._found[name]

    def is_family(self, name: str) -> bool:
        """Return whether a name stands for a feature of the offer's own product."""
        return name.startswith(FAMILY) and name.removeprefix(FAMILY) in self.catalogue.families

    def features_behind(self, name: str) -> tuple[str, ...]:
        """Return the features needed to evaluate a name."""
        if name in self.candidates.columns:
            return ()
        if name in self.counts:
            return tuple(feature for features in self.counts[name] for feature in features)
        if name in self.contact_times.schema:
            return tuple(filter(None, [self.contact_times.attribute]))
        if self.is_family(name):
            members = self.catalogue.families[name.removeprefix(FAMILY)]
            return tuple(
                members[product] for product in self.candidates.products if product is not None and product in members
            )
        built_in = name in MOMENT or name in self.request or name in self.trials
        return () if built_in and name not in self.catalogue.features else (name,)
