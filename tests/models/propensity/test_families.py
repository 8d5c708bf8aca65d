from __future__ import annotations

import json

import numpy as np

from domain.offer import Offer, Treatment
from expressions.types import Boolean, Category, ColumnType, Number
from features.catalogue import FeatureCatalogue
from features.definitions import Feature
from models.propensity.families import Families, Pair, families_of, feature_behind

TYPES: dict[str, ColumnType] = {
    "age": Number(),
    "savings_held": Boolean(),
    "app_logins": Number(),
    "web_logins": Number(),
    "preferred": Category(("app", "letter", "web")),
    "segment": Category(("mass", "app")),
}
FEATURES = {
    name: Feature(name=name, type=kind, unit="", description="", topic="", owner="") for name, kind in TYPES.items()
}
CATALOGUE = FeatureCatalogue(
    FEATURES,
    {"held": {"savings": "savings_held"}},
    {},
    channel_families={"logins": {"app": "app_logins", "web": "web_logins"}},
)
SAVINGS = Offer(
    name="savings",
    product="savings",
    description="",
    value="1",
    stages=(),
    treatments=(Treatment(channel="app", message=""), Treatment(channel="web", message="")),
)
COLUMNS = {
    "age": np.array([40.0, 50.0]),
    "savings_held": np.array([1.0, 0.0]),
    "app_logins": np.array([7.0, 0.0]),
    "web_logins": np.array([2.0, 3.0]),
    "preferred": np.array([0.0, np.nan]),
    "segment": np.array([1.0, 0.0]),
}
FAMILIES = families_of(CATALOGUE, tuple(TYPES), [SAVINGS])


def test_columns_are_about_the_candidates_own_product_and_channel() -> None:
    pairs: list[Pair] = [(SAVINGS, "app"), (SAVINGS, "web"), (SAVINGS, None)]
    found = FAMILIES.of_rows({name: values[[0, 0, 1]] for name, values in COLUMNS.items()}, pairs, np.arange(3))
    assert list(found) == ["family_held", "channel_logins", "channel_is_preferred"]
    assert found["family_held"].tolist() == [1.0, 1.0, 0.0]
    np.testing.assert_array_equal(found["channel_logins"], [7.0, 2.0, np.nan])
    np.testing.assert_array_equal(found["channel_is_preferred"], [1.0, 0.0, np.nan])


def test_every_customer_with_every_member_has_what_single_rows_have() -> None:
    found = FAMILIES.columns(COLUMNS, {"product": ["savings"], "channel": ["web", "app"]})
    np.testing.assert_array_equal(found["channel_logins"], [[2.0, 7.0], [3.0, 0.0]])
    np.testing.assert_array_equal(found["channel_is_preferred"], [[0.0, 1.0], [np.nan, np.nan]])


def test_a_category_that_shares_one_value_by_chance_names_no_channel() -> None:
    assert set(FAMILIES.matches["channel"]) == {"preferred"}


def test_templates_without_a_feature_that_the_model_sees_are_left_out() -> None:
    assert families_of(CATALOGUE, ("age", "web_logins"), [SAVINGS]).names == ("channel_logins",)
    assert FAMILIES.features == {"savings_held", "app_logins", "web_logins"}


def test_families_survive_json_and_those_of_former_files_are_of_products() -> None:
    again = Families.from_json(json.loads(json.dumps(FAMILIES.to_json())))
    assert again.names == FAMILIES.names
    assert again.matches == FAMILIES.matches
    assert Families.from_json({"held": {"savings": "savings_held"}}).names == ("family_held",)


def test_a_reason_names_the_feature_behind_a_column() -> None:
    for column, feature in (
        ("family_held", "savings_held"),
        ("channel_logins", "web_logins"),
        ("channel_is_preferred", "preferred"),
        ("age", "age"),
        ("offer", "offer"),
    ):
        assert feature_behind(CATALOGUE, column, (SAVINGS, "web")) == feature
