"""The section of the benchmarks' page about models."""

from __future__ import annotations

from typing import Any

_RIVALS = {
    "prevalence": "prevalence",
    "per_offer_logistic": "per-offer logistic",
    "plain_lightgbm": "plain LightGBM",
    "trees_without_base": "trees without base",
}


def models_section(results: dict[str, Any]) -> list[str]:
    """Write whatever was measured."""
    around = results["surroundings"]
    versions = ", ".join(f"{name} {number}" for name, number in around["versions"].items())
    lines = [
        "## Propensity models",
        "",
        f"{around['cores']} cores, {around['memory_gigabytes']} GB, {around['architecture']}, Python "
        f"{around['python']}; {versions}. Intervals are of 95 %, paired, over bootstrap draws of customers.",
        "",
    ]
    if "sets" in results:
        lines += _sets(results["sets"])
    if "windows" in results:
        lines += _windows(results["windows"])
    if "demo" in results:
        lines += _demo(results["demo"])
    if "speed" in results:
        lines += _speed(results["speed"])
    return lines


def _sets(sets: list[dict[str, Any]]) -> list[str]:
    lines = [
        "Log loss by which the model is better (positive) or worse than each rival on held-out rows, times 1,000. "
        "They are later rows where the set has times, and rows of other customers elsewhere. Every set goes through "
        "`fit_contacts` with its defaults.",
        "",
        "| set | test rows | positives | form | AUC | " + " | ".join(_RIVALS.values()) + " |",
        "|---|---|---|---|---|" + "---|" * len(_RIVALS),
    ]
    for one in sets:
        if not one["rows"]:
            lines.append(f"| {one['name']} | too few outcomes to judge | | | |" + " |" * len(_RIVALS))
            continue
        cells = [_bounds(one["over"][rival]["log_loss"], 1_000.0, 2, sign="+") for rival in _RIVALS]
        lines.append(
            f"| {one['name']} | {one['rows']:,} | {one['positives']:,} | {one['form']} | "
            f"{_bounds(one['model']['auc'], 1.0, 3)} | " + " | ".join(cells) + " |"
        )
    lines += [
        "",
        "Where the truth is known, on 2,000 new customers with every offer: how much of the log loss that can be "
        "learned was learned, and the value of the offers chosen by propensity times value, as share of what the truth "
        "would choose.",
        "",
        "| set | share of the learnable | share of the oracle's value |",
        "|---|---|---|",
    ]
    lines += [
        f"| {one['name']} | {one['share_of_learnable']:.1%} | {one['share_of_oracle']:.1%} |"
        for one in sets
        if "share_of_oracle" in one
    ]
    return [*lines, ""]


def _windows(windows: dict[str, Any]) -> list[str]:
    names = {
        "auc": "AUC, mean over windows",
        "auc_pooled": "AUC, pooled",
        "alift": "ALIFT, pooled",
        "log_loss": "log loss",
    }
    lines = [
        "Bank marketing in file order, windows of 20,000 contacts, refitted every 1,500, without the call's duration. "
        f"The best half of the contacts has {windows['best_half']:.1%} of the subscribers.",
        "",
        "| metric | model | plain LightGBM | better by |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {title} | {_bounds(windows['model'][name], 1.0, 4)} | {_bounds(windows['plain_lightgbm'][name], 1.0, 4)} | "
        f"{_bounds(windows['better'][name], 1.0, 4, sign='+')} |"
        for name, title in names.items()
    ]
    return [*lines, ""]


def _demo(demo: dict[str, Any]) -> list[str]:
    shares = ", ".join(f"{share:.1%}" for share in demo["shares"])
    return [
        f"The demo bank: learned from what was presented before 2026-04-20, and chosen by propensity times value among "
        f"the allowed candidates of {demo['decisions']} decisions after it, whose true probabilities are known. Mean "
        f"share of the oracle's value over {len(demo['shares'])} random draws of 90 % of the rows: "
        f"**{demo['mean']:.1%}** ({demo['low']:.1%} to {demo['high']:.1%} over draws of decisions). Single draws: "
        f"{shares}.",
        "",
    ]


def _speed(speed: dict[str, Any]) -> list[str]:
    return [
        f"{speed['rows']:,} contacts with {speed['features']} features, folds, calibration and evaluation included: "
        f"{speed['seconds']:,.0f} seconds ({speed['cpu_seconds']:,.0f} of CPU, load average "
        f"{speed['load_average']:.1f}); {speed['share_of_oracle']:.1%} of the oracle's value.",
        "",
    ]


def _bounds(bounds: list[float | None], factor: float, digits: int, sign: str = "") -> str:
    if None in bounds:
        return "undefined"
    value, low, high = (f"{factor * number:{sign}.{digits}f}" for number in bounds if number is not None)
    return f"{value} ({low} to {high})"
