"""Commands of a bank: the whole loop, each of its steps, and what they led to."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from domain.errors import DataError, StateError
from nbo.app import AsOf, AsOfNow, app, components_of_bank, components_with_flows, moment_of
from nbo.display import console, progress_bars, show_table
from nbo.explained_decision import show_decision, show_offer_in_decision
from nbo.outcomes import (
    show_decisions,
    show_deliveries,
    show_import,
    show_run,
)
from nbo.pauses import show_pauses
from nbo.power import show_power
from nbo.stage_coverage import never_given_back, stage_coverage
from wiring.progress import no_bars, showing

command = partial(app.command, rich_help_panel="The loop and its steps")


@command()
def run(context: typer.Context, as_of: AsOf = None) -> None:
    """Run the whole loop: import, features, models, decisions for all customers, report.

    Example: nbo --bank banks/demo run
    """
    parts = components_with_flows(context, "pipelines.run_bank")
    from pipelines.evaluation import earlier_training_day
    from pipelines.run_bank import run_bank

    result = run_bank(str(parts.folder), moment_of(parts, as_of))
    show_run(result, parts.folder, earlier_training_day(parts.bank, parts.latest()))


@command()
def check(
    context: typer.Context,
    rate: Annotated[
        float | None, typer.Option(min=0.0001, max=0.9999, help="Accepted offers per impression, instead of the log's.")
    ] = None,
    impressions: Annotated[int | None, typer.Option(min=1, help="Impressions a month, instead of the log's.")] = None,
) -> None:
    """Check the bank's folder as a whole, and summarise its contents, what its arms can tell and what is paused.

    Examples:
        nbo --bank banks/demo check

        nbo --bank banks/demo check --rate 0.05 --impressions 200000
    """
    parts = components_of_bank(context)
    bank = parts.bank
    from wiring.addresses import check_addresses

    check_addresses(parts, os.environ)
    from nbo.dry_run import check_columns

    check_columns(parts)
    show_table(
        f"{bank.identity.name}: {bank.identity.description}",
        ("part", "count"),
        [
            ("event types", len(bank.vocabulary.types)),
            ("customer attributes", len(bank.vocabulary.attributes)),
            ("sources", len(bank.sources)),
            ("features", sum(not feature.internal for feature in bank.features.features.values())),
            ("offers", len(bank.offers)),
            ("candidates (offer in a channel)", sum(len(offer.treatments) for offer in bank.offers)),
            ("rules", len(parts.policy.rules)),
        ],
    )
    coverage = stage_coverage([condition.stage.value for condition in bank.journey.stages], bank.offers)
    show_table(
        "offers by stage",
        ("stage", "commercial", "caring"),
        [(stage.stage, len(stage.commercial), len(stage.caring)) for stage in coverage],
    )
    for gap in filter(None, (stage.gap() for stage in coverage)):
        console.print(f"  {gap}", markup=False)
    for sentence in never_given_back(bank):
        console.print(f"  {sentence}", markup=False, highlight=False, soft_wrap=True)
    if bank.features.not_applicable:
        show_table(
            "common features this bank has no events for",
            ("feature", "why"),
            list(bank.features.not_applicable.items()),
        )
    show_power(parts, rate, impressions)
    show_pauses(parts)


@command(name="import")
def import_log(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would become of the rows.")] = False,
) -> None:
    """Import the files of the bank's systems into the event log; a simulated bank generates them first.

    Example: nbo --bank banks/bpi2012 import --dry-run
    """
    if dry_run:
        from nbo.dry_run import show_dry_run

        show_dry_run(components_of_bank(context))
        return
    parts = components_with_flows(context)
    from pipelines.importing import import_events

    show_import(import_events(str(parts.folder)))


@command()
def features(context: typer.Context, as_of: AsOf = None) -> None:
    """Build the features of past moments and the online state of last midnight.

    Example: nbo --bank banks/demo features --as-of 2026-06-01
    """
    parts = components_with_flows(context)
    from pipelines.feature_build import build_features

    result = build_features(str(parts.folder), moment_of(parts, as_of))
    show_table("features", ("what", "value"), list(result.items()))


@command()
def journeys(
    context: typer.Context,
    figure: Annotated[str | None, typer.Option(help="One figure in full; by default the latest of each.")] = None,
    rows: Annotated[int, typer.Option(min=1, help="With --figure: this many rows, the last ones.")] = 40,
    json: Annotated[bool, typer.Option("--json", help="Print whole figures as JSON.")] = False,
    as_of: AsOf = None,
) -> None:
    """Compute the journey figures: stages, funnels, broken journeys, experience, activity.

    Examples:
        nbo --bank banks/demo journeys

        nbo --bank banks/demo journeys --figure funnel --rows 20

        nbo --bank banks/demo journeys --figure experience_map --json
    """
    parts = components_with_flows(context)
    from nbo.journeys import show_journeys
    from pipelines.journey_analytics import compute_journey_figures

    with showing(no_bars if json else progress_bars):  # nothing but JSON for whatever reads it
        compute_journey_figures(str(parts.folder), moment_of(parts, as_of))
    show_journeys(parts, figure, rows, as_json=json)


@command()
def decide(
    context: typer.Context,
    customer: Annotated[str | None, typer.Option(help="Decide for this customer only; by default for all.")] = None,
    channel: Annotated[
        str | None, typer.Option(help="Channel of the decision for one customer; needed if the bank has several.")
    ] = None,
    as_of: AsOf = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only look at one customer: claim no budget, count no contact.")
    ] = False,
    why: Annotated[
        str | None, typer.Option(help="Only look at one customer, and show what counts for and against this offer.")
    ] = None,
) -> None:
    """Decide for all customers, or for one from the online state and the events since.

    The decision for one customer is written and claims its budgets, as in the service; not with --as-of, which asks
    what would be decided at another moment.

    Example: nbo --bank banks/demo decide --customer C002262 --channel app --why savings_goal
    """
    parts = components_of_bank(context)
    moment = moment_of(parts, as_of)
    if customer is None and (dry_run or why):
        option = "--why" if why else "--dry-run"
        raise DataError(f"{option} is for one customer", remedy="--customer ID, or nbo simulate-policy for everybody")
    if customer is None:
        parts = components_with_flows(context)
        from pipelines.deciding import decide_for_everybody

        show_decisions(decide_for_everybody(str(parts.folder), moment))
        return
    if channel is None and len(parts.policy.channels) == 1:
        channel = parts.policy.channels[0]
    if channel is None:
        raise DataError(
            "a decision for one customer needs a channel",
            expected=", ".join(parts.policy.channels),
            remedy=f"--channel {parts.policy.channels[0]}",
        )
    from wiring.bank_time import last_moment, served_now

    keep = moment is None and not dry_run and why is None
    answer = parts.answer(customer, channel, moment or served_now(parts) or last_moment(parts), keep=keep)
    if why is None:
        show_decision(answer)
    else:
        show_offer_in_decision(answer, why)


@command()
def deliver(
    context: typer.Context,
    again: Annotated[bool, typer.Option("--again", help="Also retry dead letters once.")] = False,
    as_of: AsOfNow = None,
) -> None:
    """Deliver the planned contacts that are due to the files and webhooks of delivery.yaml.

    Example: nbo --bank banks/demo deliver
    """
    parts = components_with_flows(context)
    from pipelines.delivering import deliver_contacts

    show_deliveries(deliver_contacts(str(parts.folder), moment_of(parts, as_of), again=again))


@command()
def archive(
    context: typer.Context,
    as_of: AsOfNow = None,
) -> None:
    """Move old decisions from the database to Parquet, as retention.yaml says.

    Example: nbo --bank banks/demo archive
    """
    parts = components_with_flows(context)
    from pipelines.archiving import archive_old_decisions

    result = archive_old_decisions(str(parts.folder), moment_of(parts, as_of))
    show_table("archived", ("what", "value"), list(result.items()))


@command()
def simulate_policy(
    context: typer.Context,
    change: Annotated[
        Path,
        typer.Option(help="YAML with the changes to offers, policies and budgets, or a changed copy of the folder."),
    ],
    sample: Annotated[
        int | None, typer.Option(help="This many customers, the same ones every time; by default all.")
    ] = None,
    segment: Annotated[
        list[str] | None,
        typer.Option(help="Feature whose groups are compared; by default protected attributes and age."),
    ] = None,
    as_of: AsOf = None,
    to: Annotated[Path | None, typer.Option(help="New folder for a report and the decisions that differ.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print all tables as JSON.")] = False,
) -> None:
    """Compare the decisions of the bank as it is with those after a change; nothing is stored or logged.

    Example: nbo --bank banks/demo simulate-policy --change examples/savings_autumn.yaml --sample 5000
    """
    parts = components_of_bank(context)
    from nbo.what_if import show_what_if
    from pipelines.what_if import simulate_policy as simulate

    with showing(no_bars if json else progress_bars):
        result = simulate(parts, change, sample=sample, segments=segment, as_of=moment_of(parts, as_of), folder=to)
    show_what_if(result, as_json=json)


@command()
def report(
    context: typer.Context,
    show: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
) -> None:
    """Rewrite the report of the last run: one HTML file, and Markdown for machines.

    Example: nbo --bank banks/demo report --open
    """
    parts = components_with_flows(context)
    from pipelines.reporting import write_report

    file = Path(write_report(str(parts.folder))["report"])
    console.print(str(file), markup=False, highlight=False, soft_wrap=True)
    if show and typer.launch(file.as_uri()):
        raise StateError("no browser could be opened", remedy=f"open {file} in one")
