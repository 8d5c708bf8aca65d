"""The command line: `nbo --bank banks/demo run`, and a command for each of its steps."""

from __future__ import annotations

import os
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from config.settings import Settings
from domain.errors import DataError, NboError, StateError
from events.report import NothingAcceptedError
from nbo.data_commands import add_data_commands
from nbo.display import console, progress_bars, show_error, show_table
from nbo.full_disk import full_disk
from nbo.outcomes import (
    show_decision,
    show_decisions,
    show_deliveries,
    show_first_rows,
    show_import,
    show_models,
    show_run,
)
from nbo.scarce import scarce
from wiring.progress import showing

if TYPE_CHECKING:
    from wiring.components import Components

app = typer.Typer(
    name="nbo",
    help="The open next-best-offer engine: from a bank's event log to ranked offers with reasons.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)

INTERRUPTED = 130
"""Exit code after Ctrl-C, by the convention of shells: 128 plus the signal's number."""

AsOf = Annotated[
    datetime | None,
    typer.Option(
        formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"],
        help="Moment in the bank's time zone; by default the last midnight with new events.",
    ),
]

ClockAt = Annotated[
    datetime | None,
    typer.Option(
        formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"],
        help="Where the service's clock starts; by default a simulated bank's last moment, else the real time.",
    ),
]


@app.callback()
def choose_bank(
    context: typer.Context,
    bank: Annotated[Path, typer.Option(help="Folder of the bank's YAML.")] = Path("banks/demo"),
    engine: Annotated[
        str | None,
        typer.Option(help="Engine for features and batch runs: local or spark; by default NBO_ENGINE."),
    ] = None,
) -> None:
    """Set the bank and the engine of a command.

    Examples:
        nbo --bank banks/demo run

        nbo --bank banks/demo decide --customer C002262 --channel app

        nbo --bank banks/bpi2012 check

        nbo --engine spark run
    """
    context.obj = bank
    if engine is not None:
        os.environ["NBO_ENGINE"] = engine  # settings are read from here, also in processes that flows start


@app.command()
def run(context: typer.Context, as_of: AsOf = None) -> None:
    """Run the whole loop: import, features, models, decisions for all customers, report.

    Example: nbo --bank banks/demo run
    """
    parts = _parts_with_flows(context)
    from pipelines.run_bank import run_bank

    show_run(run_bank(str(parts.folder), _moment(parts, as_of)))


@app.command()
def check(context: typer.Context) -> None:
    """Check the bank's folder as a whole, and summarise its contents.

    Example: nbo --bank banks/demo check
    """
    parts = _parts(context)
    bank = parts.bank
    from wiring.addresses import check_addresses

    check_addresses(parts, os.environ)
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
    if bank.features.not_applicable:
        show_table(
            "common features this bank has no events for",
            ("feature", "why"),
            list(bank.features.not_applicable.items()),
        )


@app.command(name="import")
def import_log(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would become of the rows.")] = False,
) -> None:
    """Import the files of the bank's systems into the event log; a simulated bank generates them first.

    Example: nbo --bank banks/bpi2012 import --dry-run
    """
    if dry_run:
        from nbo.dry_run import show_dry_run

        show_dry_run(_parts(context))
        return
    parts = _parts_with_flows(context)
    from pipelines.importing import import_events

    show_import(import_events(str(parts.folder)))


@app.command()
def features(context: typer.Context, as_of: AsOf = None) -> None:
    """Build the features of past moments and the online state of last midnight.

    Example: nbo --bank banks/demo features --as-of 2026-06-01
    """
    parts = _parts_with_flows(context)
    from pipelines.feature_build import build_features

    result = build_features(str(parts.folder), _moment(parts, as_of))
    show_table("features", ("what", "value"), list(result.items()))


@app.command()
def training_set(
    context: typer.Context,
    moments: Annotated[Path, typer.Option(help="Parquet, CSV or JSON lines with customer_id and as_of.")],
    to: Annotated[Path, typer.Option(help="New folder for the features, as Parquet.")],
) -> None:
    """Compute the features of any customers at any moments, as they were known then.

    Example: nbo --bank banks/demo training-set --moments moments.csv --to my_training_set
    """
    parts = _parts(context)
    from pipelines.training_sets import write_training_set

    result = write_training_set(parts, moments, to)
    show_table("training set", ("what", "value"), list(result.items()))


@app.command()
def train(context: typer.Context, as_of: AsOf = None) -> None:
    """Train, evaluate and register the churn and propensity models; a better challenger becomes champion.

    Example: nbo --bank banks/demo train
    """
    parts = _parts_with_flows(context)
    from pipelines.training import train_models

    show_models(train_models(str(parts.folder), _moment(parts, as_of)))


@app.command()
def decide(
    context: typer.Context,
    customer: Annotated[str | None, typer.Option(help="Decide for this customer only; by default for all.")] = None,
    channel: Annotated[str | None, typer.Option(help="Channel of the decision for one customer.")] = None,
    as_of: AsOf = None,
) -> None:
    """Decide for all customers, or for one from the online state and the events since.

    Example: nbo --bank banks/demo decide --customer C002262 --channel app
    """
    parts = _parts(context)
    moment = _moment(parts, as_of)
    if customer is None:
        parts = _parts_with_flows(context)
        from pipelines.deciding import decide_for_everybody

        show_decisions(decide_for_everybody(str(parts.folder), moment))
        return
    if channel is None:
        raise DataError(
            "a decision for one customer needs a channel",
            expected=", ".join(parts.policy.channels),
            remedy="--channel app",
        )
    from wiring.bank_time import last_moment, served_now

    show_decision(parts.answer(customer, channel, moment or served_now(parts) or last_moment(parts)))


@app.command()
def deliver(
    context: typer.Context,
    again: Annotated[bool, typer.Option("--again", help="Also retry dead letters once.")] = False,
    as_of: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"],
            help="Moment in the bank's time zone; now by default, in a simulated bank's own time.",
        ),
    ] = None,
) -> None:
    """Deliver the planned contacts that are due to the files and webhooks of delivery.yaml.

    Example: nbo --bank banks/demo deliver
    """
    parts = _parts_with_flows(context)
    from pipelines.delivering import deliver_contacts

    show_deliveries(deliver_contacts(str(parts.folder), _moment(parts, as_of), again=again))


