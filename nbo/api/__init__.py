"""nbo for data scientists: a bank's events, features, labels, decisions and models as tables.

    from nbo.api import open_bank

    bank = open_bank("banks/demo")
    bank.training_set("churn")

The names here, their arguments and what they give are kept: what has to change is announced in the changelog and works
for one more version. Everything else of nbo may change with any version.
"""

from __future__ import annotations

from pathlib import Path

from domain.errors import NboError
from nbo.api.bank import Bank
from nbo.api.champion import Champion

__all__ = ["Bank", "Champion", "NboError", "open_bank"]


def open_bank(folder: str | Path, home: str | Path | None = None) -> Bank:
    """Open a bank to look at what its runs have left; nothing of it is changed.

    The libraries below learn first that they send no telemetry and keep their state below the home, even where MLflow
    was imported before.

    Args:
        folder: The bank's folder of YAML.
        home: Its state; `NBO_HOME` where not given, or else `.nbo` in the working folder.

    Raises:
        NboError: A setting or the folder says something that cannot be.

    Example:
        >>> bank = open_bank("banks/demo")  # doctest: +SKIP
        >>> bank.training_set("churn")["churned"].mean()  # doctest: +SKIP
    """
    from nbo.api.opening import parts_below

    return Bank(parts_below(Path(folder), None if home is None else Path(home)))
