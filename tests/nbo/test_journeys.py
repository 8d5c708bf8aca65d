"""Journey figures in the terminal."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from domain.errors import DataError, StateError
from journeys.figures import FIGURES
from journeys.files import CURRENT, JourneyFigures, current_key, read_figures, write_figures
from nbo.journeys import WIDTH, show_journeys
from tests.journeys.build import random_bank


@dataclass
class Place:
    journeys: Path


@dataclass
class Bank:
    """What the command needs of a bank's components."""

    places: Place
    folder: Path


@pytest.fixture(scope="module")
def figures() -> JourneyFigures:
    bank = random_bank(4, customers=150, events=10_000, smallest_cell=5)
    tables = bank.figures(buckets=1)
    reasons = {name: FIGURES[name].why_empty(bank.context) for name, table in tables.items() if not len(table)}
    return JourneyFigures(bank.context.as_of, tables, reasons)


@pytest.fixture
def bank(figures: JourneyFigures, tmp_path: Path) -> Any:
    write_figures(tmp_path, "k1", figures)
    return Bank(Place(tmp_path), tmp_path)


@pytest.mark.parametrize("figure", [None, *FIGURES])
def test_tables_fit_a_terminal_of_a_hundred_columns(
    bank: Any, figure: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    show_journeys(bank, figure, 40, as_json=False)
    lines = capsys.readouterr().out.splitlines()
    assert lines
    assert max((len(line) for line in lines if not line.startswith("  ")), default=0) <= WIDTH
    assert "…" not in "".join(lines), "no name is cut"


def test_json_has_every_figure_whole(bank: Any, figures: JourneyFigures, capsys: pytest.CaptureFixture[str]) -> None:
    show_journeys(bank, None, 1, as_json=True)
    shown = json.loads(capsys.readouterr().out)
    assert shown["figures"] == {name: table.to_pylist() for name, table in figures.tables.items()}
    assert shown["empty"] == {"referral": "events.yaml has no event type of group referral"}


def test_an_unknown_figure_is_answered_with_the_nearest(bank: Any) -> None:
    with pytest.raises(DataError, match="no such figure: got 'funel', expected 'funnel'"):
        show_journeys(bank, "funel", 40, as_json=False)


def test_before_the_first_computation_there_is_nothing_to_show(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="there are no journey figures yet"):
        show_journeys(Bank(Place(tmp_path), tmp_path), None, 40, as_json=False)  # type: ignore[arg-type]


def test_new_figures_replace_the_old_ones_and_leave_no_more_than_the_last(bank: Any, figures: JourneyFigures) -> None:
    folder = bank.places.journeys
    for key in ("k2", "k3"):
        write_figures(folder, key, figures)
    assert current_key(folder) == "k3"
    assert sorted(place.name[-2:] for place in folder.iterdir() if place.is_dir()) == ["k2", "k3"]
    assert read_figures(folder) == figures


@pytest.mark.parametrize("damage", ["funnel.parquet", CURRENT])
def test_damaged_figures_are_named_with_the_remedy(bank: Any, damage: str) -> None:
    folder = bank.places.journeys
    [file] = folder.rglob(damage)
    file.write_bytes(b"damaged")
    with pytest.raises(StateError, match=r"the journey figures cannot be read.*remove .* and run `nbo journeys` again"):
        read_figures(folder)


def test_a_missing_file_makes_the_figures_stale(bank: Any) -> None:
    [file] = bank.places.journeys.rglob("retention.parquet")
    file.unlink()
    assert current_key(bank.places.journeys) is None
