"""The what-if of a copy of the demo bank: both sides decide for made-up customers; only the models are formulas."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any

import numpy as np

from config.bank import Bank
from config.proposals.entries import kind_of
from config.proposals.proposed import proposed_bank
from config.reading import load_bank
from decisioning.engine import DecisionContext
from domain.offer import Offer, Treatment
from expressions.types import Array, Category
from features.moments import utc_microseconds
from features.table import FeatureTable
from serving.decider import Decider
from serving.what_if.comparison import Scenario, compare
from serving.what_if.tables import tables_of
from tests.serving.build import AS_OF

CUSTOMERS = 200


class Even:
    """Propensity that is the same for everybody and everything."""

    names = ("age",)

    def predict(
        self, features: FeatureTable, candidates: Sequence[tuple[Offer, Treatment]], *, num_threads: int = 1
    ) -> Array:
        return np.full((len(features), len(candidates)), 0.2)


def even_decider(bank: Bank) -> Decider:
    return Decider(bank, None, Even())  # type: ignore[arg-type]  # decides, and explains nothing


def compared_here(folder: Path, kind: str, name: str, entry: str) -> dict[str, Any]:
    today, changed = load_bank(folder), proposed_bank(folder, kind_of(kind), name, entry)
    sides = even_decider(today), even_decider(changed)
    names = dict.fromkeys(name for side in sides for name in side.features)
    features = _made_up(today, list(names))
    context = DecisionContext(as_of=utc_microseconds(AS_OF), seed=7)
    found = compare(*map(Scenario, sides), features, context=context)
    return tables_of(reduce(add, (comparison for comparison, _ in found)))


def _made_up(bank: Bank, names: Sequence[str]) -> FeatureTable:
    """Customers to whom little is forbidden, and who differ in all else."""
    draws = np.random.default_rng(1)
    schema = {name: bank.features.features[name].type for name in names}
    fixed = {"age": 40.0, "hardship": 0.0, "refuses_automated_decisions": 0.0, "birth_year": 1980.0}
    columns = {}
    for name, kind in schema.items():
        if isinstance(kind, Category):
            columns[name] = draws.integers(len(kind.values), size=CUSTOMERS).astype(float)
        elif name.endswith("_held") or name.startswith("limit_") or "count" in name:
            columns[name] = np.zeros(CUSTOMERS)
        else:
            drawn = draws.integers(2, size=CUSTOMERS) * 1.0
            columns[name] = np.full(CUSTOMERS, fixed[name]) if name in fixed else drawn
    ids = np.array([f"made up {number}" for number in range(CUSTOMERS)], dtype=object)
    return FeatureTable(ids, np.full(CUSTOMERS, utc_microseconds(AS_OF)), columns, schema)
