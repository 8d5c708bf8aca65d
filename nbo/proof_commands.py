"""Commands that judge: a policy or model before it goes live, arms and trials, and what may go wrong."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nbo.app import app, components_of_bank, moment_of, moment_option
from nbo.display import console, print_json, progress_bars, show_table
from nbo.outcomes import show_rows
from wiring.progress import no_bars, showing

if TYPE_CHECKING:
    from serving.trial_report import TrialReport

command = partial(app.command, rich_help_panel="Proof")


@command()
def evaluate(
    context: typer.Context,
    subject: Annotated[
        Path,
        typer.Argument(
            metavar="POLICY|MODEL",
            help="Folder of the bank with another policy, a file with a change, proposal:NUMBER, or a version or alias "
            "of the propensity model.",
        ),
    ],
    model: Annotated[
        str | None,
        typer.Option(
            help="Version or alias of the propensity model that scores for a policy; the champion by default."
        ),
    ] = None,
    as_of: Annotated[
        datetime | None, moment_option("Moment in the bank's time zone; just after the latest news by default.")
    ] = None,
    to: Annotated[Path | None, typer.Option(help="New folder for the page and its pictures.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Estimate from logged decisions and their outcomes what a policy or model would have earned: ship, hold or stop.

    The result is kept; the console's page Evaluation shows it.

    Examples:
        nbo --bank banks/demo evaluate examples/savings_autumn.yaml

        nbo --bank banks/demo evaluate challenger

        nbo --bank banks/demo evaluate proposal:1

        nbo --bank banks/demo evaluate banks/demo --model earlier
    """
    parts = components_of_bank(context)
    from pipelines.evaluation import evaluate_logged
    from pipelines.evaluation_page import evaluation_page, expect_empty, write_evaluation
    from wiring.bank_time import last_moment

    if to is not None:
        expect_empty(to)
    record = evaluate_logged(parts, subject, moment_of(parts, as_of) or last_moment(parts), model)
    if to is not None:
        write_evaluation(to, record)
    if json:
        print_json(record.to_json())
        return
    console.print(evaluation_page(record), markup=False, highlight=False, soft_wrap=True)


@command()
def effects(
    context: typer.Context,
    as_of: Annotated[
        datetime | None, moment_option("Moment in the bank's time zone; just after the latest news by default.")
    ] = None,
    since: Annotated[
        datetime | None, moment_option("Compare from here on, instead of from the first decision on.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Compare what holdout and arms realised for each assigned customer, and each offer with what it promised.

    Examples:
        nbo --bank banks/demo effects

        nbo --bank banks/demo effects --since 2026-02-01
    """
    parts = components_of_bank(context)
    from pipelines.effects_page import effect_sentences, group_rows, realised_rows
    from serving.effects import effects_of

    until = moment_of(parts, as_of) or parts.latest()
    found = effects_of(parts.log, parts.decision_log, parts.bank, until, moment_of(parts, since)).to_json()
    if json:
        print_json(found)
        return
    for rows in group_rows(found):
        show_rows("realised value of each assigned customer", rows)
    show_rows("realised over expected value", realised_rows(found))
    for sentence in effect_sentences(found):
        console.print(f"  {sentence}", markup=False, highlight=False, soft_wrap=True)


@command()
def trials(
    context: typer.Context,
    as_of: Annotated[
        datetime | None, moment_option("Moment in the bank's time zone; just after the latest news by default.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Plan and judge the trials (A/B tests) of policies.yaml: ship, hold or stop, however often you look.

    Decisions of the customers who take part are replayed in every arm, so that only those that would have differed
    count.

    Example: nbo --bank banks/demo trials
    """
    parts = components_of_bank(context)
    from wiring.trials import reports_of_trials

    with showing(no_bars if json else progress_bars):  # nothing but JSON for whatever reads it
        found = reports_of_trials(parts, moment_of(parts, as_of) or parts.latest())
    if json:
        print_json({"trials": [one.to_json() for one in found]})
        return
    for one in found:
        show_trial(one)
    if not found:
        console.print("this bank's policies.yaml has no trials", markup=False)


def show_trial(one: TrialReport) -> None:
    """Show what is known of a trial."""
    console.print(f"{one.sentence}", markup=False, highlight=False, soft_wrap=True)
    if one.result is not None:
        show_table(
            one.trial.question,
            ("arm", "customers", "gain of a customer", "expect"),
            [(arm.arm, arm.customers, str(arm.gain), f"{arm.shrunk_gain:+.4g}") for arm in one.result.arms],
        )
    if one.triggered is not None:
        console.print(f"  {one.triggered.result.sentence}", markup=False, highlight=False, soft_wrap=True)
        for reason, customers in one.triggered.lost.items():
            console.print(f"  cannot be replayed for {customers:,} customers: {reason}", markup=False)
    if len(one.offers) > 1:
        rows = [(each.offer, each.arm, str(each.gain)) for each in one.offers]
        show_table("gains by offer: what one wins may be another's", ("offer", "arm", "gain of a customer"), rows)


@command()
def health(
    context: typer.Context,
    as_of: Annotated[datetime | None, moment_option("Moment in the bank's time zone; now by default.")] = None,
    tell: Annotated[bool, typer.Option("--tell", help="Keep the readings, and tell who is to be told.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the readings as JSON.")] = False,
) -> None:
    """Read what may go wrong (fresh data, drift, calibration, silent channels), with traffic lights.

    Examples:
        nbo --bank banks/demo health

        nbo --bank banks/demo health --tell
    """
    parts = components_of_bank(context)
    from domain.health import Light
    from wiring.bank_time import bank_now
    from wiring.watching import readings_of, watch

    now = moment_of(parts, as_of) or bank_now(parts)
    readings, told = watch(parts, now) if tell else (readings_of(parts, now), [])
    if json:
        print_json({"readings": [asdict(one) for one in readings], "told": [one.key for one in told]})
        return
    rows = [(one.light.value, one.check, one.sentence) for light in Light for one in readings if one.light is light]
    bright = [row for row in rows if row[0] != Light.GREEN.value]
    show_table(f"health of {parts.name}", ("light", "check", "what"), sorted(bright, key=lambda row: row[0] != "red"))
    console.print(f"  {len(rows) - len(bright):,} of {len(rows):,} readings are green", markup=False)
    for one in told:
        console.print(f"  told: {one.sentence}", markup=False, soft_wrap=True)
