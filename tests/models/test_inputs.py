from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from domain.errors import DataError, ModelError
from expressions.types import Boolean, Category, ColumnType, Number
from features.catalogue import FeatureCatalogue
from features.table import FeatureTable
from models.inputs import check_schema, model_inputs, schema_from_json, schema_to_json
from tests.models.synthetic import catalogue_of

SCHEMA: dict[str, ColumnType] = {"age": Number(), "held": Boolean(), "region": Category(("north", "south"))}


def table(schema: dict[str, ColumnType]) -> FeatureTable:
    columns = {name: np.zeros(1) for name in schema}
    return FeatureTable(np.array(["c1"], dtype=object), np.zeros(1, "datetime64[us]"), columns, schema)


def test_models_see_neither_personal_nor_internal_nor_excluded_features() -> None:
    features = dict(catalogue_of({**SCHEMA, "contacts": Number(), "name": Number()}).features)
    features["contacts"] = dataclasses.replace(features["contacts"], internal=True)
    features["name"] = dataclasses.replace(features["name"], personal=True)
    catalogue = FeatureCatalogue(features, {}, {})
    assert model_inputs(catalogue, ["held"]) == ("age", "region")


def test_excluding_what_does_not_exist_is_refused_with_the_nearest() -> None:
    with pytest.raises(DataError, match="'region' \\(did you mean it"):
        model_inputs(catalogue_of(SCHEMA), ["regoin"])


def test_more_features_than_needed_are_no_harm() -> None:
    check_schema({"age": Number()}, table(SCHEMA))


def test_a_missing_feature_and_another_type_are_refused() -> None:
    with pytest.raises(ModelError, match="no 'income'"):
        check_schema({"income": Number()}, table(SCHEMA))
    with pytest.raises(ModelError, match="'region' has another type"):
        check_schema({"region": Category(("south", "north"))}, table(SCHEMA))


def test_a_schema_survives_json_in_its_order() -> None:
    assert list(schema_from_json(schema_to_json(SCHEMA)).items()) == list(SCHEMA.items())


def test_an_unknown_type_is_refused() -> None:
    with pytest.raises(ModelError, match="unknown type of a feature"):
        schema_from_json([{"name": "x", "type": "text"}])
