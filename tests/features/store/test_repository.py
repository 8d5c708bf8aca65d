from pathlib import Path

import pytest

from domain.errors import StateError
from features.store.definitions import JOURNEY_VIEW
from features.store.repository import FeatureRepository
from tests.features.store.build import TYPES, catalogue, repository


def fields(opened: FeatureRepository) -> list[str]:
    return [field.name for field in opened.feature_view(JOURNEY_VIEW).features]


def test_applying_the_same_again_does_nothing(tmp_path: Path) -> None:
    assert repository(tmp_path).apply(catalogue(), {"churn": ["region"]})
    assert not repository(tmp_path).apply(catalogue(), {"churn": ["region"]})


def test_a_feature_that_goes_is_gone_from_the_registry(tmp_path: Path) -> None:
    repository(tmp_path).apply(catalogue(), {})
    fewer = {name: kind for name, kind in TYPES.items() if name != "region"}
    assert repository(tmp_path).apply(catalogue(fewer), {})
    assert "region" not in fields(repository(tmp_path))


def test_a_service_that_goes_is_gone_from_the_registry(tmp_path: Path) -> None:
    repository(tmp_path).apply(catalogue(), {"churn": ["region"]})
    repository(tmp_path).apply(catalogue(), {"propensity": ["region"]})
    opened = repository(tmp_path)
    assert opened.feature_service("propensity").name == "propensity"
    with pytest.raises(StateError, match=r"'churn'.*expected one of all, propensity"):
        opened.feature_service("churn")


def test_a_view_that_was_never_registered_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="not registered"):
        repository(tmp_path).feature_view(JOURNEY_VIEW)


def test_a_repository_that_nobody_holds_has_closed_its_databases(tmp_path: Path) -> None:
    opened = repository(tmp_path)
    opened.apply(catalogue(), {})
    logs = [tmp_path / "feast" / f"{name}.db-wal" for name in ("registry", "online")]
    assert all(log.exists() for log in logs)
    del opened
    # SQLite removes it when the last connection closes
    assert not any(log.exists() for log in logs)


def test_a_name_that_feast_does_not_take_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="alphanumerical"):
        FeatureRepository("my bank", tmp_path, tmp_path)


def test_an_unknown_kind_of_online_store_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="Feast rejects these settings"):
        FeatureRepository("demo", tmp_path, tmp_path, online_store={"type": "drawer"})
