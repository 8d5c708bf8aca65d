"""The page docs/results.md, how good both banks' models are, and the example of a decision in the README."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from domain.errors import StateError
from models.held_out import MODEL
from models.tracking.run_tables import RunTables
from nbo.display import console
from nbo.explained_decision import show_decision
from pipelines.markdown import table
from pipelines.report_page import metric_rows
from pipelines.reporting import last_outcomes
from wiring.components import Components

IMPORTANT = 10
"""Number of features shown per model."""


def results_page(banks: Sequence[tuple[Components, Sequence[str], Sequence[str]]]) -> str:
    """Write the page as Markdown.

    Args:
        banks: Banks with a finished run, each with lines that explain its numbers and lines for its end.

    Raises:
        StateError: A bank has not been run yet.
    """
    lines = [
        "# Results",
        "",
        "Written by `make results`, which runs both banks from scratch. Every number below comes from those runs, and",
        "sentences that depend on numbers are checked while the page is written. Models are evaluated on rolling folds",
        "in time order: each row was predicted by a model trained only on what was known before its fold began.",
        "Intervals are 95 %, by bootstrap over customers. `nbo --bank DIR experiments` has every metric of every run,",
        "and [docs/features.md](features.md) describes each feature.",
    ]
    for parts, words, last in banks:
        lines += ["", *bank_lines(parts, words), *(["", *last] if last else [])]
    return "\n".join(lines) + "\n"


def bank_lines(components: Components, words: Sequence[str]) -> list[str]:
    """Write the section of one bank."""
    outcomes = last_outcomes(components)
    lines = [
        f"## {components.name}",
        "",
        components.bank.identity.description + ".",
        "",
        *_data(components, outcomes),
        "",
        *words,
    ]
    for name, model in outcomes["models"].items():
        lines += ["", *_model(name, model, RunTables.of(components.models.store, model["run_id"]))]
    decisions = outcomes["decisions"]
    return [
        *lines,
        "",
        f"### Decisions of {components.name}",
        "",
        f"{decisions['offers']:,} offers ranked in {decisions['decisions']:,} decisions, one for each customer and "
        f"channel with something to offer, as of {outcomes['features']['as_of'][:10]}. Expected value is propensity "
        f"times value of the best offer, summed, in {components.bank.identity.currency}.",
        "",
        *table(_readable(decisions["stages"])),
        "",
        "Candidates that the rules reject, in the order in which rules are checked. Those *rejected alone* would pass "
        "without the rule.",
        "",
        *table(_readable([row for row in decisions["rules"] if row["candidates_rejected"]])),
    ]


def _data(components: Components, outcomes: Mapping[str, Any]) -> list[str]:
    first, last = components.log.first_occurred_at(), components.log.last_available_at()
    assert first is not None
    assert last is not None
    zone = components.bank.time_zone
    return table(
        [
            {"data": "events", "": outcomes["import"]["events"]},
            {"data": "customers", "": outcomes["features"]["customers"]},
            {"data": "first event", "": f"{first.astimezone(zone):%Y-%m-%d}"},
            {"data": "last event", "": f"{last.astimezone(zone):%Y-%m-%d}"},
            {"data": "features", "": outcomes["features"]["features"]},
            {"data": "past moments in Feast", "": outcomes["features"]["rows"]},
        ]
    )


def _model(name: str, model: Mapping[str, Any], tables: RunTables) -> list[str]:
    verdict = "champion" if model["champion"] else "not champion"
    return [
        f"### {name.capitalize()}",
        "",
        f"{model['rows']:,} test rows, {model['positives']:,} positives; {verdict}.",
        "",
        *table(metric_rows(model)),
        "",
        "Rolling in time:",
        "",
        *table(list(_fold_rows(tables, model["baselines"]))),
        "",
        "Per group (said is the mean predicted probability, seen the share of positives):",
        "",
        *table(list(_group_rows(tables.groups))),
        "",
        "The gate:",
        "",
        *(f"- {'passed' if check['passed'] else 'FAILED'}: {check['sentence']}" for check in tables.checks),
        "",
        f"The {IMPORTANT} features that move predictions most, by mean absolute SHAP value in log odds:",
        "",
        *table(list(_feature_rows(tables))),
    ]


def _fold_rows(tables: RunTables, baselines: Sequence[str]) -> Iterator[dict[str, Any]]:
    for fold in tables.fold_names:
        facts = tables.folds[tables.folds["fold"] == fold].iloc[0]
        row: dict[str, Any] = {
            "from": facts["first"][:10],
            "to": facts["last"][:10],
            "rows": int(facts["rows"]),
            "positives": int(facts["positives"]),
        }
        for metric, words in (("auc", "AUC"), ("brier_skill", "Brier skill")):
            value, low, high = tables.estimate(MODEL, metric, fold)
            row[words] = f"{value:.3f} ({low:.3f} to {high:.3f})"
            for baseline in baselines:
                row[f"{words} of {baseline}"] = f"{tables.estimate(baseline, metric, fold)[0]:.3f}"
        yield row


def _group_rows(groups: pd.DataFrame) -> Iterator[dict[str, Any]]:
    for group in groups.to_dict("records"):
        yield {
            "by": group["grouping"],
            "group": group["group"],
            "rows": int(group["rows"]),
            "positives": int(group["positives"]),
            "said": f"{group['said']:.3f}",
            "seen": f"{group['seen']:.3f} ({group['seen_low']:.3f} to {group['seen_high']:.3f})",
            "AUC": "too few" if pd.isna(group["auc"]) else f"{group['auc']:.3f}",
        }


def _feature_rows(tables: RunTables) -> Iterator[dict[str, Any]]:
    for name in list(tables.importance)[:IMPORTANT]:
        alone = tables.single_features.get(name)
        yield {
            "feature": f"`{name}`",
            "mean SHAP": f"{tables.importance[name]:.3f}",
            "AUC alone": "" if alone is None else f"{alone:.3f}",
        }


def _readable(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{name.replace("_", " "): value for name, value in row.items()} for row in rows]


WIDTH = 120
"""Width of the output in characters, which fits a browser window without scrolling."""

_EXAMPLE = re.compile(r"(decide --customer (\w+) --channel (\w+)\n```\n\n```text\n)(.*?)(?=```\n)", re.DOTALL)


def with_decision(readme: str, components: Components) -> str:
    """Replace the output below the README's `nbo decide` command with the current one.

    Raises:
        StateError: The README shows no such command with a block of output.
    """
    found = _EXAMPLE.search(readme)
    if found is None:
        raise StateError(
            "the README shows no decision", expected="`decide --customer ID --channel CHANNEL`, then a block"
        )
    console.width = WIDTH
    with console.capture() as shown:
        show_decision(components.answer(found[2], found[3], components.latest()))
    lines = [line.rstrip() for line in shown.get().splitlines()]
    return readme[: found.start(4)] + "\n".join(lines) + "\n" + readme[found.end(4) :]
