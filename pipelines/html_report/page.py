"""The report of a run as one HTML file: no script, nothing to fetch, good on a screen, on a phone and on paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from markupsafe import Markup

from charts.svg import element
from domain.counts import counted
from journeys.files import JourneyFigures
from pipelines.html_report.effect_sections import effect_cards
from pipelines.html_report.journey_sections import activity_cards, experience_cards, funnel_cards, stage_cards
from pipelines.html_report.run_sections import budget_cards, decision_cards, model_cards, tiles
from pipelines.report_page import next_looks

STYLE: Final = Path(__file__).with_name("report.css")


def html_report(
    result: Mapping[str, Any], figures: JourneyFigures | None, pictures: Mapping[str, Mapping[str, bytes]]
) -> str:
    """Write the page.

    Args:
        result: Result of `pipelines.run_bank.run_bank`.
        figures: The bank's journey figures; None if there are none yet.
        pictures: Model -> file name -> PNG picture of its quality.
    """
    day = result["features"]["as_of"][:10]
    sections = {
        "Decisions": decision_cards(result["decisions"]),
        "Budgets": budget_cards(result["decisions"]["plan"]),
        "Effects": effect_cards(result.get("effects") or {}),
        "Models": model_cards(result["models"], pictures),
    }
    if figures is not None:
        sections |= {
            "Stages": stage_cards(figures),
            "Product journeys": funnel_cards(figures),
            "Experience": experience_cards(figures),
            "Activity": activity_cards(figures),
        }
    links = [element("a", name, href=f"#{_anchor(name)}") for name, cards in sections.items() if cards]
    looks = element("ul", *(element("li", sentence) for sentence in next_looks(result)))
    body = [
        element("h1", f"{result['bank']}, {day}"),
        element("p", _summary(result), class_="lead"),
        element("nav", *links, aria_label="Sections"),
        tiles(result, figures),
        element("h2", "What to look at next"),
        looks,
    ]
    for name, cards in sections.items():
        if cards:
            body.append(element("h2", name, id=_anchor(name)))
            body.append(element("div", *(card.html() for card in cards), class_="grid"))
    return _page(f"{result['bank']}, {day}", body)


def _summary(result: Mapping[str, Any]) -> str:
    features, decisions = result["features"], result["decisions"]
    return (
        f"{counted(result['import']['events'], 'event')} of {counted(features['customers'], 'customer')}; "
        f"{counted(decisions['offers'], 'offer')} ranked in {counted(decisions['decisions'], 'decision')}."
    )


def _anchor(name: str) -> str:
    return name.lower().replace(" ", "-")


def _page(title: str, body: Sequence[Markup]) -> str:
    style = STYLE.read_text(encoding="utf-8")
    head = Markup(  # noqa: S704 - the title is escaped, the style sheet is a file of this package
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f"{element('title', title)}<style>{style}</style>"
    )
    return f'<!doctype html>\n<html lang="en">{element("head", head)}{element("body", element("main", *body))}</html>\n'
