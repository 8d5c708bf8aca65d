"""The flow that compares the holdout and the arms, realised with expected value, and the arms of trials."""

from __future__ import annotations

from prefect import flow

from features.outcomes import outcome_types
from pipelines.steps import StepResult
from serving.effects import effects_of
from serving.figures.files import read_effects, write_effects, write_trials
from wiring.components import reload_components
from wiring.trials import reports_of_trials


@flow(name="measure-effects", timeout_seconds=3600)
def measure_effects(bank_folder: str) -> StepResult:
    """Measure the effects of the bank's offers up to the log's latest news, and judge its trials.

    Returns:
        The effects, None for what is unknown; nothing if no offer says how they are measured.
    """
    components = reload_components(bank_folder)
    bank, log, until, folder = components.bank, components.log, components.latest(), components.places.figures
    write_trials(folder, until, [one.to_json() for one in reports_of_trials(components, until)])
    measured = outcome_types(bank.offers)
    write_effects(folder, effects_of(log, components.decision_log, bank, until).to_json() if measured else {})
    return read_effects(folder)
