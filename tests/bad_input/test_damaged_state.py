"""Files of the state that something else has written to."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.errors import StateError
from features.store.repository import FeatureRepository


@pytest.mark.parametrize("database", ["online.db", "registry.db"])
def test_a_damaged_database_of_the_feature_store_is_named_with_the_remedy(tmp_path: Path, database: str) -> None:
    (tmp_path / "feast").mkdir()
    damaged = tmp_path / "feast" / database
    damaged.write_bytes(b"garbage" * 500)
    with pytest.raises(StateError, match=rf"{database} is damaged: got file is not a database, .*build features again"):
        FeatureRepository("small", tmp_path / "feast", tmp_path / "parts")
    damaged.unlink()
    FeatureRepository("small", tmp_path / "feast", tmp_path / "parts")
