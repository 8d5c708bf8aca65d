"""Commands that start servers, or look after what they serve."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from nbo.app import ClockAt, app, components_of_bank, moment_of

command = partial(app.command, rich_help_panel="Servers")


@command()
def ui(
    context: typer.Context,
    port: Annotated[int, typer.Option(help="First of three ports: MLflow, Prefect, Feast.")] = 5000,
) -> None:
    """Serve the pages of MLflow, Prefect and Feast on the embedded state, until Ctrl-C.

    Example: nbo --bank banks/demo ui --port 5000
    """
    from nbo.servers import serve_pages

    serve_pages(components_of_bank(context), port)


@command()
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
    from nbo.service import Listener
    from nbo.service import serve as run_service

    parts = components_of_bank(context)
    moment = moment_of(parts, as_of)
    listener = Listener(host=host, port=port, certificate=certificate, key=certificate_key)
    run_service(parts, listener, workers=workers, as_of=moment)


@command()
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

    parts = components_of_bank(context)
    prepare_keys()
    # the service started here shares this time
    with telling_time(parts, moment_of(parts, as_of)):
        serve_everything(parts, port, workers, None if as_of is None else f"{as_of:%Y-%m-%dT%H:%M:%S}")


@command()
def champions(
    context: typer.Context,
    every: Annotated[float | None, typer.Option(help="Keep running, and check every so many seconds.")] = None,
) -> None:
    """Publish the champions' files for services, which never query the registry themselves.

    Example: nbo --bank banks/demo champions
    """
    from nbo.service import publish

    publish(components_of_bank(context), every)


@command()
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


@command()
def schedule(
    context: typer.Context,
    port: Annotated[int, typer.Option(help="Port of the Prefect server, if PREFECT_API_URL names none.")] = 4200,
) -> None:
    """Run the flows at the times of the bank's schedule.yaml, until Ctrl-C.

    Example: nbo --bank banks/demo schedule
    """
    from nbo.processes import Servers, ended_by_signals
    from nbo.servers import start_prefect

    parts = components_of_bank(context)
    from pipelines.scheduling import serve_schedules

    own_server = not os.environ.get("PREFECT_API_URL")
    with ended_by_signals(), Servers(parts.places.logs) as servers:
        url = start_prefect(servers, port)
        servers.wait()
        serve_schedules(parts.bank, parts.folder, url, alone=own_server)


@command()
def listen(
    context: typer.Context,
    topic: Annotated[list[str], typer.Option(help="Topic of Kafka; may be repeated.")],
    group: Annotated[str | None, typer.Option(help="Consumer group; by default nbo- and the bank's name.")] = None,
    refused: Annotated[
        str | None, typer.Option(help="Topic for refused messages; by default the topic's name with .refused.")
    ] = None,
    idle_seconds: Annotated[
        float | None, typer.Option(help="End when no message has come for so many seconds; by default never.")
    ] = None,
    as_of: ClockAt = None,
) -> None:
    """Take events from topics of Kafka, until Ctrl-C: CloudEvents, or events as the API takes them.

    `NBO_KAFKA_PROPERTIES` names a file with the properties of the connection. Each message counts once, and in the next
    decision. Run the command several times to share the partitions.

    Example: nbo --bank banks/demo listen --topic customer-events
    """
    from nbo.topics import listen as run_listening

    parts = components_of_bank(context)
    run_listening(
        parts,
        topics=topic,
        group=group or f"nbo-{parts.name}",
        refused=refused,
        idle_seconds=idle_seconds,
        as_of=moment_of(parts, as_of),
    )
