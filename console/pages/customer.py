"""One customer: what would be offered now and why, what was offered, and what happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from console.access import Permission
from console.feature_words import feature_title, reason_words
from console.languages import N_, Texts
from console.page import Content, Page, Visit
from console.tables import Column, Table
from expressions.types import Boolean, Category
from features.definitions import Feature
from serving.customer_features import CustomerFeatures, Origin
from serving.reasons import Reason
from serving.service.engine import LiveEngine
from serving.service.preview import ChannelPreview
from serving.service.queries import CustomerEvent

YEAR: Final = "year"
"""Unit of a number that is written without separators."""

MOST_EVENTS: Final = 200
SHOWN_REJECTED: Final = 5

ORIGINS: Final = {
    Origin.STATE: N_("from the state of last midnight and today's events"),
    Origin.LOG: N_("computed from the event log"),
    Origin.NOTHING: N_("nothing is known: assumptions of the cold start"),
    Origin.UNKNOWN: N_("could not be read: everything that needs them is refused"),
}


def content(visit: Visit) -> Content:
    """Return everything known of a customer, and what would be offered now in each channel."""
    assert visit.customer_id is not None, "a page about a customer"
    service, texts, customer = visit.service, visit.texts, visit.customer_id
    known = service.queries.customer(customer)
    preview = service.previews.preview(customer)
    engine = service.engine
    descriptions = {offer.name: offer.description or texts.name(offer.name) for offer in engine.bank.offers}
    channels = [_channel(one, descriptions, engine.bank.features.features, texts) for one in preview.channels]
    tables = (
        _timeline(service.queries.events(customer, MOST_EVENTS), known.decisions, texts),
        _stages(known.stage_history, texts),
        _limits(known.limits, texts),
        _features(engine, preview.read, texts),
        _rejected(preview.channels, texts),
    )
    values = {
        "customer": customer,
        "known": known,
        "channels": channels,
        "origin": texts(ORIGINS[preview.read.origin]),
        "as_of": preview.read.as_of,
        "attributes": [(name, _said(value, texts)) for name, value in known.attributes.items()],
        "held": [texts.name(one["product"]) for one in known.products if one["held"]],
    }
    return Content(tables, values)


def _channel(
    preview: ChannelPreview, descriptions: Mapping[str, str], features: Mapping[str, Feature], texts: Texts
) -> dict[str, Any]:
    """Say in sentences what a channel would offer now, what it would not, and what would have to change."""
    decision = preview.decision
    rejected = [
        texts(
            "{offer} is not offered, because {reason}",
            offer=descriptions[one.offer],
            reason=f"{one.description} ({one.reason})" if one.description else one.reason,
        )
        for one in preview.rejected
    ]
    return {
        "name": decision.channel,
        "outbound": preview.outbound,
        "arm": decision.arm,
        "offers": [
            {
                "rank": candidate.rank,
                "offer": descriptions[candidate.offer],
                "sentence": _because(candidate.propensity, reasons, features, texts),
                "priority": candidate.priority,
                "probability": candidate.selection_probability,
            }
            for candidate, reasons in zip(decision.offers, preview.reasons, strict=True)
        ],
        "fallback": None if decision.fallback is None else decision.fallback[:1].upper() + decision.fallback[1:],
        "rejected": rejected[:SHOWN_REJECTED],
        "more": max(0, len(rejected) - SHOWN_REJECTED),
        "changes": [one.sentence() for one in preview.changes if one.sentence()],
    }


def _because(propensity: float | None, reasons: Sequence[Reason], features: Mapping[str, Feature], texts: Texts) -> str:
    """Say why an offer is ranked: its strongest reasons, those for it first."""
    if propensity is None:
        return texts("It needs no score: it is owed to the customer, or follows from what they are doing.")
    parts = [texts("About {share} of customers like this one accept it.", share=texts.percent(propensity))]
    words = {one: reason_words(one, features.get(one.name), texts) for one in reasons}
    speaks = [words[one] for one in reasons if one.log_odds > 0]
    against = [words[one] for one in reasons if one.log_odds < 0]
    if speaks:
        parts.append(texts("For it: {reasons}.", reasons="; ".join(speaks)))
    if against:
        parts.append(texts("Against it: {reasons}.", reasons="; ".join(against)))
    return " ".join(parts)


def _timeline(events: Sequence[CustomerEvent], decisions: Sequence[Mapping[str, Any]], texts: Texts) -> Table:
    rows: list[dict[str, Any]] = [
        {
            "at": event.occurred_at,
            "what": event.type,
            "channel": event.channel,
            "about": event.product,
            "amount": event.amount,
            "details": ", ".join(f"{texts.name(key)}: {value}" for key, value in event.properties.items()),
            "decision_id": event.decision_id,
        }
        for event in events
    ]
    rows += [
        {
            "at": one["as_of"],
            "what": "decision",
            "channel": one["channel"],
            "about": one["offer"],
            "amount": None,
            "details": "" if one["offer"] else texts("nothing was offered"),
            "decision_id": one["decision_id"],
        }
        for one in decisions
    ]
    rows.sort(key=lambda row: row["at"], reverse=True)
    columns = (
        Column("at", texts("When"), "moment"),
        Column("what", texts("What"), "name"),
        Column("channel", texts("Channel"), "name"),
        Column("about", texts("About"), "name"),
        Column("amount", texts("Amount"), "money"),
        Column("details", texts("Details")),
    )
    return Table("timeline", texts("What happened, newest first"), columns, rows, texts("Nothing has happened yet."))


def _stages(history: Sequence[Mapping[str, Any]], texts: Texts) -> Table:
    columns = (
        Column("stage", texts("Stage"), "name"),
        Column("entered_at", texts("Entered"), "date"),
        Column("left_at", texts("Left"), "date"),
    )
    return Table("stages", texts("Stages"), columns, list(history)[::-1], texts("No stage yet."))


def _limits(limits: Sequence[Mapping[str, Any]], texts: Texts) -> Table:
    columns = (
        Column("limit", texts("Limit"), "name"),
        Column("counted", texts("Counted"), "name"),
        Column("count", texts("Count"), "count"),
        Column("at_most", texts("At most"), "count"),
        Column("days", texts("Within days"), "count"),
    )
    used = sorted(limits, key=lambda one: (-one["count"], one["limit"]))
    return Table("limits", texts("Contact limits"), columns, used, texts("No limit applies."))


def _features(engine: LiveEngine, read: CustomerFeatures, texts: Texts) -> Table:
    """List the features that decide, with the moment up to which they are complete."""
    catalogue, values = engine.bank.features.features, read.features.row(0)
    rows = []
    for name in engine.decider.features:
        feature = catalogue[name]
        value = values.get(name)
        if isinstance(feature.type, Boolean) and isinstance(value, float | bool):
            value = texts("yes") if value else texts("no")
        elif isinstance(value, float) and feature.unit == YEAR:
            value = f"{value:.0f}"
        elif isinstance(value, float) and not isinstance(feature.type, Category):
            value = texts.number(value, 2)
        rows.append(
            {
                "feature": name,
                "description": feature_title(feature, texts),
                "value": texts("unknown") if value is None else value,
                "unit": feature.unit,
                "topic": feature.topic,
                "as_of": read.as_of,
            }
        )
    columns = (
        Column("description", texts("Feature")),
        Column("value", texts("Value")),
        Column("unit", texts("Unit"), "name"),
        Column("as_of", texts("As of"), "moment"),
    )
    return Table("features", texts("Features that decide"), columns, rows)


def _rejected(channels: Sequence[ChannelPreview], texts: Texts) -> Table:
    rows = [
        {
            "channel": channel.decision.channel,
            "offer": one.offer,
            "rule": one.rule,
            "kind": one.kind,
            "reason": one.reason,
            "further_rules": one.others,
        }
        for channel in channels
        for one in channel.rejected
    ]
    columns = (
        Column("offer", texts("Offer"), "name"),
        Column("channel", texts("Channel"), "name"),
        Column("rule", texts("Rule"), "name"),
        Column("kind", texts("Kind"), "name"),
        Column("reason", texts("Reason")),
        Column("further_rules", texts("Further rules"), "count"),
    )
    return Table("rejected", texts("Everything that is not offered, and the first rule that says so"), columns, rows)


def _said(value: Any, texts: Texts) -> str:
    if value is None:
        return texts("unknown")
    if isinstance(value, bool):
        return texts("yes") if value else texts("no")
    if isinstance(value, float):
        return f"{value:g}"
    return texts.name(str(value))


PAGE: Final = Page(
    name="customer", title=N_("Customer"), permission=Permission.CUSTOMERS, order=30, content=content, of_customer=True
)
