"""The demo bank's folder, and small banks simulated from it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from pydantic import TypeAdapter
from ruamel.yaml import YAML

from domain.offer import Offer
from events.mapping import Source
from events.vocabulary import Vocabulary
from simulation.settings import Simulation
from simulation.simulate import Progress, simulate
from simulation.truth import SimulationReport

FOLDER = Path(__file__).parents[2] / "banks" / "demo"
ZONE = ZoneInfo("Europe/Amsterdam")


def _read(file: str, kind: object) -> object:
    return TypeAdapter(kind).validate_python(YAML(typ="safe").load(FOLDER / file))


def no_progress(done: int, total: int, what: str) -> None:
    """Report nothing."""


@dataclass(frozen=True)
class DemoBank:
    offers: tuple[Offer, ...]
    vocabulary: Vocabulary
    sources: tuple[Source, ...]

    @classmethod
    def read(cls) -> DemoBank:
        return cls(
            _read("offers.yaml", tuple[Offer, ...]),
            _read("events.yaml", Vocabulary),
            _read("sources.yaml", tuple[Source, ...]),
        )

    def simulate(self, folder: Path, progress: Progress = no_progress, **settings: int) -> SimulationReport:
        chosen = Simulation(**({"customers": 300, "months": 6} | settings))
        return simulate(chosen, self.offers, self.vocabulary, ZONE, folder, progress)


@dataclass(frozen=True)
class Simulated:
    bank: DemoBank
    folder: Path
    report: SimulationReport

    def truth(self, name: str) -> pa.Table:
        return pq.read_table(self.folder / "truth" / f"{name}.parquet")

    def files(self, source: str) -> list[Path]:
        return sorted((self.folder / source).iterdir())

    def rows(self, source: str, *, again: bool = False) -> pa.Table:
        """Return all rows of a source; those of the second delivery only if requested."""
        return pa.concat_tables([_table(file) for file in self.files(source) if again or "again" not in file.name])


def _table(file: Path) -> pa.Table:
    if file.suffix == ".parquet":
        return pq.read_table(file)
    if file.suffix == ".jsonl":
        return pa.Table.from_pylist([json.loads(line) for line in file.read_text().splitlines()])
    text = pa_csv.ConvertOptions(
        column_types=dict.fromkeys(
            ("time", "valid_from", "customer", "product", "channel", "risk_tolerance"), pa.string()
        )
        | {"score": pa.float64()},
        strings_can_be_null=True,
    )
    delimiter = ";" if file.name.endswith(".gz") else ","
    return pa_csv.read_csv(file, parse_options=pa_csv.ParseOptions(delimiter=delimiter), convert_options=text)
