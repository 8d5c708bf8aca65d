"""Learners by name, their parameters and constraints, and one that an installed package adds."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from domain.errors import ModelError
from models import learners
from models.churn.model import ChurnModel
from models.files import write_json
from models.learners import learner_class, learner_names, learner_of, read_model
from models.propensity.families import families_of
from models.propensity.impressions import Impressions, impressions
from models.settings import Learning, Training
from tests.models.synthetic import churn_world, offer_world


@pytest.fixture(scope="module")
def world() -> Any:
    return offer_world(400, 1_500, 6, count=4)


@pytest.fixture(scope="module")
def rows(world: Any) -> Impressions:
    families = families_of(world.catalogue, world.names, world.offers)
    return impressions(world.features, world.responses, world.offers, families)


def fitted(world: Any, rows: Impressions, learning: Learning) -> Any:
    families = families_of(world.catalogue, world.names, world.offers)
    fit = learner_of("propensity", learning).fit_propensity
    return fit(rows, world.names, families, Training(), num_threads=1)


@pytest.mark.parametrize(("name", "form"), [("lightgbm", "trees"), ("logistic", "base"), ("rates", "rates")])
def test_a_learner_makes_the_form_it_is_named_for(world: Any, rows: Impressions, name: str, form: str) -> None:
    model = fitted(world, rows, Learning(learner=name))
    assert model.chosen.split(",")[0] == form
    scores = model.predict_rows(rows)
    assert ((scores > 0) & (scores < 1)).all()


def test_parameters_reach_the_trees(world: Any, rows: Impressions) -> None:
    model = fitted(world, rows, Learning(learner="lightgbm", parameters={"num_leaves": 3, "num_iterations": 5}))
    trees = model.booster.dump_model()["tree_info"]
    assert max(tree["num_leaves"] for tree in trees) <= 3
    assert int(model.chosen.split(", ")[1].split()[0]) <= 6


def test_scores_rise_with_a_feature_whose_sign_is_set(world: Any, rows: Impressions) -> None:
    name = "number_1"
    table = world.features.take(np.zeros(50, dtype=np.intp))
    for sign in (1, -1):
        model = fitted(world, rows, Learning(learner="lightgbm", monotone={"number_*": sign}))
        columns = dict(table.columns) | {name: np.linspace(0.0, 60.0, 50)}
        moved = type(table)(table.customer_ids, table.as_of, columns, table.schema)
        offer = world.offers[0]
        scores = model.predict(moved, [(offer, offer.treatments[0])])[:, 0]
        assert (sign * np.diff(scores) >= -1e-12).all()


def test_features_interact_only_within_their_list(world: Any, rows: Impressions) -> None:
    learning = Learning(learner="lightgbm", interactions=(("number_*",),))
    model = fitted(world, rows, learning)
    names = model.booster.feature_name()

    def used(node: dict[str, Any], above: frozenset[str]) -> list[frozenset[str]]:
        if "split_feature" not in node:
            return [above]
        inside = above | {names[node["split_feature"]]}
        return used(node["left_child"], inside) + used(node["right_child"], inside)

    paths = [
        path for tree in model.booster.dump_model()["tree_info"] for path in used(tree["tree_structure"], frozenset())
    ]
    assert any(paths)
    for path in paths:
        assert len({name.startswith("number_") for name in path}) <= 1


def test_churn_learns_with_the_parameters_of_its_own() -> None:
    world = churn_world(200, 6, 2)
    known = ~np.isnan(world.y)
    names = tuple(world.features.columns)
    fit = learner_of("churn", Learning(parameters={"num_leaves": 2})).fit_churn
    model = fit(
        world.features.take(known), world.y[known], names, Training(), known_at=world.known_at[known], num_threads=1
    )
    assert isinstance(model, ChurnModel)
    assert max(tree["num_leaves"] for tree in model.booster.dump_model()["tree_info"]) == 2


def test_an_unknown_learner_and_one_of_the_other_model_are_refused() -> None:
    with pytest.raises(ModelError, match="no such learner: got 'lightgmb', expected 'lightgbm'"):
        learner_class("lightgmb")
    with pytest.raises(ModelError, match="'logistic' is no learner of churn"):
        learner_of("churn", Learning(learner="logistic"))


@dataclass(frozen=True)
class OneNumber:
    """A learner of churn that says the same of everybody: as small as one can be."""

    @dataclass(frozen=True)
    class Parameters:
        probability: float = 0.5

    models: ClassVar[tuple[str, ...]] = ("churn",)
    parameters: ClassVar[type[Any]] = Parameters

    learning: Learning

    def fit_churn(self, *rows: object, num_threads: int) -> float:
        del rows, num_threads
        return self.parameters(**self.learning.parameters).probability

    @staticmethod
    def to_files(probability: float, folder: Path) -> None:
        write_json(folder, "one_number", {"probability": probability})

    @staticmethod
    def from_files(folder: Path) -> float:
        return float(json.loads((folder / "model.json").read_text())["probability"])


def test_an_installed_package_adds_a_learner(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    point = EntryPoint("one_number", f"{__name__}:OneNumber", learners.GROUP)
    monkeypatch.setattr(learners, "entry_points", lambda group: [point] if group == learners.GROUP else [])
    learner_class.cache_clear()
    assert learner_names("churn") == ("lightgbm", "one_number")
    learner = learner_of("churn", Learning(learner="one_number", parameters={"probability": 0.2}))
    OneNumber.to_files(learner.fit_churn(num_threads=1), tmp_path)
    assert read_model(tmp_path) == 0.2
    learner_class.cache_clear()
