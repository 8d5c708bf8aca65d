"""Planning of a batch run: the prices of budgets, and the contacts that share them out."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from decisioning.allocation.prices import PriceSearch
from decisioning.allocation.problem import Keys
from decisioning.budgets.period import batch_capacities
from decisioning.plan.sharing import batch_prices, plan_contacts
from domain.errors import StateError
from features.bucket.work import part_name
from features.table import CUSTOMER_ID
from pipelines.batch_run import BatchRun, gather_options
from pipelines.steps import StepResult, digest_of, do, kept_step
from serving.batch.charges import ContactUses, charge_batch
from serving.batch.contacts import CONTACTS, PLAN, planned_contacts
from serving.batch.option_files import OptionFiles
from serving.batch.part import FEATURES, OFFERS, WISHES, part_file
from serving.delivery.plans import night_of, plan_in_force
from storage.atomic import replace_text
from storage.parquet import replace_parquet
from wiring.components import Components

SEARCH = PriceSearch(threads=os.cpu_count() or 1)


def prices_for(components: Components, night: BatchRun) -> dict[str, float]:
    """Find the batch run's prices from all contact options; none for a bank without budgets or outbound channels.

    Args:
        components: The bank's components.
        night: The batch run, without prices yet; the contact options are in its folder.
    """
    if not components.policy.budgets or not components.policy.outbound:
        return {}
    reports = gather_options(str(components.folder), night)
    found = do(
        find_batch_prices,
        key=digest_of(night.run, night.remaining),
        present=True,
        folder=str(night.folder),
        parts=[part_name(report["bucket"]) for report in reports if report["customers"]],
        capacities=_capacities(components, night),
        contacted=night.contacted,
    )
    prices: dict[str, float] = found["prices"]
    return prices


@kept_step("find-prices", timeout_seconds=3600)
def find_batch_prices(
    key: str, folder: str, parts: Sequence[str], capacities: Mapping[str, float], contacted: Keys
) -> StepResult:
    """Find the price of one more unit of each budget."""
    del key
    return {"prices": batch_prices(OptionFiles(Path(folder), parts, contacted), capacities, SEARCH, {})}


def plan_batch(components: Components, night: BatchRun, buckets: Sequence[int]) -> dict[str, Any]:
    """Choose the contacts, charge them, and write them to `contacts/` and `plan.json` in the run's folder.

    Files that exist are not written again. The latest plan of a night is in force: waiting contacts of an earlier one
    are cancelled and refunded, and customers whom it has reached are not contacted again.

    Args:
        components: The bank's components.
        night: The batch run, with all buckets decided at its prices.
        buckets: Numbers of the buckets that have customers.

    Returns:
        The content of `plan.json`; empty for a bank without outbound channels.

    Raises:
        StateError: Contact options or an existing plan cannot be read, or a budget was used up meanwhile.
    """
    policy, folder = components.policy, night.folder
    in_force = plan_in_force(components.database, night_of(night.as_of, policy.time_zone))
    if not policy.outbound:
        if in_force is not None:
            charge_batch(components.database, policy, night.as_of, folder.name, {})  # cancels the earlier plan
        return {}
    names = [part_name(bucket) for bucket in buckets]
    file = folder / PLAN
    # the plan is written last, and the folder's name has the digest of its inputs
    written = file.exists() and all(part_file(folder, CONTACTS, name).exists() for name in names)
    if written and in_force == folder.name:
        return _read(file)
    contact_options = OptionFiles(folder / WISHES, names, night.contacted)
    plan = plan_contacts(contact_options, _capacities(components, night), night.prices, SEARCH)
    contacts: Counter[str] = Counter()
    uses: list[ContactUses] = []
    for name, chosen in zip(names, plan.chosen, strict=True):
        zone = policy.policy.recipient_time_zone
        features = pq.read_table(part_file(folder, FEATURES, name), columns=[CUSTOMER_ID, *filter(None, [zone])])
        customers = features[CUSTOMER_ID].to_pylist()
        zones = [None] * len(customers) if zone is None else features[zone].to_pylist()
        offers = pq.read_table(part_file(folder, OFFERS, name))
        part = contact_options.read(name)
        table = planned_contacts(policy, offers, np.array(customers, dtype=object), part, chosen, zones)
        if not written:
            replace_parquet(part_file(folder, CONTACTS, name), table)
        uses.append(ContactUses.of(policy, part, chosen, table))
        contacts.update(table["channel"].to_pylist())
    content = {
        "prices": dict(night.prices),
        "value": plan.value,
        "bound": plan.bound,
        "refused": plan.refused,
        "contacts": {channel: contacts[channel] for channel in policy.outbound},
        "budgets": [{**asdict(use), "sentence": use.sentence} for use in plan.resources],
    }
    charge_batch(
        components.database, policy, night.as_of, folder.name, {use.name: use.used for use in plan.resources}, uses
    )
    if not written:  # otherwise the same inputs gave the same plan
        replace_text(file, json.dumps(content, indent=1))
    return _read(file)


def _read(file: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StateError(
            "the plan of the batch run cannot be read", got=str(error), remedy=f"remove {file} and decide again"
        ) from error
    return content


def _capacities(components: Components, night: BatchRun) -> dict[str, float]:
    return batch_capacities(
        components.bank.budgets, night.remaining, night.as_of.astimezone(components.bank.time_zone).date()
    )
