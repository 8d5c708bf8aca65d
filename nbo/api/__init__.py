"""nbo for data scientists: a bank's events, features, labels, decisions and models as tables.

    from nbo.api import open_bank

    bank = open_bank("banks/demo")
    bank.training_set("churn")

The names here, their arguments and their results are stable: a change is announced in the changelog, and the old form
works for one more version. Everything else in nbo may change with any version.
"""

from __future__ import annotations

from pathlib import Path

from domain.errors import NboError
from nbo.api.bank import Bank
from nbo.api.champion import Champion

__all__ = ["Bank", "Champion", "NboError", "open_bank"]


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