@app.command()
def archive(
    context: typer.Context,
    as_of: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"],
            help="Moment in the bank's time zone; now by default, in a simulated bank's own time.",
        ),
    ] = None,
) -> None:
    """Move old decisions from the database to Parquet, as retention.yaml says.

    Example: nbo --bank banks/demo archive
    """
    parts = _parts_with_flows(context)
    from pipelines.archiving import archive_old_decisions

    result = archive_old_decisions(str(parts.folder), _moment(parts, as_of))
    show_table("archived", ("what", "value"), list(result.items()))


@app.command()
def simulate_policy(
    context: typer.Context,
    change: Annotated[Path, typer.Option(help="YAML with the changes to offers, policies and budgets.")],
    sample: Annotated[
        int | None, typer.Option(help="This many customers, the same ones every time; by default all.")
    ] = None,
    segment: Annotated[
        list[str] | None,
        typer.Option(help="Feature whose groups are compared; by default protected attributes and age."),
    ] = None,
    as_of: AsOf = None,
    to: Annotated[Path | None, typer.Option(help="New folder for a report and the decisions that differ.")] = None,
) -> None:
    """Compare the decisions of the bank as it is with those after a change; nothing is stored or logged.

    Example: nbo --bank banks/demo simulate-policy --change examples/savings_autumn.yaml --sample 5000
    """
    parts = _parts(context)
    from nbo.what_if import show_what_if
    from pipelines.what_if import simulate_policy as simulate

    show_what_if(simulate(parts, change, sample=sample, segments=segment, as_of=_moment(parts, as_of), folder=to))


@app.command()
def report(context: typer.Context) -> None:
    """Rewrite the report of the last run.

    Example: nbo --bank banks/demo report
    """
    parts = _parts_with_flows(context)
    from pipelines.reporting import write_report

    console.print(write_report(str(parts.folder))["report"])


@app.command()
def experiments(
    context: typer.Context,
    sort: Annotated[str, typer.Option(help="Column to sort by, largest first.")] = "started",
    model: Annotated[str | None, typer.Option(help="churn or propensity.")] = None,
    csv: Annotated[Path | None, typer.Option(help="Write the whole table to this file instead.")] = None,
) -> None:
    """Compare training runs in one table.

    Example: nbo --bank banks/demo experiments --model churn --sort auc
    """
    from nbo.comparison import show_experiments

    show_experiments(_parts(context), sort, model, csv)


@app.command()
def ui(
    context: typer.Context,
    port: Annotated[int, typer.Option(help="First of three ports: MLflow, Prefect, Feast.")] = 5000,
) -> None:
    """Serve the pages of MLflow, Prefect and Feast on the embedded state, until Ctrl-C.

    Example: nbo --bank banks/demo ui --port 5000
    """
    from nbo.servers import serve_pages

    serve_pages(_parts(context), port)


@app.command()
def serve(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8000,
    workers: Annotated[int, typer.Option(help="Number of worker processes.")] = 1,
    as_of: ClockAt = None,
    certificate: Annotated[Path | None, typer.Option(help="TLS certificate with its chain.")] = None,
    certificate_key: Annotated[Path | None, typer.Option(help="Private key of the certificate.")] = None,
) -> None:
    """Serve decisions and ingest events in real time, until Ctrl-C.

    Example: nbo --bank banks/demo serve --port 8000 --workers 2
    """
    from nbo.service import serve as run_service

    parts = _parts(context)
    moment = _moment(parts, as_of)
    run_service(
        parts, host=host, port=port, workers=workers, as_of=moment, certificate=certificate, key=certificate_key
    )


