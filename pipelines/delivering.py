"""The flow that delivers planned contacts that are due."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from prefect import flow

from pipelines.steps import StepResult, keep_table
from wiring.bank_time import bank_now
from wiring.components import reload_components
from wiring.delivery import deliver_due, end_unheard_contacts, outbox_of


@flow(name="deliver-contacts", timeout_seconds=3600)
def deliver_contacts(bank_folder: str, as_of: datetime | None = None, *, again: bool = False) -> StepResult:
    """Move new plans into the outbox, and deliver due contacts to every channel of the bank's folder."""
    components = reload_components(bank_folder)
    now = as_of or bank_now(components)
    if again:
        outbox_of(components).revive(now)
    unheard = end_unheard_contacts(components, now)
    new, reports = deliver_due(components, now)
    channels = [asdict(report) for report in reports]
    rows = [{name: value for name, value in row.items() if name != "reasons"} for row in channels]
    keep_table("deliveries", f"Deliveries of {components.name} at {now}", rows)
    letters = [
        {"channel": channel, "reason": reason, "contacts": count}
        for (channel, reason), count in outbox_of(components).dead_letters().items()
    ]
    return {
        "new": new,
        "channels": channels,
        "dead_letters": letters,
        "unheard": [asdict(one) for one in unheard],
        "as_of": now.isoformat(),
    }
