"""Checks of `models.yaml` against the vocabulary and the features."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from config.checks.learning import learning_problems
from domain.errors import ExpressionError, Problem, nearest
from domain.offer import Offer
from events.vocabulary import Vocabulary
from expressions.contradictions import contradiction
from expressions.expression import compile_expression
from expressions.types import Boolean, Category
from features.building.draft import event_groups
from features.catalogue import FeatureCatalogue
from models.learners import CHURN, PROPENSITY
from models.settings import ChurnLabel, Economics, Gate, Models, Rollout, Training

FILE: Final = "models.yaml"
LONGEST_DAYS: Final = 3650
Path = tuple[str | int, ...]


def models_problems(
    models: Models, vocabulary: Vocabulary, catalogue: FeatureCatalogue, offers: tuple[Offer, ...]
) -> Iterator[Problem]:
    """Find invalid labels and populations, unknown features, and numbers out of range."""
    if models.churn is not None:
        yield from _label_problems(models.churn, vocabulary)
        yield from _population_problems(models.churn, catalogue)
    yield from _feature_problems(models, catalogue)
    yield from _range_problems(models)
    for name in (CHURN, PROPENSITY):
        yield from learning_problems(name, models, catalogue, offers)


def _label_problems(label: ChurnLabel, vocabulary: Vocabulary) -> Iterator[Problem]:
    if label.kind == "inactivity":
        groups = event_groups(vocabulary)
        if label.group is None:
            yield _problem(("churn",), "churn by inactivity needs a group", None, "group: a group of event types")
        elif label.group not in groups:
            yield _problem(("churn", "group"), "unknown group", f"'{label.group}'", nearest(label.group, groups))
        if label.types:
            yield _problem(("churn", "types"), "types are only for churn by event", "kind: inactivity", "no types")
        return
    if not label.types:
        yield _problem(("churn",), "churn by event needs types", None, "types: at least one event type")
    if label.group is not None:
        yield _problem(("churn", "group"), "a group is only for churn by inactivity", "kind: event", "no group")
    for position, name in enumerate(label.types):
        if name not in vocabulary.types:
            expected = nearest(name, vocabulary.types)
            yield _problem(("churn", "types", position), "unknown event type", f"'{name}'", expected)


def _population_problems(label: ChurnLabel, catalogue: FeatureCatalogue) -> Iterator[Problem]:
    path = ("churn", "population")
    try:
        population = compile_expression(label.population, catalogue.schema)
    except ExpressionError as error:
        yield Problem(
            file=FILE, path=path, what=error.what, got=error.got, expected=error.expected, remedy=error.remedy
        )
        return
    if not isinstance(population.type, Boolean):
        yield _problem(path, "not a condition", f"`{label.population}`", "true or false for each customer")
    elif contradiction(label.population) or (not population.names and not population.holds({})):
        yield _problem(path, "the population is empty", f"`{label.population}`", "a condition that can hold")


def _feature_problems(models: Models, catalogue: FeatureCatalogue) -> Iterator[Problem]:
    training = models.training
    for position, name in enumerate(training.exclude):
        if name not in catalogue.features:
            path = ("training", "exclude", position)
            yield _problem(path, "unknown feature", f"'{name}'", nearest(name, catalogue.features))
    categories = [name for name, feature in catalogue.features.items() if isinstance(feature.type, Category)]
    for part, names in (("training", "segments"), training.segments), (("rollout", "groups"), models.rollout.groups):
        for position, name in enumerate(names):
            if name not in categories:
                what = "not a feature with categories" if name in catalogue.features else "unknown feature"
                yield _problem((*part, position), what, f"'{name}'", nearest(name, categories))


def _range_problems(models: Models) -> Iterator[Problem]:
    label, training, gate, economics = models.churn, models.training, models.gate, models.economics
    rollout = models.rollout
    ranges: tuple[tuple[ChurnLabel | Training | Gate | Economics | Rollout | None, str, str, float, float], ...] = (
        (label, "churn", "horizon_days", 1, LONGEST_DAYS),
        (label, "churn", "lead_days", 0, LONGEST_DAYS),
        (training, "training", "anchors_every_days", 1, LONGEST_DAYS),
        (training, "training", "history_days", 0, LONGEST_DAYS),
        (training, "training", "embargo_days", 0, LONGEST_DAYS),
        (training, "training", "folds", 1, 50),
        (training, "training", "maximum_rows", 1_000, 1e9),
        (training, "training", "seed", 0, 2**31 - 1),
        (gate, "gate", "minimum_positives", 0, 1e9),
        (gate, "gate", "maximum_auc", 0.5, 1),
        (gate, "gate", "maximum_calibration_error", 0, 1),
        (gate, "gate", "maximum_single_feature_auc", 0.5, 1),
        (gate, "gate", "minimum_better_than_prevalence", 0, 1),
        (gate, "gate", "maximum_worse_than_baseline", 0, 1),
        (gate, "gate", "maximum_worse_than_champion", 0, 1),
        (economics, "economics", "customer_lifetime_value", 0, 1e12),
        (economics, "economics", "offer_cost", 0, 1e12),
        (economics, "economics", "contact_cost", 0, 1e12),
        (economics, "economics", "accept_alpha", 1e-3, 1e6),
        (economics, "economics", "accept_beta", 1e-3, 1e6),
        (rollout, "rollout", "slice_share", 0.001, 0.5),
        (rollout, "rollout", "minimum_days", 1, 365),
        (rollout, "rollout", "watched_days", 0, LONGEST_DAYS),
        (rollout, "rollout", "minimum_decisions", 30, 1e9),
        (rollout, "rollout", "maximum_loss", 0, 1),
        (rollout, "rollout", "maximum_calibration", 1, 10),
        (rollout, "rollout", "maximum_auc_drop", 0, 0.5),
        (rollout, "rollout", "maximum_drift", 0, 10),
        (rollout, "rollout", "maximum_errors", 0, 1),
        (rollout, "rollout", "maximum_more_time", 0, 10),
        (rollout, "rollout", "minimum_ratio", 0, 1),
        (rollout, "rollout", "maximum_gap", 0, 1),
    )
    for settings, part, name, least, most in ranges:
        if settings is None:
            continue
        number = getattr(settings, name)
        if not least <= number <= most:
            yield _problem((part, name), f"{name} is out of range", f"{number}", f"{least:,g} to {most:,g}")


def _problem(path: Path, what: str, got: str | None, expected: str) -> Problem:
    return Problem(file=FILE, path=path, what=what, got=got, expected=expected)
