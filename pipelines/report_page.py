"""The report as a Markdown page, from what a run said of itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Rows = Sequence[Mapping[str, Any]]

METRICS = {
    "auc": "AUC",
    "average_precision": "average precision",
    "brier_skill": "Brier skill",
    "log_loss": "log loss",
    "calibration_error": "calibration error",
    "lift_10": "lift at 10 %",
    "alift": "ALIFT",
    "expected_maximum_profit": "expected maximum profit",
}
"""Metrics that a report shows, with the names people know."""


def markdown_report(result: Mapping[str, Any], pictures: Mapping[str, Sequence[str]]) -> str:
    """Write the page.

    Args:
        result: Of `pipelines.run_bank.run_bank`.
        pictures: Model -> files, relative to the page.
    """
    features, decisions = result["features"], result["decisions"]
    lines = [
        f"# {result['bank']} as of {features['as_of'][:10]}",
        "",
        f"{result['import']['events']:,} events of {features['customers']:,} customers; {features['features']} "
        f"features at {features['rows']:,} past moments; {decisions['offers']:,} offers ranked in "
        f"{decisions['decisions']:,} decisions.",
        "",
        "## Import",
        "",
        *table(result["import"]["files"]),
        "",
        "## Models",
        "",
        "Judged on rolling folds in time order: every row below was predicted by a model that could not know it. "
        "Intervals are 95 %, by bootstrap over customers.",
        "",
    ]
    for name, model in result["models"].items():
        verdict = "champion" if model["champion"] else "challenger: " + "; ".join(model["failures"])
        lines += [
            f"### {name}, version {model['version']} ({verdict})",
            "",
            f"{model['rows']:,} test rows, {model['positives']:,} positives.",
            "",
            *table(metric_rows(model)),
            "",
            *(f"![{file}]({file})" for file in pictures.get(name, ())),
            "",
        ]
    lines += [
        "## Decisions",
        "",
        *table(decisions["stages"]),
        "",
        "What the rules cost, in the order in which they are asked:",
        "",
        *table([row for row in decisions["rules"] if row["candidates_rejected"]]),
        "",
        *(f"- {sentence}" for sentence in plan_sentences(decisions["plan"])),
        "",
        *_forensics(decisions),
        "## What to look at next",
        "",
        *(f"- {sentence}" for sentence in next_looks(result)),
        "",
    ]
    return "\n".join(lines)


def plan_sentences(plan: Mapping[str, Any]) -> list[str]:
    """Say who is contacted tonight, and what more of each budget would bring; nothing for a bank that contacts nobody.

    Example:
        >>> use = {"sentence": "call_slots: 60 of 60 used; one more would bring 5.14"}
        >>> plan_sentences({"contacts": {"email": 8939}, "value": 99.0, "bound": 100.0, "refused": 0, "budgets": [use]})
        ['tonight 8,939 contacts: 8,939 by email; their worth is at least 99.00 % of what any plan could have', \
'call_slots: 60 of 60 used; one more would bring 5.14']
    """
    if not plan:
        return []
    made = ", ".join(f"{count:,} by {channel.replace('_', ' ')}" for channel, count in plan["contacts"].items())
    share = plan["value"] / plan["bound"] if plan["bound"] > 0 else 1.0
    sentences = [
        f"tonight {sum(plan['contacts'].values()):,} contacts: {made}; their worth is at least {share * 100:.2f} % of "
        "what any plan could have"
    ]
    if plan["refused"]:
        sentences.append(f"{plan['refused']:,} contacts that must be made find nothing left of a budget")
    return [*sentences, *(use["sentence"] for use in plan["budgets"])]


def _forensics(decisions: Mapping[str, Any]) -> list[str]:
    return [
        "Which number decides: customers whose best offer is another one without it, among the same allowed "
        "candidates:",
        "",
        *table(decisive_rows(decisions)),
        "",
        "How much choice there is: share of customers who are allowed so many different offers:",
        "",
        *table(choice_rows(decisions)),
        "",
        "How unequally decisions fall on offers (Gini: 0 for all alike, towards 1 for all on one):",
        "",
        *table(decisions["concentration"]),
        "",
        "Whom each offer reaches, as a share of the customers of a stage:",
        "",
        *table(reach_rows(decisions)),
        "",
    ]


def decisive_rows(decisions: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Give a row per number of the priority whose absence changes somebody's best offer, the weightiest first.

    Example:
        >>> row = {"dropped": "value", "channel": "all", "customers": 10, "changed": 4, "share": 0.4}
        >>> decisive_rows({"winners": [row, {**row, "channel": "app"}]})
        [{'without': 'value', 'customers': 10, 'other_best_offer': 4, 'share': 0.4}]
    """
    whole = [row for row in decisions["winners"] if row["channel"] == "all" and row["changed"]]
    return [
        {
            "without": row["dropped"],
            "customers": row["customers"],
            "other_best_offer": row["changed"],
            "share": row["share"],
        }
        for row in sorted(whole, key=lambda row: -row["changed"])
    ]


