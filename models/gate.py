"""The gate: the checks a challenger must pass to become champion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from domain.estimate import Estimate
from models.comparison import ChampionComparison
from models.evaluation.evaluation import Evaluation
from models.evaluation.metrics import AUC, CALIBRATION_ERROR, LOG_LOSS
from models.settings import Gate

PREVALENCE = "prevalence"
"""The baseline that a model must beat by more than noise; it may only not be worse than the others by more."""

_UNDEFINED = Estimate(float("nan"), float("nan"), float("nan"))


@dataclass(frozen=True, slots=True, kw_only=True)
class GateCheck:
    """One check and its result; an undefined value does not pass.

    Attributes:
        value: Measured value; NaN if undefined.
        bound: Bound that the value is compared with.
        sentence: The result in words.
    """

    name: str
    passed: bool
    value: float
    bound: float
    sentence: str


@dataclass(frozen=True, slots=True)
class GateReport:
    """The results of all checks of a challenger."""

    checks: tuple[GateCheck, ...]

    @property
    def passed(self) -> bool:
        """Whether the challenger may become champion."""
        return all(check.passed for check in self.checks)

    @property
    def failures(self) -> tuple[str, ...]:
        """Failed checks, in words."""
        return tuple(check.sentence for check in self.checks if not check.passed)

    def to_json(self) -> dict[str, Any]:
        """Return plain values, with None for undefined numbers."""
        checks = [
            {name: None if value != value else value for name, value in asdict(check).items()}  # noqa: PLR0124 - NaN
            for check in self.checks
        ]
        return {"passed": self.passed, "checks": checks}


def judge_challenger(
    evaluation: Evaluation,
    single_features: Mapping[str, float],
    gate: Gate,
    champion: ChampionComparison | None,
) -> GateReport:
    """Check a challenger against the bank's bounds, its baselines and the champion.

    Better means a lower log loss. It is a proper score, which rewards discrimination and calibration alike, and
    decisions use the probability itself. "By more than noise" means that the whole paired 95 % interval, over
    bootstrap draws of customers, is on one side.

    Args:
        evaluation: Evaluation of the challenger.
        single_features: Feature -> its AUC alone, from `single_feature_aucs`.
        gate: The bank's bounds.
        champion: Comparison with the champion; None if there is no champion yet.
    """
    checks = [
        _enough_positives(evaluation.positives, gate.minimum_positives),
        _credible(evaluation.model[AUC].value, gate.maximum_auc),
        _calibrated(evaluation.model[CALIBRATION_ERROR], gate.maximum_calibration_error),
        _no_leak(single_features, gate.maximum_single_feature_auc),
        *(_against_baseline(name, better[LOG_LOSS], gate) for name, better in evaluation.improvements.items()),
    ]
    if champion is not None:
        checks.append(_against_champion(champion, gate.maximum_worse_than_champion))
    return GateReport(tuple(checks))


def _enough_positives(positives: int, minimum: int) -> GateCheck:
    return GateCheck(
        name="enough_positives",
        passed=positives >= minimum,
        value=float(positives),
        bound=float(minimum),
        sentence=f"{positives:,} positives in the test folds, at least {minimum:,} needed",
    )


def _credible(auc: float, maximum: float) -> GateCheck:
    return GateCheck(
        name="credible_auc",
        passed=auc <= maximum,
        value=auc,
        bound=maximum,
        sentence=f"AUC {auc:.3f}; above {maximum:g} a leak is more likely than a miracle",
    )


def _calibrated(error: Estimate, maximum: float) -> GateCheck:
    return GateCheck(
        name="calibrated",
        passed=error.low <= maximum,
        value=error.low,
        bound=maximum,
        sentence=f"calibration error {error.value:.4f} (interval {error.low:.4f} to {error.high:.4f}), at most "
        f"{maximum:g} allowed beyond noise",
    )


def _no_leak(single_features: Mapping[str, float], maximum: float) -> GateCheck:
    feature, auc = max(single_features.items(), key=lambda item: item[1], default=("no feature", float("nan")))
    return GateCheck(
        name="no_leaking_feature",
        passed=auc <= maximum,
        value=auc,
        bound=maximum,
        sentence=f"{feature} alone has AUC {auc:.3f}, at most {maximum:g} allowed",
    )


def _against_baseline(name: str, improvement: Estimate, gate: Gate) -> GateCheck:
    sentence = f"log loss {_in_words(improvement)} than baseline {name}"
    if name == PREVALENCE:
        least = gate.minimum_better_than_prevalence
        return GateCheck(
            name=f"better_than_{name}",
            passed=improvement.low > least,
            value=improvement.low,
            bound=least,
            sentence=f"{sentence}, must be better by more than {_bound(least)}",
        )
    least = -gate.maximum_worse_than_baseline
    return GateCheck(
        name=f"not_worse_than_{name}",
        passed=improvement.high >= least,
        value=improvement.high,
        bound=least,
        sentence=f"{sentence}, must not be worse by more than {_bound(-least)}",
    )


def _against_champion(comparison: ChampionComparison, maximum: float) -> GateCheck:
    improvement = comparison.improvements.get(LOG_LOSS, _UNDEFINED)
    found = "no row was scored by the champion as well, so that the two cannot be compared"
    if comparison.rows:
        found = (
            f"log loss {_in_words(improvement)} than the champion (on {comparison.rows:,} {comparison.how} rows), must "
            f"not be worse by more than {_bound(maximum)}"
        )
    return GateCheck(
        name="not_worse_than_champion",
        passed=improvement.high >= -maximum,
        value=improvement.high,
        bound=-maximum,
        sentence=f"{found}; the champion stays until a challenger passes",
    )


def _bound(value: float) -> str:
    return f"{value:g} beyond noise" if value else "noise"


def _in_words(improvement: Estimate) -> str:
    direction = "worse" if improvement.value < 0.0 else "better"
    return f"{abs(improvement.value):.5f} {direction} (interval {improvement.low:+.5f} to {improvement.high:+.5f})"
