"""What the walk over everybody needs besides models; with them it is tested in the whole loop."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from config.reading import load_bank
from domain.errors import DataError, StateError
from events.vocabulary import Property
from pipelines.what_if import protected_features, simulate_policy
from pipelines.what_if_page import MOVED, ChangedDecisionsFile
from tests.pipelines.csv_bank import CsvBank, logins
from tests.pipelines.small_bank import DEMO

ROW = pa.table({"customer_id": ["c1"], "was": ["loan"], "is": ["card"]})


def test_the_file_of_moved_offers_appears_whole(tmp_path: Path) -> None:
    with ChangedDecisionsFile(tmp_path / "new") as file:
        file.write(ROW)
        file.write(ROW)
        assert not (tmp_path / "new" / MOVED).exists()
    assert pq.read_table(tmp_path / "new" / MOVED).num_rows == 2
    assert [path.name for path in (tmp_path / "new").iterdir()] == [MOVED]


def test_or_not_at_all(tmp_path: Path) -> None:
    def broken_off() -> None:
        with ChangedDecisionsFile(tmp_path / "new") as file:
            file.write(ROW)
            raise DataError("in the middle")

    with pytest.raises(DataError, match="in the middle"):
        broken_off()
    assert list((tmp_path / "new").iterdir()) == []


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(DataError, match="is not empty"):
        ChangedDecisionsFile(tmp_path)


def test_a_place_that_is_no_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(StateError, match="could not be written"):
        ChangedDecisionsFile(tmp_path / "mine.txt")


def test_groups_are_compared_by_what_is_protected_and_by_age() -> None:
    bank = load_bank(DEMO)
    assert protected_features(bank) == ("age",)
    attributes = {**bank.vocabulary.attributes, "region": Property(values=("north", "south"), protected=True)}
    marked = dataclasses.replace(bank, vocabulary=dataclasses.replace(bank.vocabulary, attributes=attributes))
    assert protected_features(marked) == ("region", "age")


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"segments": ["regoin"]}, r"'region' \(did you mean it\?\)"),
        ({"segments": ["limit_weekly_app_7d"]}, "no such feature to group customers by"),
        ({"segments": ["birth_year"]}, "a number cannot be grouped: got 'birth_year'"),
        ({"sample": 0}, "a sample needs customers: got 0, expected at least 1"),
    ],
)
def test_what_cannot_be_simulated_is_an_error_before_anything_is_decided(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: dict[str, object], message: str
) -> None:
    bank = CsvBank(tmp_path, monkeypatch)
    bank.deliver(logins(3, every_days=10))
    from pipelines.importing import import_events

    import_events(str(bank.folder))
    change = tmp_path / "change.yaml"
    change.write_text("{}")
    with pytest.raises(DataError, match=message):
        simulate_policy(bank.parts, change, **asked)  # type: ignore[arg-type]