def choice_rows(decisions: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Give a row per stage, and one for all, without the histogram."""
    return [
        {
            "stage": row["group"],
            **{name: row[name] for name in ("customers", "none", "one", "two_or_more", "mean_offers")},
        }
        for row in decisions["optionality"]
        if row["grouping"] in {"all", "stage"}
    ]


def reach_rows(decisions: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Give a row per offer with the share of all customers and of each stage that it reaches.

    Example:
        >>> row = {"offer": "loan", "customers": 10, "reached": 4, "share": 0.4}
        >>> reach_rows({"reached": [{**row, "grouping": "all", "group": "all"},
        ...                         {**row, "grouping": "stage", "group": "growth"}]})
        [{'offer': 'loan', 'reached': 4, 'all': 0.4, 'growth': 0.4}]
    """
    rows: dict[str, dict[str, Any]] = {}
    for row in decisions["reached"]:
        if row["grouping"] in {"all", "stage"}:
            mine = rows.setdefault(row["offer"], {"offer": row["offer"], "reached": row["reached"]})
            mine[row["group"]] = row["share"]
    return list(rows.values())


def metric_rows(model: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Give a row per metric: the model with its interval, then each baseline.

    Example:
        >>> metric_rows({"metrics": {"auc": 0.8, "auc_low": 0.78, "auc_high": 0.82}, "baselines": []})
        [{'metric': 'AUC', 'model': '0.800 (0.780 to 0.820)'}]
    """
    metrics, rows = model["metrics"], []
    for key, words in METRICS.items():
        if key not in metrics:
            continue
        row = {
            "metric": words,
            "model": f"{metrics[key]:.3f} ({metrics[key + '_low']:.3f} to {metrics[key + '_high']:.3f})",
        }
        for baseline in model["baselines"]:
            value = metrics.get(f"baseline_{baseline}_{key}")
            row[baseline] = "" if value is None else f"{value:.3f}"
        rows.append(row)
    return rows


def stand_ins(decisions: Mapping[str, Any]) -> list[str]:
    """Say what decides in the place of a model that is not in charge.

    Example:
        >>> stand_ins({"models": {"demo-churn": "1:ab12", "demo-propensity": "rates-2:cd34"}})
        ['no propensity model is in charge: acceptance rates by offer, channel and stage decide; its gate says why']
    """
    cited = decisions["models"].values()
    sentence = (
        "no propensity model is in charge: acceptance rates by offer, channel and stage decide; its gate says why"
    )
    return [sentence] if any(version.startswith("rates-") for version in cited) else []


def next_looks(result: Mapping[str, Any]) -> list[str]:
    """Say what deserves a look, from what came out."""
    looks = []
    quarantined = result["import"]["files"][-1]["quarantined"] if result["import"]["files"] else 0
    if quarantined:
        looks.append(f"{quarantined:,} rows are in quarantine: see why, mend the source or its mapping, import again.")
    looks += [
        f"The {name} model is not champion: {'; '.join(model['failures'])}."
        for name, model in result["models"].items()
        if not model["champion"]
    ]
    looks += [f"{sentence[:1].upper()}{sentence[1:]}." for sentence in stand_ins(result["decisions"])]
    rules = sorted(result["decisions"]["rules"], key=lambda row: -row["candidates_rejected_alone"])
    if rules and rules[0]["candidates_rejected_alone"]:
        looks.append(
            f"Rule {rules[0]['rule']} alone rejects {rules[0]['candidates_rejected_alone']:,} candidates: "
            "nothing else stands in their way."
        )
    bare = [row for row in result["decisions"]["stages"] if row["stage"] != "all" and not row["with_offer"]]
    if bare:
        looks.append("No customer gets an offer in stage " + ", ".join(row["stage"] for row in bare) + ".")
    silent = [row["offer"] for row in reach_rows(result["decisions"]) if not row["reached"]]
    if silent:
        looks.append(f"Nobody is reached by {', '.join(silent)}.")
    return looks


def table(rows: Rows) -> list[str]:
    """Set rows as a Markdown table.

    Example:
        >>> table([{"stage": "growth", "customers": 1200}])
        ['| stage | customers |', '|---|---|', '| growth | 1,200 |']
    """
    if not rows:
        return ["Nothing."]
    names = list(rows[0])
    return [
        f"| {' | '.join(names)} |",
        "|" + "---|" * len(names),
        *(f"| {' | '.join(cell(row[name]) for name in names)} |" for row in rows),
    ]


def cell(value: object) -> str:
    """Set a value for people: thousands separated, four significant digits, nothing for None."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.2f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
