"""Offers: how each performs, whom it reaches, and which rules keep it away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from console.access import Permission
from console.languages import N_, Texts
from console.page import Content, Page, Visit
from console.tables import Column, Table
from domain.offer import Offer
from serving.figures.acceptance import DateSpan, acceptance, last_day
from serving.figures.daily_responses import Group
from serving.figures.files import read_daily_responses, read_last_run, read_offers
from serving.figures.offer_counts import BINS
from serving.figures.reach import UNLIKELY
from serving.figures.small_cells import SMALLEST

DAYS: Final = 91
GROUPS: Final = tuple(group.value for group in Group)
RULES_SHOWN: Final = 3
MOST_HEADS: Final = 10
"""Offers in the table of who wins over whom."""

_NOBODY: Final = N_("No batch run has decided yet.")


def content(visit: Visit) -> Content:
    """Return the offers of the catalogue with the figures of one group of contacts."""
    texts, sources = visit.texts, visit.sources
    group = visit.choice("group", GROUPS)
    whole, until = read_daily_responses(sources.figures)
    newest = last_day(whole)
    period = None if newest is None else DateSpan.ending(newest, DAYS)
    responses, before = (_responses(whole, one, group) for one in (period, None if period is None else period.before()))
    last = read_offers(sources.figures)
    counted = last.offers
    decisions = read_last_run(sources.last_run).get("decisions", {})
    offers = visit.service.engine.bank.offers
    reached = {row["offer"]: row for row in decisions.get("reached", ()) if row["grouping"] == "all"}
    tables = (
        _performance(offers, responses, before, reached, texts),
        _calibration(last.calibration, texts),
        _won(counted, texts),
        _head_to_head(last.head_to_head, texts),
        _propensities(counted, texts),
        _kept_away(counted, reached, texts),
        _loosened(last.reach or {}, visit),
        _rules(decisions.get("rules", ()), texts),
        _reach(decisions.get("reached", ()), texts),
    )
    values = {
        "group": group,
        "groups": [(name, texts.name(name)) for name in GROUPS],
        "until": until,
        "as_of": last.as_of,
        "served": last.reach,
        "least_likely": UNLIKELY,
        "smallest": SMALLEST,
        "silent": [texts.name(name) for name, row in reached.items() if not row["reached"]],
    }
    return Content(tables, values)


def _responses(whole: pa.Table, period: DateSpan | None, group: str) -> dict[str, Mapping[str, Any]]:
    inside = whole.slice(0, 0) if period is None else period.of(whole)
    return {row["offer"]: row for row in acceptance(inside.filter(pc.equal(inside["group"], group)), ["offer"])}


def _performance(
    offers: Sequence[Offer],
    responses: Mapping[str, Mapping[str, Any]],
    before: Mapping[str, Mapping[str, Any]],
    reached: Mapping[str, Mapping[str, Any]],
    texts: Texts,
) -> Table:
    nothing = {"presented": 0, "matured": 0, "accepted": 0, "rate": None, "low": None, "high": None}
    rows = [
        {
            "offer": offer.name,
            "description": offer.description,
            "class": offer.offer_class.value,
            **nothing,
            **{key: value for key, value in responses.get(offer.name, {}).items() if key != "offer"},
            "rate_before": before.get(offer.name, nothing)["rate"],
            "reach": reached.get(offer.name, {}).get("share"),
        }
        for offer in offers
    ]
    columns = (
        Column("offer", texts("Offer"), "name", under="description"),
        Column("class", texts("Class"), "name"),
        Column("presented", texts("Presented"), "count", bar=True),
        Column("accepted", texts("Accepted"), "count"),
        Column("rate", texts("Acceptance rate"), "share", interval=("low", "high")),
        Column("rate_before", texts("In the {n} days before", n=texts.number(DAYS)), "share"),
        Column("reach", texts("Customers reached"), "share"),
    )
    caption = texts("Performance in the last {n} days", n=texts.number(DAYS))
    return Table("performance", caption, columns, rows, texts("The catalogue is empty."))


def _won(counted: Sequence[Mapping[str, Any]], texts: Texts) -> Table:
    rows = [
        {
            "offer": row["offer"],
            "ranked": row["ranked"],
            "first": row["first"],
            "behind": row["ranked"] - row["first"],
            "share_first": row["first"] / row["ranked"] if row["ranked"] else None,
        }
        for row in counted
    ]
    rows.sort(key=lambda row: -row["first"])
    columns = (
        Column("offer", texts("Offer"), "name"),
        Column("first", texts("Won"), "count", bar=True),
        Column("behind", texts("Ranked behind another"), "count"),
        Column("share_first", texts("Share won"), "share"),
    )
    return Table("won", texts("Win and loss: decisions of the last run"), columns, rows, texts(_NOBODY))


def _calibration(rows: Sequence[Mapping[str, Any]], texts: Texts) -> Table:
    words = {True: texts("off"), False: texts("fits")}
    listed = [{**row, "off": words[row["off"]]} for row in rows]
    columns = (
        Column("offer", texts("Offer"), "name"),
        Column("matured", texts("Matured decisions"), "count", bar=True),
        Column("expected", texts("Said to accept"), "share"),
        Column("rate", texts("Accepted"), "share", interval=("low", "high")),
        Column("off", texts("Outcome")),
    )
    empty = texts("No decision that was presented is matured yet.")
    return Table("calibration", texts("Calibration: propensities beside acceptances"), columns, listed, empty)


def _head_to_head(rows: Sequence[Mapping[str, Any]], texts: Texts) -> Table:
    """Show how often the offers that meet most win over each other; hidden cells stay hidden in the data, too."""
    met = sorted(rows, key=lambda row: -sum(count or 0 for count in row["customers"].values()))[:MOST_HEADS]
    shown = [row["offer"] for row in rows if row in met]
    most = max((count for row in met for count in row["customers"].values() if count), default=0)
    columns = (
        Column("offer", texts("Wins over"), "name"),
        *(Column(f"over_{name}", texts.name(name), "count", shade=most) for name in shown),
    )
    listed = [
        {"offer": row["offer"], **{f"over_{name}": row["customers"].get(name) for name in shown}}
        for row in rows
        if row["offer"] in shown
    ]
    caption = texts("Head to head: customers for whom one offer came before another")
    return Table("head_to_head", caption, columns, listed, texts("No two offers met."))


def _loosened(reach: Mapping[str, Any], visit: Visit) -> Table:
    texts = visit.texts
    columns = (
        Column("rule", texts("Rule"), "name"),
        Column("never", texts("Without any offer, by this rule alone"), "count"),
        Column("unlikely", texts("With unlikely ones, by this rule alone"), "count"),
        Column("offer", texts("Offer that would bring most"), "name"),
        Column("would_get_it", texts("Would get it"), "count", bar=True),
        Column("gain", texts("Worth at most, if they accept as others do"), "money"),
    )
    caption = texts("Under-served customers, and what loosening a rule would bring")
    return Table("loosened", caption, columns, reach.get("rules", ()), texts(_NOBODY))


def _propensities(counted: Sequence[Mapping[str, Any]], texts: Texts) -> Table:
    names = [f"from_{low:g}_to_{high:g}" for low, high in pairwise(BINS)]
    labels = [
        texts("{low} to {high}", low=texts.percent(low, 0), high=texts.percent(high, 0)) for low, high in pairwise(BINS)
    ]
    rows = [
        {"offer": row["offer"], **dict(zip(names, row["propensities"], strict=True))}
        for row in counted
        if any(row["propensities"])
    ]
    columns = (Column("offer", texts("Offer"), "name"), *(map(_count, names, labels)))
    caption = texts("How likely customers are to accept: ranked offers by propensity")
    return Table("propensities", caption, columns, rows, texts(_NOBODY))


def _count(key: str, label: str) -> Column:
    return Column(key, label, "count")


def _kept_away(counted: Sequence[Mapping[str, Any]], reached: Mapping[str, Mapping[str, Any]], texts: Texts) -> Table:
    rows = []
    for row in counted:
        total = sum(row["rejected"].values())
        for place, (rule, count) in enumerate(row["rejected"].items()):
            if place < RULES_SHOWN:
                rows.append(
                    {
                        "offer": row["offer"],
                        "rule": rule,
                        "rejected": count,
                        "share": count / total,
                        "reached": reached.get(row["offer"], {}).get("reached"),
                    }
                )
    columns = (
        Column("offer", texts("Offer"), "name"),
        Column("rule", texts("Rule"), "name"),
        Column("rejected", texts("Candidates rejected first"), "count", bar=True),
        Column("share", texts("Share of its rejections"), "share"),
        Column("reached", texts("Customers reached"), "count"),
    )
    caption = texts("Which rules keep each offer away: the {n} strongest", n=texts.number(RULES_SHOWN))
    return Table("kept_away", caption, columns, rows, texts(_NOBODY))


def _rules(rules: Sequence[Mapping[str, Any]], texts: Texts) -> Table:
    rows = [row for row in rules if row["candidates_rejected"]]
    columns = (
        Column("rule", texts("Rule"), "name"),
        Column("kind", texts("Kind"), "name"),
        Column("candidates_asked", texts("Candidates asked"), "count"),
        Column("candidates_rejected", texts("Rejected"), "count", bar=True),
        Column("candidates_rejected_alone", texts("By this rule alone"), "count"),
        Column("customers_lost", texts("Customers left without an offer"), "count"),
    )
    return Table(
        "rules", texts("What the rules cost, in the order in which they are checked"), columns, rows, texts(_NOBODY)
    )


def _reach(reached: Sequence[Mapping[str, Any]], texts: Texts) -> Table:
    stages = list(dict.fromkeys(row["group"] for row in reached if row["grouping"] == "stage"))
    rows: dict[str, dict[str, Any]] = {}
    for row in reached:
        if row["grouping"] in {"all", "stage"}:
            rows.setdefault(row["offer"], {"offer": row["offer"], **dict.fromkeys(stages)})[row["group"]] = row["share"]
    columns = (
        Column("offer", texts("Offer"), "name"),
        Column("all", texts("All"), "share", bar=True),
        *(Column(stage, texts.name(stage), "share") for stage in stages),
    )
    return Table("reach", texts("Share of customers reached, by stage"), columns, list(rows.values()), texts(_NOBODY))


PAGE: Final = Page(name="offers", title=N_("Offers"), permission=Permission.FIGURES, order=20, content=content)
