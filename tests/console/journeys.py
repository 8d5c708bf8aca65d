"""Journey figures for tests of the console."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from journeys.files import JourneyFigures, write_figures
from tests.journeys.build import AS_OF, random_bank

SMALLEST = 2


def write_journeys(folder: Path, **analytics: Any) -> JourneyFigures:
    """Figures of a random bank, in which some cells are too small to be shown."""
    tables = random_bank(4, customers=150, events=9_000, **{"smallest_cell": SMALLEST, **analytics}).figures()
    figures = JourneyFigures(AS_OF, tables, {"referral": "events.yaml has no event type of group referral"})
    write_figures(folder / "journeys", "made", figures)
    return figures
