import numpy as np
import pytest

from domain.errors import DataError
from expressions.types import Category, Number
from features.table import FeatureTable
from models.evaluation.leakage import single_feature_aucs


def table(**columns):
    rows = len(next(iter(columns.values())))
    schema = {name: Category(("a", "b", "c")) if name == "kind" else Number() for name in columns}
    ids = np.array([str(row) for row in range(rows)], dtype=object)
    return FeatureTable(ids, np.full(rows, np.datetime64("2026-01-01", "us")), columns, schema)


Y = np.array([0.0, 0.0, 1.0, 1.0])


def test_a_feature_that_knows_the_answer_stands_first():
    found = single_feature_aucs(table(plain=np.array([1.0, 2, 1, 2]), leak=np.array([5.0, 6, 1, 0])), Y)
    assert list(found.items()) == [("leak", 1.0), ("plain", 0.5)]


def test_being_missing_can_leak_too():
    missing = np.array([1.0, 3.0, np.nan, np.nan])
    assert single_feature_aucs(table(reason=missing), Y)["reason"] == 1.0


def test_categories_count_by_their_share_of_positives():
    assert single_feature_aucs(table(kind=np.array([0.0, 2.0, 1.0, 1.0])), Y)["kind"] == 1.0


def test_answers_that_are_not_known_yet_are_left_out():
    found = single_feature_aucs(table(leak=np.array([1.0, 2, 3, 4])), np.array([0.0, 0.0, 1.0, np.nan]))
    assert found["leak"] == 1.0


def test_many_rows_are_thinned_without_losing_positives():
    random = np.random.default_rng(0)
    y = (random.random(120_000) < 0.05).astype(float)
    found = single_feature_aucs(table(weak=y + 2 * random.normal(size=len(y)), noise=random.random(len(y))), y)
    assert found["weak"] == pytest.approx(0.638, abs=0.01)
    assert found["noise"] == pytest.approx(0.5, abs=0.01)


def test_one_class_has_no_leak_to_find():
    assert single_feature_aucs(table(plain=np.arange(4.0)), np.zeros(4)) == {}


def test_features_of_other_rows_are_refused():
    with pytest.raises(DataError, match="differ in length"):
        single_feature_aucs(table(plain=np.arange(3.0)), Y)
