"""The gates of a rollout: ship, hold or stop, each with its reason and the number behind it."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from decisioning.experiments.trials import TrialResult
from decisioning.monitoring.drift import drift
from decisioning.off_policy.verdict import Verdict, Word, warnings_of
from decisioning.outcomes.realised import realisation
from expressions.types import Array
from models.comparison import compare_with_champion
from models.evaluation.metrics import AUC, area_under_roc
from models.evaluation.ranked import RankedCounts
from models.held_out import MODEL, HeldOutPredictions
from models.settings import Rollout
from serving.beside import Calls
from serving.rollout.evidence import Matured, RecentDecisions
from serving.rollout.fairness import LEAST_ACCEPTED, fairness_gate
from serving.rollout.gate import GateAnswer, held_gate

AUC_GATE: Final = "auc"
DRIFT_GATE: Final = "drift"
ERRORS_GATE: Final = "errors"
ROLLING_BACK: Final = (AUC_GATE, DRIFT_GATE, ERRORS_GATE)
"""Gates whose *stop* takes a model back without asking anybody."""


def gates_of(
    settings: Rollout, matured: Matured | None, recent: RecentDecisions | None, calls: Calls, trial: TrialResult | None
) -> tuple[GateAnswer, ...]:
    """Put a model to all gates; what is missing holds.

    Args:
        settings: Limits.
        matured: Decisions with final outcomes.
        recent: Decisions of the last days.
        calls: What the model was called for in the last days.
        trial: Customers of its slice against the others; None while there is no slice.
    """
    if matured is None or len(matured.accepted) < settings.minimum_decisions:
        gates = [held_gate(name, _few(matured, settings)) for name in ("value", "calibration", AUC_GATE)]
    else:
        gates = [value_gate(matured, settings), calibration_gate(matured, settings), auc_gate(matured, settings)]
    if recent is None or len(recent.offered) < settings.minimum_decisions:
        gates += [held_gate(name, _late(recent, settings)) for name in ("fairness", DRIFT_GATE)]
    else:
        gates += [fairness_gate(recent, matured, settings), drift_gate(recent, settings)]
    gates.append(errors_gate(calls, settings))
    if calls.own_nanoseconds:
        gates.append(time_gate(calls, settings))
    if trial is not None:
        gates.append(slice_gate(trial))
    return tuple(gates)


def value_gate(matured: Matured, settings: Rollout) -> GateAnswer:
    """Judge what the model's policy would have earned: it may not lose more than a share of what was earned."""
    found = matured.evaluation
    if found is None or len(matured.comparable) < settings.minimum_decisions:
        older = f"{len(matured.comparable):,} decisions are older than the longest response window"
        return held_gate("value", f"{older}; {settings.minimum_decisions:,} are needed")
    gain, least = found.gain_at_any_time, -settings.maximum_loss * found.logged_reward
    said = (
        f"it gains {gain.value:+.4g} for each decision ({gain.low:+.4g} to {gain.high:+.4g}, however often one looks); "
        f"{least:+.4g} is allowed"
    )
    doubts = warnings_of(found.support)
    if gain.high < least:
        return GateAnswer("value", Verdict(Word.STOP, said), gain.value)
    if doubts:
        return GateAnswer("value", Verdict(Word.HOLD, doubts[0]), gain.value)
    return GateAnswer("value", Verdict(Word.SHIP if gain.low >= least else Word.HOLD, said), gain.value)


def calibration_gate(matured: Matured, settings: Rollout) -> GateAnswer:
    """Judge acceptances over propensities; an interval that does not tell holds."""
    said = matured.arrays.propensity
    scored = np.isfinite(said)
    if not scored.any():
        return held_gate("calibration", "it has scored none of the offers that were made")
    found = realisation(
        matured.accepted[scored].astype(float), said[scored], customer=matured.arrays.customer[scored].astype(str)
    )
    ratio, most = found.ratio, settings.maximum_calibration
    words = (
        f"acceptances are {ratio.value:.2f} times what it says ({ratio.low:.2f} to {ratio.high:.2f}) in "
        f"{found.impressions:,} impressions; {1 / most:.2f} to {most:.2f} is allowed"
    )
    if ratio.low > most or ratio.high < 1.0 / most:
        return GateAnswer("calibration", Verdict(Word.STOP, words), ratio.value)
    inside = 1.0 / most <= ratio.value <= most
    return GateAnswer("calibration", Verdict(Word.SHIP if inside else Word.HOLD, words), ratio.value)


