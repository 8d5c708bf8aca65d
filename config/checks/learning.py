"""Checks of the learners in `models.yaml`: their parameters, and the features that they name."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import fields, replace
from fnmatch import fnmatchcase
from typing import Any, Final

from config.validation import validate
from domain.errors import ModelError, Problem, nearest
from domain.offer import Offer
from expressions.types import Category
from features.catalogue import FeatureCatalogue
from models.inputs import model_inputs
from models.learners import DEFAULT, PROPENSITY, learner_class, learner_names
from models.propensity.families import families_of
from models.settings import Learning, Models
from models.tree_parameters import TreeParameters, out_of_range

FILE: Final = "models.yaml"
Path = tuple[str | int, ...]


def learning_problems(
    model: str, models: Models, catalogue: FeatureCatalogue, offers: tuple[Offer, ...]
) -> Iterator[Problem]:
    """Find an unknown learner, parameters that it does not have, unknown topics and features.

    Args:
        model: `churn` or `propensity`.
        models: Content of models.yaml.
        catalogue: Feature catalogue.
        offers: Offers; they say which family columns there are.
    """
    learning: Learning = getattr(models.learning, model)
    place: Path = ("learning", model)
    yield from _learner_problems(model, learning, place)
    known = [name for name, one in catalogue.features.items() if not one.personal and not one.internal]
    topics = {catalogue.features[name].topic for name in known}
    for position, topic in enumerate(learning.topics):
        if topic not in topics:
            yield _problem((*place, "topics", position), "no feature has this topic", topic, nearest(topic, topics))
    for position, name in enumerate(learning.features):
        if not _matches(name, known):
            yield _problem((*place, "features", position), "unknown feature", name, nearest(name, known))
    exclude = [name for name in models.training.exclude if name in catalogue.features]
    inputs = model_inputs(catalogue, exclude, learning)
    if not inputs:
        yield _problem(place, "the model would see no feature", ", ".join(learning.features), "topics or features")
    if model == PROPENSITY and not offers:
        return  # without readable offers it is not known which family columns there are
    families = families_of(catalogue, inputs, offers).names if model == PROPENSITY else ()
    columns = (*inputs, *families)
    for name in learning.monotone:
        at = (*place, "monotone", name)
        if not _matches(name, columns):
            yield _problem(at, "the model has no such column", name, nearest(name, columns))
        elif isinstance(catalogue.schema.get(name), Category):
            yield _problem(at, "a category has no order", name, "a number or a yes/no feature")
    for position, names in enumerate(learning.interactions):
        for name in names:
            if not _matches(name, columns):
                at = (*place, "interactions", position)
                yield _problem(at, "the model has no such column", name, nearest(name, columns))


def _learner_problems(model: str, learning: Learning, place: Path) -> Iterator[Problem]:
    name = learning.learner or DEFAULT[model]
    try:
        learner = learner_class(name)
    except ModelError as error:
        expected = nearest(name, learner_names(model)) if "no such" in error.what else "a package that works"
        yield _problem((*place, "learner"), error.what, name, expected)
        return
    if model not in learner.models:
        expected = ", ".join(learner_names(model))
        yield _problem((*place, "learner"), f"no learner of {model}", name, expected)
        return
    parameters: Any
    names = [one.name for one in fields(learner.parameters)]
    for parameter in learning.parameters.keys() - set(names):
        at = (*place, "parameters", parameter)
        expected = nearest(parameter, names) if names else f"nothing: {name} has no parameters"
        yield _problem(at, "unknown key", parameter, expected)
    known = {key: value for key, value in learning.parameters.items() if key in names}
    parameters, problems = validate(known, learner.parameters, FILE)
    for problem in problems:
        yield replace(problem, path=(*place, "parameters", *problem.path))
    if isinstance(parameters, TreeParameters):
        for parameter, value, expected in out_of_range(parameters):
            yield _problem((*place, "parameters", parameter), f"{parameter} is out of range", str(value), expected)


def _matches(pattern: str, names: Collection[str]) -> bool:
    return any(fnmatchcase(name, pattern) for name in names)


def _problem(path: Path, what: str, got: str, expected: str) -> Problem:
    return Problem(file=FILE, path=path, what=what, got=f"'{got}'", expected=expected)