@app.command()
def up(
    context: typer.Context,
    port: Annotated[
        int, typer.Option(help="Port of the service; MLflow, Prefect and Feast get the next three.")
    ] = 8000,
    workers: Annotated[int, typer.Option(help="Number of worker processes.")] = 1,
    as_of: ClockAt = None,
) -> None:
    """Run the real-time service with MLflow, Prefect and Feast on the embedded state, until Ctrl-C.

    Example: nbo --bank banks/demo up --port 8000
    """
    from nbo.servers import serve_everything
    from nbo.service import prepare_keys, telling_time

    parts = _parts(context)
    prepare_keys()
    # the service started here shares this time
    with telling_time(parts, _moment(parts, as_of)):
        serve_everything(parts, port, workers, None if as_of is None else f"{as_of:%Y-%m-%dT%H:%M:%S}")


@app.command()
def champions(
    context: typer.Context,
    every: Annotated[float | None, typer.Option(help="Keep running, and check every so many seconds.")] = None,
) -> None:
    """Publish the champions' files for services, which never query the registry themselves.

    Example: nbo --bank banks/demo champions
    """
    from nbo.service import publish

    publish(_parts(context), every)


@app.command()
def key(
    name: Annotated[str, typer.Option(help="Name of the caller, for logs and the audit.")],
    scope: Annotated[list[str], typer.Option(help="decide, listen, read or admin; may be repeated.")],
    per_second: Annotated[float | None, typer.Option(help="Most requests, and parts of batches, a second.")] = None,
) -> None:
    """Create an API key, and its entry for `NBO_API_KEYS`, which has only the key's hash.

    Example: nbo --bank banks/demo key --name app --scope decide --scope listen
    """
    from nbo.service import show_key

    show_key(name, scope, per_second)


@app.command()
def schedule(
    context: typer.Context,
    port: Annotated[int, typer.Option(help="Port of the Prefect server, if PREFECT_API_URL names none.")] = 4200,
) -> None:
    """Run the flows at the times of the bank's schedule.yaml, until Ctrl-C.

    Example: nbo --bank banks/demo schedule
    """
    from nbo.processes import Servers, ended_by_signals
    from nbo.servers import start_prefect

    parts = _parts(context)
    from pipelines.scheduling import serve_schedules

    own_server = not os.environ.get("PREFECT_API_URL")
    with ended_by_signals(), Servers(parts.places.logs) as servers:
        url = start_prefect(servers, port)
        servers.wait()
        serve_schedules(parts.bank, parts.folder, url, alone=own_server)


add_data_commands(app)


def run_command_line(arguments: list[str] | None = None) -> None:
    """Run a command. An `NboError` becomes one sentence and exit code 1, Ctrl-C becomes exit code 130."""
    with showing(progress_bars):
        try:
            app(args=arguments, standalone_mode=True)
        except NboError as error:
            if isinstance(error, NothingAcceptedError):
                show_first_rows(error)
            show_error((_scarce(error) if isinstance(error, StateError) else None) or error)
            sys.exit(1)
        except SystemExit as exit_:
            if exit_.code == INTERRUPTED:  # typer has caught the KeyboardInterrupt
                show_error(NboError("stopped; finished work is kept, and the next run continues from there"))
            raise
        except Exception as error:
            shortage = _scarce(error)
            if shortage is None:
                raise
            # not with rich: there may be no memory for it
            sys.stderr.write(f"nbo: {shortage}\n")
            sys.exit(1)


def _scarce(error: Exception) -> StateError | None:
    return full_disk(error, Settings.from_environment(os.environ).home) or scarce(error)


def _parts(context: typer.Context) -> Components:
    from wiring.components import components_of

    return components_of(context.obj)


def _parts_with_flows(context: typer.Context) -> Components:
    parts = _parts(context)
    from nbo.servers import serve_flows

    serve_flows(parts.settings)
    return parts


def _moment(components: Components, as_of: datetime | None) -> datetime | None:
    if as_of is None:
        return None
    from features.calendar import FIRST_YEAR, LAST_YEAR

    if not FIRST_YEAR < as_of.year < LAST_YEAR:  # a moment of an end year may be in another year in another time zone
        expected = f"a year from {FIRST_YEAR + 1} to {LAST_YEAR - 1}"
        raise DataError("the moment is outside the calendar", got=as_of.date().isoformat(), expected=expected)
    return as_of.replace(tzinfo=components.bank.time_zone)
