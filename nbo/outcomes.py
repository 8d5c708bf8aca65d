"""Outcomes of commands as tables in the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nbo.display import console, show_table
from pipelines.report_page import metric_rows, next_looks

if TYPE_CHECKING:
    from serving.customer import Answer


def show_run(result: Mapping[str, Any]) -> None:
    """Show what a whole run built, how good it is, and what to look at next."""
    features, decisions = result["features"], result["decisions"]
    show_rows("imported", result["import"]["files"])
    show_table(
        f"built as of {features['as_of'][:10]}",
        ("what", "count"),
        [
            ("events in the log", result["import"]["events"]),
            ("customers", features["customers"]),
            ("features", features["features"]),
            ("past moments in Feast", features["rows"]),
            ("decisions (customer x channel)", decisions["decisions"]),
            ("ranked offers", decisions["offers"]),
        ],
    )
    show_models(result["models"])
    show_decisions(decisions)
    console.print("\n[bold]Look at next[/]")
    for sentence in (*next_looks(result), f"the report with pictures: {result['report']}"):
        console.print(f"  - {sentence}", markup=False, highlight=False, soft_wrap=True)
    console.print(
        f"  - one customer: nbo --bank banks/{result['bank']} decide --customer ID --channel CHANNEL", markup=False
    )
    console.print(f"  - all training runs: nbo --bank banks/{result['bank']} experiments; pages: nbo ui", markup=False)


def show_models(models: Mapping[str, Any]) -> None:
    """Show the metrics of each model beside its baselines, and what its gate said."""
    for name, model in models.items():
        verdict = "champion" if model["champion"] else "challenger, not champion"
        show_rows(f"{name} version {model['version']}: {verdict}, {model['rows']:,} test rows", metric_rows(model))
        for failure in model["failures"]:
            console.print(f"  gate: {failure}", markup=False)


def show_decisions(decisions: Mapping[str, Any]) -> None:
    """Show what was decided per stage."""
    show_rows("decisions per stage", decisions["stages"])


def show_deliveries(result: Mapping[str, Any]) -> None:
    """Show what came of each channel, and why contacts were not delivered."""
    channels = [{name: value for name, value in row.items() if name != "reasons"} for row in result["channels"]]
    show_rows(f"{result['new']:,} new contacts in the outbox; delivered as of {result['as_of'][:16]}", channels)
    reasons = [(row["channel"], *reason) for row in result["channels"] for reason in row["reasons"].items()]
    if reasons:
        show_table("why not", ("channel", "reason", "contacts"), reasons)
    show_rows("dead letters: kept until tried again by `deliver --again`", result["dead_letters"])


def show_decision(answer: Answer) -> None:
    """Show the offers of one decision with their reasons, and for every other candidate what stopped it."""
    decision = answer.decision
    console.print(
        f"{decision.customer_id} in {decision.channel} as of {decision.as_of:%Y-%m-%d %H:%M} UTC: stage "
        f"{decision.stage}, decision {decision.decision_id}, features from {answer.origin}",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    if answer.note:
        console.print(f"  {answer.note}", markup=False, soft_wrap=True)
    if decision.fallback:
        console.print(decision.fallback, markup=False, soft_wrap=True)
    for candidate, reasons in zip(decision.offers, answer.reasons, strict=True):
        console.print(
            f"{candidate.rank}. {candidate.offer}: propensity {candidate.propensity:.4f} x value "
            f"{candidate.value:.2f}, priority {candidate.priority:.3f}, "
            f"selection probability {candidate.selection_probability:.3f}",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
        for reason in reasons:
            console.print(f"     {reason.sentence()}", markup=False, highlight=False, soft_wrap=True)
    rejected = [
        (candidate.offer, verdict.rule, verdict.reason)
        for candidate in decision.candidates
        if candidate.channel == decision.channel
        for verdict in candidate.verdicts
        if not verdict.passed
    ]
    if rejected:
        show_table("why not the others", ("offer", "rule", "reason"), rejected)


def show_rows(title: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Show rows with the same keys as a table."""
    if rows:
        show_table(title, tuple(rows[0]), [tuple(row.values()) for row in rows])
