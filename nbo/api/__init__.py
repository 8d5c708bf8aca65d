"""nbo for data scientists: a bank's events, features, labels, decisions and models as tables.

    from nbo.api import open_bank

    bank = open_bank("banks/demo")
    bank.training_set("churn")

    from nbo.api import ContactColumns, fit_contacts

    fitted = fit_contacts(frame, ContactColumns(time="sent_at", customer="client"))  # a table of contacts, no bank
    fitted.score(others)

    from nbo.api import evaluate_policy

    evaluate_policy(action, reward, probability, target)  # decisions of any policy with known probabilities, no bank

The names here, their arguments and their results are stable: a change is announced in the changelog, and the old form
works for one more version. Everything else in nbo may change with any version.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from domain.errors import NboError
from nbo.api.bank import Bank
from nbo.api.champion import Champion

if TYPE_CHECKING:
    from decisioning.experiments.trials import TrialResult, trial_size
    from decisioning.experiments.triggered import TriggeredResult
    from decisioning.monitoring.drift import Drift, drift
    from decisioning.off_policy.evaluate import PolicyEvaluation, evaluate_policy
    from decisioning.off_policy.slates import SlateModel, slate_value
    from decisioning.outcomes.groups import GroupOutcome, compare_groups
    from decisioning.outcomes.realised import Realisation, realisation
    from models.contact_table import ContactColumns
    from models.contacts import ContactModel, fit_contacts
    from nbo.api.trials import judge_trial, judge_triggered

__all__ = [
    "Bank",
    "Champion",
    "ContactColumns",
    "ContactModel",
    "Drift",
    "GroupOutcome",
    "NboError",
    "PolicyEvaluation",
    "Realisation",
    "SlateModel",
    "TrialResult",
    "TriggeredResult",
    "compare_groups",
    "drift",
    "evaluate_policy",
    "fit_contacts",
    "judge_trial",
    "judge_triggered",
    "open_bank",
    "realisation",
    "slate_value",
    "trial_size",
]

_WHEN_USED = {
    "GroupOutcome": "decisioning.outcomes.groups",
    "Realisation": "decisioning.outcomes.realised",
    "TrialResult": "decisioning.experiments.trials",
    "judge_trial": "nbo.api.trials",
    "trial_size": "decisioning.experiments.trials",
    "TriggeredResult": "decisioning.experiments.triggered",
    "judge_triggered": "nbo.api.trials",
    "Drift": "decisioning.monitoring.drift",
    "drift": "decisioning.monitoring.drift",
    "compare_groups": "decisioning.outcomes.groups",
    "realisation": "decisioning.outcomes.realised",
    "PolicyEvaluation": "decisioning.off_policy.evaluate",
    "SlateModel": "decisioning.off_policy.slates",
    "evaluate_policy": "decisioning.off_policy.evaluate",
    "slate_value": "decisioning.off_policy.slates",
    "ContactColumns": "models.contact_table",
    "ContactModel": "models.contacts",
    "fit_contacts": "models.contacts",
}


def __getattr__(name: str) -> object:
    """Import what takes long when it is first used: what needs LightGBM takes seconds."""
    if name not in _WHEN_USED:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(import_module(_WHEN_USED[name]), name)


def open_bank(folder: str | Path, home: str | Path | None = None) -> Bank:
    """Open a bank to read the results of its runs, without changing anything.

    This first turns off telemetry and points the libraries to the home, even if MLflow was imported before.

    Args:
        folder: The bank's folder of YAML.
        home: Folder of its state; by default `NBO_HOME`, or else `.nbo` in the working folder.

    Raises:
        NboError: A setting or the bank's folder is invalid.

    Example:
        >>> bank = open_bank("banks/demo")  # doctest: +SKIP
        >>> bank.training_set("churn")["churned"].mean()  # doctest: +SKIP
    """
    from nbo.api.opening import parts_below

    return Bank(parts_below(Path(folder), None if home is None else Path(home)))
