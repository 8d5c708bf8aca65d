"""The flow of a bank's whole loop, from import to report."""

from __future__ import annotations

from datetime import datetime

from prefect import flow
from prefect.settings import temporary_settings

from pipelines.deciding import decide_for_everybody
from pipelines.effects import measure_effects
from pipelines.feature_build import build_features
from pipelines.figures import keep_figures
from pipelines.importing import import_events
from pipelines.journey_analytics import compute_journey_figures
from pipelines.reporting import DECISIONS, EFFECTS, FEATURES, IMPORT, JOURNEYS, MODELS, keep_outcomes, write_report
from pipelines.steps import StepResult
from pipelines.training import train_models
from pipelines.watching import watch_bank
from wiring.components import reload_components
from wiring.turns import own_turn


@flow(name="run-bank", timeout_seconds=12 * 3600)
def run_bank(bank_folder: str, as_of: datetime | None = None) -> StepResult:
    """Import, build features, train, decide for all customers, report.

    Steps that are up to date are not repeated, so a run after a crash continues where that one stopped.
    """
    components = reload_components(bank_folder)
    # the heartbeat of this flow tells that the run lives; at its end each flow waits up to a second for its own
    with own_turn(components, "run"), temporary_settings({"flows.heartbeat_frequency": None}):
        imported = import_events(bank_folder)
        moment = components.moment(as_of)
        outcomes = {
            IMPORT: imported,
            FEATURES: build_features(bank_folder, moment),
            JOURNEYS: compute_journey_figures(bank_folder, moment),
            MODELS: train_models(bank_folder, moment),
            DECISIONS: decide_for_everybody(bank_folder, moment),
        }
        keep_outcomes(components, outcomes)
        keep_figures(bank_folder, outcomes[DECISIONS])
        keep_outcomes(components, {EFFECTS: measure_effects(bank_folder)})
        watch_bank(bank_folder)
        return {"bank": components.name, **outcomes, **write_report(bank_folder)}
