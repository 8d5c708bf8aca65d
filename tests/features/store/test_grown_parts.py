"""Parts that grow by rows have the same bytes as parts that are written at once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from domain.errors import StateError
from expressions.types import Category, Number
from features.state import States
from features.store.parts import FeatureParts
from features.store.periods import StoredPeriod
from features.store.state_files import StateFiles
from features.table import FeatureTable

SCHEMA = {"visits": Number(), "region": Category(("north", "south"))}
WHOLE = FeatureTable(
    np.array(["b", "a", "c", "b"], dtype=object),
    np.array(["2026-01-01", "2026-01-02", "2026-01-02", "2026-01-05"], "datetime64[us]"),
    {"visits": np.array([1.0, np.nan, 3.0, 4.0]), "region": np.array([1.0, 0.0, np.nan, np.nan])},
    SCHEMA,
)


@pytest.mark.parametrize("first", [[0, 1, 2], [0, 3], [2], [0, 1, 2, 3]])
def test_a_part_that_grew_is_the_one_that_was_written_at_once(tmp_path: Path, first: list[int]) -> None:
    once, grown = FeatureParts(tmp_path / "once", SCHEMA), FeatureParts(tmp_path / "grown", SCHEMA)
    once.write("part", WHOLE, "all")
    grown.write("part", WHOLE.take(np.array(first)), "some")
    kept = grown.read("part", "some")
    rest = np.array([row for row in range(4) if row not in first], dtype=np.int64)
    grown.write("part", WHOLE.take(rest), "all", kept)
    assert (grown.folder / "part.parquet").read_bytes() == (once.folder / "part.parquet").read_bytes()


def test_a_part_of_another_fingerprint_or_of_other_features_is_not_read(tmp_path: Path) -> None:
    parts = FeatureParts(tmp_path, SCHEMA)
    parts.write("part", WHOLE, "this")
    assert parts.read("part", "another") is None
    assert parts.read("none", "this") is None
    assert FeatureParts(tmp_path, {"visits": Number()}).read("part", "this") is None
    (tmp_path / "part.parquet").write_bytes(b"not what it was")
    with pytest.raises(StateError, match="cannot be read"):
        parts.read("part", "this")


def test_states_tell_whose_they_are(tmp_path: Path) -> None:
    files, names = StateFiles(tmp_path), ["b", "a"]
    matrix = np.arange(6).reshape(2, 3)
    files.write("part", States(np.array(names, dtype=object), matrix, 7, "layout"), {})
    assert files.customers("part") == names
    assert files.read("part").matrix.tolist() == matrix.tolist()
    with pytest.raises(StateError, match="cannot be read"):
        files.customers("none")


def test_a_quarter_is_over_from_the_first_moment_of_the_next_on() -> None:
    quarter = StoredPeriod(first=12 * 56, months=3)
    begin = int(np.datetime64("2026-04-01", "us").astype(np.int64))
    assert (quarter.is_over_before(begin - 1), quarter.is_over_before(begin)) == (False, True)
