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
    if "arms" in results:
        lines += _arms(results["arms"])
    if "churn" in results:
        lines += _churn(results["churn"])
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
    names = {"model": "model", **_RIVALS}
    lines = [
        "Bank marketing in file order, windows of 20,000 contacts, refitted every 1,500, without the call's duration; "
        "AUC and ALIFT pooled over the windows. In brackets, by how much the model is better.",
        "",
        "| | AUC | ALIFT | subscribers in the best half | log loss | AUC, mean over windows |",
        "|---|---|---|---|---|---|",
    ]
    for name, one in windows.items():
        if name in names:
            cells = [_compared(one, metric) for metric in ("auc_pooled", "alift", "log_loss", "auc")]
            cells.insert(2, f"{one['best_half']:.1%}")
            lines.append(f"| {names[name]} | " + " | ".join(cells) + " |")
    lines += [
        "",
        "What helped is how the trees are grown: smaller and slower ones, each on a part of the rows and columns, are "
        "most of the difference to LightGBM's defaults (trees without base are these, always 100 of them). Choosing "
        "their number and averaging fits of several seeds adds little here.",
        "",
    ]
    return lines


def _compared(one: dict[str, Any], metric: str) -> str:
    if metric not in one:
        return ""
    better = one["better"].get(metric)
    return f"{one[metric][0]:.4f}" + ("" if better is None else f" ({_bounds(better, 1.0, 4, sign='+')})")


def _arms(arms: dict[str, Any]) -> list[str]:
    ways = ("model", "plain LightGBM", "best arm for all", "an arm at random")
    lines = [
        "Hillstrom's trial: what a customer does on average in the arm that is chosen for each, learned on other "
        "customers; visits by the probability of a visit, spend (dollars) by the probability of a purchase times the "
        "arm's mean purchase.",
        "",
        "| chosen by | visits | model better by | spend | model better by |",
        "|---|---|---|---|---|",
    ]
    for way in ways:
        cells = []
        for gain, digits in (("visit", 4), ("spend", 3)):
            better = arms[gain].get(f"better than {way}")
            cells += [
                _bounds(arms[gain][way], 1.0, digits),
                "" if better is None else _bounds(better, 1.0, digits, sign="+"),
            ]
        lines.append(f"| {way} | " + " | ".join(cells) + " |")
    return [*lines, ""]


def _churn(sets: list[dict[str, Any]]) -> list[str]:
    rivals = ("prevalence", "bg_nbd", "logistic", "plain_lightgbm")
    lines = [
        "Churn: log loss by which the model is better (positive) or worse than each rival on later rows, times 1,000. "
        "BG/NBD says 1 - A + A ((alpha + T) / (alpha + T + h))^(r + x), calibrated on the training rows. The form was "
        "chosen out of fold.",
        "",
        "| set | test rows | churned | form | AUC | prevalence | BG/NBD | logistic | plain LightGBM |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for one in sets:
        cells = [
            _bounds(one["over"][rival]["log_loss"], 1_000.0, 1, sign="+") if rival in one["over"] else ""
            for rival in rivals
        ]
        lines.append(
            f"| {one['name']} | {one['rows']:,} | {one['positives']:,} | {' or '.join(one['forms'])} | "
            f"{_bounds(one['model']['auc'], 1.0, 3)} | " + " | ".join(cells) + " |"
        )
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
