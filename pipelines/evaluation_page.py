"""An evaluation as one Markdown page, with its pictures."""

from __future__ import annotations

from math import isnan
from pathlib import Path
from typing import Final

from charts.differences import Difference, differences
from decisioning.off_policy.estimators import ESTIMATORS
from decisioning.off_policy.evaluate import HEADLINE
from domain.errors import DataError
from domain.estimate import Estimate
from pipelines.markdown import Rows, table
from serving.what_if.evaluations import EvaluationRecord
from storage.atomic import replace_text

PAGE: Final = "evaluation.md"
GAINS: Final = "gains.svg"
STAGES: Final = "stages.svg"


def expect_empty(folder: Path) -> None:
    """Check that a page can be written into a folder without replacing anything.

    Raises:
        DataError: The folder is not empty.
    """
    if folder.exists() and any(folder.iterdir()):
        raise DataError("the folder is not empty", got=str(folder), remedy="name a new one")


def write_evaluation(folder: Path, record: EvaluationRecord) -> None:
    """Write the page of an evaluation and its pictures into a new or empty folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, picture in evaluation_pictures(record).items():
        replace_text(folder / name, picture)
    replace_text(folder / PAGE, evaluation_page(record, pictures=True))


def evaluation_pictures(record: EvaluationRecord) -> dict[str, str]:
    """Draw the gains of an evaluation, by estimator and by stage: file name -> SVG."""
    unit = f"gain for each decision, in {record.currency}"
    by_estimator = [_difference(name, gain) for name, gain in record.found.gains.items()]
    by_stage = [_difference(one.segment, one.gain) for one in record.found.segments]
    return {
        GAINS: differences(by_estimator, f"By estimator: {unit}"),
        STAGES: differences(by_stage, f"By stage: {unit}"),
    }


def evaluation_page(record: EvaluationRecord, *, pictures: bool = False) -> str:
    """Write an evaluation as one Markdown page.

    Args:
        record: The evaluation.
        pictures: Whether the page shows the pictures of `evaluation_pictures`, which are beside it.
    """
    currency, found = record.currency, record.found
    support, verdict = found.support, found.verdict
    lines = [
        f"# {verdict.word.value.capitalize()}: {record.subject}",
        f"{verdict.reason.capitalize()}.",
        f"Measured in {currency} of accepted offers for each presented decision of {record.bank}: "
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
                    "what it is": ESTIMATORS[name],
                    f"value ({currency})": found.values[name].as_gain(),
                    f"gain ({currency})": found.gains[name].as_gain(),
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
                    f"gain ({currency})": one.gain.as_gain(),
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
    if record.left_out:
        reasons = [{"impressions": count, "why": reason} for reason, count in record.left_out.items()]
        lines += ["## Left out", "These tell nothing, for or against.", _table(reasons)]
    return "\n\n".join(lines) + "\n"


def _difference(label: str, gain: Estimate) -> Difference:
    value, low, high = (0.0 if isnan(number) else number for number in (gain.value, gain.low, gain.high))
    return Difference(label=label, value=value, low=low, high=high, text=gain.as_gain())


def _table(rows: Rows) -> str:
    return "\n".join(table(rows))


def _percent(estimate: Estimate) -> str:
    return f"{estimate.value:.1%} ({estimate.low:.1%} to {estimate.high:.1%})"
