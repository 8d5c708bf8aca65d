"""The scheduled flows: each runs a part of the whole loop and stores its result."""

from __future__ import annotations

from prefect import flow

from pipelines.deciding import decide_for_everybody
from pipelines.effects import measure_effects
from pipelines.feature_build import build_features
from pipelines.figures import keep_figures
from pipelines.importing import import_events
from pipelines.journey_analytics import compute_journey_figures
from pipelines.reporting import (
    DECISIONS,
    EFFECTS,
    FEATURES,
    IMPORT,
    JOURNEYS,
    MODELS,
    keep_outcomes,
    missing_outcomes,
    write_report,
)
from pipelines.steps import StepResult
from pipelines.training import train_models
from pipelines.watching import watch_bank
from wiring.components import reload_components


@flow(name="import-and-build-features", timeout_seconds=5 * 3600)
def import_and_build_features(bank_folder: str) -> StepResult:
    """Import new rows, then build the features and the journey figures that they change."""
    components = reload_components(bank_folder)
    outcomes = {
        IMPORT: import_events(bank_folder),
        FEATURES: build_features(bank_folder),
        JOURNEYS: compute_journey_figures(bank_folder),
    }
    keep_outcomes(components, outcomes)
    return outcomes


@flow(name="train-and-judge", timeout_seconds=5 * 3600)
def train_and_judge(bank_folder: str) -> StepResult:
    """Train on the current features, and put the models to the gate."""
    components = reload_components(bank_folder)
    outcomes = {MODELS: train_models(bank_folder)}
    keep_outcomes(components, outcomes)
    return outcomes


@flow(name="decide-and-report", timeout_seconds=5 * 3600)
def decide_and_report(bank_folder: str) -> StepResult:
    """Decide for all customers and write the report; before the first training there is no report."""
    components = reload_components(bank_folder)
    outcomes = {DECISIONS: decide_for_everybody(bank_folder)}
    keep_outcomes(components, outcomes)
    keep_figures(bank_folder, outcomes[DECISIONS])
    keep_outcomes(components, {EFFECTS: measure_effects(bank_folder)})
    watch_bank(bank_folder)
    return outcomes if missing_outcomes(components) else {**outcomes, **write_report(bank_folder)}
