"""The report of a run as one HTML file."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest

from journeys.figures import FIGURES
from journeys.files import JourneyFigures
from pipelines.html_report.page import html_report
from tests.journeys.build import JourneyBank, bank_of_events, random_bank

SECTIONS = ("decisions", "budgets", "models", "stages", "product-journeys", "experience", "activity")
STAGE = {"stage": "growth", "customers": 40, "with_offer": 30, "share_with_offer": 0.75, "expected_value": 90.0}
RULE = {"rule": "not_held", "candidates_rejected": 9, "candidates_rejected_alone": 4}
RESULT: dict[str, Any] = {
    "bank": "demo",
    "import": {"events": 100, "files": [{"quarantined": 0}]},
    "features": {"as_of": "2026-06-24T00:00:00+02:00", "customers": 40},
    "models": {
        "churn": {
            "champion": False,
            "failures": ["too few positives"],
            "version": "1",
            "rows": 10,
            "form": "trees on BG/NBD, 41 trees",
            "metrics": {"auc": 0.8, "auc_low": 0.7, "auc_high": 0.9, "baseline_prevalence_auc": 0.5},
            "baselines": ["prevalence"],
        }
    },
    "decisions": {
        "decisions": 40,
        "offers": 60,
        "stages": [STAGE, {**STAGE, "stage": "all"}],
        "rules": [RULE],
        "reached": [
            {"grouping": "all", "group": "all", "offer": "savings_plus", "customers": 40, "reached": 8, "share": 0.2},
            {
                "grouping": "stage",
                "group": "growth",
                "offer": "savings_plus",
                "customers": 40,
                "reached": 8,
                "share": 0.2,
            },
        ],
        "winners": [{"dropped": "value", "channel": "all", "customers": 40, "changed": 10, "share": 0.25}],
        "models": {},
        "plan": {
            "contacts": {"email": 12},
            "value": 99.0,
            "bound": 100.0,
            "refused": 0,
            "budgets": [
                {"name": "call_slots", "used": 60.0, "capacity": 60.0, "sentence": "call_slots: 60 of 60 used"}
            ],
        },
    },
}


def figures_of(bank: JourneyBank) -> JourneyFigures:
    tables = bank.figures(buckets=1)
    reasons = {name: FIGURES[name].why_empty(bank.context) for name, table in tables.items() if not len(table)}
    return JourneyFigures(bank.context.as_of, tables, reasons)


@pytest.fixture(scope="module")
def figures() -> JourneyFigures:
    return figures_of(random_bank(3, customers=120, events=9_000))


def test_it_has_every_section_and_fetches_nothing(figures: JourneyFigures) -> None:
    page = html_report(RESULT, figures, {"churn": {"reliability.png": b"png"}})
    assert re.findall(r'<h2 id="([a-z-]+)">', page) == list(SECTIONS)
    assert not re.findall(r"<script|<link|@import|url\(|(?:src|href)=\"(?!data:|#)", page)
    assert "Churn: reliability" in page
    assert "0.5 is chance. Form: trees on BG/NBD, 41 trees." in page
    assert "60 of 60" in page
    assert "75 % of 40" in page


def test_effects_are_a_section_with_pictures_and_words() -> None:
    estimate = {"value": 1.5, "low": 0.5, "high": 2.5}
    unknown = {"value": 0.0, "low": None, "high": None}
    groups = [
        {"group": "holdout", "customers": 40, "mean": estimate, "gain": None},
        {"group": "programme", "customers": 400, "mean": estimate, "gain": estimate},
    ]
    few = [*groups[:1], {**groups[1], "gain": unknown}]
    offer = {"offer": "<savings>", "impressions": 9, "expected": 1.0, "realised": 0.5, "alarm": True}
    effects = {
        "currency": "EUR",
        "comparisons": [{"groups": one, "sentence": "it differs"} for one in (groups, few)],
        "offers": [{**offer, "ratio": estimate}, {**offer, "ratio": {"value": None, "low": None, "high": None}}],
        "alarms": ["an offer earns half"],
        "notes": [],
    }
    page = html_report({**RESULT, "effects": effects}, None, {})
    assert re.findall(r'<h2 id="([a-z-]+)">', page) == ["decisions", "budgets", "effects", "models"]
    assert 'class="better"' in page
    assert "too few to tell" in page
    assert "nothing was expected" in page
    assert "&lt;savings&gt;" in page


def test_hostile_names_stay_text(figures: JourneyFigures) -> None:
    result = copy.deepcopy(RESULT)
    result["bank"] = result["decisions"]["rules"][0]["rule"] = "<script>x</script>"
    for row in result["decisions"]["reached"]:
        row["offer"] = '"><img src=x onerror=alert(1)>'
    page = html_report(result, figures, {})
    assert "<script" not in page
    assert "<img" not in page


def test_a_bank_without_outbound_channels_or_figures_has_a_report() -> None:
    result = copy.deepcopy(RESULT)
    result["decisions"]["plan"] = {}
    page = html_report(result, None, {})
    assert re.findall(r'<h2 id="([a-z-]+)">', page) == ["decisions", "models"]


def test_figures_of_an_empty_bank_leave_their_sections_out() -> None:
    page = html_report(RESULT, figures_of(bank_of_events([])), {})
    assert re.findall(r'<h2 id="([a-z-]+)">', page) == ["decisions", "budgets", "models", "stages"][:3]
