"""Changed settings of the models, for an experiment, and what is wrong with some."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from config.experiments import changed_models, overlay_changes
from config.problems import ConfigurationErrors
from domain.errors import DataError
from tests.pipelines.small_bank import DEMO, SmallBank


def test_a_setting_is_found_by_its_path_by_the_models_name_or_as_a_parameter() -> None:
    changes = [
        "models.training.folds=5",
        "models.churn.horizon_days=30",
        "models.churn.learner=lightgbm",
        "models.churn.num_leaves=15",
        "models.propensity.monotone={family_view_count_30d: 1}",
        "models.propensity.features=[stage, '*_view_count_30d']",
        "models.learning.propensity.parameters.learning_rate=0.1",
    ]
    models = changed_models(DEMO, changes).models
    assert (models.training.folds, models.churn.horizon_days) == (5, 30)
    assert (models.learning.churn.learner, models.learning.churn.parameters) == ("lightgbm", {"num_leaves": 15})
    assert models.learning.propensity.monotone == {"family_view_count_30d": 1}
    assert models.learning.propensity.features == ("stage", "*_view_count_30d")
    assert models.learning.propensity.parameters == {"learning_rate": 0.1}


def test_another_learner_starts_without_the_parameters_of_the_one_before(tmp_path: Path) -> None:
    bank = SmallBank.write(tmp_path, customers=10, months=2)
    assert changed_models(bank.folder, ["models.propensity.num_leaves=7"]).models.learning.propensity.parameters == {
        **bank.parts.bank.models.learning.propensity.parameters,
        "num_leaves": 7,
    }
    changed = changed_models(bank.folder, ["models.propensity.learner=lightgbm", "models.propensity.num_leaves=7"])
    assert changed.models.learning.propensity.parameters == {"num_leaves": 7}
    same = changed_models(bank.folder, ["models.churn.learner=lightgbm"]).models.learning.churn
    assert same.parameters == bank.parts.bank.models.learning.churn.parameters
    with pytest.raises(ConfigurationErrors, match="unknown key: got 'num_leaves', expected nothing: rates has no"):
        changed_models(bank.folder, ["models.propensity.learner=rates", "models.propensity.num_leaves=7"])


def test_the_banks_own_settings_stay_as_they_are() -> None:
    before = (DEMO / "models.yaml").read_text()
    changed = changed_models(DEMO, ["models.training.folds=5"])
    assert (DEMO / "models.yaml").read_text() == before
    assert changed_models(DEMO, []).models != changed.models


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("models.propensity.num_leafs=31", "unknown key: got 'num_leafs', expected 'num_leaves'"),
        ("models.propensity.num_leaves=1", "num_leaves is out of range: got '1', expected 2 to 4,096"),
        ("models.propensity.num_leaves=many", "wrong value of 'num_leaves'"),
        ("models.propensity.learner=catbost", "no such learner: got 'catbost'"),
        ("models.churn.learner=logistic", "no learner of churn: got 'logistic', expected lightgbm"),
        ("models.propensity.monotone={stage: 1}", "a category has no order: got 'stage'"),
        ("models.propensity.monotone={stge_days: 1}", "the model has no such column: got 'stge_days'"),
        ("models.propensity.monotone={family_held: 2}", "wrong value of 'family_held'"),
        ("models.propensity.features=[family]", "unknown feature: got 'family'"),
        ("models.propensity.topics=[moneey]", "no feature has this topic: got 'moneey', expected 'money'"),
        ("models.propensity.interactions=[[x1]]", "the model has no such column: got 'x1'"),
        ("models.training.fold=3", "unknown key: got 'fold', expected 'folds'"),
    ],
)
def test_a_change_that_is_wrong_is_told_like_a_mistake_in_the_folder(change: str, words: str) -> None:
    with pytest.raises(ConfigurationErrors, match=re.escape(words)):
        changed_models(DEMO, [change])


@pytest.mark.parametrize(
    "change", ["models.training.folds", "folds=3", "models=3", "models..folds=3", "models.gate=[}"]
)
def test_a_change_that_is_none_is_told_with_an_example(change: str) -> None:
    with pytest.raises(DataError, match=r"expected a path below `models` and a value"):
        changed_models(DEMO, [change])


def test_an_overlay_has_only_what_differs(tmp_path: Path) -> None:
    (tmp_path / "models.yaml").write_text(
        "training: {folds: 4, segments: [stage]}\n"
        "learning:\n"
        "  propensity:\n"
        "    parameters: {num_leaves: 31}\n"
        "    monotone: {family_view_count_30d: 1, '*days_since*': -1}\n"
    )
    own, models = changed_models(DEMO, []).models, changed_models(DEMO, overlay_changes(tmp_path)).models
    assert (models.training.folds, models.training.segments) == (4, ("stage",))
    assert models.training.history_days == own.training.history_days
    assert models.learning.propensity.parameters == {"num_leaves": 31}
    assert models.learning.propensity.monotone == {"family_view_count_30d": 1, "*days_since*": -1}
    assert models.churn == own.churn


def test_an_overlay_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not a folder"):
        overlay_changes(tmp_path / "nowhere")
    with pytest.raises(ConfigurationErrors, match="the file is missing"):
        overlay_changes(tmp_path)
    (tmp_path / "offers.yaml").write_text("offers: []\n")
    with pytest.raises(DataError, match=r"changes models\.yaml alone: got \S+offers\.yaml"):
        overlay_changes(tmp_path)
