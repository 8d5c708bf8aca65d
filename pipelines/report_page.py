"""The report of a run as a Markdown page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from domain.counts import counted
from pipelines.effects_page import effects_section
from pipelines.markdown import table

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
"""Metrics in a report, with their usual names."""


def markdown_report(result: Mapping[str, Any], pictures: Mapping[str, Sequence[str]]) -> str:
    """Write the page.

    Args:
        result: Result of `pipelines.run_bank.run_bank`.
        pictures: Model -> files of its plots, relative to the page.
    """
    features, decisions = result["features"], result["decisions"]
    lines = [
        f"# {result['bank']} as of {features['as_of'][:10]}",
        "",
        f"{counted(result['import']['events'], 'event')} of {counted(features['customers'], 'customer')}; "
        f"{counted(features['features'], 'feature')} at {counted(features['rows'], 'past moment')}; "
        f"{counted(decisions['offers'], 'offer')} ranked in {counted(decisions['decisions'], 'decision')}.",
        "",
        "## Import",
        "",
        *table(result["import"]["files"]),
        "",
        "## Models",
        "",
        "Evaluated on rolling folds in time order, with held-out predictions. "
        "Intervals are 95 %, by bootstrap over customers.",
        "",
    ]
    lines += [f"- {sentence}" for sentence in untrained(result["models"])]
    for name, model in trained(result["models"]).items():
        verdict = "champion" if model["champion"] else "challenger: " + "; ".join(model["failures"])
        lines += [
            f"### {name}, version {model['version']} ({verdict})",
            "",
            f"{counted(model['rows'], 'test row')}, {counted(model['positives'], 'positive')}.",
            *([f"Form: {model['form']}."] if model.get("form") else []),
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
        "Candidates that the rules reject, in the order in which rules are checked:",
        "",
        *table([row for row in decisions["rules"] if row["candidates_rejected"]]),
        "",
        *(f"- {sentence}" for sentence in plan_sentences(decisions["plan"])),
        "",
        *_forensics(decisions),
        *effects_section(result.get("effects") or {}),
        "## What to look at next",
        "",
        *(f"- {sentence}" for sentence in next_looks(result)),
        "",
    ]
    return "\n".join(lines)


def plan_sentences(plan: Mapping[str, Any]) -> list[str]:
    """Summarise the plan and the budgets of a batch run; no sentences for a bank without outbound channels.

    Example:
        >>> use = {"sentence": "call_slots: 60 of 60 used; one more would bring 5.14"}
        >>> plan_sentences({"contacts": {"email": 8939}, "value": 99.0, "bound": 100.0, "refused": 0, "budgets": [use]})
        ['8,939 contacts planned: 8,939 by email; their value is at least 99.00 % of the best possible plan', \
'call_slots: 60 of 60 used; one more would bring 5.14']
    """
    if not plan:
        return []
    channels = ", ".join(f"{count:,} by {channel.replace('_', ' ')}" for channel, count in plan["contacts"].items())
    share = plan["value"] / plan["bound"] if plan["bound"] > 0 else 1.0
    sentences = [
        f"{counted(sum(plan['contacts'].values()), 'contact')} planned: {channels}; their value is at least "
        f"{share * 100:.2f} % of the best possible plan"
    ]
    if plan["refused"]:
        sentences.append(f"{plan['refused']:,} mandatory contacts do not fit into a budget")
    return [*sentences, *(use["sentence"] for use in plan["budgets"])]


def _forensics(decisions: Mapping[str, Any]) -> list[str]:
    return [
        "Which factor decides: customers whose best offer would differ without it, among the same allowed candidates:",
        "",
        *table(decisive_rows(decisions)),
        "",
        "How much choice there is: share of customers by the number of offers they may get:",
        "",
        *table(choice_rows(decisions)),
        "",
        "How unequally decisions are distributed over offers (Gini: 0 if all are equal, near 1 if all are on one):",
        "",
        *table(decisions["concentration"]),
        "",
        "Customers whom each offer reaches, as a share of the customers of a stage:",
        "",
        *table(reach_rows(decisions)),
        "",
    ]


def decisive_rows(decisions: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a row per factor of the priority whose absence changes some customers' best offer, largest effect first.

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
    """Return a row per stage, and one for all, without the histogram."""
    return [
        {
            "stage": row["group"],
            **{name: row[name] for name in ("customers", "none", "one", "two_or_more", "mean_offers")},
        }
        for row in decisions["optionality"]
        if row["grouping"] in {"all", "stage"}
    ]


def reach_rows(decisions: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a row per offer with the share of all customers and of each stage that it reaches.

    Example:
        >>> row = {"offer": "loan", "customers": 10, "reached": 4, "share": 0.4}
        >>> reach_rows({"reached": [{**row, "grouping": "all", "group": "all"},
        ...                         {**row, "grouping": "stage", "group": "growth"}]})
        [{'offer': 'loan', 'reached': 4, 'all': 0.4, 'growth': 0.4}]
    """
    rows: dict[str, dict[str, Any]] = {}
    for row in decisions["reached"]:
        if row["grouping"] in {"all", "stage"}:
            offer_row = rows.setdefault(row["offer"], {"offer": row["offer"], "reached": row["reached"]})
            offer_row[row["group"]] = row["share"]
    return list(rows.values())


