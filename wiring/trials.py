"""The guardrail of latency: which arm of a trial of models makes people wait."""

from __future__ import annotations

from typing import Final

from decisioning.policies.trial import Trial
from records.model_calls import calls_since
from serving.beside import Calls
from serving.champions import of_arm
from wiring.components import Components

LEAST_TIMED: Final = 100
"""Single decisions of an arm, and of the champion, below which nothing is said of their time."""


def slow_arm(components: Components, trial: Trial) -> str | None:
    """Say which arm with a model of its own takes too long, against the champion since the trial's first day.

    Raises:
        StateError: The database does not answer.
        ModelError: The files of a model are missing, or differ from what was registered.
    """
    if not trial.models or not components.has_database():
        return None
    champions = components.champion_files().champions
    usual = champions.get("propensity")
    if usual is None:
        return None
    control = Calls(**calls_since(components.database, usual.cited, trial.starts))
    for arm in trial.models:
        model = champions.get(of_arm(trial.name, arm))
        calls = Calls() if model is None else Calls(**calls_since(components.database, model.cited, trial.starts))
        if min(calls.timed, control.timed) >= LEAST_TIMED and calls.milliseconds > trial.slowest * control.milliseconds:
            times = f"{calls.milliseconds:.1f} ms of processor time, the control arm {control.milliseconds:.1f}"
            return f"a decision of {arm} takes {times}; {trial.slowest:g} times as much is allowed"
    return None
