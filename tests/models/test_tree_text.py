"""Texts of LightGBM that were cut off, damaged, or made to do harm: refused before the library gets them."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import ModelError
from models.boosting import (
    Boosting,
    TreeColumns,
    TreeRows,
    booster_from_text,
    booster_to_text,
    fit_booster,
    raw_scores,
    scaled,
)
from models.tree_parameters import TreeParameters
from models.tree_text import expect_trees

NAMES = ("a", "b with a space", "kind")


def grown(trees):
    draws = np.random.default_rng(7)
    matrix = draws.random((4_000, 3))
    matrix[:, 2] = draws.integers(0, 40, 4_000)
    matrix[::7, 0] = np.nan
    y = ((matrix[:, 1] > 0.5) ^ (matrix[:, 2] % 3 == 0)).astype(float)
    boosting = Boosting(trees=TreeParameters(num_leaves=12))
    rows = TreeRows(matrix, y, TreeColumns(NAMES, ("kind",)), boosting, num_threads=1)
    return fit_booster(rows, np.zeros(len(y)), trees), matrix


BOOSTER, MATRIX = grown(12)
TEXT = booster_to_text(BOOSTER)


def sized(text):
    """The text with the sizes that its trees have now."""
    blocks = re.split(r"(?=^Tree=\d+$)", text.partition("end of trees")[0], flags=re.MULTILINE)[1:]
    sizes = " ".join(str(len(block.encode())) for block in blocks)
    return re.sub(r"^tree_sizes=.*$", f"tree_sizes={sizes}", text, count=1, flags=re.MULTILINE)


def changed(name, to, count=1):
    """The text with another value of a line, of the right sizes."""
    return sized(re.sub(rf"^{name}=.*$", lambda _: f"{name}={to}", TEXT, count=count, flags=re.MULTILINE))


def first(name):
    found = re.search(rf"^{name}=(.*)$", TEXT, flags=re.MULTILINE)
    assert found is not None
    return found[1].split(" ")


def test_what_lightgbm_wrote_is_read_as_it_was():
    assert re.search(r"^cat_threshold=", TEXT, flags=re.MULTILINE)
    again = booster_from_text(sized(TEXT))
    assert booster_to_text(again) == TEXT
    assert np.array_equal(raw_scores(again, MATRIX, 1), raw_scores(BOOSTER, MATRIX, 1))


def test_a_model_that_learnt_nothing_is_read():
    draws = np.random.default_rng(7)
    matrix, y = draws.random((30, 3)), np.array([0.0, 1.0] * 15)
    rows = TreeRows(matrix, y, TreeColumns(NAMES, ()), Boosting(), num_threads=1)
    booster = fit_booster(rows, np.zeros(len(y)), 0)
    expect_trees(booster_to_text(booster))
    assert raw_scores(booster, matrix, 1).tolist() == [0.0] * 30


def test_joined_trees_score_the_average_and_scaled_ones_their_share():
    y, start = (MATRIX[:, 1] > 0.5).astype(float), np.zeros(len(MATRIX))

    def rows(seed: int) -> TreeRows:
        return TreeRows(MATRIX, y, TreeColumns(NAMES, ("kind",)), Boosting(seed=seed), num_threads=1)

    single = [fit_booster(rows(7 + n), start, 5) for n in range(3)]
    joined = fit_booster(rows(7), start, 5, fits=3)
    assert joined.num_trees() == 15
    average = np.mean([raw_scores(one, MATRIX, 1) for one in single], axis=0)
    np.testing.assert_allclose(raw_scores(joined, MATRIX, 1), average, atol=1e-12)
    np.testing.assert_allclose(raw_scores(scaled(joined, 0.25), MATRIX, 1), 0.25 * average, atol=1e-12)


@pytest.mark.parametrize(
    ("name", "to"),
    [
        ("tree_sizes", "1000000000"),
        ("tree_sizes", "-1"),
        ("tree_sizes", ""),
        ("max_feature_idx", "2147483647"),
        ("max_feature_idx", "0"),
        ("num_class", "3"),
        ("num_tree_per_iteration", "1000"),
        ("objective", "lambdarank"),
        ("feature_names", "a"),
    ],
)
def test_a_header_that_lies_is_refused(name, to):
    with pytest.raises(ModelError, match="cannot be read"):
        booster_from_text(re.sub(rf"^{name}=.*$", f"{name}={to}", TEXT, count=1, flags=re.MULTILINE))


@pytest.mark.parametrize(
    ("name", "to"),
    [
        ("num_leaves", "2000000000"),
        ("num_leaves", "0"),
        ("num_leaves", "-5"),
        ("num_leaves", "1e9"),
        ("num_cat", "1000000"),
        ("is_linear", "1"),
        ("shrinkage", "nan"),
    ],
)
def test_a_tree_that_lies_is_refused(name, to):
    with pytest.raises(ModelError, match="cannot be read"):
        booster_from_text(changed(name, to))


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        *(("left_child", bad) for bad in ("0", "99999", "-99999", "1")),
        *(("right_child", bad) for bad in ("0", "99999", "-99999", "2147483648")),
        *(("split_feature", bad) for bad in ("-1", "3", "4294967296")),
        *(("threshold", bad) for bad in ("nan", "infinity", "0x10", "1_0", "", "٣")),
        *(("leaf_value", bad) for bad in ("nan", "-inf", "")),
        *(("decision_type", bad) for bad in ("-1", "256", "1")),
        *(("leaf_count", bad) for bad in ("-1", "99999999999")),
    ],
)
def test_a_number_out_of_its_bounds_is_refused(name, bad):
    values = first(name)
    for place in (0, len(values) // 2, len(values) - 1):
        if values[place] != bad:
            with pytest.raises(ModelError, match="cannot be read"):
                booster_from_text(changed(name, " ".join([*values[:place], bad, *values[place + 1 :]])))


@pytest.mark.parametrize(
    ("name", "to"), [("cat_boundaries", "0 999999"), ("cat_threshold", "1"), ("cat_boundaries", "")]
)
def test_categories_that_lie_are_refused(name, to):
    with pytest.raises(ModelError, match="cannot be read"):
        booster_from_text(changed(name, to))


@given(st.integers(0, TEXT.index("end of trees") + len("end of trees")))
def test_a_text_that_is_cut_off_is_refused(length):
    with pytest.raises(ModelError, match="cannot be read"):
        expect_trees(TEXT[:length])


@given(st.integers(0, TEXT.index("end of trees")), st.integers(1, 60), st.text("0123456789-=. \nenaif", max_size=9))
def test_whatever_is_overwritten_lightgbm_reads_what_is_left_or_never_gets_it(place, length, instead):
    text = TEXT[:place] + instead + TEXT[place + length :]
    for tried in (text, sized(text)):
        try:
            booster = booster_from_text(tried)
        except ModelError:
            continue
        assert len(raw_scores(booster, MATRIX, 1)) == len(MATRIX)
