"""Experiments: a bank with other settings of its models, without a change to its folder."""

from __future__ import annotations

from config.experiments import changed_models
from models.settings import Models
from wiring.components import Components


def experimental(components: Components, changes: tuple[str, ...]) -> Components:
    """Return the components with changed settings of the models; everything else is shared.

    Raises:
        ConfigurationErrors: A change is not valid.
    """
    return components.with_bank(changed_models(components.folder, changes)) if changes else components


def concerns(name: str, own: Models, changed: Models) -> bool:
    """Return whether changed settings concern a model.

    Args:
        name: `churn` or `propensity`.
        own: The bank's settings.
        changed: Its settings with the changes.
    """

    def of_model(models: Models) -> object:
        label = (models.churn, models.economics) if name == "churn" else ()
        return getattr(models.learning, name), models.training, models.gate, label

    return of_model(own) != of_model(changed)
