"""The feature catalogue of a bank, all declarations expanded to named, typed columns, and all else features need."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from domain.errors import DataError, Problem, nearest
from events.vocabulary import Vocabulary
from expressions.types import Array, Boolean, Category, ColumnType
from features.building.aggregates import expand_aggregates, expand_attributes
from features.building.derivations import derive
from features.building.draft import Draft
from features.calendar import Calendar
from features.definitions import AggregateFeature, Feature, FeatureFile
from features.journey.settings import Journey
from features.kernel.plan import Plan

__all__ = ["Feature", "FeatureCatalogue", "build_catalogue"]


@dataclass(frozen=True, eq=False)
class FeatureCatalogue:
    """All features of a bank, each after those it is computed from. Catalogues are equal only if they are one object.

    Attributes:
        features: Features by name.
        families: Template -> {product: feature}, for what is known about an offer's own product: `family_held` of a
            savings offer is `savings_held`.
        not_applicable: Common declarations that this bank's vocabulary cannot fill -> why.
        stage_process: The stage conditions and their grid as text, for fingerprints.
    """

    features: Mapping[str, Feature]
    families: Mapping[str, Mapping[str, str]]
    not_applicable: Mapping[str, str]
    stage_process: str = ""

    @cached_property
    def schema(self) -> Mapping[str, ColumnType]:
        """Type of every feature, in catalogue order; always the same object, so that tables can be recognised by it."""
        return {name: feature.type for name, feature in self.features.items()}

    @cached_property
    def digest(self) -> str:
        """SHA-256 of all definitions: it changes whenever a value could change."""
        definitions = [*map(repr, self.features.values()), self.stage_process]
        return hashlib.sha256("\n".join(definitions).encode()).hexdigest()

    @cached_property
    def layout(self) -> str:
        """SHA-256 of the meaning of a state's slots: a state of another layout cannot be read."""
        plan = Plan.of(tuple(self.features.values()), mergeable_days=True)
        return hashlib.sha256(f"{plan.description()}\n{self.stage_process}".encode()).hexdigest()

    def refusing(self, values: Mapping[str, str]) -> FeatureCatalogue:
        """Let a refusal win over another value that an attribute has at the same moment.

        Args:
            values: Attribute -> the value that is a refusal.
        """
        features = dict(self.features)
        for name, value in values.items():
            attribute = features.get(name)
            if attribute is not None and attribute.aggregate is not None and _is_least(value, attribute.type):
                features[name] = replace(attribute, aggregate=replace(attribute.aggregate, of_equal_times="least"))
        return replace(self, features=features)


def _is_least(value: str, kind: ColumnType) -> bool:
    return value == ("false" if isinstance(kind, Boolean) else kind.values[0] if isinstance(kind, Category) else None)


def build_catalogue(
    common: FeatureFile,
    own: FeatureFile,
    vocabulary: Vocabulary,
    journey: Journey,
    extra: Sequence[AggregateFeature] = (),
    *,
    currency: str,
) -> tuple[FeatureCatalogue, list[Problem]]:
    """Expand and check all declarations of a bank.

    Args:
        common: Features that every bank gets; those that its vocabulary cannot fill are listed in `not_applicable`.
        own: The bank's `features.yaml`.
        vocabulary: The bank's event vocabulary.
        journey: Its stages and steps.
        extra: Internal counts that a policy needs.
        currency: The unit of features that are declared in `currency`.

    Returns:
        The catalogue of all valid features, and all problems of `features.yaml` and `journey.yaml`.

    Example:
        >>> from events.vocabulary import EventType
        >>> from features.definitions import Where
        >>> logins = AggregateFeature(name="logins", aggregate="count", where=Where(group="login"), per="channel",
        ...                           windows_days=(7, 30), unit="events", topic="activity", description="Logins")
        >>> vocabulary = Vocabulary(channels=("app",), products=(),
        ...                         types={"app_login": EventType(description="", groups=("login",))})
        >>> catalogue, problems = build_catalogue(FeatureFile(), FeatureFile(aggregates=(logins,)), vocabulary,
        ...                                       Journey(stages=()), currency="EUR")
        >>> list(catalogue.features), problems
        (['app_logins_7d', 'app_logins_30d', 'stage', 'previous_stage', 'days_in_stage'], [])
    """
    draft = Draft(vocabulary, currency)
    draft.check_exclusions(common, own.exclude)
    expand_attributes(draft)
    expand_aggregates(draft, common.aggregates, "common", excluded=own.exclude)
    expand_aggregates(draft, own.aggregates, "own")
    expand_aggregates(draft, extra, "policy")
    derive(draft, common.derived, own, journey)
    process = f"every {journey.evaluate_every_days} days: {journey.stages!r}"
    catalogue = FeatureCatalogue(draft.features, _families(draft), draft.not_applicable, process)
    return catalogue, draft.problems


def _families(draft: Draft) -> dict[str, dict[str, str]]:
    families: dict[str, dict[str, str]] = {}
    for feature in draft.features.values():
        if (
            feature.template is not None
            and feature.member in draft.vocabulary.products
            and feature.name in draft.of_products
        ):
            families.setdefault(feature.template, {})[feature.member] = feature.name
    return families


@dataclass(frozen=True, slots=True)
class FeatureDefinitions:
    """Everything besides events that features depend on.

    Attributes:
        catalogue: The bank's features.
        journey: Its stages.
        calendar: Its local days.
    """

    catalogue: FeatureCatalogue
    journey: Journey
    calendar: Calendar


def family_column(
    columns: Mapping[str, Array], catalogue: FeatureCatalogue, template: str, products: Sequence[str | None]
) -> Array:
    """Put a feature of several products side by side: `held` of (savings, None) is `savings_held` and NULL.

    Args:
        columns: Features of n customers.
        catalogue: The catalogue, which lists the features of each template.
        template: Name without the product.
        products: One for each requested column; None for an offer that belongs to no product.

    Returns:
        Shape (n, len(products)); NaN where there is no product, or the template has no feature for it.

    Raises:
        DataError: For an unknown template, or if a feature is not among the columns.
    """
    if template not in catalogue.families:
        raise DataError(
            "no such family of features", got=f"'{template}'", expected=nearest(template, catalogue.families)
        )
    members = catalogue.families[template]
    n = len(next(iter(columns.values()))) if columns else 0
    matrix = np.full((n, len(products)), np.nan)
    for position, product in enumerate(products):
        name = members.get(product) if product is not None else None
        if name is None:
            continue
        if name not in columns:
            raise DataError("a feature of the family is missing", got=f"no '{name}'", expected=nearest(name, columns))
        matrix[:, position] = columns[name]
    return matrix