def metric_rows(model: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a row per metric: the model with its interval, then each baseline.

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


def trained(models: Mapping[str, Any]) -> dict[str, Any]:
    """Return the results of the models that could be trained, by name.

    Example:
        >>> list(trained({"churn": {"champion": False, "failures": ["not trained: too short"]}}))
        []
    """
    return {name: model for name, model in models.items() if "version" in model}


def untrained(models: Mapping[str, Any]) -> list[str]:
    """Say which models could not be trained, and why.

    Example:
        >>> untrained({"churn": {"champion": False, "failures": ["not trained: the log is too short"]}})
        ['the churn model is not trained: the log is too short']
    """
    return [
        f"the {name} model is {failure}"
        for name, model in models.items()
        if "version" not in model
        for failure in model["failures"]
    ]


def answer_notes(models: Mapping[str, Any]) -> list[str]:
    """Say which answers to offers did not count, and which attributes were unknown when offers were made.

    Example:
        >>> counts = {"late": 1, "unmatched": 0, "retired_offer": 1200, "without_offer": 0}
        >>> for note in answer_notes({"propensity": {"answers": counts, "unknown_attributes": {"age": 0.93}}}):
        ...     print(note)
        1 acceptance came after the offer's response window, and does not count
        1,200 impressions are of offers that offers.yaml does not have
        age was not known at 93 % of the offers made: a model learns little from what became known only afterwards
    """
    found = models.get("propensity", {})
    answers = found.get("answers", {})
    late, unmatched = answers.get("late", 0), answers.get("unmatched", 0)
    retired, nameless = answers.get("retired_offer", 0), answers.get("without_offer", 0)
    notes = [
        f"{counted(late, 'acceptance')} came after the offer's response window, and {_do(late)} not count",
        f"{counted(unmatched, 'acceptance')} {_do(unmatched)} not belong to any offer made before",
        f"{counted(retired, 'impression')} {'is' if retired == 1 else 'are'} of offers that offers.yaml does not have",
        f"{counted(nameless, 'impression')} {_do(nameless)} not say of which offer",
    ]
    said = [note for note, count in zip(notes, (late, unmatched, retired, nameless), strict=True) if count]
    return said + [
        f"{name} was not known at {100 * share:.0f} % of the offers made: a model learns little from what became known "
        "only afterwards"
        for name, share in found.get("unknown_attributes", {}).items()
    ]


def _do(count: int) -> str:
    return "does" if count == 1 else "do"


def stand_ins(decisions: Mapping[str, Any]) -> list[str]:
    """Describe what decides instead of a model that is not in charge.

    Example:
        >>> stand_ins({"models": {"demo-churn": "1:ab12", "demo-propensity": "rates-2:cd34"}})
        ['no propensity model is in charge: acceptance rates by offer, channel and stage decide; its gate says why']
    """
    for version in decisions["models"].values():
        if version.startswith("rates-"):
            kind = version.removeprefix("rates-").split(":")[0]
            return [f"no propensity model is in charge: {_STAND_INS.get(kind, _REFUSED)}"]
    if not any(name.endswith("-propensity") for name in decisions["models"]):
        return [f"no propensity model is in charge: {_NOTHING}"]
    return []


_REFUSED = "acceptance rates by offer, channel and stage decide; its gate says why"
_STAND_INS = {
    "counted": "acceptance rates by offer, channel and stage decide; there is too little history for a model",
    "expected": "the rates that offers.yaml expects decide, until customers have answered",
}
_NOTHING = (
    "offers are not scored, because nobody has answered any and offers.yaml expects no rate; "
    "add `expected_acceptance` to each"
)


def next_looks(result: Mapping[str, Any]) -> list[str]:
    """List findings of a run that deserve attention."""
    looks = []
    quarantined = result["import"]["files"][-1]["quarantined"] if result["import"]["files"] else 0
    if quarantined:
        looks.append(
            f"{counted(quarantined, 'row')} in quarantine: check why, fix the source or its mapping, and import again."
        )
    looks += [
        f"The {name} model is not champion: {'; '.join(model['failures'])}."
        for name, model in trained(result["models"]).items()
        if not model["champion"]
    ]
    sentences = [*untrained(result["models"]), *answer_notes(result["models"]), *stand_ins(result["decisions"])]
    looks += [f"{sentence[:1].upper()}{sentence[1:]}." for sentence in sentences]
    rules = sorted(result["decisions"]["rules"], key=lambda row: -row["candidates_rejected_alone"])
    if rules and rules[0]["candidates_rejected_alone"]:
        looks.append(
            f"Rule {rules[0]['rule']} alone rejects {counted(rules[0]['candidates_rejected_alone'], 'candidate')} "
            "that would pass every other rule."
        )
    bare = [row for row in result["decisions"]["stages"] if row["stage"] != "all" and not row["with_offer"]]
    if bare:
        looks.append("No customer gets an offer in stage " + ", ".join(row["stage"] for row in bare) + ".")
    silent = [row["offer"] for row in reach_rows(result["decisions"]) if not row["reached"]]
    if silent:
        looks.append(f"Nobody is reached by {', '.join(silent)}.")
    return looks
