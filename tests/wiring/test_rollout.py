"""Rollouts from beginning to end: a good challenger comes into charge, and a bad one is taken back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select

from decisioning.engine import DecisionContext
from decisioning.policies.trial import Trial
from domain.errors import DataError, ModelError, NotFoundError
from models.registry import SHADOW, SLICE, Move
from pipelines.evaluation import evaluate_logged
from pipelines.evaluation_page import GAINS, PAGE, STAGES, evaluation_page, expect_empty, write_evaluation
from records.model_calls import add_calls
from records.schema import AUDIT, DECISIONS, VERSIONS
from serving.champions import read_champions
from serving.rollout.report import read_report
from serving.rollout.requests import BackRequest, ask_back, asked_back
from serving.what_if.evaluations import read_evaluations
from tests.serving.api.build import with_policy
from tests.wiring.rollout_world import RolloutWorld
from wiring.rollout import RolloutControl, do_what_is_asked
from wiring.trials import slow_arm

STEP = {"by": "A. Jansen", "why": "learned the summer"}


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RolloutWorld]:
    world = RolloutWorld(tmp_path, monkeypatch)
    yield world
    world.parts.database.close()


def answered(world: RolloutWorld, since_days: int) -> dict[str, int]:
    """Decisions of the last days by the version that answered them."""
    since = int((world.today - timedelta(days=since_days)).timestamp() * 1_000_000)
    query = select(VERSIONS.c.content).join(DECISIONS).where(DECISIONS.c.as_of >= since)
    found: dict[str, int] = {}
    with world.parts.database.reading() as connection:
        for (content,) in connection.execute(query):
            version = content.partition('"demo-propensity": "')[2].partition(":")[0]
            found[version] = found.get(version, 0) + 1
    return found


def test_a_good_challenger_goes_through_shadow_and_slice_into_charge(world: RolloutWorld) -> None:
    parts, desk = world.parts, RolloutControl(world.parts, "test")
    first = world.train(1, form="rates")
    assert parts.models.champion("propensity") == first, "the first model need not wait"
    challenger = world.train(2)
    assert parts.models.champion("propensity") == first, "the second one waits"
    world.live(6)

    desk.start(**STEP, now=world.today)
    told = read_report(parts.places.figures)
    assert told is not None
    assert (told.stage, told.version, told.share, told.gates) == ("shadow", challenger.version, 0.0, ())
    assert (told.since, told.other) == (world.today, first.version)
    with pytest.raises(ModelError, match="stays in the shadow") as early:
        desk.next(**STEP, now=world.today)
    assert "hold" in str(early.value)
    world.live(10)
    assert set(answered(world, 16)) == {first.version}, "what is in the shadow answers nobody"
    gates = {one.name: one for one in desk.gates(desk.state(world.today), world.today)}
    assert {name: str(one.verdict) for name, one in gates.items() if one.verdict.word != "ship"} == {}
    desk.check(world.today)
    assert read_report(parts.places.figures) == desk.report(world.today), "readings and command have one source"
    [kept] = read_evaluations(parts.places.figures)
    assert (kept.kind, kept.subject, kept.is_watched) == ("model", challenger.version, True)
    assert kept.found.gain_at_any_time.value == gates["value"].value, "the gate has read this evaluation"
    assert kept.versions["demo-propensity"].startswith(f"{challenger.version}:")
    desk.next(**STEP, now=world.today)
    told = read_report(parts.places.figures)
    assert told is not None
    assert (told.stage, told.share, told.gates) == ("slice", 0.5, ()), "gates of the shadow say nothing of the slice"

    world.live(8)
    both = answered(world, 8)
    assert set(both) == {first.version, challenger.version}
    assert 0.3 < both[challenger.version] / sum(both.values()) < 0.7
    state = desk.next(by="B. Smit", why="two calm weeks", now=world.today)
    assert parts.models.champion("propensity") == challenger
    assert state.stage == "champion"
    world.live(1)
    assert set(answered(world, 1)) == {challenger.version}

    moves = [move.sentence for move in parts.models.registry.moves(challenger)]
    assert "shadow given by A. Jansen: learned the summer" in moves
    assert "champion given by B. Smit: two calm weeks" in moves
    with parts.database.reading() as connection:
        audit = [row.detail for row in connection.execute(select(AUDIT).where(AUDIT.c.act == "rollout"))]
    assert f"version {challenger.version} of demo-propensity is champion, by B. Smit: two calm weeks" in audit

    desk.back(by="B. Smit", why="complaints", now=world.today)
    assert parts.models.champion("propensity") == first
    world.live(1)
    assert set(answered(world, 1)) == {first.version}


def test_a_bad_challenger_is_taken_back_from_its_slice_by_itself(world: RolloutWorld) -> None:
    desk = RolloutControl(world.parts, "test")
    first, bad = world.train(1), world.train(2, sign=-1.0)
    world.live(8)
    desk.start(**STEP, now=world.today)
    world.live(9)
    with pytest.raises(ModelError, match=r"stop: .*AUC"):
        desk.next(**STEP, now=world.today)
    readings = desk.check(world.today)
    [back] = [one for one in readings if one.subject == "back"]
    assert back.light == "red"
    assert f"version {bad.version} was taken back from the shadow: its AUC is -" in back.sentence
    state = desk.state(world.today)
    assert (state.stage, world.parts.models.champion("propensity")) == (None, first)
    [_, taken] = [move for move in world.parts.models.registry.moves(bad) if move.alias == "shadow"]
    assert (taken.by, taken.given) == ("nbo", False)


def test_a_bad_champion_is_replaced_by_the_former_one_by_itself(world: RolloutWorld) -> None:
    desk = RolloutControl(world.parts, "test")
    good, bad = world.train(1), world.train(2, sign=-1.0)
    world.parts.models.registry.promote(bad, by="somebody", why="in a hurry", at=world.today)
    world.live(9)
    assert [one.subject for one in desk.check(world.today) if one.light == "red"][-1] == "back"
    assert world.parts.models.champion("propensity") == good


def test_a_model_is_evaluated_on_decisions_that_it_has_not_learned_from(world: RolloutWorld, tmp_path: Path) -> None:
    world.train(1)
    bad = world.train(2, sign=-1.0)
    world.live(9)
    for name in ("challenger", bad.version):
        record = evaluate_logged(world.parts, Path(name), world.today)
        write_evaluation(tmp_path / name, record)
        page = evaluation_page(record)
        assert page.startswith(f"# Stop: {name}"), page[:300]
        assert record.found.gains["dr"].high < 0.0
        assert record in read_evaluations(world.parts.places.figures)
    page = (tmp_path / "challenger" / PAGE).read_text()
    for picture in (GAINS, STAGES):
        assert f"]({picture})" in page
        assert (tmp_path / "challenger" / picture).read_text().startswith("<svg")
    assert "made before the model's last training data" not in record.left_out
    with pytest.raises(DataError, match="the folder is not empty"):
        expect_empty(tmp_path / "challenger")
    with pytest.raises(DataError, match="there is no such policy or model"):
        evaluate_logged(world.parts, Path("challengr"), world.today)


def test_the_arm_of_a_trial_is_decided_by_the_version_that_it_names(world: RolloutWorld) -> None:
    first = world.train(1)
    second = world.train(2)
    day = world.today.date()
    trial = Trial(
        name="newer", question="", arms={"usual": 0.5, "newer": 0.5}, control="usual", starts=day,
        ends=day + timedelta(days=6), expected_gain=1.0, models={"newer": "challenger"},
    )  # fmt: skip
    world.parts.bank = with_policy(world.parts.bank, trials=(trial,))
    world.live(4)
    both = answered(world, 4)
    assert set(both) == {first.version, second.version}
    assert 0.2 < both[second.version] / sum(both.values()) < 0.8
    assert slow_arm(world.parts, trial) is None
    timed = {"decisions": 200, "failed": 0, "own_nanoseconds": 0, "timed": 200}
    for model, nanoseconds in ((first, 10**9), (second, 2 * 10**9)):
        add_calls(world.parts.database, day, {model.cited: {**timed, "all_nanoseconds": nanoseconds}})
    said = slow_arm(world.parts, trial)
    assert said == (
        "a decision of newer takes 10.0 ms of processor time, the control arm 5.0; 1.5 times as much is allowed"
    )


def test_missing_data_holds(world: RolloutWorld) -> None:
    desk = RolloutControl(world.parts, "test")
    world.train(1)
    world.train(2)
    desk.start(**STEP, now=world.today)
    gates = desk.gates(desk.state(world.today), world.today)
    assert {one.verdict.word.value for one in gates} == {"hold"}
    assert all(one.verdict.reason for one in gates)


def test_the_shadow_changes_no_byte_of_a_decision(world: RolloutWorld) -> None:
    world.train(1)
    world.train(2)
    features = world.features([f"c{number:02d}" for number in range(60)])
    context = DecisionContext(as_of=world.today, seed=7, channels=["app"])

    def records() -> list[str]:
        made = list(world.parts.decider().decide_as_assigned(features, context))
        return [one.decider.traces(one.decisions).of(row, "app").text() for one in made for row in range(len(one.rows))]

    before = records()
    RolloutControl(world.parts, "test").start(**STEP, now=world.today)
    assert world.parts.decider().beside.shadow is not None
    assert records() == before


def test_a_model_that_fails_in_its_slice_is_counted_and_the_champion_decides(
    world: RolloutWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, challenger = world.train(1), world.train(2)
    desk = RolloutControl(world.parts, "test")
    desk.start(**STEP, now=world.today)
    registry = world.parts.models.registry
    registry.give(challenger, Move(at=world.today, alias=SLICE, **STEP))
    registry.take(challenger, Move(at=world.today, alias=SHADOW, given=False, **STEP))
    decider = world.parts.decider()

    class Broken:
        names = decider.beside.arms[0].scorer.names

        def predict(self, *_: object, **__: object) -> np.ndarray:
            raise ValueError("its trees are damaged")

    monkeypatch.setattr(decider._of_arm[0].scoring, "propensity", Broken())
    world.live(8)
    assert set(answered(world, 8)) == {first.version}
    [back] = [one for one in desk.check(world.today) if one.subject == "back"]
    assert "it failed in" in back.sentence
    assert desk.state(world.today).stage is None


def test_a_request_of_a_service_is_done_by_who_publishes_models(world: RolloutWorld) -> None:
    world.train(1)
    waits = world.train(2)
    report = RolloutControl(world.parts, "test").report(world.today)
    assert (report.stage, report.version, report.share, report.since) == ("challenger", waits.version, 0.0, None)
    folder, desk = world.parts.places.champions, RolloutControl(world.parts, "test")
    desk.start(**STEP, now=world.today)
    manifest = read_champions(folder)
    assert manifest is not None
    assert set(manifest) == {"propensity", "shadow"}
    ask_back(folder, BackRequest(by="R. Okafor", why="complaints", caller="console"))
    do_what_is_asked(world.parts, world.today)
    assert desk.state(world.today).stage is None
    assert set(read_champions(folder) or {}) == {"propensity"}
    ask_back(folder, BackRequest(by="R. Okafor", why="complaints", caller="console"))
    do_what_is_asked(world.parts, world.today)  # nothing to go back to
    assert asked_back(folder) is None


def test_a_rollout_cannot_start_twice_nor_with_a_model_that_failed_its_gate(world: RolloutWorld) -> None:
    desk = RolloutControl(world.parts, "test")
    with pytest.raises(ModelError, match="no champion to compare with"):
        desk.start(**STEP, now=world.today)
    world.train(1)
    with pytest.raises(ModelError, match="there is no challenger"):
        desk.start(**STEP, now=world.today)
    world.train(2, passed=False)
    with pytest.raises(ModelError, match="has not passed its gate"):
        desk.start(**STEP, now=world.today)
    with pytest.raises(ModelError, match="no rollout is under way"):
        desk.next(**STEP, now=world.today)
    with pytest.raises(NotFoundError, match="there is no former champion"):
        desk.back(**STEP, now=world.today)
    world.train(3)
    desk.start(**STEP, now=world.today)
    with pytest.raises(ModelError, match="a rollout is under way"):
        desk.start(**STEP, now=world.today)
