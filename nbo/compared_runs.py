"""Compares two training runs in a table and a picture."""

from __future__ import annotations

from pathlib import Path

from charts.differences import Difference, differences
from domain.errors import DataError, StateError, nearest
from models.run_comparison import PairedDifference, compare_recorded
from models.tracking.differences import differences as settings_that_differ
from models.tracking.run_list import ListedRun
from nbo.display import console, show_table
from nbo.experiments import runs_of
from storage.atomic import replace_text
from wiring.components import Components

_PICTURED = "log_loss"


def show_comparison(components: Components, model: str | None, names: tuple[str, str], picture: Path | None) -> None:
    """Show how much better the second run is than the first, over all rows and by group, with intervals.

    Args:
        components: The bank's components.
        model: `churn` or `propensity`; needed only if a name is one of both.
        names: Names, aliases or ids of runs.
        picture: SVG file for the differences of the log loss.

    Raises:
        DataError: There is no such run, or the two have no rows in common.
        StateError: The predictions of a run are gone, or the picture could not be written.
    """
    runs = runs_of(components, model)
    first, second = (found_run(runs, name) for name in names)
    if first.model != second.model:
        raise DataError("the runs are of different models", got=f"{first.model} and {second.model}", remedy="--model")
    registry = components.models.registry
    one, two = (registry.recorded_of_run(run.run_id) for run in (first, second))
    if one is None or two is None:
        gone = first if one is None else second
        raise StateError(f"the test predictions of {gone.name} are gone", remedy="train it again")
    found = compare_recorded(one, two)
    columns = ("where", "rows", "metric", names[0], names[1], "better by", "low", "high", "")
    show_table(f"{names[1]} against {names[0]} ({first.model}); positive is better", columns, [*map(_cells, found)])
    for sentence in settings_that_differ(second, first):
        console.print(f"  {names[1]}: {sentence}", markup=False)
    if picture is not None:
        title = f"{names[1]} against {names[0]}: {_PICTURED} better by"
        _write(picture, str(differences([_drawn(one) for one in found if one.metric == _PICTURED], title)))


def found_run(runs: list[ListedRun], name: str) -> ListedRun:
    """Return the newest run of a name, alias or id.

    Raises:
        DataError: There is none, or runs of both models have the name.
    """
    found = [run for run in runs if name in (run.name, run.run_id) or name in run.aliases]
    if not found:
        known = {run.name for run in runs} | {alias for run in runs for alias in run.aliases}
        raise DataError("no such run", got=f"'{name}'", expected=nearest(name, known))
    if len({run.model for run in found}) > 1:
        raise DataError(f"there are runs of both models called '{name}'", remedy="--model churn or --model propensity")
    return found[0]


def _cells(one: PairedDifference) -> tuple[object, ...]:
    verdict = "" if not one.is_beyond_noise else "better" if one.better > 0 else "worse"
    return _where(one), one.rows, one.metric, one.first, one.second, one.better, one.low, one.high, verdict


def _where(one: PairedDifference) -> str:
    return one.group if one.grouping == "all" else f"{one.grouping} {one.group}"


def _drawn(one: PairedDifference) -> Difference:
    text = f"{one.better:+.4f} ({one.rows:,} rows)"
    return Difference(label=_where(one), value=one.better, low=one.low, high=one.high, text=text)


def _write(file: Path, text: str) -> None:
    try:
        replace_text(file, text)
    except OSError as error:
        raise StateError(
            f"the picture could not be written to {file}", got=error.strerror or str(error), remedy="another file"
        ) from error
    console.print(str(file), markup=False)
