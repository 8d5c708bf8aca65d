"""Budget prices for both sides of a policy simulation, computed as in a batch run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from decisioning.plan.budget_period import batch_capacities
from decisioning.plan.sharing import batch_prices
from features.bucket.work import part_name
from features.table import FeatureTable
from pipelines.planning import SEARCH
from serving.batch.option_files import OptionFiles
from serving.batch.part import write_contact_options
from serving.decider import Decider
from wiring.components import SEED
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
                        write_contact_options(decider, table, folder=folder, part=names[-1], as_of=as_of, seed=SEED)
            progress(bucket + 1, buckets)
        return [
            batch_prices(OptionFiles(folder, names), _capacities(decider, as_of, share), SEARCH, {}) if wanted else {}
            for decider, folder, wanted in zip(deciders, folders, priced, strict=True)
        ]


def _capacities(decider: Decider, as_of: datetime, share: float) -> Mapping[str, float]:
    bank = decider.bank
    whole = batch_capacities(bank.budgets, {}, as_of.astimezone(bank.time_zone).date())
    return {name: capacity * share for name, capacity in whole.items()}
