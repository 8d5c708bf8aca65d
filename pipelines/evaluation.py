"""Evaluation of another policy on the bank's own logged decisions, and its page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from charts.differences import Difference, differences
from config.bank import Bank
from config.changes import changed_bank
from config.reading import load_bank
from decisioning.off_policy.evaluate import HEADLINE, PolicyEvaluation, evaluate_policy
from domain.errors import DataError
from domain.estimate import Estimate
from models.registry import RegisteredModel
from pipelines.markdown import Rows, table
from pipelines.steps import StepResult
from serving.what_if.logged import evaluation_arrays, logged_outcomes
from storage.atomic import replace_text
from wiring.components import Components

PAGE: Final = "evaluation.md"
GAINS: Final = "gains.svg"
STAGES: Final = "stages.svg"

_ESTIMATORS: Final = {
    "ips": "inverse propensity weights",
    "snips": "the same, self-normalised",
    "dm": "outcome model alone",
    "dr": "doubly robust",
    "switch_dr": "doubly robust, without the largest weights",
    "dr_os": "doubly robust, weights shrunk",
}


def evaluate_logged(components: Components, subject: Path, until: datetime, folder: Path | None = None) -> StepResult:
    """Estimate what another policy or model would have earned where this bank's decisions were made and presented.

    Only decisions whose response windows ended before `until` count. Another policy is scored by the same models;
    another model decides by the same policy, and only where it had not seen the outcome.

    Args:
        components: The bank's components.
        subject: A folder of YAML of the same bank, a file with a change (`config.changes`), or a version or alias of
            the propensity model.
        until: Moment of the evaluation, aware.
        folder: New or empty folder for the page and its pictures; None to write nothing.

    Returns:
        The verdict, the figures of `decisioning.off_policy.evaluate.PolicyEvaluation`, and what was left out.

    Raises:
        ConfigurationErrors: The policy is invalid.
        DataError: It belongs to another bank, there is no such policy or model, no decision has an outcome, or the
            folder is not empty.
    """
    if folder is not None and folder.exists() and any(folder.iterdir()):
        raise DataError("the folder is not empty", got=str(folder), remedy="name a new one")
    outcomes = logged_outcomes(components.decision_log, components.log, components.bank, until)
    if subject.exists():
        decider = components.decider().for_bank(_policy(components, subject))
    else:
        model = _model(components, subject)
        outcomes = outcomes.since(model.data_last)
        decider = components.models.files_with(model, components.places.champions).decider(components.bank)
    arrays = evaluation_arrays(outcomes, decider, components.log, components.places.decisions)
    found = evaluate_policy(
        arrays.action,
        arrays.reward,
        arrays.probability,
        arrays.target,
        context=arrays.context,
        customer=arrays.customer,
        segment=arrays.stage,
    )
    result: StepResult = {
        "bank": components.name,
        "policy": subject.name,
        "as_of": until.isoformat(),
        "currency": components.bank.identity.currency,
        "customers": len(set(arrays.customer.tolist())),
        "left_out": dict(outcomes.left_out),
        "evaluation": found.to_json(),
        "page": evaluation_page(components.bank, subject.name, found, outcomes.left_out),
    }
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        for name, picture in evaluation_pictures(components.bank, found).items():
            replace_text(folder / name, picture)
        page = evaluation_page(components.bank, subject.name, found, outcomes.left_out, pictures=True)
        replace_text(folder / PAGE, page)
    return result


def evaluation_pictures(bank: Bank, found: PolicyEvaluation) -> dict[str, str]:
    """Draw the gains of an evaluation, by estimator and by stage: file name -> SVG."""
    unit = f"gain for each decision, in {bank.identity.currency}"
    by_estimator = [_difference(name, gain) for name, gain in found.gains.items()]
    by_stage = [_difference(one.segment, one.gain) for one in found.segments]
    return {
        GAINS: differences(by_estimator, f"By estimator: {unit}"),
        STAGES: differences(by_stage, f"By stage: {unit}"),
    }


def evaluation_page(
    bank: Bank, policy: str, found: PolicyEvaluation, left_out: Mapping[str, int], *, pictures: bool = False
) -> str:
    """Write an evaluation as one Markdown page.

    Args:
        bank: The bank.
        policy: Name of what was evaluated.
        found: The evaluation.
        left_out: Number of impressions that tell nothing, by reason.
        pictures: Whether the page shows the pictures of `evaluation_pictures`, which are beside it.
    """
    currency, support = bank.identity.currency, found.support
    verdict = found.verdict
    lines = [
        f"# {verdict.word.value.capitalize()}: {policy}",
        f"{verdict.reason.capitalize()}.",
        f"Measured in {currency} of accepted offers for each presented decision of {bank.identity.name}: "
        f"{support.decisions:,} decisions with their logged probabilities, which tell as much as "
        f"{support.effective:,.0f} of this policy's own. What was logged earned {found.logged_reward:.4g}.",
        *(f"Warning: {warning}." for warning in found.warnings),
        "## Estimators",
        *([f"![Gains by estimator]({GAINS})"] if pictures else []),
        f"The verdict reads `{HEADLINE}`. Intervals are 95 %, by customer. "
        f"If you look again as decisions come in, read the gain as {found.gain_at_any_time}.",
        _table(
            [
                {
                    "estimator": name,
                    "what it is": _ESTIMATORS[name],
                    f"value ({currency})": _interval(found.values[name]),
                    f"gain ({currency})": _interval(found.gains[name]),
                }
                for name in found.gains
            ]
        ),
        "## Stages",
        *([f"![Gains by stage]({STAGES})"] if pictures else []),
        _table(
            [
                {
                    "stage": one.segment,
                    "decisions": one.decisions,
                    "effective decisions": round(one.effective),
                    f"gain ({currency})": _interval(one.gain),
                }
                for one in found.segments
            ]
        ),
        "## Support",
        _table(
            [
                {"what": "this policy's decisions that were never made", "figure": _percent(support.outside)},
                {"what": "largest weight", "figure": f"{support.largest_weight:.4g}"},
                {"what": "weight of the largest 1 %", "figure": f"{support.weight_of_largest:.0%}"},
            ]
        ),
    ]
    if left_out:
        reasons = [{"impressions": count, "why": reason} for reason, count in left_out.items()]
        lines += ["## Left out", "These tell nothing, for or against.", _table(reasons)]
    return "\n\n".join(lines) + "\n"


def _policy(components: Components, policy: Path) -> Bank:
    if not policy.is_dir():
        return changed_bank(components.folder, policy)
    other = load_bank(policy)
    if other.identity.name != components.name:
        raise DataError("the policy is another bank's", got=other.identity.name, expected=components.name)
    return other


def _model(components: Components, subject: Path) -> RegisteredModel:
    name = f"{components.name}-propensity"
    found = components.models.registry.named(name, str(subject))
    if found is None:
        raise DataError(
            "there is no such policy or model",
            got=f"'{subject}'",
            expected=f"a folder, a file with a change, or a version or alias of {name}",
        )
    return found


def _difference(label: str, gain: Estimate) -> Difference:
    known = [0.0 if number != number else number for number in (gain.value, gain.low, gain.high)]  # noqa: PLR0124 - NaN
    return Difference(label=label, value=known[0], low=known[1], high=known[2], text=_interval(gain))


def _table(rows: Rows) -> str:
    return "\n".join(table(rows))


def _interval(estimate: Estimate) -> str:
    return f"{estimate.value:+.4g} ({estimate.low:+.4g} to {estimate.high:+.4g})"


def _percent(estimate: Estimate) -> str:
    return f"{estimate.value:.1%} ({estimate.low:.1%} to {estimate.high:.1%})"


def plain(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return the result without its page, for machines."""
    return {name: value for name, value in result.items() if name != "page"}
