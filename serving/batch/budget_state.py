"""What a run for everybody decided by, beside customers, policy and models: its prices hold until the next one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from decisioning.policies.compiled import CompiledPolicy
from events.durable import replace_text

CIRCUMSTANCES = "circumstances.json"
"""In a run's folder."""


def write_budget_state(folder: Path, prices: Mapping[str, float], remaining: Mapping[str, float]) -> None:
    """Keep the prices of budgets and what was left of them: the run's decisions can be made again.

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
    """Read what `write_budget_state` kept; nothing for a run without budgets."""
    file = folder / CIRCUMSTANCES
    kept: dict[str, dict[str, float]] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return kept


def latest_budget_state(decisions: Path) -> Path | None:
    """Find the file of the latest run that had prices: runs' folders begin with their day."""
    found = sorted(
        decisions.glob(f"*/{CIRCUMSTANCES}"), key=lambda file: (file.parent.name[:10], file.stat().st_mtime_ns)
    )
    return found[-1] if found else None


def prices_in_force(decisions: Path, policy: CompiledPolicy) -> dict[str, float]:
    """Read the prices of the budgets that there are now; without any, everything is free.

    Args:
        decisions: Folder below which runs have theirs.
        policy: Of now: a budget that is gone has no price.
    """
    file = latest_budget_state(decisions)
    if file is None:
        return {}
    budgets = {compiled.budget.name for compiled in policy.budgets}
    prices = budget_state_of(file.parent).get("prices", {})
    return {name: price for name, price in prices.items() if name in budgets}
