"""Readings of offers: calibration, value, impressions, acceptance, and decisions without any offer."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, timedelta
from math import sqrt
from pathlib import Path
from typing import Final

import pyarrow.compute as pc
import pyarrow.dataset as ds

from config.watching import Limit, Limits
from decisioning.outcomes.realised import Realisation
from domain.health import Light, Reading, light_of
from domain.offer import Offer, is_owed
from serving.batch.part import OFFERS
from serving.figures.acceptance import DateSpan, last_matured_day
from serving.figures.daily_responses import Group, added_up
from serving.figures.files import read_daily_responses, read_runs
from serving.promises import Promise

RECENT_DAYS: Final = 28
COMPARED_DAYS: Final = 7
BEYOND_CHANCE: Final = 2.5758293035489004
"""Standard errors of a two-sided test at 1 %: readings are taken every night."""


def promised(promises: Mapping[str, Promise], limits: Limits) -> Iterator[Reading]:
    """Read whether acceptances and values are what was promised."""
    for name, one in promises.items():
        yield _ratio("calibration", name, one.accepted, limits.calibration, "acceptances are", "what propensities say")
        if one.realised is not None:
            yield _ratio("realised", name, one.realised, limits.realised, "realised value is", "what was expected")


def _ratio(check: str, name: str, one: Realisation, limit: Limit, what: str, of: str) -> Reading:
    ratio = one.ratio
    factor = max(ratio.value, 1.0 / ratio.value) if ratio.value > 0.0 else float("inf")
    light = light_of(factor, limit.amber, limit.red)
    if ratio.value != ratio.value:
        light = Light.UNKNOWN
    elif not (ratio.low > 1.0 or ratio.high < 1.0):
        light = Light.GREEN  # the interval contains 1, or is unknown: nothing shows that it is off
    said = f"{name}: {what} {ratio.value:.2f} times {of} ({ratio.low:.2f} to {ratio.high:.2f})"
    return Reading(check=check, subject=name, light=light, value=ratio.value, sentence=said)


def impressions(figures: Path, offers: Sequence[Offer], limits: Limits, today: date) -> Iterator[Reading]:
    """Read how often each valid offer that is sold was presented in the last 28 days."""
    table, until = read_daily_responses(figures)
    if until is None:
        return
    rows = added_up(DateSpan.ending(today, RECENT_DAYS).of(table), ["offer"]).to_pylist()
    counts = {row["offer"]: row["presented"] for row in rows}
    for offer in offers:
        ended = offer.valid_until is not None and offer.valid_until < today
        begun = offer.valid_from is None or offer.valid_from <= today - timedelta(days=RECENT_DAYS)
        if is_owed(offer) or ended or not begun:
            continue
        count = counts.get(offer.name, 0)
        light = light_of(count, limits.impressions.amber, limits.impressions.red)
        said = f"{offer.name} was presented {count:,} times in {RECENT_DAYS} days"
        yield Reading(check="impressions", subject=offer.name, light=light, value=count, sentence=said)


def acceptance(figures: Path, limits: Limits) -> Iterator[Reading]:
    """Read the acceptance of the last 7 matured days against the 7 before, inbound and outbound apart."""
    table, _ = read_daily_responses(figures)
    for group in (Group.INBOUND, Group.OUTBOUND):
        mine = table.filter(pc.equal(table["group"], group.value))
        last = last_matured_day(mine)
        if last is None:
            continue
        period = DateSpan.ending(last, COMPARED_DAYS)
        now, before = (added_up(each.of(mine), []).to_pylist()[0] for each in (period, period.before()))
        yield _acceptance(
            group.value, (now["accepted"], now["matured"]), (before["accepted"], before["matured"]), limits
        )


def _acceptance(group: str, now: tuple[int, int], before: tuple[int, int], limits: Limits) -> Reading:
    if not (now[1] and before[1] and before[0]):
        said = f"{group}: too few matured impressions to compare acceptance"
        return Reading(check="acceptance", subject=group, light=Light.UNKNOWN, value=None, sentence=said)
    rates = now[0] / now[1], before[0] / before[1]
    both = (now[0] + before[0]) / (now[1] + before[1])
    error = sqrt(both * (1.0 - both) * (1.0 / now[1] + 1.0 / before[1]))
    ratio = rates[0] / rates[1]
    light = light_of(ratio, limits.acceptance.amber, limits.acceptance.red)
    if not abs(rates[0] - rates[1]) > BEYOND_CHANCE * error:
        light = Light.GREEN
    said = f"{group}: {rates[0]:.2%} accepted in the last {COMPARED_DAYS} matured days, {rates[1]:.2%} in those before"
    return Reading(check="acceptance", subject=group, light=light, value=ratio, sentence=said)


def without_offer(
    figures: Path, decisions: Path, channels: Sequence[str], outbound: Collection[str], limits: Limits
) -> Iterator[Reading]:
    """Read the share of the last night's decisions that have no offer, by channel."""
    runs = [run for run in read_runs(figures) if (decisions / run.folder / OFFERS).is_dir()]
    if not runs or not (customers := runs[-1].customers):
        return
    table = ds.dataset(decisions / runs[-1].folder / OFFERS, format="parquet")
    first = table.to_table(columns=["channel"], filter=ds.field("rank") == 1)["channel"].cast("string")
    counts = {row["values"]: row["counts"] for row in pc.value_counts(first).to_pylist()}
    for channel in channels:
        side = "outbound" if channel in outbound else "inbound"
        limit: Limit = getattr(limits, f"without_offer_{side}")
        share = 1.0 - counts.get(channel, 0) / customers
        said = f"{channel} ({side}) has no offer for {share:.0%} of the customers"
        light = light_of(share, limit.amber, limit.red)
        yield Reading(check=f"without_offer_{side}", subject=channel, light=light, value=share, sentence=said)
