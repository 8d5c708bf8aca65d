"""Drafts the events and sources of a bank from what its files are taken for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

from events.mapping import ROW_NUMBER
from events.profiling.columns import ColumnProfile
from nbo.onboarding.names import name_of, names_of
from nbo.onboarding.roles import (
    AFTERWARDS,
    CONSENT,
    CONTROL,
    ID,
    PERSONAL,
    PROTECTED,
    REFUSED,
    SHOWN,
    TAKEN,
    FileSketch,
    Through,
    source_name,
)

PRESENTED, ACCEPTED, DECLINED = "offer_presented", "offer_accepted", "offer_declined"
MOST_OFFERS: Final = 20


@dataclass(slots=True, kw_only=True)
class BankDraft:
    """What is written of a bank.

    Attributes:
        channels: Channels, by their name in the files.
        products: Families of products.
        types: Event types, as in `events.yaml`.
        attributes: Customer attributes, as in `events.yaml`.
        sources: Sources, as in `sources.yaml`.
        offers: Names of offers, with what they are called in the files.
        expected: Share of customers who are expected to accept an offer, by its name.
        roles: Event types by their role in a contact; empty if the files hold none.
        consents: Attributes that say whether a customer may be contacted.
        left_out: What is not read, and why.
    """

    channels: list[str] = field(default_factory=list)
    products: list[str] = field(default_factory=list)
    types: dict[str, dict[str, Any]] = field(default_factory=dict)
    attributes: dict[str, dict[str, Any]] = field(default_factory=dict)
    sources: list[dict[str, Any]] = field(default_factory=list)
    offers: dict[str, str] = field(default_factory=dict)
    expected: dict[str, float] = field(default_factory=dict)
    roles: dict[str, str] = field(default_factory=dict)
    consents: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def channel(self, values: Mapping[str, int]) -> dict[str, str]:
        """Add channels, and return their names."""
        return _added(self.channels, names_of(values, "channel"))

    def product(self, values: Mapping[str, int]) -> dict[str, str]:
        """Add products, and return their names."""
        names = {raw: f"{name}_product" if name in self.channels else name for raw, name in names_of(values).items()}
        return _added(self.products, names)


def draft_of(files: list[FileSketch], as_of: date) -> BankDraft:
    """Draft a bank.

    Args:
        files: Files with their roles.
        as_of: Day of contacts whose files have no time; attributes without one are known the day before.
    """
    draft = BankDraft()
    if any(file.role == "contacts" for file in files):
        draft.roles = {"presented": PRESENTED, "accepted": ACCEPTED, "declined": DECLINED}
    for file in files:
        if file.through:
            other = file.through.file
            name = _lookup_name(file.through)
            if name not in [source["name"] for source in draft.sources]:
                draft.sources.append({"name": name, "kind": "lookup", **_read(other)})
    for file in files:
        match file.role:
            case "contacts":
                _contacts(draft, file, as_of)
                _beside_contacts(draft, file, as_of)
            case "events":
                _events(draft, file)
            case "attributes":
                _attributes(draft, file, as_of - timedelta(days=1))
            case "unused":
                draft.left_out.append(f"{file.profile.name}: neither a time nor one row per customer")
    if not draft.channels:
        draft.channels.append("branch")
    return draft


def _read(file: FileSketch) -> dict[str, Any]:
    return {"files": file.patterns, **file.profile.settings}


def _lookup_name(through: Through) -> str:
    return f"{source_name(through.file)}_by_{name_of(through.key)}"


def _begin(file: FileSketch, name: str, columns: Mapping[str, str | None]) -> dict[str, Any]:
    """Begin a source: its files, how they are written, its columns."""
    source: dict[str, Any] = {"name": name, **_read(file)}
    if file.through:
        own = {} if file.through.column == file.through.key else {"column": file.through.column}
        lookup = {"source": _lookup_name(file.through), "key": file.through.key, **own, "adds": [file.customer]}
        source["lookup"] = lookup
    source["columns"] = {field: column for field, column in columns.items() if column is not None}
    _write_formats(source, file, source["columns"].values())
    return source


def _write_formats(source: dict[str, Any], file: FileSketch, columns: Any) -> None:
    """State how times and numbers are written: for the source if it is the same for all, else by column."""
    stated: dict[str, dict[str, Any]] = {}
    for column in file.columns:
        if column.name in columns and column.kind in ("time", "number"):
            stated[column.name] = dict(column.settings)
    for key in ("time_format", "decimal_mark", "thousands_mark"):
        kind = "time" if key == "time_format" else "number"
        of_kind = {name: one for name, one in stated.items() if file.profile.column(name).kind == kind}
        values = {repr(one.get(key)) for one in of_kind.values()}
        if len(values) == 1 and (value := next(iter(of_kind.values())).get(key)) is not None:
            source[key] = value
        elif len(values) > 1:
            for name, one in of_kind.items():
                if key in one:
                    source.setdefault("formats", {}).setdefault(name, {})[key] = one[key]
    for name, one in stated.items():
        mark = one.get("decimal_mark")  # of a spreadsheet's serial numbers
        if file.profile.column(name).kind == "time" and mark not in (None, source.get("decimal_mark")):
            own = source.setdefault("formats", {}).setdefault(name, {})
            own |= {"time_format": one["time_format"], "decimal_mark": mark}


def _contacts(draft: BankDraft, file: FileSketch, as_of: date) -> None:
    source = _begin(file, source_name(file), {
        "customer_id": file.customer, "occurred_at": file.time, "channel": file.channel, "product": file.product,
    })  # fmt: skip
    values: dict[str, Any] = {}
    constants: dict[str, str] = {}
    if file.offer:
        column = file.profile.column(file.offer)
        controls = [value for value in column.values if CONTROL.fullmatch(value)]
        offers = names_of([value for value in column.values if value not in controls][:MOST_OFFERS], "offer")
        draft.offers.update({name: raw for raw, name in offers.items()})
        draft.expected.update(dict.fromkeys(offers.values(), file.acceptance()))
        source["properties"] = {"offer": file.offer}
        values["offer"] = offers
        wanted: dict[str, Any] = {"column": file.offer, "blank": False}
        if controls:
            wanted["none_of"] = controls
        source["when"] = [wanted]
    else:
        name = name_of(f"{file.name}_offer", "offer")
        draft.offers[name] = file.name
        draft.expected[name] = file.acceptance()
        constants["offer"] = name
    if file.time is None:
        constants["occurred_at"] = as_of.isoformat()
    _names(draft, file, values)
    events: list[dict[str, Any]] = [{"constants": {"type": PRESENTED}}]
    for event_type, answers in ((ACCEPTED, file.accepted), (DECLINED, file.declined)):
        if answers:
            event: dict[str, Any] = {"when": [{"column": file.answer, "any_of": answers}]}
            if file.answered_at:
                event["columns"] = {"occurred_at": file.answered_at}
            if file.amount and event_type == ACCEPTED:
                event.setdefault("columns", {})["amount"] = file.amount
            events.append({**event, "constants": {"type": event_type}})
    _write_formats(source, file, {*source["columns"].values(), file.answered_at, file.amount})
    source |= {key: item for key, item in (("constants", constants), ("values", values)) if item}
    source["events"] = events
    draft.sources.append(source)
    offer = {"offer": {"type": "text"}}
    draft.types[PRESENTED] = {"description": "An offer was put to a customer", "properties": offer}
    draft.types[ACCEPTED] = {"groups": ["activity"], "description": "The customer took it", "properties": offer}
    draft.types[DECLINED] = {"groups": ["activity"], "description": "The customer declined", "properties": offer}


def _beside_contacts(draft: BankDraft, file: FileSketch, as_of: date) -> None:
    """Read what the rows of contacts say of customers, if each has one row: else it is said of the contact."""
    if file.repeats_customers:
        others = [column.name for column in file.columns if column.name not in file.used() and column.kind != "empty"]
        if others:
            draft.left_out.append(f"{file.profile.name}, {', '.join(others)}: said of the contact, not of the customer")
        return
    first = file.profile.column(file.time).earliest if file.time else None
    _attributes(draft, file, (first or as_of) - timedelta(days=1), beside=True)


def _events(draft: BankDraft, file: FileSketch) -> None:
    source = _begin(file, source_name(file), {
        "event_id": file.event_id, "customer_id": file.customer, "occurred_at": file.time, "type": file.type,
        "channel": file.channel, "product": file.product, "amount": file.amount,
    })  # fmt: skip
    values: dict[str, Any] = {}
    name = name_of(file.name, "event")
    amount = file.profile.column(file.amount) if file.amount else None
    if file.type:
        values["type"] = {raw: f"{one}_event" if one in (PRESENTED, ACCEPTED, DECLINED) else one
                          for raw, one in names_of(file.profile.column(file.type).values, "event").items()}  # fmt: skip
        types = {one: f"{raw} in {file.name}" for raw, one in values["type"].items()}
        _contact_types(draft, file, source, values["type"])
    elif amount and str(amount.minimum).strip().startswith("-"):
        types = {f"{name}_out": f"A negative amount in {file.name}", f"{name}_in": f"A positive amount in {file.name}"}
        source["events"] = [
            {"when": [{"column": amount.name, "below": 0}], "constants": {"type": f"{name}_out"}, "sign": "absolute"},
            {"when": [{"column": amount.name, "above": 0}], "constants": {"type": f"{name}_in"}},
        ]
    else:
        types = {name: f"A row in {file.name}"}
        source["constants"] = {"type": name}
    _names(draft, file, values)
    if values:
        source["values"] = values
    for one, description in types.items():
        signs = {} if one == draft.roles.get("presented") else {"groups": ["activity"]}
        offer = {"properties": {"offer": {"type": "text"}}} if one in draft.roles.values() else {}
        draft.types.setdefault(one, {**signs, "description": description, **offer})
    draft.sources.append(source)


def _contact_types(draft: BankDraft, file: FileSketch, source: dict[str, Any], types: Mapping[str, str]) -> None:
    """Recognise offers and answers among event types, if no file holds contacts."""
    if draft.roles:
        return
    for role, words in (("presented", SHOWN), ("accepted", TAKEN), ("declined", REFUSED)):
        found = next((name for raw, name in types.items() if words.fullmatch(raw)), None)
        if found:
            draft.roles[role] = found
    if not {"presented", "accepted"} <= draft.roles.keys():
        draft.roles.clear()
        return
    name = name_of(f"{file.name}_offer", "offer")
    draft.offers[name] = f"The offer of {file.name}"
    source["constants"] = {"offer": name}


def _names(draft: BankDraft, file: FileSketch, values: dict[str, Any]) -> None:
    if file.channel:
        values["channel"] = draft.channel(file.profile.column(file.channel).values)
    if file.product:
        values["product"] = draft.product(file.profile.column(file.product).values)


def _attributes(draft: BankDraft, file: FileSketch, known_on: date, *, beside: bool = False) -> None:
    """Read what a file says of customers: every column that has no other role, personal ones excepted."""
    properties: dict[str, str] = {}
    values: dict[str, dict[str, str]] = {}
    taken = file.used() if beside else {file.customer, file.time}
    for column in file.columns:
        if column.name in taken or column.kind in ("empty", "time"):
            continue
        why = _why_left_out(column, beside)
        if why:
            draft.left_out.append(f"{file.profile.name}, column {column.name}: {why}")
            continue
        name = name_of(column.name)
        name = f"{name}_{source_name(file)}" if name in (*draft.attributes, *draft.channels, *draft.products) else name
        properties[name] = column.name
        draft.attributes[name] = _declared(column)
        if column.kind == "boolean" and column.yes is not None and column.yes.lower() not in ("true", "yes", "1"):
            no = next(value for value in column.values if value != column.yes)
            values[name] = {column.yes: "true", no: "false"}
        if column.kind == "boolean" and CONSENT.search(column.name):
            draft.consents.append(name)
    if not properties:
        return
    name = f"{source_name(file)}_attributes" if beside else source_name(file)
    # what a contact's own row says was known at the contact, so it is stamped before it
    timed = None if beside else file.time
    source = _begin(file, name, {"customer_id": file.customer, "occurred_at": timed})
    source["kind"] = "attributes"
    if timed is None:
        source["constants"] = {"occurred_at": known_on.isoformat()}
    source["properties"] = properties
    _write_formats(source, file, {*source["columns"].values(), *properties.values()})
    if values:
        source["values"] = values
    draft.sources.append(source)


def _why_left_out(column: ColumnProfile, beside: bool) -> str | None:
    if PERSONAL.search(column.name) and not column.is_category:
        return "it seems to identify a person"
    if beside and AFTERWARDS.search(column.name):
        return "it is known only when the contact is over"
    if column.kind == "text" and not column.is_category:
        return f"{column.distinct:,} different texts"
    is_key = column.kind == "text" or ID.search(column.name)
    if is_key and column.is_unique and column.rows > 20:
        return "every row has another value"
    return None


def _declared(column: ColumnProfile) -> dict[str, Any]:
    protected = {"protected": True} if PROTECTED.search(column.name) else {}
    if column.kind in ("boolean", "number"):
        return {"type": column.kind, **protected}
    return {"values": sorted(column.values), "other": True, **protected}


def _added(names: list[str], found: dict[str, str]) -> dict[str, str]:
    names += [name for name in dict.fromkeys(found.values()) if name not in names]
    return found


def row_ids(files: list[FileSketch]) -> list[str]:
    """Return the files whose customers have no id, so that each row is one."""
    return [file.profile.name for file in files if file.customer == ROW_NUMBER and file.role != "unused"]
