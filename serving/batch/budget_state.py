"""Budget state of a batch run: the prices it found, in force until the next run, and what was left of budgets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from decisioning.policies.compiled import CompiledPolicy
from storage.atomic import replace_text

CIRCUMSTANCES = "circumstances.json"
"""File name within a run's folder."""


def write_budget_state(folder: Path, prices: Mapping[str, float], remaining: Mapping[str, float]) -> None:
    """Write the prices of budgets and what was left of them, so that the run's decisions can be replayed.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     write_budget_state(Path(folder) / "2026-06-24-ab12", {"calls": 3.2}, {"calls": 60.0})
        ...     budget_state_of(Path(folder) / "2026-06-24-ab12")["prices"]
        {'calls': 3.2}
    """
    folder.mkdir(parents=True, exist_ok=True)
    replace_text(folder / CIRCUMSTANCES, json.dumps({"prices": dict(prices), "remaining": dict(remaining)}))


def budget_state_of(folder: Path) -> dict[str, dict[str, float]]:
    """Read what `write_budget_state` wrote; empty for a run without budgets."""
    file = folder / CIRCUMSTANCES
    state: dict[str, dict[str, float]] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return state


def latest_budget_state(decisions: Path) -> Path | None:
    """Return the file of the latest run that had prices; the names of runs' folders start with their day."""
    found = sorted(
        decisions.glob(f"*/{CIRCUMSTANCES}"), key=lambda file: (file.parent.name[:10], file.stat().st_mtime_ns)
    )
    return found[-1] if found else None


def prices_in_force(decisions: Path, policy: CompiledPolicy) -> dict[str, float]:
    """Read the prices of current budgets from the latest batch run; without one, budgets are free.

    Args:
        decisions: Folder that holds one folder per batch run.
        policy: Current policy; a budget it does not have gets no price.
    """
    file = latest_budget_state(decisions)
    if file is None:
        return {}
    budgets = {compiled.budget.name for compiled in policy.budgets}
    prices = budget_state_of(file.parent).get("prices", {})
    return {name: price for name, price in prices.items() if name in budgets}
