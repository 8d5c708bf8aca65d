from __future__ import annotations

import json

import numpy as np

from expressions.types import Boolean, Category, ColumnType, Number
from models.encoding import Encoding, fit_encoding

SCHEMA: dict[str, ColumnType] = {"amount": Number(), "held": Boolean(), "region": Category(("north", "south"))}
COLUMNS = {
    "amount": np.array([1.0, 10.0, 1e9, np.nan, 5.0, 3.0]),
    "held": np.array([0.0, 1.0, 0.0, np.nan, 1.0, 0.0]),
    "region": np.array([0.0, 1.0, 1.0, 0.0, np.nan, 1.0]),
}


def test_columns_are_standardised_and_have_no_gaps() -> None:
    matrix = fit_encoding(COLUMNS, SCHEMA, tuple(SCHEMA)).matrix(COLUMNS)
    assert np.isfinite(matrix).all()
    np.testing.assert_allclose(matrix.mean(axis=0), 0.0, atol=1e-12)
    np.testing.assert_allclose(matrix.std(axis=0), 1.0, atol=1e-12)


def test_an_enormous_amount_is_a_few_units_away() -> None:
    encoding = fit_encoding(COLUMNS, SCHEMA, ("amount",))
    assert np.abs(encoding.matrix(COLUMNS)).max() < 5


def test_what_never_varies_is_left_out() -> None:
    columns = {"amount": np.full(4, 7.0), "held": np.full(4, np.nan), "region": np.array([0.0, 0.0, 1.0, 0.0])}
    assert set(fit_encoding(columns, SCHEMA, tuple(SCHEMA)).features) == {"region"}


def test_a_row_is_encoded_alike_alone_and_among_others() -> None:
    encoding = fit_encoding(COLUMNS, SCHEMA, tuple(SCHEMA))
    alone = {name: values[2:3] for name, values in COLUMNS.items()}
    assert np.array_equal(encoding.matrix(alone)[0], encoding.matrix(COLUMNS)[2])


def test_an_encoding_survives_json() -> None:
    encoding = fit_encoding(COLUMNS, SCHEMA, tuple(SCHEMA))
    again = Encoding.from_json(json.loads(json.dumps(encoding.to_json())))
    assert np.array_equal(again.matrix(COLUMNS), encoding.matrix(COLUMNS))


def test_a_limit_bounds_every_column_however_far_a_value_is() -> None:
    columns = {"amount": np.append(np.random.default_rng(1).normal(size=999), 1.0)}
    encoding = fit_encoding(columns, {"amount": Number()}, ["amount"]).limited(3.0)
    far = encoding.matrix({"amount": np.array([1e308, -1e308, 0.0, np.nan])})
    assert np.abs(far).max() == 3.0
    again = Encoding.from_json(json.loads(json.dumps(encoding.to_json())))
    assert np.array_equal(again.matrix(columns), encoding.matrix(columns))


def test_of_a_category_with_thousands_of_values_the_frequent_ones_get_a_column() -> None:
    codes = np.concatenate([np.repeat(np.arange(60.0), 50), np.arange(60.0, 2060.0)])
    schema = {"merchant": Category(tuple(f"m{code}" for code in range(2060)))}
    encoding = fit_encoding({"merchant": codes}, schema, ["merchant"])
    assert len(encoding) == 40
    assert encoding.codes.max() < 60
