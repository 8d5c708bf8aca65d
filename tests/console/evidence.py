"""Effects, trials, readings and evaluations as the nightly flow keeps them, made by the functions that measure them."""

from datetime import date, timedelta
from math import nan
from pathlib import Path

import numpy as np

from config.watching import Limits, Watching
from decisioning.experiments.design import TrialOutcomes
from decisioning.experiments.trials import trial_result
from decisioning.experiments.triggered import triggered_result
from decisioning.off_policy.evaluate import PolicyEvaluation, evaluate_policy
from decisioning.outcomes.groups import compare_groups
from decisioning.outcomes.realised import Realisation, realisation
from decisioning.policies.trial import Trial
from domain.estimate import Estimate
from domain.health import Light, Reading
from serving.effects import ArmComparison, Effects
from serving.figures.files import write_effects, write_trials
from serving.promises import Promise
from serving.trial_report import TrialReport, TriggeredReport
from serving.watching.alarms import keep_readings
from serving.watching.offers import promised
from serving.what_if.evaluations import EvaluationRecord, keep_evaluation
from tests.serving.build import AS_OF
from tests.serving.what_if.evaluations import record_of

STARTS = date(2026, 2, 2)
NOTES = ("without `counts_as`, the effect of budget_check is not measured",)


def write_evidence(folder: Path) -> None:
    """Effects, trials, an offer that earns half, lights of each colour, and evaluations with each verdict."""
    since = AS_OF - timedelta(days=90)
    generator = np.random.default_rng(1)
    group = np.where(generator.random(8_000) < 0.1, "holdout", "programme")
    scores = generator.exponential(np.where(group == "holdout", 10.0, 12.0))
    few = np.where(generator.random(400) < 0.05, "random_offer", "standard")
    comparisons = (
        ArmComparison(since, AS_OF, compare_groups(scores, group, "holdout"), AS_OF - timedelta(days=30)),
        ArmComparison(since, AS_OF, compare_groups(scores[:400], few, "standard"), AS_OF + timedelta(days=500)),
    )
    nothing = Realisation(3, 0.0, 0.0, Estimate(nan, nan, nan))
    offers = {"savings_plus": half(), "budget_check": nothing}
    write_effects(folder / "figures", Effects(AS_OF, "EUR", comparisons, offers, NOTES).to_json())
    reports = [report("bonus", 3.0), report("calm", 0.0, guardrail=0.3), report("later", None)]
    write_trials(folder / "figures", AS_OF, [one.to_json() for one in reports])
    keep_readings(folder / "figures", readings(), Watching(), {}, AS_OF)
    for record in evaluations():
        keep_evaluation(folder / "figures", record)


def half() -> Realisation:
    return realisation([60.0, 0.0, 0.0, 0.0] * 300, [30.0] * 1200)


def report(name: str, gain: float | None, guardrail: float = 0.0) -> TrialReport:
    """A trial of four weeks with this gain; None if it has not begun. The guardrail breaks more often in the arm."""
    trial = Trial(
        name=name, question=f"Is {name} better?", arms={"usual": 0.5, "new": 0.5}, control="usual", starts=STARTS,
        ends=STARTS + timedelta(days=27), expected_gain=2.0, guardrails=("complaint",),
    )  # fmt: skip
    if gain is None:
        return TrialReport(trial, 900, 4_000.0, 0, None)
    generator = np.random.default_rng(2)
    arm = np.where(generator.random(6_000) < 0.5, "usual", "new")
    outcome = generator.exponential(np.where(arm == "new", 10.0 + gain, 10.0))
    complaints = generator.random(6_000) < np.where(arm == "new", 0.1 + guardrail, 0.1)
    result = trial_result(TrialOutcomes.of(outcome, arm, guardrails={"complaint": complaints}), trial.design, days=28)
    triggered = generator.random(6_000) < 0.4
    outcomes, unknown = TrialOutcomes.of(outcome, arm), generator.random(6_000) < 0.1
    found = triggered_result(outcomes, trial.design, triggered, unknown, days=28)
    lost = {"the record is no longer kept": sum(found.unknown.values())}
    return TrialReport(trial, 6_000, 4_000.0, 28, result, triggered=TriggeredReport(found, 20_000, lost))


def readings() -> list[Reading]:
    said = "only one night was decided by these models, so that nothing can have moved"
    promise = Promise(accepted=realisation([1.0, 0.0] * 300, [0.5] * 600), realised=half())
    return [
        *promised({"savings_plus": promise}, Limits()),
        Reading(check="drift", subject="", light=Light.UNKNOWN, value=None, sentence=said),
        Reading(check="impressions", subject="budget_check", light=Light.AMBER, value=7.0,
                sentence="budget_check was presented 7 times in 28 days"),
        Reading(check="impressions", subject="savings_plus", light=Light.AMBER, value=9.0,
                sentence="savings_plus was presented 9 times in 28 days"),
    ]  # fmt: skip


def evaluations() -> list[EvaluationRecord]:
    """A challenger to ship, a proposal to stop, and a policy that is held for lack of support; the newest first."""
    early, model = {"as_of": AS_OF - timedelta(days=1)}, {"demo-propensity": "7:ab12"}
    return [
        record_of(evaluated(0.9), "challenger", kind="model", versions={"bank": "b" * 64, **model}),
        record_of(evaluated(0.1), "proposal:1", **early, left_out={}),
        record_of(evaluated(0.5, unknown=0.4), "savings_autumn.yaml", as_of=AS_OF - timedelta(days=2)),
    ]


def evaluated(better: float, unknown: float = 0.0) -> PolicyEvaluation:
    """A policy that makes the better of two offers with this probability, and one that was never made."""
    generator = np.random.default_rng(4)
    action = generator.integers(2, size=4_000)
    accepted = generator.random(4_000) < np.where(action == 1, 0.15, 0.05)
    target = np.array([(1.0 - better) * (1.0 - unknown), better * (1.0 - unknown), unknown])
    return evaluate_policy(
        action, 40.0 * accepted, np.full(4_000, 0.5), np.tile(target, (4_000, 1)),
        segment=np.where(generator.random(4_000) < 0.3, "mature", "growth"),
    )  # fmt: skip
