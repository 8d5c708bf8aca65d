"""Gates on evidence whose truth is known: what is right ships, what harms stops, and what is missing holds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.settings import Rollout
from serving.beside import Calls
from serving.rollout.evidence import Matured, RecentDecisions
from serving.rollout.fairness import fairness_gate
from serving.rollout.gate import verdict_of_all
from serving.rollout.gates import auc_gate, calibration_gate, drift_gate, errors_gate, gates_of, time_gate, value_gate
from serving.what_if.evaluation_arrays import EvaluationArrays

N = 2_000
SETTINGS = Rollout()


def matured(
    *,
    says: float = 1.0,
    sharp: float = 1.0,
    other: float = 1.0,
    better: float = 0.5,
    rows: int = N,
    comparable: int | None = None,
) -> Matured:
    """Decisions between two offers, of which the second is accepted twice as often.

    Args:
        says: Factor by which the model overstates.
        sharp: How well it tells who accepts: 1 as the truth, 0 not at all, -1 the contrary.
        other: The same for the other model.
        better: How often its policy makes the better offer; the logged one does half of the time.
        rows: Decisions.
        comparable: How many of them are older than the longest response window; None for all.
    """
    random = np.random.default_rng(5)
    action = random.integers(2, size=rows)
    liking = random.normal(size=rows)

    def propensity(strength: float) -> np.ndarray:
        return 1.0 / (1.0 + np.exp(2.2 - 0.8 * action - strength * liking))

    accepted = random.random(rows) < propensity(1.0)
    arrays = EvaluationArrays(
        actions=("one", "two"),
        action=action,
        reward=accepted * 10.0,
        probability=np.full(rows, 0.5),
        target=np.tile([1.0 - better, better], (rows, 1)),
        context=liking[:, None],
        customer=np.array([f"c{row}" for row in range(rows)], dtype=object),
        stage=np.full(rows, "growth", dtype=object),
        propensity=np.clip(says * propensity(sharp), 0.0, 1.0),
        known_reward=np.full(2, np.nan),
    )
    groups = {"region": np.array(["north", "south"], dtype=object)[np.arange(rows) % 2]}
    moments = np.full(rows, np.datetime64("2026-01-01", "us"))
    return Matured(
        arrays=arrays,
        other=propensity(other),
        accepted=accepted,
        as_of=moments,
        groups=groups,
        comparable=np.arange(rows if comparable is None else comparable),
    )


def recent(*, south: float = 0.6, moved: float = 0.0, rows: int = N) -> RecentDecisions:
    random, place = np.random.default_rng(6), np.arange(rows) % 2
    return RecentDecisions(
        offered=(random.random(rows) < np.where(place == 1, south, 0.6)).astype(float),
        groups={"region": np.array(["north", "south"], dtype=object)[place]},
        scores=random.beta(2.0, 8.0, rows) + moved,
        before=random.beta(2.0, 8.0, rows),
    )


def calls(failed: int = 0) -> Calls:
    return Calls(decisions=N, failed=failed, own_nanoseconds=5, all_nanoseconds=100)


def test_a_model_that_is_as_good_as_the_champion_ships() -> None:
    gates = gates_of(SETTINGS, matured(), recent(), calls(), None)
    assert verdict_of_all(gates).word == "ship", verdict_of_all(gates)
    assert [one.name for one in gates] == ["value", "calibration", "auc", "fairness", "drift", "errors", "time"]
    assert all(one.value is not None for one in gates)


@pytest.mark.parametrize(
    ("gate", "reason"),
    [
        (value_gate(matured(better=0.0), SETTINGS), "it gains -"),
        (calibration_gate(matured(says=2.0), SETTINGS), "times what it says"),
        (auc_gate(matured(sharp=-1.0), SETTINGS), "its AUC is -"),
        (fairness_gate(recent(south=0.3), matured(), SETTINGS), "south of region is offered something"),
        (drift_gate(recent(moved=0.2), SETTINGS), "its scores have moved by"),
        (errors_gate(calls(failed=60), SETTINGS), "it failed in 60 of 2,000 decisions (3.0%)"),
    ],
)
def test_what_harms_stops_with_its_number(gate: object, reason: str) -> None:
    assert gate.verdict.word == "stop"  # type: ignore[attr-defined]
    assert reason in gate.verdict.reason  # type: ignore[attr-defined]
    assert gate.value is not None  # type: ignore[attr-defined]


def test_a_gap_between_groups_stops_though_the_ratio_is_allowed() -> None:
    settings = replace(SETTINGS, minimum_ratio=0.1)
    assert fairness_gate(recent(south=0.2), matured(), settings).verdict.word == "stop"


def test_who_accepts_and_is_not_offered_it_is_looked_at_too() -> None:
    found = matured()
    rows = (found.groups["region"] == "south")[:, None]
    target = np.where(rows, [[1.0, 0.0]], [[0.0, 1.0]])
    unlike = replace(found, arrays=replace(found.arrays, target=target))
    gate = fairness_gate(recent(), unlike, SETTINGS)
    assert gate.verdict.word == "stop"
    assert "are offered what they accept" in gate.verdict.reason


@pytest.mark.parametrize("given", ["nothing", "few"])
def test_missing_data_holds_at_every_gate(given: str) -> None:
    few = given == "few"
    gates = gates_of(
        SETTINGS, matured(rows=60) if few else None, recent(rows=60) if few else None, Calls(decisions=60 * few), None
    )
    assert {one.verdict.word for one in gates} == {"hold"}
    assert {one.value for one in gates} == {None}
    assert verdict_of_all(gates).word == "hold"


@pytest.mark.parametrize("older", [0, 99])
def test_what_it_earns_is_judged_only_on_decisions_older_than_the_longest_response_window(older: int) -> None:
    found = value_gate(matured(better=0.0, comparable=older), SETTINGS)
    assert found.verdict.word == "hold"
    assert found.verdict.reason == f"{older} decisions are older than the longest response window; 100 are needed"


def test_a_model_that_says_nothing_of_an_offer_holds() -> None:
    found = matured()
    silent = replace(found, arrays=replace(found.arrays, propensity=np.full(N, np.nan)))
    assert calibration_gate(silent, SETTINGS).verdict.word == "hold"
    assert auc_gate(silent, SETTINGS).verdict.word == "hold"


def test_a_difference_of_few_customers_may_be_chance_and_holds() -> None:
    small = fairness_gate(recent(south=0.4, rows=100), matured(), SETTINGS)
    assert small.verdict.word == "hold"
    assert "may be chance" in small.verdict.reason


def test_a_slow_shadow_holds() -> None:
    assert time_gate(Calls(own_nanoseconds=11, all_nanoseconds=100), SETTINGS).verdict.word == "hold"


def test_groups_have_to_be_named() -> None:
    gate = fairness_gate(replace(recent(), groups={}), matured(), SETTINGS)
    assert gate.verdict.word == "hold"
    assert "rollout.groups" in gate.verdict.reason
