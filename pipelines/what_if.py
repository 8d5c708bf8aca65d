"""Simulation of a policy change: decisions of all customers or a sample, with and without it, each at its prices."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import reduce
from operator import add
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from config.bank import Bank
from config.changes import changed_bank
from decisioning.budgets.period import batch_capacities
from decisioning.engine import DecisionContext
from decisioning.plan.sharing import batch_prices
from decisioning.policies.draws import hashes_of, mixed
from decisioning.reporting.groups import YEARS, groupings_of
from domain.errors import DataError, nearest
from expressions.types import Number
from features.bucket.current import MidnightFeatures
from features.bucket.rows import customers_in
from features.bucket.work import part_name
from features.compute import compute_features
from features.moments import Moments
from features.table import FeatureTable
from pipelines.planning import SEARCH
from pipelines.steps import StepResult
from pipelines.what_if_page import ChangedDecisionsFile, what_if_page
from serving.batch.option_files import OptionFiles
from serving.batch.part import write_contact_options
from serving.decider import Decider
from serving.service.deciding import SEED
from serving.what_if.comparison import Comparison, Scenario, compare
from serving.what_if.tables import beside, tables_of
from storage.atomic import replace_text
from wiring.components import Components
from wiring.progress import progress_of

BucketFeatures = Callable[[int], Sequence[FeatureTable] | None]
"""Returns the features of a bucket's customers for each side; None if the bucket has none."""


def prices_of_sides(
    deciders: Sequence[Decider], features_of: BucketFeatures, buckets: int, as_of: datetime, share: float
) -> list[dict[str, float]]:
    """Find the budget prices of each side from the contact options of all compared customers.

    Args:
        deciders: The decider of each side.
        features_of: Features of the compared customers of a bucket.
        buckets: Number of buckets.
        as_of: The moment decided for.
        share: Compared customers as a share of all; they get the same share of each budget.

    Returns:
        Prices by budget for each side; empty for a side without budgets or outbound channels.
    """
    priced = [bool(decider.policy.budgets and decider.policy.outbound) for decider in deciders]
    if not any(priced):
        return [{} for _ in deciders]
    with TemporaryDirectory(prefix="nbo-what-if-") as place, progress_of("what could be sent") as progress:
        folders = [Path(place) / str(side) for side in range(len(deciders))]
        names: list[str] = []
        for bucket in range(buckets):
            tables = features_of(bucket)
            if tables is not None:
                names.append(part_name(bucket))
                for decider, table, folder, wanted in zip(deciders, tables, folders, priced, strict=True):
                    if wanted:
                        write_contact_options(
                            decider, table, DecisionContext(as_of=as_of, seed=SEED), folder=folder, part=names[-1]
                        )
            progress(bucket + 1, buckets)
        return [
            batch_prices(OptionFiles(folder, names), _capacities(decider, as_of, share), SEARCH, {}) if wanted else {}
            for decider, folder, wanted in zip(deciders, folders, priced, strict=True)
        ]


def _capacities(decider: Decider, as_of: datetime, share: float) -> Mapping[str, float]:
    bank = decider.bank
    whole = batch_capacities(bank.budgets, {}, as_of.astimezone(bank.time_zone).date())
    return {name: capacity * share for name, capacity in whole.items()}


SAMPLE_SALT = "what-if sample"
"""Salt of the hash that samples customers; it makes samples independent of control groups."""

AGE = "age"
PAGE = "what_if.md"


