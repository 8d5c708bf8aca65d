"""Tables of a comparison: values today, with the change, and the difference."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from decisioning.reporting.forensics import Forensics
from decisioning.reporting.groups import ALL, STAGE
from models.evaluation.fairness import GroupSelection, group_selections
from serving.what_if.comparison import Comparison, Outcome

Row = dict[str, Any]
ANY = "any"
"""Stands for any offer."""


def tables_of(comparison: Comparison) -> dict[str, list[Row]]:
    """Return all tables by name: overview, channels, budgets, offers, stages, moves, rules, factors, fairness."""
    today, changed = comparison.today, comparison.changed
    return {
        "overview": _overview(comparison),
        "channels": _channels(comparison),
        "budgets": _budgets(today, changed),
        "offers": _offers(comparison),
        "stages": _stages(today.forensics, changed.forensics),
        "moves": _moves(comparison),
        "rules": _rules(today, changed),
        "factors": _factors(today.forensics, changed.forensics),
        "fairness": _fairness(comparison),
    }


def beside(name: str, today: float | None, changed: float | None) -> Row:
    """Return two numbers and their difference as columns; the difference is None if either is.

    Example:
        >>> beside("reached", 4, 6)
        {'reached_today': 4, 'reached_changed': 6, 'reached_difference': 2}
    """
    difference = None if today is None or changed is None else changed - today
    return {f"{name}_today": today, f"{name}_changed": changed, f"{name}_difference": difference}


def _overview(comparison: Comparison) -> list[Row]:
    measures: Mapping[str, Callable[[Outcome], float]] = {
        "customers": lambda side: int(side.forensics.customers[0]),
        "customers reached": lambda side: _reached(side.forensics)[0],
        "decisions with an offer": lambda side: int(side.contacts.sum()),
        "offers ranked": lambda side: int(side.forensics.ranked.sum()),
        "expected value": lambda side: float(side.expected_value.sum()),
        "expected cost": lambda side: float(side.expected_cost.sum()),
        "expected margin": lambda side: float(side.expected_value.sum() - side.expected_cost.sum()),
    }
    rows: list[Row] = []
    for name, measure in measures.items():
        today, changed = measure(comparison.today), measure(comparison.changed)
        rows.append({"measure": name, "today": today, "changed": changed, "difference": changed - today})
    return [
        *rows,
        *_forensic_measures(comparison.today.forensics, comparison.changed.forensics),
        _moved("customers with another first offer", comparison.customers_moved),
        _moved("decisions with another first offer", comparison.decisions_moved),
    ]


def _moved(name: str, count: int) -> Row:
    return {"measure": name, "today": None, "changed": None, "difference": count}


def _forensic_measures(today: Forensics, changed: Forensics) -> Iterable[Row]:
    choice, choice_changed = (side.optionality().to_pylist()[:1] for side in (today, changed))
    for before, after in zip(choice, choice_changed, strict=True):
        for name, words in (("one", "share with one offer"), ("two_or_more", "share with two offers or more")):
            yield {
                "measure": words,
                "today": before[name],
                "changed": after[name],
                "difference": after[name] - before[name],
            }
    for before, after in zip(today.concentration().to_pylist(), changed.concentration().to_pylist(), strict=True):
        both = None not in (before["gini"], after["gini"])
        yield {
            "measure": f"Gini of {before['of']}",
            "today": before["gini"],
            "changed": after["gini"],
            "difference": after["gini"] - before["gini"] if both else None,
        }


def _channels(comparison: Comparison) -> list[Row]:
    sides = comparison.today, comparison.changed
    rows = []
    for channel in comparison.channels:
        row: Row = {"channel": channel}
        for name in ("contacts", "expected_value", "expected_cost"):
            row |= beside(name, *(_at(side.channels, getattr(side, name).tolist(), channel) for side in sides))
        rows.append(row)
    return rows


def _budgets(today: Outcome, changed: Outcome) -> list[Row]:
    rows = []
    for name, unit in dict.fromkeys((*today.budgets, *changed.budgets)):
        row: Row = {"budget": name, "unit": unit}
        for what, number in (("use", "budget_use"), ("amount", "amounts")):
            both = (_at(side.budgets, getattr(side, number).tolist(), (name, unit), None) for side in (today, changed))
            row |= beside(what, *both)
        rows.append(row)
    return rows


def _offers(comparison: Comparison) -> list[Row]:
    rows = []
    for offer in comparison.offers[:-1]:
        row: Row = {"offer": offer}
        sides = comparison.today.forensics, comparison.changed.forensics
        row |= beside("first", *(_at(side.offers, side.first_places.tolist(), offer) for side in sides))
        row |= beside("reached", *(_at(side.offers, side.reach[0].tolist(), offer) for side in sides))
        rows.append(row)
    return sorted(rows, key=lambda row: (-abs(row["first_difference"]), -abs(row["reached_difference"])))


def _stages(today: Forensics, changed: Forensics) -> list[Row]:
    reached, reached_changed = _reached(today), _reached(changed)
    return [
        {
            "stage": today.groups[row],
            "customers": int(today.customers[row]),
            **beside("reached", reached[row], reached_changed[row]),
        }
        for row in np.flatnonzero(today.customers).tolist()
        if today.groupings[row] == STAGE
    ]


def _moves(comparison: Comparison) -> list[Row]:
    counts = comparison.moves.sum(axis=0)
    np.fill_diagonal(counts, 0)
    was, is_ = np.nonzero(counts)
    rows = [
        {"was": comparison.offers[before], "is": comparison.offers[after], "decisions": int(counts[before, after])}
        for before, after in zip(was.tolist(), is_.tolist(), strict=True)
    ]
    return sorted(rows, key=lambda row: -row["decisions"])


def _rules(today: Outcome, changed: Outcome) -> list[Row]:
    funnels = today.funnel, changed.funnel
    kinds = {rule: kind for funnel in funnels for rule, kind in zip(funnel.rules, funnel.kinds, strict=True)}
    rows = []
    for rule, kind in kinds.items():
        row: Row = {"rule": rule, "kind": kind}
        for name in ("rejected", "rejected_alone", "customers_lost"):
            row |= beside(name, *(_at(side.rules, getattr(side, name).tolist(), rule) for side in funnels))
        rows.append(row)
    return rows


def _factors(today: Forensics, changed: Forensics) -> list[Row]:
    sides = [{row["dropped"]: row["share"] for row in side.winners().to_pylist() if row["channel"] == ALL}
             for side in (today, changed)]  # fmt: skip
    return [{"without": factor, **beside("other_best_offer", *(side[factor] for side in sides))} for factor in sides[0]]


def _fairness(comparison: Comparison) -> list[Row]:
    """Compare how the groups of every segment are reached, by any offer and by each."""
    sides = comparison.today.forensics, comparison.changed.forensics
    segments = dict.fromkeys(grouping for grouping in sides[0].groupings if grouping not in (ALL, STAGE))
    rows = []
    for segment in segments:
        for offer in (ANY, *comparison.offers[:-1]):
            before, after = (_selections(side, segment, offer) for side in sides)
            rows += [_fair(segment, offer, was, now) for was, now in zip(before, after, strict=True)]
    return rows


def _selections(side: Forensics, segment: str, offer: str) -> tuple[GroupSelection, ...]:
    places = [place for place, grouping in enumerate(side.groupings) if grouping == segment]
    if offer == ANY:
        reached = _reached(side)
    elif offer in side.offers:
        reached = side.reach[:, side.offers.index(offer)].tolist()
    else:
        reached = [0] * len(side.groups)
    return group_selections(
        [side.groups[place] for place in places],
        [int(side.customers[place]) for place in places],
        [reached[place] for place in places],
    )


def _fair(segment: str, offer: str, today: GroupSelection, changed: GroupSelection) -> Row:
    row: Row = {"segment": segment, "group": today.group, "offer": offer, "customers": today.customers}
    row |= beside("rate", today.rate, changed.rate)
    for name, side in (("today", today), ("changed", changed)):
        row |= {
            f"ratio_{name}": side.ratio,
            f"ratio_{name}_low": side.ratio_low,
            f"ratio_{name}_high": side.ratio_high,
            f"below_four_fifths_{name}": side.below_four_fifths,
            f"surely_{name}": side.surely,
        }
    return row


def _reached(side: Forensics) -> list[int]:
    """Return, for every group, the customers with an offer in at least one channel."""
    reached: list[int] = side.choices[:, 1:].sum(axis=1).tolist()
    return reached


def _at(names: Sequence[Any], numbers: Sequence[float], name: Any, otherwise: float | None = 0) -> float | None:
    return numbers[names.index(name)] if name in names else otherwise
