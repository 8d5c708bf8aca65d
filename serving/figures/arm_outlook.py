"""What the control arms will tell, and from when on, at the pace of the last days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from math import ceil
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from decisioning.experiments.power import arm_powers, control_size
from decisioning.policies.draws import Arm
from decisioning.policies.policy import Control
from serving.figures.acceptance import DateSpan, last_day
from serving.figures.daily_responses import Group, added_up

DAYS: Final = 28
"""Days whose impressions give the pace and the rate."""

EFFECT: Final = 0.1
"""Relative difference of acceptance rates that is asked for."""

_MONTH: Final = 30
_FARTHEST: Final = 36_500


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmOutlook:
    """What an arm tells of the others.

    Attributes:
        arm: Its name.
        effect_in_a_month: Smallest relative difference that a month tells.
        not_before: First day on which a difference of `EFFECT` can be told, counted from the last day with responses;
            None if that is more than a century away.
    """

    arm: str
    effect_in_a_month: float
    not_before: date | None


def arm_outlooks(control: Control, responses: pa.Table) -> list[ArmOutlook]:
    """Return an outlook for every arm with a share and impressions; none before there are matured responses.

    Args:
        control: Shares of the arms.
        responses: Daily responses; mandatory contacts do not count, for no arm decides about them.
    """
    chosen = responses.filter(pc.not_equal(responses["group"], Group.MANDATORY.value))
    last = last_day(chosen)
    matured = added_up(chosen, []).to_pylist()
    if last is None or not matured[0]["matured"]:
        return []
    rate = matured[0]["accepted"] / matured[0]["matured"]
    daily = (pc.sum(DateSpan.ending(last, DAYS).of(chosen)["presented"]).as_py() or 0) / DAYS
    if not 0.0 < rate < 1.0 / (1.0 + EFFECT) or not daily:
        return []
    found = arm_powers(control, rate, daily * _MONTH)
    standard = 1.0 - sum(one.share for one in found)
    outlooks = []
    for one in found:
        if one.arm == Arm.HOLDOUT.label:  # it is offered nothing, and so accepts nothing
            continue
        needed = control_size(rate, rate * (1.0 + EFFECT), standard / one.share)
        days = ceil(needed / (one.share * daily))
        day = last + timedelta(days=days) if days < _FARTHEST else None
        outlooks.append(ArmOutlook(arm=one.arm, effect_in_a_month=one.effect, not_before=day))
    return outlooks
