"""Files of journey figures: a Parquet file per figure, in a folder per computation, and the one that is current."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from domain.errors import DataError, StateError, nearest
from journeys.figure import NOTE
from journeys.figures import FIGURES
from storage.atomic import replace_text
from storage.parquet import replace_parquet
from storage.versions import FileVersion, version_of

CURRENT: Final = "current.json"


@dataclass(frozen=True, slots=True)
class JourneyFigures:
    """The journey figures of a bank as of a moment.

    Attributes:
        as_of: Local midnight up to which events count.
        tables: By name; columns as in `journeys.figures.FIGURES`, and `note`.
        reasons: For each empty figure, why it is.
    """

    as_of: datetime
    tables: Mapping[str, pa.Table]
    reasons: Mapping[str, str]

    def table(self, name: str) -> pa.Table:
        """Return one figure.

        Raises:
            DataError: There is no such figure.
        """
        if name not in self.tables:
            raise DataError("no such figure", got=f"'{name}'", expected=nearest(name, self.tables))
        return self.tables[name]


def write_figures(folder: Path, key: str, figures: JourneyFigures) -> None:
    """Write the figures, make them current in one step, and remove those before the last.

    Args:
        folder: Folder of the bank's journey figures.
        key: Digest of everything that they were made from.
        figures: The figures.
    """
    name = f"{figures.as_of:%Y-%m-%d}-{key}"
    for figure, table in figures.tables.items():
        replace_parquet(folder / name / f"{figure}.parquet", table)
    content = {"folder": name, "key": key, "as_of": figures.as_of.isoformat(), "reasons": dict(figures.reasons)}
    earlier = _current(folder)
    replace_text(folder / CURRENT, json.dumps(content, indent=1))
    # a reader may still be in the one before
    kept = {name, "counts", None if earlier is None else earlier["folder"]}
    for old in folder.iterdir():
        if old.is_dir() and old.name not in kept:
            shutil.rmtree(old, ignore_errors=True)


def current_key(folder: Path) -> str | None:
    """Return the key of the current figures; None if there are none or a file is missing."""
    found = _current(folder)
    if found is None or not all((folder / found["folder"] / f"{name}.parquet").exists() for name in FIGURES):
        return None
    key: str = found["key"]
    return key


def read_figures(folder: Path) -> JourneyFigures | None:
    """Read the current figures; None before the first computation.

    Raises:
        StateError: A file is missing or damaged.
    """
    found = _current(folder)
    if found is None:
        return None
    files = [folder / found["folder"] / f"{name}.parquet" for name in FIGURES]
    try:
        tables = {file.stem: _table(file, version_of(file)) for file in files}
    except (OSError, pa.ArrowInvalid) as error:
        raise _damaged(folder, error) from error
    for name, figure in FIGURES.items():
        if tables[name].column_names != [*figure.schema, NOTE]:
            raise _damaged(folder, f"{name} has other columns")
    return JourneyFigures(datetime.fromisoformat(found["as_of"]), tables, found["reasons"])


@lru_cache(maxsize=2 * len(FIGURES))
def _table(file: Path, version: FileVersion) -> pa.Table:
    """Read a version of a file once: many pages show it."""
    return pq.read_table(file)


def _current(folder: Path) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads((folder / CURRENT).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise _damaged(folder, error) from error
    return found


def _damaged(folder: Path, why: object) -> StateError:
    return StateError(
        "the journey figures cannot be read", got=str(why), remedy=f"remove {folder} and run `nbo journeys` again"
    )