def simulate_policy(
    components: Components,
    change_file: Path,
    *,
    sample: int | None = None,
    segments: Sequence[str] | None = None,
    as_of: datetime | None = None,
    folder: Path | None = None,
) -> StepResult:
    """Decide for the same customers under today's bank and a changed one; only the files in `folder` are written.

    Budget prices are found for each side as in `decide_for_everybody`.

    Args:
        components: The bank's components.
        change_file: YAML file with the change, see `config.changes`.
        sample: Number of customers, the same ones every time; None for all. A larger sample contains a smaller one.
        segments: Features whose groups are compared; None for `protected_features`.
        as_of: Moment of the decisions; None for the last midnight with events.
        folder: New or empty folder for the decisions that differ and a page with all tables; None to write nothing.

    Returns:
        The tables of `serving.what_if.tables`, the moment, and the folder.

    Raises:
        ConfigurationErrors: The change is invalid.
        DataError: A segment, the moment or the sample is invalid, or the folder is not empty.
    """
    changed = changed_bank(components.folder, change_file)
    until = components.midnight(components.moment(as_of))
    named = protected_features(components.bank) if segments is None else tuple(segments)
    _check(components.bank, sample, named)
    file = ChangedDecisionsFile(folder)
    decider = components.decider(num_threads=os.cpu_count() or 1)
    deciders = decider, decider.for_bank(changed)
    highest = _highest_hash(components, sample)

    def features_of(bucket: int) -> tuple[FeatureTable, FeatureTable] | None:
        customers = _sampled(components, bucket, highest)
        if not len(customers):
            return None
        table, _ = MidnightFeatures(components.bank.feature_definitions, components.log, components.states).of_bucket(
            bucket, until, customers
        )
        return table, _features_of_change(components, bucket, table, deciders[1], until)

    share = 1.0 if highest is None or sample is None else sample / components.log.customer_count
    prices = prices_of_sides(deciders, features_of, components.log.buckets, until, share)
    sides = [Scenario(side, price) for side, price in zip(deciders, prices, strict=True)]
    compared: list[Comparison] = []
    with file, progress_of("simulate policy") as progress:
        for bucket in range(components.log.buckets):
            tables = features_of(bucket)
            if tables is not None:
                for comparison, moved in compare(
                    sides[0], sides[1], *tables, context=DecisionContext(as_of=until, seed=SEED), segments=named
                ):
                    compared.append(comparison)
                    file.write(moved)
            progress(bucket + 1, components.log.buckets)
    result: StepResult = {
        "bank": components.name,
        "change": change_file.name,
        "as_of": until.isoformat(),
        "segments": list(named),
        "same": changed.digest == components.bank.digest,
        **tables_of(reduce(add, compared)),
        "prices": _prices_beside(*prices),
        "folder": None if folder is None else str(folder),
    }
    if folder is not None:
        replace_text(folder / PAGE, what_if_page(result))
    return result


def _prices_beside(today: Mapping[str, float], changed: Mapping[str, float]) -> list[dict[str, Any]]:
    """Pair the prices of both sides; a side without the budget has None."""
    names = dict.fromkeys((*today, *changed))
    return [{"budget": name, **beside("price", today.get(name), changed.get(name))} for name in names]


def protected_features(bank: Bank) -> tuple[str, ...]:
    """Return the features that define protected groups: attributes marked `protected`, and bands of age in years."""
    marked = [name for name, attribute in bank.vocabulary.attributes.items() if attribute.protected]
    age = bank.features.features.get(AGE)
    bands = [AGE] if age is not None and isinstance(age.type, Number) and age.unit == YEARS else []
    groups = [name for name in marked if not isinstance(bank.features.features[name].type, Number)]
    return tuple(dict.fromkeys((*groups, *bands)))


def _check(bank: Bank, sample: int | None, segments: Sequence[str]) -> None:
    known = [name for name, feature in bank.features.features.items() if not feature.internal]
    for name in segments:
        if name not in known:
            raise DataError("no such feature to group customers by", got=f"'{name}'", expected=nearest(name, known))
    types = {name: bank.features.features[name].type for name in segments}
    nobody = FeatureTable(np.empty(0, object), np.empty(0, "datetime64[us]"), dict.fromkeys(types, np.empty(0)), types)
    groupings_of(nobody, bank.features, segments)
    if sample is not None and sample < 1:
        raise DataError("a sample needs customers", got=str(sample), expected="at least 1")


def _hashes(customers: NDArray[np.object_]) -> NDArray[np.uint64]:
    return mixed(hashes_of(map(str, customers)) ^ hashes_of([SAMPLE_SALT]))


def _highest_hash(components: Components, sample: int | None) -> np.uint64 | None:
    """Find the largest hash of the sample's customers; None if all customers are wanted."""
    if sample is None or sample >= components.log.customer_count:
        return None
    ids = (
        customers_in(components.log.read_bucket(bucket, ["customer_id"])) for bucket in range(components.log.buckets)
    )
    hashes = np.concatenate([_hashes(customers) for customers in ids])
    return np.uint64(np.partition(hashes, sample - 1)[sample - 1])


def _sampled(components: Components, bucket: int, highest: np.uint64 | None) -> NDArray[np.object_]:
    customers = customers_in(components.log.read_bucket(bucket, ["customer_id"]))
    return customers if highest is None else customers[_hashes(customers) <= highest]


def _features_of_change(
    components: Components, bucket: int, table: FeatureTable, decider: Decider, until: datetime
) -> FeatureTable:
    """Add features that only the changed bank reads, or defines differently: counts of its contact limits."""
    bank, today = decider.bank, components.bank.features.features
    names = [name for name in decider.features if repr(today.get(name)) != repr(bank.features.features[name])]
    if not names:
        return table
    events, moments = components.log.read_bucket(bucket), Moments(table.customer_ids, table.as_of)
    added = compute_features(events, moments, bank.feature_definitions, names)
    columns, schema = {**table.columns, **added.columns}, {**table.schema, **added.schema}
    return FeatureTable(table.customer_ids, table.as_of, columns, schema)
