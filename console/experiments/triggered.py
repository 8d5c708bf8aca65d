"""The customers of a trial whose decisions would have differed: how many they are, and what each arm gains there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from console.experiments.gains import Row, cells_of, drawn
from console.languages import Texts
from console.languages.sentences import in_words
from console.tables import Column, Table


def triggered(one: Row, texts: Texts) -> dict[str, Any] | None:
    """Return what replays say of a trial: words, a picture and a table; None if no decisions were replayed."""
    found = one.get("triggered")  # files of an earlier version lack it
    if found is None:
        return None
    diluted = () if found["diluted"] is None else found["diluted"]["arms"]
    table = _table(one, found["gains"], diluted, texts)
    chart = drawn([(texts.name(arm), gain) for arm, gain in found["gains"].items()], table.caption, texts)
    return {"said": _said(found, texts), "chart": chart, "table": table}


def _table(one: Row, gains: Row, diluted: Sequence[Row], texts: Texts) -> Table:
    rows = [
        {
            "arm": arm["arm"],
            "customers": arm["customers"],
            **cells_of("gain", gains[arm["arm"]]),
            **cells_of("diluted", arm["gain"]),
            "expected": arm["shrunk_gain"],
        }
        for arm in diluted
    ]
    columns = (
        Column("arm", texts("Arm"), "name"),
        Column("customers", texts("Customers whose decisions would have differed"), "count"),
        Column("gain", texts("Gain for each of them"), "gain", interval=("gain_low", "gain_high")),
        Column("diluted", texts("Gain for each customer of the trial"), "gain",
               interval=("diluted_low", "diluted_high")),
        Column("expected", texts("Expect, as winners look good"), "gain"),
    )  # fmt: skip
    title = texts("{trial}: only decisions that would have differed", trial=texts.name(one["trial"]))
    return Table(f"triggered_{one['trial']}", title, columns, rows, texts("Nothing can be compared yet."))


def _said(found: Row, texts: Texts) -> list[str]:
    counts = {"n": texts.number(found["triggered"]), "all": texts.number(found["customers"])}
    share = texts.percent(found["share"])
    said = [texts("Decisions would have differed for {n} of {all} customers ({share}).", share=share, **counts)]
    for reason, customers in found["lost"].items():
        n = texts.number(customers)
        said.append(texts("{n} customers are left out. {reason}.", n=n, reason=in_words(reason, texts)))
    verdict = found["verdict"]
    return [*said, f"{texts.name(verdict['word'])}: {in_words(verdict['reason'], texts)}{texts('.')}"]
