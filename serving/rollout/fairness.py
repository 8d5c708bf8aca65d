"""The gate of fairness: how often groups of customers are offered anything, and what they would accept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from decisioning.off_policy.verdict import Verdict, Word
from expressions.types import Array
from models.evaluation.fairness import SMALLEST_SHARE, group_selections
from models.settings import Rollout
from serving.rollout.evidence import Matured, RecentDecisions
from serving.rollout.gate import GateAnswer, held_gate

LEAST_ACCEPTED: Final = 10
"""Acceptances of a group below which nothing is said of what it accepts."""


def fairness_gate(recent: RecentDecisions, matured: Matured | None, settings: Rollout) -> GateAnswer:
    """Judge how often groups are offered anything, and how often what they would accept; small groups do not count."""
    if not recent.groups:
        return held_gate("fairness", "no feature is named whose groups could be compared: name some as rollout.groups")
    worst: tuple[float, str] = (np.inf, "")
    missing = ""
    for name, groups in recent.groups.items():
        rates = dict(_rates(groups, recent.offered))
        if len(rates) < 2:
            missing = missing or f"there are not two groups of {name} to compare"
            continue
        counts = [int((groups == group).sum()) for group in rates]
        offered = [round(rate * count) for rate, count in zip(rates.values(), counts, strict=True)]
        for one in group_selections(list(rates), counts, offered):
            if one.ratio is not None and one.ratio < settings.minimum_ratio:
                said = f"{one.group} of {name} is offered something {one.ratio:.2f} times as often as {one.reference}"
                if one.ratio_high is not None and one.ratio_high < settings.minimum_ratio:
                    return GateAnswer(
                        "fairness", Verdict(Word.STOP, f"{said}, below {settings.minimum_ratio:g}"), one.ratio
                    )
                missing = missing or f"{said}, which may be chance"
            worst = min(worst, (one.ratio if one.ratio is not None else 1.0, f"{one.group} of {name}"))
        gap = max(rates.values()) - min(rates.values())
        if gap > settings.maximum_gap:
            return GateAnswer("fairness", Verdict(Word.STOP, _gap("are offered something", name, gap, settings)), gap)
        right = (
            dict(_rates(matured.groups[name], _made_again(matured), matured.accepted)) if matured is not None else {}
        )
        if len(right) < 2:
            missing = missing or f"fewer than two groups of {name} have {LEAST_ACCEPTED} acceptances"
            continue
        gap = max(right.values()) - min(right.values())
        if gap > settings.maximum_gap:
            return GateAnswer(
                "fairness", Verdict(Word.STOP, _gap("are offered what they accept", name, gap, settings)), gap
            )
    if missing:
        return held_gate("fairness", missing)
    said = (
        f"the lowest rate of offers is {worst[0]:.2f} times the highest ({worst[1]}), "
        f"in {len(recent.offered):,} decisions"
    )
    return GateAnswer("fairness", Verdict(Word.SHIP, said), worst[0])


def _rates(
    groups: NDArray[np.object_], shares: Array, among: NDArray[np.bool_] | None = None
) -> Iterator[tuple[str, float]]:
    """Return the mean of shares in each group that is large enough, over all rows or among some."""
    known = np.array([group is not None for group in groups], dtype=bool)
    for group in sorted(set(groups[known].tolist())):
        rows = groups == group
        if rows.sum() < SMALLEST_SHARE * known.sum():
            continue
        if among is None:
            yield group, float(shares[rows].mean())
        elif (rows & among).sum() >= LEAST_ACCEPTED:
            yield group, float(shares[rows & among].mean())


def _made_again(matured: Matured) -> Array:
    """Return the probability with which the model's policy makes the offers that were made, shape (n,)."""
    arrays = matured.arrays
    made: Array = arrays.target[np.arange(len(arrays.action)), arrays.action]
    return made


def _gap(what: str, name: str, gap: float, settings: Rollout) -> str:
    return f"groups of {name} {what} with rates {gap:.2f} apart; {settings.maximum_gap:g} is allowed"
