"""Tonight's budgets: what one more unit of each is worth, and who is contacted with what."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from decisioning.allocation.prices import PriceSearch
from decisioning.plan.sharing import plan_contacts, prices_of_tonight
from decisioning.plan.tonight import capacities_tonight
from events.durable import replace_text
from features.store.replacing import replace_parquet
from features.table import CUSTOMER_ID
from pipelines.bucket_files import part_name
from pipelines.current import current_features
from pipelines.steps import StepResult, digest_of, do, kept_step
from serving.batch import FEATURES, OFFERS, WISHES, keep_wishes, part_file
from serving.contacts import CONTACTS, PLAN, planned_contacts
from serving.wish_files import WishFiles, wish_file
from wiring.parts import SEED, Parts, parts_of
from wiring.progress import progress_of

SEARCH = PriceSearch(threads=os.cpu_count() or 1)


def prices_for(
    parts: Parts, run: str, folder: Path, as_of: datetime, remaining: Mapping[str, float]
) -> dict[str, float]:
    """Find tonight's prices from all that could be sent to everybody; none for a bank without budgets or contacts.

    Args:
        parts: The bank's.
        run: Digest of all that decisions depend on beside prices.
        folder: Where what could be sent is kept.
        as_of: The moment decided for.
        remaining: What is left of each budget.
    """
    decider = parts.decider(num_threads=os.cpu_count() or 1)
    if not decider.policy.budgets or not decider.policy.outbound:
        return {}
    counts = []
    with progress_of("what could be sent") as progress:
        for bucket in range(parts.log.buckets):
            counts.append(
                do(
                    gather_wishes,
                    key=digest_of(run, bucket, dict(remaining)),
                    present=wish_file(folder, part_name(bucket)).exists(),
                    bank_folder=str(parts.folder),
                    bucket=bucket,
                    as_of=as_of,
                    folder=str(folder),
                    remaining=dict(remaining),
                )
            )
            progress(bucket + 1, parts.log.buckets)
    names = [part_name(bucket) for bucket, count in enumerate(counts) if count["customers"]]
    found = do(
        find_prices_of_tonight,
        key=digest_of(run, dict(remaining)),
        present=True,
        folder=str(folder),
        parts=names,
        capacities=_capacities(parts, as_of, remaining),
    )
    prices: dict[str, float] = found["prices"]
    return prices


@kept_step("what-could-be-sent-to-bucket", timeout_seconds=3600)
def gather_wishes(
    key: str, bank_folder: str, bucket: int, as_of: datetime, folder: str, remaining: Mapping[str, float]
) -> StepResult:
    """Decide for one bucket without prices, and keep what could be sent."""
    del key
    parts = parts_of(bank_folder)
    features, _ = current_features(parts, bucket, as_of)
    customers = keep_wishes(
        parts.decider(num_threads=os.cpu_count() or 1),
        features,
        folder=Path(folder),
        part=part_name(bucket),
        as_of=as_of,
        seed=SEED,
        remaining=remaining,
    )
    return {"customers": customers}


@kept_step("find-prices", timeout_seconds=3600)
def find_prices_of_tonight(key: str, folder: str, parts: Sequence[str], capacities: Mapping[str, float]) -> StepResult:
    """Find the price of one more unit of each budget."""
    del key
    return {"prices": prices_of_tonight(WishFiles(Path(folder), parts), capacities, SEARCH, {})}


def plan_tonight(
    parts: Parts,
    folder: Path,
    buckets: Sequence[int],
    as_of: datetime,
    prices: Mapping[str, float],
    remaining: Mapping[str, float],
) -> dict[str, Any]:
    """Choose who is contacted with what, and write it down: `contacts/` and `plan.json` in the run's folder.

    Args:
        parts: The bank's.
        folder: Of the run, all buckets decided.
        buckets: Those that have customers.
        as_of: The moment decided for.
        prices: They were decided at.
        remaining: What is left of each budget.

    Returns:
        What `plan.json` says; empty for a bank that contacts nobody.
    """
    policy = parts.policy
    if not policy.outbound:
        return {}
    names = [part_name(bucket) for bucket in buckets]
    wishes = WishFiles(folder / WISHES, names)
    plan = plan_contacts(wishes, _capacities(parts, as_of, remaining), prices, SEARCH)
    contacts: Counter[str] = Counter()
    for name, chosen in zip(names, plan.chosen, strict=True):
        customers = pq.read_table(part_file(folder, FEATURES, name), columns=[CUSTOMER_ID])[CUSTOMER_ID]
        offers = pq.read_table(part_file(folder, OFFERS, name))
        table = planned_contacts(
            policy, offers, np.array(customers.to_pylist(), dtype=object), wishes.read(name), chosen
        )
        replace_parquet(part_file(folder, CONTACTS, name), table)
        contacts.update(table["channel"].to_pylist())
    content = {
        "prices": dict(prices),
        "value": plan.value,
        "bound": plan.bound,
        "refused": plan.refused,
        "contacts": {channel: contacts[channel] for channel in policy.outbound},
        "budgets": [{**asdict(use), "sentence": use.sentence} for use in plan.resources],
    }
    replace_text(folder / PLAN, json.dumps(content, indent=1))
    return content


def _capacities(parts: Parts, as_of: datetime, remaining: Mapping[str, float]) -> dict[str, float]:
    return capacities_tonight(parts.bank.budgets, remaining, as_of.astimezone(parts.bank.time_zone).date())
