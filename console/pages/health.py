"""Health: what is watched, how fresh the inputs are, how fast the service answers, and what became of contacts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from console.access import Permission
from console.languages import N_, Texts
from console.page import Content, Page, Visit
from console.readings import last_readings
from console.tables import Column, Table
from records.flush import waiting
from serving.api.metrics import Metrics
from serving.api.route_figures import route_figures
from serving.delivery.outbox import Outbox
from serving.delivery.states import State
from serving.figures.files import read_runs
from serving.service.service import Service

HOURS_FRESH: Final = 36
"""An input that is older is marked: a nightly run was missed."""

MOST_RUNS: Final = 30
_SECONDS_PER_HOUR: Final = 3600
_MILLISECONDS: Final = 1000


def content(visit: Visit) -> Content:
    """Return the state of the service, its inputs and its deliveries."""
    texts, service = visit.texts, visit.service
    outbox, readings = Outbox(service.database, {}), last_readings(visit.sources.figures, texts)
    counts = outbox.counts()
    tables = (
        readings.bright,
        readings.by_check,
        readings.whole,
        _freshness(service, texts),
        _latency(service, texts),
        _deliveries(counts, texts),
        _dead_letters(outbox.dead_letters({channel for channel, state in counts if state is State.DEAD}), texts),
        _runs(visit),
        _versions(service, texts),
    )
    values = {
        "readings": readings,
        "waiting": waiting(service.database),
        "jumped": service.clock.jumped.total_seconds(),
        "now": service.clock.now(),
        "swaps": 0 if service.reloader is None else service.reloader.swaps,
        "refused": 0 if service.reloader is None else service.reloader.refused,
        "prefect": visit.sources.settings.prefect,
    }
    return Content(tables, values)


def _freshness(service: Service, texts: Texts) -> Table:
    now = service.clock.now()
    rows = []
    for name, moment in service.files.freshness().items():
        hours = (now - moment).total_seconds() / _SECONDS_PER_HOUR
        state = texts("fresh") if hours <= HOURS_FRESH else texts("old: a nightly run was missed")
        rows.append({"input": name, "complete_until": moment, "age_hours": hours, "state": state})
    columns = (
        Column("input", texts("Input"), "name"),
        Column("complete_until", texts("Complete until"), "moment"),
        Column("age_hours", texts("Age in hours"), "tenth"),
        Column("state", texts("State")),
    )
    return Table("freshness", texts("How fresh the inputs are"), columns, rows, texts("There are no inputs yet."))


def _latency(service: Service, texts: Texts) -> Table:
    figures = (
        route_figures(service.instrumentation.text().decode()) if isinstance(service.instrumentation, Metrics) else []
    )
    rows = [
        {
            "route": one.route,
            "requests": one.requests,
            "errors": one.errors,
            "error_share": one.errors / one.requests if one.requests else None,
            "p50_ms": one.p50 * _MILLISECONDS,
            "p95_ms": one.p95 * _MILLISECONDS,
        }
        for one in figures
    ]
    columns = (
        Column("route", texts("Request")),
        Column("requests", texts("Requests"), "count", bar=True),
        Column("errors", texts("Errors"), "count"),
        Column("p50_ms", texts("Median, ms"), "number"),
        Column("p95_ms", texts("95th percentile, ms"), "number"),
    )
    caption = texts("How fast the service answers, since it started")
    return Table("latency", caption, columns, rows, texts("Nothing was asked yet."))


def _deliveries(counts: Mapping[tuple[str, State], int], texts: Texts) -> Table:
    channels = sorted({channel for channel, _ in counts})
    rows = [
        {"channel": channel, **{state.value: counts.get((channel, state), 0) for state in State}}
        for channel in channels
    ]
    columns = (
        Column("channel", texts("Channel"), "name"),
        *(Column(state.value, texts.name(state.value), "count") for state in State),
    )
    caption = texts("What became of planned contacts")
    return Table("deliveries", caption, columns, rows, texts("No contact was planned for delivery yet."))


def _dead_letters(dead: Mapping[tuple[str, str], int], texts: Texts) -> Table:
    rows = [
        {"channel": channel, "reason": reason, "contacts": count}
        for (channel, reason), count in sorted(dead.items(), key=lambda item: -item[1])
    ]
    columns = (
        Column("channel", texts("Channel"), "name"),
        Column("reason", texts("Reason")),
        Column("contacts", texts("Contacts"), "count", bar=True),
    )
    empty = texts("There are no dead letters.")
    return Table("dead_letters", texts("Dead letters"), columns, rows, empty)


def _runs(visit: Visit) -> Table:
    texts = visit.texts
    rows = read_runs(visit.sources.figures)[::-1][:MOST_RUNS]
    listed = [
        {
            "day": run.day,
            "customers": run.customers,
            "decisions": run.decisions,
            "share_with_offer": run.share_with_offer,
            "run": run.folder,
        }
        for run in rows
    ]
    columns = (
        Column("day", texts("Decided for"), "date"),
        Column("customers", texts("Customers"), "count"),
        Column("decisions", texts("Decisions"), "count"),
        Column("share_with_offer", texts("With an offer"), "share"),
        Column("run", texts("Run")),
    )
    return Table("runs", texts("Batch runs"), columns, listed, texts("No batch run has decided yet."))


def _versions(service: Service, texts: Texts) -> Table:
    rows = [{"what": name, "version": version} for name, version in service.engine.decider.versions.items()]
    columns = (Column("what", texts("What"), "name"), Column("version", texts("Version"), "digest"))
    return Table("versions", texts("Versions in use"), columns, rows)


PAGE: Final = Page(name="health", title=N_("Health"), permission=Permission.OPERATIONS, order=50, content=content)
