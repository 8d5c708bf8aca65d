from datetime import timedelta
from pathlib import Path

import pytest

from domain.errors import DataError
from expressions.types import Category, Number
from features.catalogue import FeatureCatalogue
from features.store.definitions import EXACT, Definitions, define
from features.store.parts import COMPUTED_AS_OF
from tests.features.store.build import catalogue, feature


def defined(
    features: FeatureCatalogue, services: dict[str, list[str]] | None = None, maximum_age: timedelta = timedelta(0)
) -> Definitions:
    return define(features, services or {}, parts=Path("parts"), unused=Path("unused"), maximum_age=maximum_age)


def test_every_feature_is_a_field_with_its_words() -> None:
    fields = {field.name: field for field in defined(catalogue()).journey.features}
    assert fields["region"].description == "What region says"
    assert fields["region"].tags == {
        "unit": "events",
        "owner": "customer analytics",
        "topic": "activity",
        "values": "north, south",
    }
    types = {name: str(field.dtype) for name, field in fields.items() if name != COMPUTED_AS_OF}
    assert types == {"activity_count_30d": "Float64", "savings_held": "Bool", "region": "String"}


def test_a_personal_feature_is_marked() -> None:
    personal = FeatureCatalogue({"birth_year": feature("birth_year", Number(), personal=True)}, {}, {})
    assert {field.name: field for field in defined(personal).journey.features}["birth_year"].tags["personal"] == "true"


def test_internal_features_are_left_out() -> None:
    names = [field.name for field in defined(catalogue(internal=["limit_count"])).journey.features]
    assert "limit_count" not in names


def test_there_is_a_service_of_all_features_and_one_for_each_model() -> None:
    services = {service.name: service for service in defined(catalogue(), {"churn": ["region"]}).services}
    assert set(services) == {"all", "churn"}
    assert [field.name for field in services["churn"].feature_view_projections[0].features] == [
        COMPUTED_AS_OF,
        "region",
    ]


def test_a_service_cannot_ask_for_an_unknown_feature() -> None:
    with pytest.raises(DataError, match="'region' \\(did you mean it"):
        defined(catalogue(), {"churn": ["regio"]})


@pytest.mark.parametrize("name", ["as_of", "customer_id", "loyalty_y"])
def test_a_name_that_the_join_would_lose_is_refused(name: str) -> None:
    with pytest.raises(DataError, match="rename the feature"):
        defined(catalogue({name: Number()}))


def test_without_a_maximum_age_time_to_live_is_the_shortest_not_endless() -> None:
    assert defined(catalogue()).journey.ttl == EXACT
    assert defined(catalogue(), maximum_age=timedelta(days=2)).journey.ttl == timedelta(days=2)


def test_the_digest_depends_on_what_is_defined_and_on_nothing_else() -> None:
    first = defined(catalogue()).digest
    assert defined(catalogue()).digest == first
    assert defined(catalogue(), {"churn": ["region"]}).digest != first
    assert defined(catalogue({"region": Category(("east", "west"))})).digest != first
