"""Sections of the report about decisions, budgets and models."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from charts.bars import Bar, bars
from charts.svg import element
from charts.tables import heat_table, table
from journeys.files import JourneyFigures
from pipelines.html_report.card import Card
from pipelines.markdown import cell
from pipelines.report_page import decisive_rows, metric_rows, plan_sentences, trained, untrained

_MOST_RULES = 14


def tiles(result: Mapping[str, Any], figures: JourneyFigures | None) -> Markup:
    """Return the numbers that are looked at first."""
    decisions = result["decisions"]
    whole = next((row for row in decisions["stages"] if row["stage"] == "all"), None)
    numbers = {"customers": f"{result['features']['customers']:,}"}
    if whole is not None and whole["customers"]:
        numbers["of them with an offer"] = percent(whole["share_with_offer"])
        numbers["expected value of the best offers"] = f"{whole['expected_value']:,.0f}"
    if decisions["plan"]:
        numbers["contacts planned"] = f"{sum(decisions['plan']['contacts'].values()):,}"
    if figures is not None:
        months = [
            row
            for row in figures.table("active_customers").to_pylist()
            if row["grain"] == "month" and row["note"] is None and row["customers"] is not None
        ]
        if months:
            numbers[f"active customers in {months[-1]['period']}"] = f"{months[-1]['customers']:,}"
    in_charge = sum(model["champion"] for model in result["models"].values())
    numbers["models in charge"] = f"{in_charge} of {len(result['models'])}"
    return element(
        "div",
        *(element("div", element("b", value), element("span", name), class_="tile") for name, value in numbers.items()),
        class_="tiles",
    )


def decision_cards(decisions: Mapping[str, Any]) -> list[Card]:
    """Show who gets an offer, which offers, in which channels, and what the rules cost."""
    stages = [row for row in decisions["stages"] if row["stage"] != "all"]
    shares = [
        Bar(
            label=row["stage"],
            value=row["share_with_offer"],
            text=f"{percent(row['share_with_offer'])} of {row['customers']:,}",
        )
        for row in stages
    ]
    cards = [
        Card(
            "Customers with an offer, by stage",
            bars(shares, "Share of customers with an offer, by stage", 1.0),
            details=table(decisions["stages"], cell),
        )
    ]
    contacts = decisions["plan"].get("contacts", {}) if decisions["plan"] else {}
    if contacts:
        drawn = [
            Bar(label=channel.replace("_", " "), value=float(count), text=f"{count:,}", colour=3)
            for channel, count in contacts.items()
        ]
        cards.append(Card("Planned contacts, by channel", bars(drawn, "Planned contacts by channel")))
    rules = sorted(decisions["rules"], key=lambda row: -row["candidates_rejected_alone"])
    costly = [row for row in rules if row["candidates_rejected"]][:_MOST_RULES]
    drawn = [
        Bar(
            label=row["rule"],
            value=float(row["candidates_rejected_alone"]),
            text=f"{row['candidates_rejected_alone']:,}",
            colour=2,
        )
        for row in costly
    ]
    cards.append(
        Card(
            "What the rules cost",
            bars(drawn, "Candidates that a rule alone rejects"),
            "Candidates that pass every other rule: what loosening this one would let through.",
            details=table([row for row in decisions["rules"] if row["candidates_rejected"]], cell),
        )
    )
    factors = [
        Bar(label=row["without"], value=row["share"], text=percent(row["share"]), colour=4)
        for row in decisive_rows(decisions)
    ]
    words = "Customers whose best offer would be another without it, among the same allowed candidates."
    cards.append(Card("Which factor decides", bars(factors, "Share of customers by factor", 1.0), words))
    return [*cards, _reach(decisions, [row["stage"] for row in stages])]


def _reach(decisions: Mapping[str, Any], stages: Sequence[str]) -> Card:
    shares: dict[str, dict[str, float | None]] = {}
    for row in decisions["reached"]:
        if row["grouping"] in {"all", "stage"}:
            shares.setdefault(row["offer"], {})[row["group"]] = row["share"]
    columns = ["all", *stages]
    rows = {
        offer: [(found.get(group), percent(found.get(group))) for group in columns]
        for offer, found in sorted(shares.items(), key=lambda item: -(item[1].get("all") or 0.0))
    }
    content = heat_table("offer", columns, rows, lambda share: (share, 1))
    words = "Share of the customers of a stage who may get the offer, in any channel."
    return Card("Reach of offers, by stage", content, words, wide=True)


def budget_cards(plan: Mapping[str, Any]) -> list[Card]:
    """Show use and prices of budgets; nothing for a bank without outbound channels."""
    if not plan or not plan["budgets"]:
        return []
    drawn = []
    for use in plan["budgets"]:
        share = use["used"] / use["capacity"] if use["capacity"] else None
        text = f"{use['used']:,.0f} of {use['capacity']:,.0f}"
        full = share is not None and share >= 1 - 1e-9
        drawn.append(Bar(label=use["name"], value=share, text=text, colour=5 if full else 1))
    sentences = element("ul", *(element("li", sentence) for sentence in plan_sentences(plan)))
    return [
        Card("Use of budgets", bars(drawn, "Used share of each budget", 1.0)),
        Card(
            "In words", sentences, "A price is what one more unit would bring; it is 0 while a budget is not used up."
        ),
    ]


def model_cards(models: Mapping[str, Any], pictures: Mapping[str, Mapping[str, bytes]]) -> list[Card]:
    """Show each model beside its baselines, and whether it is in charge."""
    sentences = untrained(models)
    cards = [Card("Not trained", element("ul", *(element("li", one) for one in sentences)))] if sentences else []
    for name, model in trained(models).items():
        verdict = "in charge" if model["champion"] else "not in charge: " + "; ".join(model["failures"])
        metrics, drawn = model["metrics"], []
        for label, key in [
            (f"{name} model", ""),
            *((baseline, f"baseline_{baseline}_") for baseline in model["baselines"]),
        ]:
            value = metrics.get(f"{key}auc")
            drawn.append(
                Bar(
                    label=label.replace("_", " "),
                    value=value,
                    text="" if value is None else f"{value:.3f}",
                    colour=0 if key else 1,
                    low=metrics.get(f"{key}auc_low"),
                    high=metrics.get(f"{key}auc_high"),
                )
            )
        words = f"Version {model['version']}, {verdict}. AUC on {model['rows']:,} held-out rows; 0.5 is chance."
        if model.get("form"):
            words += f" Form: {model['form']}."
        cards.append(
            Card(
                f"{name.capitalize()} beside baselines",
                bars(drawn, f"AUC of the {name} model and its baselines", 1.0),
                words,
                details=table(metric_rows(model), cell),
            )
        )
    for name, plots in pictures.items():
        for file, picture in plots.items():
            what = f"{name.capitalize()}: {file.removesuffix('.png').replace('_', ' ')}"
            data = b64encode(picture).decode()
            image = Markup('<img alt="{}" src="data:image/png;base64,{}">').format(what, data)
            cards.append(Card(what, image))
    return cards


def percent(share: float | None) -> str:
    """Format a share.

    Example:
        >>> percent(0.1234), percent(None)
        ('12 %', '·')
    """
    if share is None:
        return "·"
    return f"{share:.1%}".replace("%", " %") if 0 < abs(share) < 0.0995 else f"{share:.0%}".replace("%", " %")
