import numpy as np
import pytest

from models.evaluation.evaluation import evaluate
from models.evaluation.pictures import draw_all, draw_importance
from tests.models.evaluation.worlds import judged_world

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def evaluation():
    return evaluate(judged_world(rows=600), replicates=20)


def test_the_same_model_gives_the_same_bytes(evaluation):
    importance = (np.random.default_rng(1).normal(size=(50, 30)), [f"feature_{number}" for number in range(30)])
    first, second = (draw_all(evaluation, importance, "demo churn") for _ in range(2))
    assert first == second
    assert set(first) == {
        "reliability.png", "gain.png", "auc_over_time.png", "brier_skill_over_time.png", "importance.png"
    }  # fmt: skip
    assert all(content.startswith(PNG) for content in first.values())
    assert all(b"matplotlib" not in content.lower() for content in first.values())


def test_without_shap_values_there_is_no_picture_of_importance(evaluation):
    assert "importance.png" not in draw_all(evaluation, None, "demo churn")


def test_one_feature_is_enough_for_a_picture():
    assert draw_importance(np.ones((3, 1)), ["balance"], "one").startswith(PNG)


def test_one_class_can_still_be_drawn():
    held_out = judged_world(rows=60).take(np.arange(20))
    held_out = type(held_out)(
        fold=held_out.fold, customer_ids=held_out.customer_ids, as_of=held_out.as_of, y=np.zeros(20),
        scores=held_out.scores, groups=held_out.groups,
    )  # fmt: skip
    assert len(draw_all(evaluate(held_out, replicates=3), None, "nothing")) == 4
