"""The whole loop of a bank: what arrived comes in, what is decided goes out."""

from __future__ import annotations

import json
from datetime import datetime

from prefect import flow

from events.durable import replace_text
from pipelines.deciding import decide_for_everybody
from pipelines.feature_build import build_features
from pipelines.importing import import_events
from pipelines.reporting import write_report
from pipelines.steps import StepResult
from pipelines.training import train_models
from wiring.parts import parts_of


@flow(name="run-bank", timeout_seconds=12 * 3600)
def run_bank(bank_folder: str, as_of: datetime | None = None) -> StepResult:
    """Import, build features, train, decide for everybody, report.

    What is up to date is taken as it is: running again after a crash goes on from there.
    """
    parts = parts_of(bank_folder)
    imported = import_events(bank_folder)
    moment = parts.moment(as_of)
    result = {
        "bank": parts.name,
        "import": imported,
        "features": build_features(bank_folder, moment),
        "models": train_models(bank_folder, moment),
        "decisions": decide_for_everybody(bank_folder, moment),
    }
    replace_text(parts.places.last_run, json.dumps(result, indent=1))
    return {**result, **write_report(bank_folder)}
