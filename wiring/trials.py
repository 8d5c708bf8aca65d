"""What trials need besides the event log: how long arms take to decide, and what other arms would have decided."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Final

from decisioning.policies.trial import Trial
from records.model_calls import calls_since
from serving.beside import Calls
from serving.champion_files import former_churn, former_propensity
from serving.champions import of_arm
from serving.decider import Decider
from serving.trial_replays import AssignedCustomers, DeciderOf, Replays, replay_trial
from serving.trial_report import TrialReport
from serving.trial_results import trial_reports
from wiring.components import Components
from wiring.progress import progress_of

LEAST_TIMED: Final = 100
"""Single decisions of an arm, and of the champion, below which nothing is said of their time."""


def reports_of_trials(components: Components, until: datetime) -> list[TrialReport]:
    """Report on every trial of the bank's policy, with the customers whose decisions would have differed.

    Raises:
        StateError: The database does not answer.
        ModelError: The files of a model are missing, or differ from what was registered.
    """
    replay = partial(replayed, components) if components.has_database() else None
    return trial_reports(components.log, components.bank, until, partial(slow_arm, components), replay)


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


def replayed(components: Components, assigned: AssignedCustomers) -> Replays:
    """Replay the decisions of a trial's customers in every arm.

    Raises:
        StateError: The database does not answer.
        ModelError: The files of a model are missing, or differ from what was registered.
    """
    decider_of, log, decision_log = _who_decided(components, assigned.trial), components.log, components.decision_log
    with progress_of(f"{assigned.trial.name}: replay decisions") as progress:
        return replay_trial(assigned, decider_of, log, decision_log, components.places.decisions, progress)


def _who_decided(components: Components, trial: Trial) -> DeciderOf:
    """Return what finds the decider with the models that a decision cites; today's stands in for models that are gone.

    Where the arms have models of their own, the decisions of each cite another one, so that today's decide for all.
    """
    now, folder = components.decider(), components.places.champions
    then: dict[tuple[str, ...], Decider] = {}

    def of(versions: Mapping[str, str]) -> Decider:
        cited = {name: versions[name] for name in now.models if name in versions}
        if trial.models or cited == now.models:
            return now
        key = tuple(cited.values())
        if key not in then:
            churn = former_churn(folder, cited) or now.churn
            propensity = former_propensity(folder, cited) or now.propensity
            then[key] = Decider(components.bank, churn, propensity, {**now.models, **cited})
        return then[key]

    return of
