"""The flow that watches a bank and raises alarms."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from datetime import datetime

from prefect import flow

from pipelines.steps import StepResult, keep_table
from wiring.bank_time import bank_now
from wiring.components import reload_components
from wiring.watching import watch


@flow(name="watch-bank", timeout_seconds=3600)
def watch_bank(bank_folder: str, as_of: datetime | None = None) -> StepResult:
    """Take all readings, keep them for `nbo health` and the console, and tell of those that turned red."""
    components = reload_components(bank_folder)
    now = as_of or bank_now(components)
    found, told = watch(components, now)
    rows = [asdict(one) for one in found if one.light != "green"]
    keep_table("health", f"Health of {components.name} at {now}", rows)
    lights = Counter(one.light.value for one in found)
    return {"as_of": now.isoformat(), "lights": dict(lights), "told": [one.sentence for one in told]}
