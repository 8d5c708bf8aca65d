"""Rollouts from beginning to end: a good challenger comes into charge, and a bad one is taken back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select

from domain.errors import ModelError
from records.schema import AUDIT, DECISIONS, VERSIONS
from tests.wiring.rollout_world import SETTINGS, RolloutWorld
from wiring.rollout import Rollout

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
    parts, desk = world.parts, Rollout(world.parts, "test")
    first = world.train(1, form="rates")
    assert parts.models.champion("propensity") == first, "the first model need not wait"
    challenger = world.train(2)
    assert parts.models.champion("propensity") == first, "the second one waits"
    world.live(2)

    desk.start(**STEP, now=world.today)
    with pytest.raises(ModelError, match="stays in the shadow") as early:
        desk.next(**STEP, now=world.today)
    assert "hold" in str(early.value)
    world.live(21)
    assert set(answered(world, 21)) == {first.version}, "what is in the shadow answers nobody"
    gates = {one.name: one for one in desk.gates(desk.state(world.today), world.today)}
    assert {name: str(one.verdict) for name, one in gates.items() if one.verdict.word != "ship"} == {}
    desk.next(**STEP, now=world.today)

    world.live(21)
    both = answered(world, 21)
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
    desk = Rollout(world.parts, "test")
    first, bad = world.train(1), world.train(2, sign=-1.0)
    world.live(8)
    desk.start(**STEP, now=world.today)
    world.live(14)
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
    desk = Rollout(world.parts, "test")
    good, bad = world.train(1), world.train(2, sign=-1.0)
    world.parts.models.registry.promote(bad, by="somebody", why="in a hurry", at=world.today)
    world.live(14)
    assert [one.subject for one in desk.check(world.today) if one.light == "red"][-1] == "back"
    assert world.parts.models.champion("propensity") == good


def test_missing_data_holds(world: RolloutWorld) -> None:
    desk = Rollout(world.parts, "test")
    world.train(1)
    world.train(2)
    desk.start(**STEP, now=world.today)
    gates = desk.gates(desk.state(world.today), world.today)
    assert {one.verdict.word.value for one in gates} == {"hold"}
    assert all(one.verdict.reason for one in gates)
    nobody = world.parts.with_bank(
        replace(world.parts.bank, models=replace(world.parts.bank.models, rollout=replace(SETTINGS, groups=())))
    )
    world.live(8)
    fairness = next(
        one for one in Rollout(nobody, "test").gates(desk.state(world.today), world.today) if one.name == "fairness"
    )
    assert "no feature is named" in fairness.verdict.reason or fairness.verdict.word == "hold"


def test_the_shadow_changes_no_byte_of_a_decision(world: RolloutWorld) -> None:
    world.train(1)
    world.train(2)
    features = world._features([f"c{number:02d}" for number in range(60)])
    context_day = world.today

    def records() -> list[str]:
        from decisioning.engine import DecisionContext

        decider = world.parts.decider()
        context = DecisionContext(as_of=context_day, seed=7, channels=["app"])
        made = list(decider.decide_as_assigned(features, context))
        return [one.decider.traces(one.decisions).of(row, "app").text() for one in made for row in range(len(one.rows))]

    before = records()
    Rollout(world.parts, "test").start(**STEP, now=world.today)
    assert world.parts.decider().beside.shadow is not None
    assert records() == before


def test_a_model_that_fails_in_its_slice_is_counted_and_the_champion_decides(
    world: RolloutWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, challenger = world.train(1), world.train(2)
    desk = Rollout(world.parts, "test")
    desk.start(**STEP, now=world.today)
    registry = world.parts.models.registry
    state = desk.state(world.today)
    assert state.model is not None
    from models.registry import SHADOW, SLICE, Move

    registry.give(challenger, Move(at=world.today, alias=SLICE, **STEP))
    registry.take(challenger, Move(at=world.today, alias=SHADOW, given=False, **STEP))
    decider = world.parts.decider()

    class Broken:
        names = decider.beside.arms[0].scorer.names

        def predict(self, *_: object, **__: object) -> np.ndarray:
            raise ValueError("its trees are damaged")

    monkeypatch.setattr(decider._of_arm[0], "propensity", Broken())
    world.live(8)
    assert set(answered(world, 8)) == {first.version}
    [back] = [one for one in desk.check(world.today) if one.subject == "back"]
    assert "it failed in" in back.sentence
    assert desk.state(world.today).stage is None