def auc_gate(matured: Matured, settings: Rollout) -> GateAnswer:
    """Judge the AUC on final outcomes against the other model on the same rows, beyond noise."""
    both = np.isfinite(matured.arrays.propensity) & np.isfinite(matured.other)
    accepted = matured.accepted[both]
    if min(int(accepted.sum()), int((~accepted).sum())) < LEAST_ACCEPTED:
        reason = f"{int(accepted.sum())} acceptances of {len(accepted):,} impressions tell nothing yet"
        return held_gate(AUC_GATE, reason)
    rows = HeldOutPredictions(
        fold=np.zeros(len(accepted), dtype=np.int64),
        customer_ids=matured.arrays.customer[both],
        as_of=matured.as_of[both],
        y=accepted.astype(np.float64),
        scores={MODEL: matured.arrays.propensity[both]},
        groups={},
    )
    more = compare_with_champion(rows, matured.other[both], "rescored").improvements[AUC]
    usual = _auc(matured.other[both], accepted)
    change, best = more.value / usual, more.high / usual
    words = (
        f"its AUC is {change:+.1%} of the other model's {usual:.3f} on {len(accepted):,} final outcomes "
        f"({more.low / usual:+.1%} to {best:+.1%}); {-settings.maximum_auc_drop:.0%} is allowed"
    )
    if change < -settings.maximum_auc_drop:
        return GateAnswer(AUC_GATE, Verdict(Word.STOP if best < 0.0 else Word.HOLD, words), change)
    return GateAnswer(AUC_GATE, Verdict(Word.SHIP, words), change)


def drift_gate(recent: RecentDecisions, settings: Rollout) -> GateAnswer:
    """Judge whether its scores of the last days are distributed as in the weeks before."""
    now, before = (one[np.isfinite(one)] for one in (recent.scores, recent.before))
    if min(len(now), len(before)) < settings.minimum_decisions:
        reason = f"{len(now):,} scores of the last days and {len(before):,} of the weeks before"
        return held_gate(DRIFT_GATE, f"{reason}: {settings.minimum_decisions:,} of each are needed")
    found = drift(before, now)
    said = (
        f"its scores have moved by {found.index:.2f}; {settings.maximum_drift:g} is allowed, and {found.by_chance:.2f} "
        "may be chance"
    )
    return GateAnswer(
        DRIFT_GATE, Verdict(Word.STOP if found.exceeds(settings.maximum_drift) else Word.SHIP, said), found.index
    )


def errors_gate(calls: Calls, settings: Rollout) -> GateAnswer:
    """Judge how many decisions it could not score."""
    if calls.decisions < settings.minimum_decisions:
        reason = f"it took part in {calls.decisions:,} decisions of the last 7 days"
        return held_gate(ERRORS_GATE, f"{reason}; {settings.minimum_decisions:,} are needed")
    share = calls.failed / calls.decisions
    said = (
        f"it failed in {calls.failed:,} of {calls.decisions:,} decisions ({share:.1%}); "
        f"{settings.maximum_errors:.0%} is allowed"
    )
    return GateAnswer(ERRORS_GATE, Verdict(Word.STOP if share > settings.maximum_errors else Word.SHIP, said), share)


def time_gate(calls: Calls, settings: Rollout) -> GateAnswer:
    """Judge how much processor time its scores take beside the decisions."""
    more = calls.own_nanoseconds / max(calls.all_nanoseconds, 1)
    said = f"its scores take {more:.1%} more processor time; {settings.maximum_more_time:.0%} is allowed"
    return GateAnswer("time", Verdict(Word.HOLD if more > settings.maximum_more_time else Word.SHIP, said), more)


def slice_gate(trial: TrialResult) -> GateAnswer:
    """Judge the customers of the slice against the others: it stops what does harm, and holds what cannot be compared.

    A slice is too small to prove a gain; that is for the value gate.
    """
    if not trial.arms or trial.sample_ratio.is_mismatch:
        return GateAnswer("slice", Verdict(Word.HOLD, trial.verdict.reason), None)
    gain = trial.arms[0].gain
    word = Word.STOP if trial.verdict.word is Word.STOP else Word.SHIP
    said = f"a customer of the slice is worth {gain.as_gain('more')}"
    return GateAnswer("slice", Verdict(word, trial.verdict.reason if word is Word.STOP else said), gain.value)


def _few(matured: Matured | None, settings: Rollout) -> str:
    count = 0 if matured is None else len(matured.accepted)
    return f"{count:,} decisions since its training have a final outcome; {settings.minimum_decisions:,} are needed"


def _late(recent: RecentDecisions | None, settings: Rollout) -> str:
    count = 0 if recent is None else len(recent.offered)
    return f"{count:,} decisions in the last 7 days; {settings.minimum_decisions:,} are needed"


def _auc(scores: Array, accepted: NDArray[np.bool_]) -> float:
    return float(area_under_roc(RankedCounts.of(scores, accepted.astype(np.float64))))
