"""Tables about proposals: all of them, and what is known of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from config.proposals.form import Field
from console.languages import Texts
from console.tables import Column, Table
from serving.proposals.proposal import Proposal


def listed(everything: Sequence[Proposal], texts: Texts) -> Table:
    """Return all proposals."""
    rows = [
        {
            "number": one.number,
            "kind": one.kind,
            "name": one.name,
            "state": one.state.value,
            "author": one.author,
            "changed_at": datetime.fromisoformat(one.history[-1][0]),
            "starts_at": one.starts_at,
            "ends_at": one.ends_at,
        }
        for one in everything
    ]
    columns = (
        Column("number", texts("Number")),
        Column("kind", texts("Kind"), "name"),
        Column("name", texts("Name")),
        Column("state", texts("State"), "name"),
        Column("author", texts("Author")),
        Column("changed_at", texts("Last change"), "moment"),
    )
    return Table("proposals", texts("All proposals"), columns, rows, texts("Nothing was proposed yet."))


def personas(proposal: Proposal, texts: Texts) -> Table:
    """Return how each persona fared under a proposal."""
    rows = [] if proposal.personas is None else proposal.personas.result
    words = {True: texts("passed"), False: texts("failed")}
    listed = [{**row, "passed": words[row["passed"]]} for row in rows]
    columns = (
        Column("persona", texts("Persona"), "name"),
        Column("passed", texts("Outcome")),
        Column("expected", texts("Expected")),
        Column("got", texts("Got")),
    )
    empty = texts("No persona was tried: they are in personas.yaml of the bank's folder.")
    return Table("personas", texts("Personas"), columns, listed, empty)


def what_if(proposal: Proposal, texts: Texts) -> tuple[Table, Table]:
    """Return the figures of a proposal beside today's, and the offers that win and lose."""
    found: Mapping[str, Any] = {} if proposal.what_if is None else proposal.what_if.result
    empty = texts("Not compared yet.")
    measures = (
        Column("measure", texts("Measure")),
        Column("today", texts("Today"), "number"),
        Column("changed", texts("As proposed"), "number"),
        Column("difference", texts("Difference"), "number"),
    )
    offers = (
        Column("offer", texts("Offer"), "name"),
        Column("first_today", texts("First today"), "count"),
        Column("first_changed", texts("First as proposed"), "count"),
        Column("first_difference", texts("Difference"), "count"),
        Column("reached_today", texts("Reached today"), "count"),
        Column("reached_changed", texts("Reached as proposed"), "count"),
    )
    differing = [row for row in found.get("offers", ()) if row["first_difference"] or row["reached_difference"]]
    return (
        Table("overview", texts("As proposed, beside today"), measures, found.get("overview", ()), empty),
        Table("offers", texts("Offers that win and lose"), offers, differing, texts("No offer wins or loses.")),
    )


def history(proposal: Proposal, texts: Texts) -> Table:
    """Return who did what to a proposal."""
    rows = [{"at": datetime.fromisoformat(at), "who": who, "what": what} for at, who, what in proposal.history]
    columns = (
        Column("at", texts("When"), "moment"),
        Column("who", texts("Who")),
        Column("what", texts("What"), "name"),
    )
    return Table("history", texts("History"), columns, rows)


def entry_fields(fields: Sequence[Field], texts: Texts) -> Table:
    """Return what an entry may say, with its meaning."""
    rows = [{"key": field.name, "meaning": texts(field.meaning)} for field in fields]
    columns = (Column("key", texts("Key")), Column("meaning", texts("Meaning")))
    return Table("fields", texts("What an entry may say"), columns, rows)
