"""The flow that compares the holdout and the arms, and realised with expected value."""

from __future__ import annotations

import orjson
from prefect import flow

from features.outcomes import outcome_types
from pipelines.steps import StepResult
from serving.effects import effects_of
from storage.atomic import replace_text
from wiring.components import reload_components


@flow(name="measure-effects", timeout_seconds=3600)
def measure_effects(bank_folder: str) -> StepResult:
    """Measure the effects of the bank's offers up to the log's latest news; nothing if no offer says how."""
    components = reload_components(bank_folder)
    if not outcome_types(components.bank.offers):
        return {}
    found = effects_of(components.log, components.decision_log, components.bank, components.latest()).to_json()
    components.places.figures.mkdir(parents=True, exist_ok=True)
    # what is unknown is null there: JSON has no NaN
    replace_text(components.places.effects, orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
    return found
