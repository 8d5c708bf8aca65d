"""Results of commands, shown as tables in the terminal."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from domain.counts import whole_percents
from events.report import NothingAcceptedError
from nbo.display import console, show_table
from pipelines.report_page import (
    decisive_rows,
    metric_rows,
    next_looks,
    plan_sentences,
    stand_ins,
    trained,
    untrained,
)
from pipelines.reuse import reused_sentence
from serving.batch.part import OFFERS

if TYPE_CHECKING:  # importing models takes long
    from models.tuning import Found
    from pipelines.tuning import Tuned


def show_run(result: Mapping[str, Any], folder: Path, earlier: date | None) -> None:
    """Show what a whole run of a bank's folder built, how good it is, and what to look at next.

    Args:
        result: What the run returned.
        folder: The bank's folder.
        earlier: Day as of which a model can be trained that the bank's past judges; None if it cannot judge any.
    """
    features, decisions = result["features"], result["decisions"]
    show_import(result["import"])
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
    console.print(f"  {reused_sentence(result)}", markup=False, highlight=False, soft_wrap=True)
    show_models(result["models"])
    show_decisions(decisions)
    console.print("\n[bold]Look at next[/]")
    for sentence in (
        *next_looks(result),
        f"the report with pictures, {result['report']}: nbo --bank {folder} report --open",
        f"one customer: nbo --bank {folder} decide {_example(Path(decisions['folder']))}",
        *_evaluation_of_the_past(folder, earlier),
        f"all training runs: nbo --bank {folder} experiments; pages: nbo ui",
    ):
        console.print(f"  - {sentence}", markup=False, highlight=False, soft_wrap=True)


def _evaluation_of_the_past(folder: Path, earlier: date | None) -> Iterator[str]:
    if earlier is not None:
        train = f"nbo --bank {folder} train --as earlier --as-of {earlier}"
        yield f"what nbo would have earned in the past: {train} && nbo --bank {folder} evaluate earlier"


def _example(folder: Path) -> str:
    """Return the options of a decision that has an offer, to paste; placeholders if nobody has one."""
    if not any((folder / OFFERS).glob("*.parquet")):
        return "--customer ID --channel CHANNEL"
    import pyarrow.dataset as ds  # noqa: PLC0415  it imports pandas where that is installed

    found = ds.dataset(folder / OFFERS, format="parquet").head(1, columns=["customer_id", "channel"]).to_pylist()
    if not found:
        return "--customer ID --channel CHANNEL"
    return f"--customer {shlex.quote(found[0]['customer_id'])} --channel {found[0]['channel']}"


def show_import(result: Mapping[str, Any]) -> None:
    """Show what was read from each source, and the warnings."""
    show_rows("imported", result["files"])
    show_rows("warnings", result["warnings"])


def show_first_rows(error: NothingAcceptedError) -> None:
    """Show the first row of each file without any accepted row."""
    show_table(
        "the first row of each file without any accepted row",
        ("source", "file", "row", "reason", "detail", "row as read"),
        [(source, file, row.row, row.reason.value, row.detail, str(row.raw)) for source, file, row in error.first],
    )


def show_models(models: Mapping[str, Any]) -> None:
    """Show the metrics of each model and its baselines, and the result of its gate."""
    for name, model in trained(models).items():
        verdict = "champion" if model["champion"] else model.get("experiment") or "challenger, not champion"
        show_rows(f"{name} version {model['version']}: {verdict}, {model['rows']:,} test rows", metric_rows(model))
        if model.get("form"):
            console.print(f"  form: {model['form']}", markup=False, highlight=False, soft_wrap=True)
        for failure in model["failures"]:
            console.print(f"  gate: {failure}", markup=False)
    for sentence in untrained(models):
        console.print(f"  {sentence}", markup=False, highlight=False, soft_wrap=True)


def show_search(tuned: Tuned) -> None:
    """Say what a search has found, and the command that trains a model with it."""
    for sentence in search_sentences(tuned.found):
        console.print(sentence, markup=False, highlight=False, soft_wrap=True)
    if tuned.found.best is not None:
        console.print(" ".join(tuned.command), markup=False, highlight=False, soft_wrap=True)


def search_sentences(found: Found) -> list[str]:
    """Say how many settings were tried, and how good the best are.

    Example:
        >>> from models.tuning import Found, TriedParameters
        >>> first = TriedParameters(0, {"num_leaves": 60}, (0.4,), False)
        >>> best = TriedParameters(1, {"num_leaves": 9}, (0.31, 0.29), True)
        >>> search_sentences(Found((first, best), best, 0.302, 0.002, 0.001))
        ['settings tried: 2, stopped early: 1', \
'log loss on other customers 0.3020 with the settings before, 0.0020 better (noise 0.0010) with the best:']
    """
    stopped = sum(not one.complete for one in found.tried)
    tried = f"settings tried: {len(found.tried)}, stopped early: {stopped}"
    if found.best is None:
        return [f"{tried}; none was tried on all folds: give the search more --minutes"]
    direction = "better" if found.better > 0.0 else "worse"
    verdict = "" if found.is_better else "; not better by more than noise, so nothing is trained"
    difference = f"{abs(found.better):.4f} {direction} (noise {found.noise:.4f}) with the best"
    return [
        tried,
        f"log loss on other customers {found.own_loss:.4f} with the settings before, {difference}{verdict}:",
    ]


def show_decisions(decisions: Mapping[str, Any]) -> None:
    """Show the decisions per stage, how much choice there was, and which factors decided."""
    show_rows("decisions per stage", decisions["stages"])
    for sentence in (*stand_ins(decisions), *decision_findings(decisions), *plan_sentences(decisions["plan"])):
        console.print(f"  {sentence}", markup=False, highlight=False, soft_wrap=True)


def decision_findings(decisions: Mapping[str, Any]) -> list[str]:
    """Summarise the report's tables in a few sentences.

    Example:
        >>> choice = {"grouping": "all", "none": 0.2, "one": 0.3, "two_or_more": 0.5}
        >>> winner = {"dropped": "value", "channel": "all", "customers": 10, "changed": 4, "share": 0.4}
        >>> decision_findings({"optionality": [choice], "winners": [winner], "concentration": [{"gini": 0.7}]})
        ['no offer for 20 % of customers, one for 30 %, two and more for 50 %', \
'the best offer would differ without value 40 %', 'Gini of first places over offers: 0.70']
    """
    everybody = next(row for row in decisions["optionality"] if row["grouping"] == "all")
    none, one, more = whole_percents([everybody[name] for name in ("none", "one", "two_or_more")])
    found = [f"no offer for {none} % of customers, one for {one} %, two and more for {more} %"]
    decisive = [f"{row['without']} {row['share']:.0%}".replace("%", " %") for row in decisive_rows(decisions)]
    if decisive:
        found.append(f"the best offer would differ without {', '.join(decisive)}")
    concentration = decisions["concentration"][0]["gini"]
    if concentration is not None:
        found.append(f"Gini of first places over offers: {concentration:.2f}")
    return found


def show_deliveries(result: Mapping[str, Any]) -> None:
    """Show the deliveries of each channel, and why contacts were not delivered."""
    channels = [{name: value for name, value in row.items() if name != "reasons"} for row in result["channels"]]
    show_rows(f"{result['new']:,} new contacts in the outbox; delivered as of {result['as_of'][:16]}", channels)
    reasons = [(row["channel"], *reason) for row in result["channels"] for reason in row["reasons"].items()]
    if reasons:
        show_table("why not", ("channel", "reason", "contacts"), reasons)
    show_rows("dead letters: kept until `deliver --again` retries them", result["dead_letters"])
    show_rows("handed over in the last 35 days, and what was heard of it", result["unheard"])


def show_rows(title: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Show rows with the same keys as a table."""
    if rows:
        show_table(title, tuple(rows[0]), [tuple(row.values()) for row in rows])
