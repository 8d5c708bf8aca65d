"""Files of figures: daily responses, runs of the bank, effects and trials, and the results of the last run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from domain.errors import StateError
from serving.figures.daily_responses import SCHEMA
from storage.atomic import replace_text, replacing
from storage.versions import FileVersion, version_of

if TYPE_CHECKING:  # who reads figures need not import what counts them
    from serving.figures.calibration import CalibrationRow
    from serving.figures.head_to_head import HeadToHeadRow
    from serving.figures.offer_counts import OfferRow
    from serving.figures.reach import ReachCounts

DAILY_RESPONSES: Final = "daily_responses.parquet"
RUNS: Final = "runs.json"
OFFERS: Final = "offers.json"
EFFECTS: Final = "effects.json"
TRIALS: Final = "trials.json"
MOST_RUNS: Final = 1_000
_UNTIL: Final = b"until"


def write_daily_responses(folder: Path, table: pa.Table, until: datetime) -> None:
    """Write daily responses and the moment up to which they are complete."""
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(folder / DAILY_RESPONSES) as beside:
        pq.write_table(table.replace_schema_metadata({_UNTIL: until.isoformat().encode()}), beside)


def read_daily_responses(folder: Path) -> tuple[pa.Table, datetime | None]:
    """Read daily responses and the moment up to which they are complete; an empty table and None before the first run.

    Raises:
        StateError: The file is damaged.
    """
    file = folder / DAILY_RESPONSES
    try:
        return _daily_responses(file, version_of(file))
    except FileNotFoundError:
        return SCHEMA.empty_table(), None
    except (OSError, ValueError) as error:
        raise StateError(
            "the daily responses cannot be read", got=type(error).__name__, remedy=f"remove {file} and decide again"
        ) from error


@lru_cache(maxsize=2)
def _daily_responses(file: Path, version: FileVersion) -> tuple[pa.Table, datetime | None]:
    """Read a version of the file once: many pages show it."""
    table = pq.read_table(file)
    until = (table.schema.metadata or {}).get(_UNTIL)
    moment = None if until is None else datetime.fromisoformat(until.decode())
    return table.cast(SCHEMA), moment


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferFigures:
    """What the last run says about offers; empty before the first one.

    Attributes:
        as_of: Moment of the run, as ISO 8601.
        offers: Who is ranked and wins, and which rules keep each away.
        head_to_head: Which offer wins where two meet.
        reach: Who gets nothing, and what loosening a rule would bring; None if nobody was decided for.
        calibration: Propensities beside acceptances.
    """

    as_of: str | None = None
    offers: Sequence[OfferRow] = ()
    head_to_head: Sequence[HeadToHeadRow] = ()
    reach: ReachCounts | None = None
    calibration: Sequence[CalibrationRow] = ()


def write_offers(folder: Path, figures: OfferFigures) -> None:
    """Write what a run says about offers."""
    folder.mkdir(parents=True, exist_ok=True)
    replace_text(folder / OFFERS, json.dumps(asdict(figures), indent=1))


def read_offers(folder: Path) -> OfferFigures:
    """Return what the last run says about offers; a file of an earlier version lacks some of it.

    Raises:
        StateError: The file is damaged.
    """
    return OfferFigures(**_json(folder / OFFERS, {}))


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFigures:
    """What a batch run decided by, and how much.

    Attributes:
        folder: Name of its folder.
        as_of: Its moment, as ISO 8601 in the bank's time zone.
        versions: Versions of the bank's folder, its policy and its models.
        customers: Number of customers.
        decisions: Number of decisions.
        share_with_offer: Share of the decisions that offer something.
        expected_value: Mean of the best offers' propensity x value.
    """

    folder: str
    as_of: str
    versions: Mapping[str, str]
    customers: int | None = None
    decisions: int | None = None
    share_with_offer: float | None = None
    expected_value: float | None = None

    @property
    def day(self) -> date:
        """Local day of its moment."""
        return datetime.fromisoformat(self.as_of).date()


def add_run(folder: Path, run: RunFigures) -> None:
    """Add a run to the list of runs; one of the same folder replaces it."""
    folder.mkdir(parents=True, exist_ok=True)
    others = [one for one in read_runs(folder) if one.folder != run.folder]
    kept = sorted([*others, run], key=lambda one: one.as_of)[-MOST_RUNS:]
    replace_text(folder / RUNS, json.dumps([asdict(one) for one in kept], indent=1))


def read_runs(folder: Path) -> list[RunFigures]:
    """Return the runs of the bank, oldest first.

    Raises:
        StateError: The file is damaged.
    """
    return [RunFigures(**one) for one in _json(folder / RUNS, [])]


def write_effects(folder: Path, effects: Mapping[str, Any]) -> None:
    """Write what `serving.effects.Effects.to_json` returns."""
    _write(folder, EFFECTS, effects)


def read_effects(folder: Path) -> dict[str, Any]:
    """Return the effects as of the last run, None for what is unknown; empty if none were measured.

    Raises:
        StateError: The file is damaged.
    """
    return dict(_json(folder / EFFECTS, {}))


def write_trials(folder: Path, as_of: datetime, trials: Sequence[Mapping[str, Any]]) -> None:
    """Write what `serving.trial_results.TrialReport.to_json` returns for each trial."""
    _write(folder, TRIALS, {"as_of": as_of.isoformat(), "trials": trials})


def read_trials(folder: Path) -> dict[str, Any]:
    """Return `as_of` and `trials` as of the last run, None for what is unknown; empty before it.

    Raises:
        StateError: The file is damaged.
    """
    return dict(_json(folder / TRIALS, {}))


def read_last_run(file: Path) -> dict[str, Any]:
    """Return the stored result of each flow's last run; empty before the first one.

    Raises:
        StateError: The file is damaged.
    """
    return dict(_json(file, {}))


def _write(folder: Path, name: str, content: Mapping[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    # what is unknown is null there: JSON has no NaN
    replace_text(folder / name, orjson.dumps(content, option=orjson.OPT_INDENT_2).decode())


def _json(file: Path, otherwise: Any) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return otherwise
    except ValueError as error:
        raise StateError(
            "the stored results of earlier runs are damaged",
            got=str(error),
            remedy=f"remove {file} and run again; nothing else is lost",
        ) from error
