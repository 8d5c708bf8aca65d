"""Section of the report about effects: what groups came to, and what offers earn of what they promised."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from charts.differences import Difference, differences_in_page
from charts.svg import element
from charts.tables import table
from pipelines.effects_page import effect_sentences, group_rows, realised_rows
from pipelines.html_report.card import Card
from pipelines.markdown import cell


def effect_cards(effects: Mapping[str, Any]) -> list[Card]:
    """Show the groups of each comparison, realised over expected value, and what they tell in words."""
    if not effects:
        return []
    said = element("ul", *(element("li", sentence) for sentence in effect_sentences(effects)))
    cards = [Card("What they tell", said, wide=True)]
    for one, rows in zip(effects["comparisons"], group_rows(effects), strict=True):
        control, others = one["groups"][0]["group"].replace("_", " "), one["groups"][1:]
        title = f"Realised value of each customer, against {control}"
        drawn = [
            Difference(
                label=group["group"].replace("_", " "),
                value=group["gain"]["value"],
                low=group["gain"]["low"],
                high=group["gain"]["high"],
                text=f"{group['gain']['value']:+,.2f}",
            )
            for group in others
            if group["gain"]["low"] is not None
        ]
        numbers = table(rows, cell)
        if drawn:
            words = f"More than {control}, in {effects['currency']} a customer, with intervals of 95 %."
            cards.append(Card(title, differences_in_page(drawn, title), words, details=numbers))
        else:
            cards.append(Card(title, numbers, "A group is too small for an interval."))
    if effects["offers"]:
        words = "Realised value of an impression over propensity times value."
        cards.append(
            Card("What offers earn of what they promised", table(realised_rows(effects), cell), words, wide=True)
        )
    return cards
